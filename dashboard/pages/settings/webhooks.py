"""Webhooks of the agency: add, test, pause and delete them, with their newest calls."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard.pages.settings.integration_queries import WebhooksView, load_webhooks
from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.http.address_policy import NOT_PUBLIC
from foundation.i18n.translation import Message
from tenants.agencies.rights import Right
from tenants.vault import sealed_intake
from tenants.webhooks import endpoints
from tenants.webhooks.endpoints import WEBHOOK_EVENTS, Webhook
from tenants.webhooks.outgoing_calls import WebhookCall, retry_call, send_test_event

NAME = "hook:name"
URL = "hook:url"
HEARS = "hook:events"
CREATORS = "hook:creators"
SECRET = "hook:secret"  # noqa: S105  the name of a field, no secret
PRESS = "hook:add"
FORM = "hook:new"


def render_webhooks(page: PageContext) -> None:
    """Draw the webhooks. Only the owner sees them, since they send data out of the agency."""
    if not page.has_right(Right.STAFF):
        return
    found = page.read(load_webhooks)
    st.write(page.text("system.hooks_explained"))
    _render_new_secret(page)
    for hook, calls in found.hooks:
        with st.container(border=True):
            shown = {"hook": hook, "calls": calls, "found": found, "not_public": NOT_PUBLIC}
            draw_template(
                "pages/settings/templates/webhook.html",
                **shown,
                voice=page.localizer,
                word=page.text,
            )
            _render_webhook_actions(page, hook, calls)
    _render_new_webhook_form(page, found)


def _render_new_secret(page: PageContext) -> None:
    """Show the new secret until the owner confirms that they have copied it."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.text("system.hook_secret"))
            st.code(st.session_state[SECRET], language=None)
            st.button(page.text("system.hook_copied"), key="hook:copied", on_click=_clear_secret)


def _clear_secret() -> None:
    st.session_state.pop(SECRET, None)


def _render_webhook_actions(page: PageContext, hook: Webhook, calls: Sequence[WebhookCall]) -> None:
    active = hook.state == "active"
    dead = [call for call in calls if call.state == "dead"]
    with st.container(horizontal=True, gap="small"):
        test = partial(_send_test_event, hook.id)
        actions.action_button(
            page,
            "system.hook_test",
            test,
            right=Right.STAFF,
            key=f"hook.test:{hook.id}",
            disabled=not active,
        )
        turn = partial(_set_webhook_state, hook.id, "paused" if active else "active")
        code = "system.hook_pause" if active else "system.hook_resume"
        actions.action_button(page, code, turn, right=Right.STAFF, key=f"hook.turn:{hook.id}")
        if active and dead:
            again = partial(_retry_calls, tuple(call.id for call in dead))
            actions.action_button(
                page, "system.hook_again", again, right=Right.STAFF, key=f"hook.again:{hook.id}"
            )
        with st.popover(page.text("system.hook_change")):
            st.write(page.text("system.hook_rotate_asked"))
            st.button(
                page.text("system.hook_rotate"),
                key=f"hook.rotate:{hook.id}",
                on_click=_handle_rotate_press,
                args=(hook.id,),
            )
            st.write(page.text("system.hook_end_asked"))
            end = partial(_set_webhook_state, hook.id, "ended")
            actions.action_button(
                page, "system.hook_end", end, right=Right.STAFF, key=f"hook.end:{hook.id}"
            )


def _send_test_event(hook_id: UUID, scope: Scope, _: UUID) -> Message:
    send_test_event(scope, hook_id)
    return Message("system.hook_testing")


def _set_webhook_state(
    hook_id: UUID, state: Literal["active", "paused", "ended"], scope: Scope, _: UUID
) -> Message:
    endpoints.set_webhook_state(scope, hook_id, state=state)
    return Message("system.hook_switched")


def _retry_calls(calls: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    for call_id in calls:
        retry_call(scope, call_id)
    return Message("system.hook_testing")


def _render_new_webhook_form(page: PageContext, found: WebhooksView) -> None:
    names = {str(one.id): one.name for one in found.creators}
    with st.container(border=True), forms.open_fields(page, FORM):
        left, right = st.columns(2)
        left.text_input(
            page.text("system.hook_name"), key=NAME, max_chars=endpoints.MAX_WEBHOOK_NAME
        )
        forms.show_field_error("name", left)
        right.text_input(
            page.text("system.hook_url"),
            key=URL,
            max_chars=endpoints.MAX_WEBHOOK_URL,
            placeholder="https://crm.example/hook",
        )
        forms.show_field_error("url", right)
        st.multiselect(
            page.text("system.hook_events"),
            WEBHOOK_EVENTS,
            default=WEBHOOK_EVENTS,
            format_func=lambda one: page.text(f"system.event.{one}"),
            key=HEARS,
            placeholder=page.text("system.hook_events_hint"),
            select_all=False,
        )
        forms.show_field_error("events")
        st.multiselect(
            page.text("system.hook_creators"),
            list(names),
            format_func=names.__getitem__,
            placeholder=page.text("system.hook_all_creators"),
            key=CREATORS,
            select_all=False,
        )
        st.button(
            page.text("system.hook_add"), key=PRESS, type="primary", on_click=_handle_add_press
        )


def _handle_add_press() -> None:
    """Add a webhook and show its secret."""
    _run_with_new_secret(PRESS, _add_webhook, FORM)


def _handle_rotate_press(hook_id: UUID) -> None:
    _run_with_new_secret(f"hook.rotate:{hook_id}", partial(_rotate_secret, hook_id))


def _run_with_new_secret(
    press: str, act: Callable[[bytes, Scope, UUID], bool], form: str = ""
) -> None:
    """Run `act` with a new secret. Show the secret if the action succeeds."""
    stands: list[bool] = []
    secret = endpoints.create_webhook_secret()

    def acted(scope: Scope, press_id: UUID) -> Message | None:
        letter = sealed_intake.seal_form(
            session.sealed_intake_key(), scope.tenant_id, {"secret": secret}
        )
        stands.append(act(letter, scope, press_id))
        return None

    actions.run_action(acted, Right.STAFF, press, form=form)
    if actions.has_succeeded(press) and any(stands):
        st.session_state[SECRET] = secret


def _add_webhook(letter: bytes, scope: Scope, press_id: UUID) -> bool:
    stands = endpoints.add_webhook(
        scope,
        hook_id=press_id,
        name=str(actions.typed_value(NAME) or ""),
        url=str(actions.typed_value(URL) or "").strip(),
        events=actions.typed_value(HEARS) or (),
        creators=[UUID(one) for one in actions.typed_value(CREATORS) or ()],
        letter=letter,
    )
    forms.set_on_success(NAME, "")
    forms.set_on_success(URL, "")
    return stands


def _rotate_secret(hook_id: UUID, letter: bytes, scope: Scope, _: UUID) -> bool:
    endpoints.rotate_webhook_secret(scope, hook_id, letter=letter)
    return True
