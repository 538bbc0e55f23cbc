"""The side panel of a post: preview, state on each account, and actions. The calendar stays usable
beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.approvals import post_approvals
from dashboard.pages.calendar import browser_events, toolbar
from dashboard.pages.calendar.queries import STATE_TONES, TONE_SIGNS
from dashboard.pages.compose import draft, edit_mode
from dashboard.pages.post_detail.page import resolve_next_step
from dashboard.pages.posts import move_form, publish_actions, result_forecasts
from dashboard.pages.posts.pending_post import (
    PostContent,
    get_pending_post,
    load_post_content,
    submit_approval,
)
from dashboard.pages.posts.queries import PostChannel, PostView, load_post
from dashboard.pages.posts.remedies import find_remedy
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError, NotFound
from foundation.i18n.translation import Message
from insights.predictions import post_forecasts, rank_models
from insights.predictions.post_forecasts import RunningPost
from insights.predictions.rank_models import RankedDraft
from schedules.approvals import review_queue
from schedules.approvals.review_queue import ReviewItem
from schedules.calendar.next_steps import is_waiting_for_approval
from schedules.drafts import drafts
from schedules.posts.states import CANCELLABLE, DeliveryState
from schedules.recurrence import series
from tenants.agencies.rights import Right

TICK = "5s"
PLACE = "calendar:panel"


@dataclass(frozen=True)
class PanelView:
    """A post with what its approval needs. `asked` is None if no approval of this member is
    possible."""

    found: PostView
    asked: ReviewItem | None = None
    content: PostContent | None = None
    running: Mapping[UUID, RunningPost] = field(default_factory=dict)
    """Expected results of published deliveries."""
    ranks: Mapping[UUID, RankedDraft] = field(default_factory=dict)
    """Ranks of upcoming deliveries among past posts, by account."""


def render_post_panel(page: PageContext) -> None:
    """Render the panel of the post in the address, if there is one."""
    asked = st.query_params.get(browser_events.PANEL, "")
    at = st.query_params.get("at", "")
    if asked:
        with st.container(key="gr_panel", gap="small"):
            _render_panel(page, asked, at)


@st.fragment
def _render_panel(drawn: PageContext, asked: str, at: str) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    # A button of the panel may have opened another page.
    if st.query_params.get(browser_events.PANEL) != asked:
        st.rerun()
    with st.container(horizontal=True, gap="small", key="gr_panel_top"):
        st.button(
            page.text("calendar.panel.close"),
            icon=":material/close:",
            key="panel:close",
            on_click=browser_events.close_panel,
        )
        st.button(
            page.text("calendar.panel.open"),
            icon=":material/open_in_full:",
            key="panel:open",
            type="tertiary",
            on_click=toolbar.set_address,
            args=({"post": asked, "at": at},),
        )
    try:
        shown = page.read(partial(_load_panel, page, asked, at))
    except GreenroomError as refused:
        st.error(page.localizer.message_text(refused.message))
        return
    _render_post(page, shown, at)


def _load_panel(page: PageContext, asked: str, at: str, scope: Scope) -> PanelView:
    """Return the post. Raises NotFound, also for a post of a creator the member does not work
    for."""
    try:
        post_id = UUID(asked)
    except ValueError as error:
        raise NotFound("post.unknown") from error
    found = load_post(scope, page.list_creators(scope), post_id, at)
    shown = _load_forecasts(scope, found)
    entries = [place.entry for place in found.places]
    waits = any(one.state is DeliveryState.DRAFT or is_waiting_for_approval(one) for one in entries)
    if not waits or not page.has_right(Right.APPROVE):
        return shown
    pending = review_queue.list_review_queue(scope, [found.creator.id], post_id=post_id)
    item = next(iter(pending), None)
    if item is None:
        return shown
    content = load_post_content(scope, item, found.creator, page.viewer.member)
    return replace(shown, asked=item, content=content)


def _load_forecasts(scope: Scope, found: PostView) -> PanelView:
    """Return the post with the expected results of its deliveries."""
    creator_id = found.creator.id
    entries = [place.entry for place in found.places]
    live = [one.delivery_id for one in entries if one.state is DeliveryState.PUBLISHED]
    texts = {
        one.channel_id: rank_models.draft_text(one.title, one.body, one.media)
        for one in entries
        if one.state in post_forecasts.UPCOMING and (one.title or one.body)
    }
    return PanelView(
        found,
        running=result_forecasts.load_running(scope, creator_id, live) if live else {},
        ranks=rank_models.rank_draft(scope, creator_id, texts),
    )


def _render_post(page: PageContext, shown: PanelView, at: str) -> None:
    found = shown.found
    actions.show_notices(page, PLACE)
    draw_template(
        "pages/calendar/templates/panel.html",
        found=found,
        src=library_files.picture_url,
        voice=page.localizer,
        word=page.text,
    )
    _render_states(page, found.post.id, at, found)
    _render_forecasts(page, shown)
    pressed = [_render_approval(page, shown)]
    if page.has_right(Right.RUN):
        pressed += [_render_actions(page, found), move_form.render_move_form(page, found)]
    if any(pressed):
        st.rerun()  # The grid shows the new state at once.


@st.fragment(run_every=TICK)
def _render_states(drawn: PageContext, post_id: UUID, at: str, first: PostView) -> None:
    """Render the state on each account. The panel is drawn again when a state changes."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = (
        first
        if page is drawn
        else page.read(lambda scope: load_post(scope, page.list_creators(scope), post_id, at))
    )
    if _list_versions(found) != _list_versions(first):
        st.rerun()
    draw_template(
        "pages/calendar/templates/panel_states.html",
        found=found,
        steps={
            place.entry.delivery_id: resolve_next_step(page, found, place) for place in found.places
        },
        tones=STATE_TONES,
        signs=TONE_SIGNS,
        cure=partial(find_remedy, member=page.viewer.member),
        voice=page.localizer.in_zone(found.creator.zone),
        word=page.text,
    )


def _render_forecasts(page: PageContext, shown: PanelView) -> None:
    """Render the expected result of each published delivery, and the rank of each upcoming one."""
    lines = []
    for place in shown.found.places:
        entry = place.entry
        running = shown.running.get(entry.delivery_id)
        rank = shown.ranks.get(entry.channel_id)
        if running is not None:
            text = result_forecasts.running_text(page, running)
        elif rank is not None and entry.state in post_forecasts.UPCOMING:
            text = result_forecasts.describe_rank(page, rank)
        else:
            continue
        lines.append((entry.channel, text))
    if lines:
        draw_template("pages/calendar/templates/panel_forecasts.html", lines=lines, word=page.text)


def _list_versions(found: PostView) -> list[tuple[UUID, int]]:
    return [(place.entry.delivery_id, place.entry.version) for place in found.places]


def _render_approval(page: PageContext, shown: PanelView) -> bool:
    """Render the approval if the post is pending. Return True if it was approved in this run.

    Pictures that must be revealed first are reviewed in Approvals.
    """
    asked = shown.asked
    content = shown.content
    if asked is None or content is None:
        return False
    if content.own or content.agreed:
        code = "approvals.own" if content.own else "approvals.agreed"
        draw_template("shell/templates/note.html", note=page.text(code))
        return False
    if content.unseen_pictures:
        draw_template("shell/templates/note.html", note=page.text("approvals.look_first"))
        st.link_button(
            page.text("calendar.panel.review"), "/approvals", icon=":material/fact_check:"
        )
        return False
    return actions.action_button(
        page,
        "approvals.approve",
        partial(_approve_post, page, asked, content.tier),
        right=Right.APPROVE,
        key=f"panel:approve:{asked.post_id}",
        kind="primary",
        icon=":material/check:",
    )


def _approve_post(page: PageContext, read: ReviewItem, tier: int, scope: Scope, _: UUID) -> Message:
    pending = get_pending_post(scope, page.list_creators(scope), read.post_id)
    submit_approval(scope, page.viewer.member, pending, tier, digest=read.digest)
    post_approvals.remember_verdicts([read.post_id], scope.now)
    return Message("approvals.approved")


def _render_actions(page: PageContext, found: PostView) -> bool:
    """Render the actions of members who plan. Return True if one was performed in this run."""
    pressed = False
    about = (found.post, found.said, found.creator.slug)
    with st.container(horizontal=True, gap="small"):
        pressed |= _render_publishing(page, found)
        if found.is_editable:
            st.button(
                page.text("calendar.edit"),
                icon=":material/edit:",
                key="panel:edit",
                on_click=edit_mode.start_editing,
                args=(*about, found.places[0].entry.occurrence_key if found.places else ""),
            )
        st.button(
            page.text("calendar.duplicate"),
            icon=":material/content_copy:",
            key="panel:duplicate",
            on_click=draft.copy_post,
            args=(*about, found.zone, [one.id for one in found.labels]),
        )
        pressed |= _render_skip(page, found)
    return pressed


def _render_publishing(page: PageContext, found: PostView) -> bool:
    """Render the buttons that schedule a draft and retry or publish its deliveries."""
    pressed = False
    if found.free and any(place.entry.state is DeliveryState.DRAFT for place in found.places):
        pressed |= actions.action_button(
            page,
            "calendar.plan",
            partial(_schedule_draft, page, found),
            right=Right.RUN,
            key=f"panel:plan:{found.post.id}",
            kind="primary",
        )
    several = len(found.places) > 1
    for place in found.places:
        entry = place.entry
        key = f"{entry.delivery_id}:{entry.version}"
        if publish_actions.can_retry(entry, free=found.free):
            pressed |= actions.action_button(
                page,
                "calendar.retry" if several else "calendar.retry_now",
                partial(_retry_delivery, page, found, place),
                right=Right.RUN,
                key=f"panel:again:{key}",
                params={"account": entry.channel} if several else None,
                icon=":material/replay:",
            )
    return pressed


def _render_skip(page: PageContext, found: PostView) -> bool:
    left = [place for place in found.places if place.entry.state in CANCELLABLE]
    if not left:
        return False
    with st.popover(page.text("calendar.panel.skip"), icon=":material/event_busy:"):
        names = ", ".join(place.entry.channel for place in left)
        draw_template(
            "shell/templates/note.html",
            note=page.text("calendar.panel.skip_asked", accounts=names),
        )
        return actions.action_button(
            page,
            "calendar.panel.skip_sure",
            partial(_skip_post, page, found, left),
            right=Right.RUN,
            key=f"panel:skip:{found.post.id}:{left[0].entry.occurrence_key}",
        )


def _schedule_draft(page: PageContext, found: PostView, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, found.creator.id)
    return publish_actions.schedule_draft_action(scope, found.post.id)


def _retry_delivery(
    page: PageContext, found: PostView, place: PostChannel, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, found.creator.id)
    entry = place.entry
    return publish_actions.retry_delivery_action(page, scope, entry.delivery_id, entry.version)


def _skip_post(
    page: PageContext, found: PostView, left: list[PostChannel], scope: Scope, _: UUID
) -> Message:
    """Skip the post on all its accounts: one date of a series, or the deliveries that are not
    published yet."""
    page.get_creator(scope, found.creator.id)
    entry = left[0].entry
    if entry.series_id is not None:
        day = date.fromisoformat(entry.occurrence_key[:10])
        series.skip_occurrence(scope, entry.series_id, day)
    else:
        for place in left:
            drafts.remove_channel_from_post(scope, place.entry.delivery_id)
    return Message("calendar.panel.skipped")
