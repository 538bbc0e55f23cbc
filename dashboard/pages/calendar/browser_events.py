"""Clicks and keys that the browser reports: a card, an open slot, a day or a shortcut. Each value
is untrusted and is validated and authorized like any other input."""

from datetime import date, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard.pages.calendar import filters, toolbar
from dashboard.pages.compose import draft
from dashboard.pages.posts import publish_actions
from dashboard.shell import actions, page_context
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, parse_wall_time, to_wall_time
from schedules.availability.usual_hours import list_usual_hours
from schedules.posts.transitions import get_delivery
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right, require_right

KEY = "calendar:browser"
PANEL = "panel"
"""Query parameter with the post that the side panel shows; `at` is its occurrence."""

SOON = timedelta(hours=1)
"""Time until a new post of today, if every usual hour of today has passed."""


class ChosenItem(BaseModel):
    """A click or a key as the browser reports it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
    kind: Literal["post", "slot", "new", "day", "retry", "go", "close"]
    post: UUID | None = None
    at: str = Field("", max_length=60)
    creator: str = Field("", max_length=100)
    account: UUID | None = None
    delivery: UUID | None = None
    version: int = Field(0, ge=0, le=2**31)
    day: date | None = None
    name: str = Field("", max_length=20)


def render_browser_events(page: PageContext) -> None:
    """Receive the clicks and keys of the open page."""
    browser_component("calendar")(
        key=KEY,
        data={"keys": toolbar.list_keys(page)},
        on_chosen_change=_handle_event,
        height="content",
    )


def open_panel(post_id: UUID, at: str) -> None:
    """Open the side panel of a post."""
    st.query_params.update({PANEL: str(post_id), "at": at})


def close_panel() -> None:
    """Close the side panel."""
    for name in (PANEL, "at"):
        st.query_params.pop(name, None)


def _handle_event() -> None:
    value = st.session_state[KEY].get("chosen")
    page = page_context.current_page()
    if value is None or page is None:
        return
    try:
        _apply_event(page, _parse_event(value))
    except GreenroomError as refused:
        actions.set_notice(refused.message, bad=True)


def _parse_event(value: object) -> ChosenItem:
    try:
        return ChosenItem.model_validate(value)
    except ValidationError as error:
        raise BadInput("calendar.unreadable") from error


def _apply_event(page: PageContext, chosen: ChosenItem) -> None:
    match chosen:
        case ChosenItem(kind="post", post=UUID() as post_id):
            open_panel(post_id, chosen.at)
        case ChosenItem(kind="close"):
            close_panel()
        case ChosenItem(kind="day", day=date() as day):
            toolbar.set_address({"view": "day", "day": str(day)})
        case ChosenItem(kind="go"):
            if address := toolbar.find_address(page, chosen.name):
                toolbar.set_address(address)
        case ChosenItem(kind="retry", delivery=UUID() as delivery_id):
            act = partial(_retry_delivery, page, delivery_id, chosen.version)
            key = f"again:{delivery_id}:{chosen.version}"
            actions.run_action(act, Right.RUN, key, label="calendar.retry_now")
        case ChosenItem(kind="slot"):
            _start_at_slot(page, chosen)
        case ChosenItem(kind="new", day=date() as day):
            _start_on_day(page, day)
        case _:
            raise BadInput("calendar.unreadable")


def _retry_delivery(
    page: PageContext, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, get_delivery(scope, delivery_id).creator_id)
    return publish_actions.retry_delivery_action(page, scope, delivery_id, version)


def _start_at_slot(page: PageContext, chosen: ChosenItem) -> None:
    """Start a post for an open slot, on its account if it belongs to one."""
    require_right(page.viewer.member.role, Right.RUN)
    creator = _get_own_creator(page, chosen.creator)
    try:
        parse_wall_time(chosen.at, creator.zone)
    except ValueError as error:
        raise BadInput("calendar.unreadable") from error
    draft.start_draft(creator=creator.slug, at=chosen.at)
    if chosen.account is not None:
        st.session_state[draft.ACCOUNTS_KEY] = [str(chosen.account)]


def _start_on_day(page: PageContext, day: date) -> None:
    """Start a post at the first usual hour of a day that has not passed."""
    require_right(page.viewer.member.role, Right.RUN)
    slug = st.session_state.get(filters.CREATOR) or ""
    creator = _get_own_creator(page, slug)
    draft.start_draft(creator=creator.slug, at=str(page.read(partial(_first_time, creator, day))))


def _first_time(creator: Creator, day: date, scope: Scope) -> WallTime:
    hours = list_usual_hours(scope, [creator.id])[creator.id]
    ahead = [WallTime(day, clock, creator.zone) for clock in hours]
    soon = to_wall_time(scope.now + SOON, creator.zone)
    return next((one for one in ahead if one.instant() > scope.now), soon)


def _get_own_creator(page: PageContext, slug: str) -> Creator:
    """Return the creator with this slug, or the first one without a slug. Raises NotFound for a
    creator the member does not work for."""
    mine = page.read(page.list_creators)
    found = next((one for one in mine if slug in ("", one.slug)), None)
    if found is None:
        raise NotFound("creator.unknown", creator=slug)
    return found
