"""What platforms call about: for an application of the agency, whose secret is sealed on the spot, or for the whole
installation, whose secrets are among its settings."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels import abilities, calls, subscribing
from channels.calls import SECRET, Called
from channels.reads import Channel
from channels.subscribing import Subscription
from connectors.calling import Calling, Subscribes
from dashboard import acting, session
from dashboard.frame import Page
from dashboard.reads.channels import connectors
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from tenants import letterbox
from tenants.roles import Right

LEAST = 16
"""Characters of a secret: a shorter one is something else that was copied."""


def show(page: Page, channels: Sequence[Channel]) -> None:
    """Draw the part; nothing where no platform of the agency's, and none of these accounts', calls."""
    able = {name: one for name, one in connectors().items() if isinstance(one, Calling)}
    found = [one for one in page.read(calls.applications) if one.platform in able]
    theirs = [one for one in channels if isinstance(abilities.of(connectors(), one), Subscribes)]
    if not found and not theirs:
        return
    st.subheader(page.word("calls.title"), anchor="calls")
    st.write(page.word("calls.explained"))
    base = settings.load().public_url.rstrip("/")
    if not base.startswith("https://"):
        st.info(page.word("calls.no_address"))
        return
    for one in found:
        with st.container(border=True):
            _application(page, one, base)
    if theirs:
        with st.container(border=True):
            _of_house(page, theirs, base)


def _of_house(page: Page, channels: Sequence[Channel], base: str) -> None:
    """Where Meta calls, what whoever runs the installation sets for it, and how each account stands."""
    stands = page.read(lambda scope: subscribing.of_channels(scope, [one.id for one in channels]))
    st.markdown(f"**{page.word('calls.meta')}**")
    st.caption(page.word("calls.meta_explained"))
    st.code(f"{base}/hooks/meta", language=None)
    for one in channels:
        account = page.label("calls.account", platform=page.word(f"platform.{one.platform}"), account=one.name)
        st.markdown(f"**{account}**")
        st.write(_signed_up(page, stands.get(one.id)))


def _signed_up(page: Page, found: Subscription | None) -> str:
    if found is None or found.state == "off":
        return page.word("calls.meta_off")
    if found.state == "refused":
        return page.voice.say(found.reason or Message("calls.meta_off"))
    if found.called_at is None:
        return page.word("calls.meta_waiting")
    return page.word("calls.heard", at=page.voice.moment(found.called_at, page.read(lambda scope: scope.now)))


def _application(page: Page, one: Called, base: str) -> None:
    platform = page.word(f"platform.{one.platform}")
    st.markdown(f"**{page.label('calls.application', platform=platform, client=one.client_id)}**")
    st.caption(page.word(f"connect.{one.platform}.calls"))
    st.code(f"{base}/hooks/{one.platform}/{page.who.tenant_id}/{one.id}", language=None)
    st.write(_stands(page, one))
    box = f"calls:{one.id}:{one.letter is not None}"
    st.text_input(page.word("calls.secret"), type="password", max_chars=500, autocomplete="off", key=box)
    with st.container(horizontal=True, gap="small"):
        code = "calls.take" if one.letter is None else "calls.replace"
        acting.button(page, code, partial(_take, one.id, box), right=Right.RUN, key=f"{box}:take")
        if one.letter is not None:
            acting.button(page, "calls.end", partial(_end, one.id), right=Right.RUN, key=f"{box}:end")


def _stands(page: Page, one: Called) -> str:
    if one.letter is None:
        return page.word("calls.off")
    if one.called_at is None:
        return page.word("calls.waiting")
    return page.word("calls.heard", at=page.voice.moment(one.called_at, page.read(lambda scope: scope.now)))


def _take(application: UUID, box: str, scope: Scope, _: UUID) -> Message:
    typed = str(acting.typed(box) or "").strip()
    if len(typed) < LEAST or not typed.isascii() or not typed.isprintable() or " " in typed:
        raise BadInput("calls.bad_secret", least=LEAST)
    letter: Mapping[str, str] = {SECRET: typed}
    calls.take(scope, application, letterbox.seal(session.letterbox_key(), scope.tenant_id, letter))
    return Message("calls.taken")


def _end(application: UUID, scope: Scope, _: UUID) -> Message:
    calls.end(scope, application)
    return Message("calls.ended")
