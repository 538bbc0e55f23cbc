"""Age verification providers: connect one, test its key, disconnect it. Typed credentials are
sealed immediately."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from channels.age_verification import age_checks
from channels.age_verification.age_checks import AgeProviderView
from channels.age_verification.states import AgeProviderState
from connectors.age_verification.providers import AgeProvider
from dashboard.pages.channels.queries import age_providers
from dashboard.shell import actions, forms, page_context, session
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from tenants.agencies.rights import Right
from tenants.vault import sealed_intake

TOLD = {
    AgeProviderState.WAITING: st.info,
    AgeProviderState.CONNECTED: st.success,
    AgeProviderState.REFUSED: st.error,
    AgeProviderState.OFF: st.info,
}


def render_age_verification(page: PageContext, now: datetime) -> None:
    """Render the section on age verification."""
    st.subheader(page.text("ages.title"), anchor="ages")
    found = {one.provider: one for one in page.read(age_checks.list_providers)}
    st.write(page.text("ages.explained"))
    for name, provider in age_providers().items():
        with st.container(border=True):
            st.write(f"**{page.text(f'age.name.{name}')}**")
            _render_provider(page, found.get(name), provider, now)


def _render_provider(
    page: PageContext, known: AgeProviderView | None, provider: AgeProvider, now: datetime
) -> None:
    name = provider.name
    st.caption(page.text(f"connect.{name}.help"))
    if known is not None:
        said = (
            page.localizer.message_text(known.reason)
            if known.reason is not None
            else page.text(f"state.provider.{known.state}")
        )
        TOLD[known.state](said)
        if known.tested_at is not None:
            st.caption(
                page.text("ages.tested", at=page.localizer.format_moment(known.tested_at, now))
            )
        if known.state is AgeProviderState.WAITING:
            _rerun_on_provider_change(known)
    is_connected = known is not None and known.state is AgeProviderState.CONNECTED
    succeeded = (known.id, known.account) if known is not None and is_connected else None
    form = f"age:{name}:{forms.last_success(name, succeeded)}"
    with forms.open_fields(page, form):
        for field in provider.form.fields:
            st.text_input(
                page.text(f"connect.{name}.{field.name}"),
                type="password" if field.secret else "default",
                placeholder=field.example,
                max_chars=500,
                autocomplete="off",
                key=f"{form}:{field.name}",
            )
            forms.show_field_error(field.name)
        with st.container(horizontal=True, gap="small"):
            act = partial(_connect_provider, page, provider, form)
            actions.action_button(
                page, "ages.connect", act, right=Right.RUN, key=f"{form}:connect", kind="primary"
            )
            if known is not None and known.state in (
                AgeProviderState.CONNECTED,
                AgeProviderState.REFUSED,
            ):
                actions.action_button(
                    page,
                    "ages.test",
                    partial(_request_provider_test, known.id),
                    right=Right.RUN,
                    key=f"{form}:test",
                )
                actions.action_button(
                    page,
                    "ages.end",
                    partial(_end_provider, known.id),
                    right=Right.RUN,
                    key=f"{form}:end",
                )


@st.fragment(run_every="2s")
def _rerun_on_provider_change(before: AgeProviderView) -> None:
    """Rerun the page when the provider has responded."""
    page = page_context.current_page()
    if page is not None and before not in page.read(age_checks.list_providers):
        st.rerun()


def _connect_provider(
    page: PageContext, provider: AgeProvider, form: str, scope: Scope, _: UUID
) -> Message:
    fields = provider.form.fields
    typed = {
        field.name: str(actions.typed_value(f"{form}:{field.name}") or "").strip()
        for field in fields
    }
    missing = [field.name for field in fields if not typed[field.name]]
    if missing:
        label = page.text(f"connect.{provider.name}.{missing[0]}")
        raise BadInput("channels.missing", field=label).about(missing[0])
    letter = sealed_intake.seal_form(session.sealed_intake_key(), scope.tenant_id, typed)
    age_checks.connect_provider(scope, provider.name, letter, known=age_providers())
    return Message("ages.asked")


def _request_provider_test(provider_id: UUID, scope: Scope, _: UUID) -> Message:
    age_checks.request_provider_test(scope, provider_id)
    return Message("ages.asked")


def _end_provider(provider_id: UUID, scope: Scope, _: UUID) -> Message:
    age_checks.end_provider(scope, provider_id)
    return Message("ages.ended")
