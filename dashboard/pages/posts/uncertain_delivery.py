"""Resolution of an uncertain delivery by a user: it was published (with its link), it was not, or
it is closed without an answer.

The card is used on the home page, the approvals page and the page of the post. Irreversible actions
need two clicks: the second one shows the risk and is enabled after a delay.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.uncertain_delivery_queries import UncertainDelivery
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from schedules.posts import queries
from schedules.publishing import uncertain_deliveries
from tenants.agencies.rights import Right

WAIT = 3.0
"""Seconds before the second click is enabled, so that the risk can be read."""

TICK = "1s"
AGAIN = "again"
LEAVE = "leave"


def render_uncertain_delivery(page: PageContext, doubt: UncertainDelivery, now: datetime) -> None:
    """Render the lookups so far and the three possible answers. `now` is UTC-aware."""
    entry = doubt.entry
    key = str(entry.delivery_id)
    with forms.open_fields(page, f"link:{key}"):
        draw_template(
            "pages/posts/templates/uncertain_delivery.html",
            doubt=doubt,
            now=now,
            voice=page.localizer,
            word=page.text,
        )
        st.text_input(
            page.text("doubt.link"),
            key=f"link:{key}",
            placeholder="https://",
            max_chars=uncertain_deliveries.MAX_PAGE_ADDRESS_LENGTH,
        )
        forms.show_field_error("link")
        with st.container(horizontal=True, gap="small"):
            there = partial(_confirm_published, page, entry.delivery_id)
            actions.action_button(
                page, "doubt.there", there, right=Right.APPROVE, key=f"there:{key}", kind="primary"
            )
            first = (AGAIN,) if doubt.is_partly_live else (AGAIN, LEAVE)
            for what in first:
                st.button(
                    page.text(f"doubt.{what}"),
                    key=f"{what}:{key}",
                    on_click=_store_first_press,
                    args=(key, what),
                )
        if asked := _find_first_press(key):
            _render_confirmation(page, doubt, asked[0])


def _state_key(key: str) -> str:
    return f"doubt:{key}"


def _store_first_press(key: str, what: str) -> None:
    st.session_state[_state_key(key)] = (what, monotonic())


def _find_first_press(key: str) -> tuple[str, float] | None:
    """Return the action of the first click and its instant on the monotonic clock."""
    found: tuple[str, float] | None = st.session_state.get(_state_key(key))
    return found


def _remaining_wait(key: str) -> float:
    """Return the seconds until the second click is enabled. The result is never zero without a
    first click."""
    asked = _find_first_press(key)
    return WAIT if asked is None else asked[1] + WAIT - monotonic()


@st.fragment(run_every=TICK)
def _render_confirmation(page: PageContext, doubt: UncertainDelivery, what: str) -> None:
    """Render the second click. The fragment refreshes every second while the button is disabled."""
    entry = doubt.entry
    key = str(entry.delivery_id)
    draw_template(
        "shell/templates/note.html", note=page.text(f"doubt.{what}_risk", account=entry.channel)
    )
    act = partial(_resend_delivery if what == AGAIN else _close_delivery, page, entry.delivery_id)
    with st.container(horizontal=True, gap="small"):
        waits = _remaining_wait(key) > 0
        actions.action_button(
            page,
            f"doubt.{what}_sure",
            act,
            right=Right.APPROVE,
            key=f"{what}:sure:{key}",
            disabled=waits,
        )
        st.button(
            page.text("doubt.back"),
            key=f"back:{key}",
            type="tertiary",
            on_click=_clear_first_press,
            args=(key,),
        )


def _clear_first_press(key: str) -> None:
    st.session_state.pop(_state_key(key), None)


def _check_own_delivery(page: PageContext, scope: Scope, delivery_id: UUID) -> None:
    """Raise NotFound unless the member works for the creator of the post."""
    page.get_creator(
        scope,
        queries.get_stored_post(scope, queries.post_id_of_delivery(scope, delivery_id)).creator_id,
    )


def _confirm_published(page: PageContext, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    _check_own_delivery(page, scope, delivery_id)
    link = str(actions.typed_value(f"link:{delivery_id}") or "").strip()
    if not link:
        raise BadInput("delivery.no_link").about("link")
    uncertain_deliveries.resolve_uncertain_delivery(
        scope, delivery_id, member_id=page.viewer.member.id, url=link
    )
    return Message("doubt.looked_at")


def _resend_delivery(page: PageContext, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    _check_own_delivery(page, scope, delivery_id)
    _check_wait_elapsed(str(delivery_id))
    uncertain_deliveries.resolve_uncertain_delivery(
        scope, delivery_id, member_id=page.viewer.member.id, url=""
    )
    _clear_first_press(str(delivery_id))
    return Message("doubt.sent_again")


def _close_delivery(page: PageContext, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    _check_own_delivery(page, scope, delivery_id)
    _check_wait_elapsed(str(delivery_id))
    uncertain_deliveries.close_uncertain_delivery(
        scope, delivery_id, member_id=page.viewer.member.id
    )
    _clear_first_press(str(delivery_id))
    return Message("doubt.left")


def _check_wait_elapsed(key: str) -> None:
    if _remaining_wait(key) > 0:
        raise Conflict("doubt.read_first")
