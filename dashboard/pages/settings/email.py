"""Email: the mail server of the agency, its test message, and that of the installation."""

from uuid import UUID

import streamlit as st

from dashboard.shell import actions, page_context, session
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.agencies.queries import get_acting_member
from tenants.agencies.rights import Right
from tenants.notices import mail_servers
from tenants.notices.mail_servers import MailServer, MailServerForm
from tenants.vault import sealed_intake

_FIELDS = ("host", "user", "sender")
PASSWORD = "email:password"  # noqa: S105  the name of a field, no secret


def render_email(page: PageContext) -> None:
    """Draw the mail server of the agency, and which one is used without it."""
    found = page.read(mail_servers.find_mail_server)
    if found is None:
        missing = session.missing_mail_settings()
        code = "settings.mail_none" if missing else "settings.mail_house"
        st.write(page.text(code, names=", ".join(missing)))
    with st.form("email", border=True):
        _render_fields(page, found)
        actions.submit_button(
            page,
            "settings.save",
            _save_mail_server,
            right=Right.STAFF,
            key="email:save",
            refusal="email",
        )
    if found is not None:
        _render_test(page, found)
        actions.action_button(
            page,
            "settings.mail_remove",
            _remove_mail_server,
            right=Right.STAFF,
            key="email:remove",
        )


def _render_fields(page: PageContext, found: MailServer | None) -> None:
    left, right = st.columns(2)
    left.text_input(
        page.text("settings.mail_host"),
        found.host if found else "",
        key="email:host",
        placeholder="smtp.example.com",
        max_chars=253,
    )
    right.number_input(
        page.text("settings.mail_port"),
        mail_servers.PORTS[0],
        mail_servers.PORTS[-1],
        found.port if found else mail_servers.DEFAULT_PORT,
        key="email:port",
    )
    kinds = mail_servers.SECURITY
    left, right = st.columns(2)
    left.selectbox(
        page.text("settings.mail_security"),
        kinds,
        index=kinds.index(found.security) if found else 0,
        format_func=lambda one: page.text(f"settings.mail_security_{one}"),
        key="email:security",
    )
    right.text_input(
        page.text("settings.mail_sender"),
        found.sender if found else "",
        key="email:sender",
        placeholder="greenroom@example.com",
        max_chars=254,
    )
    left, right = st.columns(2)
    left.text_input(
        page.text("settings.mail_user"),
        found.user if found else "",
        key="email:user",
        max_chars=254,
        autocomplete="off",
    )
    right.text_input(
        page.text("settings.mail_password"),
        type="password",
        key=PASSWORD,
        placeholder=page.text("settings.mail_kept") if found and found.has_password else "",
        max_chars=mail_servers.MAX_PASSWORD_LENGTH,
        autocomplete="new-password",
    )


def _save_mail_server(scope: Scope, _: UUID) -> Message:
    typed = {name: str(actions.typed_value(f"email:{name}") or "") for name in _FIELDS}
    password = str(actions.typed_value(PASSWORD) or "")
    letter = None
    if password:
        letter = sealed_intake.seal_form(
            session.sealed_intake_key(), scope.tenant_id, {mail_servers.PASSWORD: password}
        )
    mail_servers.set_mail_server(
        scope,
        MailServerForm(
            port=int(actions.typed_value("email:port")),
            security=str(actions.typed_value("email:security")),
            letter=letter,
            **typed,
        ),
    )
    actions.clear_fields(PASSWORD)
    return Message("settings.mail_saved")


@st.fragment(run_every="3s")
def _render_test(drawn: PageContext, before: MailServer) -> None:
    """Draw the button for a test message and the result of the last one."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = before if page is drawn else page.read(mail_servers.find_mail_server)
    actions.show_notices(page, "email")
    actions.action_button(
        page, "settings.mail_test", _request_test, right=Right.STAFF, key="email:test"
    )
    match found.test_state if found is not None else "":
        case "waiting":
            st.info(page.text("settings.mail_waiting"))
        case "sent":
            st.success(page.text("settings.mail_sent", address=page.viewer.member.email))
        case "failed" if found is not None and found.test_reason is not None:
            st.error(page.localizer.message_text(found.test_reason))


def _request_test(scope: Scope, press_id: UUID) -> None:
    member = get_acting_member(scope, "terms.people_only")
    mail_servers.request_mail_test(scope, press_id, member.id)


def _remove_mail_server(scope: Scope, _: UUID) -> Message:
    mail_servers.remove_mail_server(scope)
    return Message("settings.mail_removed")
