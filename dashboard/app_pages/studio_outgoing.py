"""Studio: what of a creator would leave the house for an engine of others, who said yes to that, and the way back."""

from collections.abc import Collection
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.outgoing import Outgoing, outgoing_of, seller_of, sellers
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from generators.hosting import NAMES
from studio import beginnings, outgoing
from studio.recipes import Spec
from tenants.reads import Creator
from tenants.roles import Right

READ = "outgoing:read"


def edit(page: Page, creator: Creator) -> None:
    """Each engine of others that is set up, with its yes or without; nothing where there is none."""
    engines = sellers(settings.load().generators)
    if not engines or not page.may(Right.RUN):
        return
    found = page.read(lambda scope: outgoing_of(scope, creator.id, engines))
    with st.expander(page.word("outgoing.all"), icon=":material/outbound:"):
        for one in found:
            _engine(page, creator, one)


def _engine(page: Page, creator: Creator, one: Outgoing) -> None:
    """Taking back is one press; a yes needs the mark that its words were read."""
    words, key = _words(page, creator, one.engine), f"{one.engine}:{creator.id}"
    draw("studio_outgoing.html", one=one, name=NAMES[one.engine], words=words, voice=page.voice, word=page.word)
    if one.grant is not None:
        act = partial(_withdraw, page, creator.id, one.engine)
        acting.button(page, "outgoing.withdraw", act, right=Right.RUN, key=f"outgoing:no:{key}")
        return
    st.checkbox(page.word("outgoing.read", name=creator.name), key=f"{READ}:{key}")
    act = partial(_allow, page, creator, one.engine)
    params: dict[str, str | int] = {"engine": NAMES[one.engine]}
    acting.button(page, "outgoing.allow", act, right=Right.RUN, key=f"outgoing:yes:{key}", params=params)


def _words(page: Page, creator: Creator, engine: str) -> str:
    said = page.word("outgoing.words", engine=NAMES[engine], name=creator.name)
    return f"{said} {page.word(f'outgoing.kept.{engine}')}"


def may_go(page: Page, creator_id: UUID, spec: Spec, digests: Collection[str]) -> bool:
    """Say, before a run, why the pictures it works from may not leave the house; whether they may, or need not."""
    generators = settings.load().generators
    if not (engine := page.read(lambda scope: seller_of(scope, generators, spec.engine))):
        return True
    why = page.read(lambda scope: outgoing.refusal(scope, creator_id, engine, digests))
    if why is not None:
        st.error(page.voice.say(why))
        return False
    draw("studio_note.html", note=page.word("outgoing.goes", engine=NAMES.get(engine, engine)))
    return True


def check(scope: Scope, creator_id: UUID, spec: Spec, asset_id: UUID) -> None:
    """Raise Refused for a picture that a run would begin from, and that may not be sent to whoever makes it."""
    if engine := seller_of(scope, settings.load().generators, spec.engine):
        outgoing.check(scope, creator_id, engine, [beginnings.digest(scope, asset_id)])


def _allow(page: Page, creator: Creator, engine: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator.id)
    if not acting.typed(f"{READ}:{engine}:{creator.id}"):
        raise BadInput("outgoing.unread")
    outgoing.allow(scope, creator.id, engine, words=_words(page, creator, engine))
    return Message("outgoing.allowed", {"engine": NAMES[engine]})


def _withdraw(page: Page, creator_id: UUID, engine: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    outgoing.withdraw(scope, creator_id, engine)
    return Message("outgoing.withdrawn", {"engine": NAMES[engine]})
