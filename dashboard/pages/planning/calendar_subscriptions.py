"""Calendar subscriptions: create an iCalendar address, show it once, delete it."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.import_export_queries import load_calendar_subscriptions
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from schedules.calendar import calendar_subscriptions
from schedules.calendar.calendar_subscriptions import CalendarSubscription
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

WHOSE = "address:whose"
WORDS = "address:words"
SECRET = "address:secret"  # noqa: S105  the name of a field, no secret
PRESS = "address:make"
ALL = ""


def render_calendar_subscriptions(page: PageContext, mine: Sequence[Creator]) -> None:
    """Draw this member's subscriptions and the form of a new one."""
    draw_template(
        "pages/planning/templates/section.html",
        title=page.text("address.title"),
        note=page.text("address.what"),
    )
    names = {ALL: page.text("address.all"), **{str(one.id): one.name for one in mine}}
    found = page.read(lambda scope: load_calendar_subscriptions(scope, page.viewer.member))
    actions.show_notices(page, "files:addresses")
    _render_new_address(page)
    for one in found.living:
        _render_calendar_subscription(
            page,
            one,
            names,
            page.localizer.format_moment(one.used_at, found.now) if one.used_at is not None else "",
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            page.text("address.whose"),
            list(names),
            format_func=names.__getitem__,
            key=WHOSE,
            width=260,
        )
        st.checkbox(page.text("address.words"), key=WORDS, wrap=True)
        st.button(page.text("address.make"), key=PRESS, on_click=_handle_create_press)


def _render_new_address(page: PageContext) -> None:
    """Show the new address until the member confirms that they have copied it. It cannot be shown
    again."""
    if SECRET in st.session_state:
        with st.container(border=True):
            st.success(page.text("address.made"))
            st.code(st.session_state[SECRET], language=None, wrap_lines=True)
            st.button(
                page.text("address.copied"), key="address:copied", on_click=_clear_new_address
            )


def _clear_new_address() -> None:
    st.session_state.pop(SECRET, None)


def _render_calendar_subscription(
    page: PageContext, one: CalendarSubscription, names: Mapping[str, str], used: str
) -> None:
    whose = names.get(
        str(one.creator_id) if one.creator_id is not None else ALL, page.text("address.nobody")
    )
    with st.container(border=True, key=f"address:{one.id}"):
        draw_template(
            "pages/planning/templates/calendar_subscription.html",
            one=one,
            whose=whose,
            used=used,
            word=page.text,
        )
        with st.popover(page.text("address.end")):
            draw_template("shell/templates/note.html", note=page.text("address.end_asked"))
            act = partial(_revoke_calendar_subscription, one.id)
            actions.action_button(
                page, "address.end_sure", act, right=Right.RUN, key=f"address:end:{one.id}"
            )


def _handle_create_press() -> None:
    """Create a subscription and show its address."""
    made: list[str] = []
    actions.run_action(partial(_create_calendar_subscription, made), Right.RUN, PRESS)
    if f"press:{PRESS}" not in st.session_state and any(made):
        base = settings.load_settings().web.public_url.rstrip("/")
        st.session_state[SECRET] = f"{base}/ics/{made[-1]}.ics"


def _create_calendar_subscription(made: list[str], scope: Scope, press_id: UUID) -> None:
    whose = str(actions.typed_value(WHOSE) or ALL)
    creator_id = UUID(whose) if whose else None
    made.append(
        calendar_subscriptions.create_calendar_subscription(
            scope, creator_id=creator_id, words=bool(actions.typed_value(WORDS)), key=press_id
        )
    )


def _revoke_calendar_subscription(address_id: UUID, scope: Scope, _: UUID) -> Message:
    calendar_subscriptions.revoke_calendar_subscription(scope, address_id)
    return Message("address.ended")
