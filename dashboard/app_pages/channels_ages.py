"""Who checks the ages of viewers: connect a provider, try its key, end it. What is typed is sealed on the spot."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from channels import ages
from channels.ages import Provider
from channels.states import ProviderState
from connectors.ages import AgeProvider
from dashboard import acting, frame, session
from dashboard.frame import Page
from dashboard.reads.channels import age_providers
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from tenants import letterbox
from tenants.roles import Right

TOLD = {
    ProviderState.WAITING: st.info,
    ProviderState.CONNECTED: st.success,
    ProviderState.REFUSED: st.error,
    ProviderState.OFF: st.info,
}


def show(page: Page, now: datetime) -> None:
    """Draw the part."""
    st.subheader(page.word("ages.title"), anchor="ages")
    found = {one.provider: one for one in page.read(ages.providers)}
    st.write(page.word("ages.explained"))
    for name, provider in age_providers().items():
        with st.container(border=True):
            st.write(f"**{page.word(f'age.name.{name}')}**")
            _provider(page, found.get(name), provider, now)


def _provider(page: Page, known: Provider | None, provider: AgeProvider, now: datetime) -> None:
    name = provider.name
    st.caption(page.word(f"connect.{name}.help"))
    if known is not None:
        said = page.voice.say(known.reason) if known.reason is not None else page.word(f"state.provider.{known.state}")
        TOLD[known.state](said)
        if known.tested_at is not None:
            st.caption(page.word("ages.tested", at=page.voice.moment(known.tested_at, now)))
        if known.state is ProviderState.WAITING:
            _watch(known)
    form = f"age:{name}:{known.state if known is not None else ''}"
    for field in provider.form.fields:
        st.text_input(
            page.word(f"connect.{name}.{field.name}"),
            type="password" if field.secret else "default",
            placeholder=field.example,
            max_chars=500,
            autocomplete="off",
            key=f"{form}:{field.name}",
        )
    with st.container(horizontal=True, gap="small"):
        act = partial(_connect, page, provider, form)
        acting.button(page, "ages.connect", act, right=Right.RUN, key=f"{form}:connect", kind="primary")
        if known is not None and known.state in (ProviderState.CONNECTED, ProviderState.REFUSED):
            acting.button(page, "ages.test", partial(_test, known.id), right=Right.RUN, key=f"{form}:test")
            acting.button(page, "ages.end", partial(_end, known.id), right=Right.RUN, key=f"{form}:end")


@st.fragment(run_every="2s")
def _watch(before: Provider) -> None:
    """Once the provider has answered, the page is drawn anew."""
    page = frame.look()
    if page is not None and before not in page.read(ages.providers):
        st.rerun()


def _connect(page: Page, provider: AgeProvider, form: str, scope: Scope, _: UUID) -> Message:
    fields = provider.form.fields
    typed = {field.name: str(acting.typed(f"{form}:{field.name}") or "").strip() for field in fields}
    missing = [field.name for field in fields if not typed[field.name]]
    if missing:
        raise BadInput("channels.missing", field=page.word(f"connect.{provider.name}.{missing[0]}"))
    letter = letterbox.seal(session.letterbox_key(), scope.tenant_id, typed)
    ages.connect(scope, provider.name, letter, known=age_providers())
    return Message("ages.asked")


def _test(provider_id: UUID, scope: Scope, _: UUID) -> Message:
    ages.ask_test(scope, provider_id)
    return Message("ages.asked")


def _end(provider_id: UUID, scope: Scope, _: UUID) -> Message:
    ages.end(scope, provider_id)
    return Message("ages.ended")
