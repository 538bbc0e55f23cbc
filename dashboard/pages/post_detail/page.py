"""The page of one post: content, accounts, timeline and available actions."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.compose import draft, edit_mode
from dashboard.pages.post_detail import (
    channel_actions,
    duplicate_warning,
    feed_preview,
    live_actions,
    option_editor,
    post_edit,
    priority,
)
from dashboard.pages.post_detail.series_actions import render_detach_button, render_series
from dashboard.pages.posts import (
    dry_run_actions,
    labels,
    move_form,
    post_presence,
    publish_actions,
    review_comments,
    timing_warnings,
    uncertain_delivery,
)
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.pages.posts.queries import PostChannel, PostView, load_post
from dashboard.pages.posts.remedies import find_remedy
from dashboard.pages.posts.timeline import build_timeline, next_step
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals.verdicts import APPROVAL_EXPIRES_FIRST
from schedules.calendar.next_steps import WILL_NOT_PUBLISH, NextStep, is_pending_approval
from schedules.drafts import drafts
from schedules.posts.states import CANCELLABLE, MISSING_APPROVAL_CODES, DeliveryState
from tenants.agencies.rights import Right

TICK = "3s"
DECISIONS = frozenset(
    f"calendar.next.{one}" for one in ("held", "failed", "failed_fixed", "broken_off", "draft_free")
)
"""Next steps that require a decision of a member who schedules posts."""
BY_A_YES = MISSING_APPROVAL_CODES | {APPROVAL_EXPIRES_FIRST}
"""Problems that an approval resolves."""


def render_post(page: PageContext, post_id: UUID) -> None:
    """Render a post. Raise NotFound for a post of a creator the member does not work for."""
    at = st.query_params.get("at", "")
    found = page.read(lambda scope: load_post(scope, page.list_creators(scope), post_id, at))
    render_back_button(page)
    post_presence.render_post_presence(post_id)
    draw_template(
        "pages/post_detail/templates/post.html",
        found=found,
        src=library_files.picture_url,
        voice=page.localizer,
        word=page.text,
    )
    labels.render_post_labels(page, found)
    _render_timeline(page, post_id, at, found)
    if found.is_editable:
        feed_preview.render_feed_preview(page, found)
    render_series(page, found)
    if page.has_right(Right.RUN):
        _render_edit_actions(page, found)
        if found.is_editable:
            option_editor.render_option_editor(page, found)
        post_edit.render_post_edit_form(page, found)
        move_form.render_move_form(page, found)
        channel_actions.render_channel_addition(page, found)
    review_comments.render_review_comments(page, post_id)


def _editable_state(found: PostView) -> tuple[bool, frozenset[UUID]]:
    """Return the state that determines which forms the page shows. The page is rerun when it
    changes."""
    changing = (
        place.is_movable or place.entry.state is DeliveryState.PUBLISHED for place in found.places
    )
    offered = zip(found.places, changing, strict=True)
    return found.is_editable, frozenset(place.entry.delivery_id for place, on in offered if on)


@st.fragment(run_every=TICK)
def _render_timeline(drawn: PageContext, post_id: UUID, at: str, first: PostView) -> None:
    """Render the timeline and the next step of each account. The fragment refreshes every three
    seconds."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = (
        first
        if page is drawn
        else page.read(lambda scope: load_post(scope, page.list_creators(scope), post_id, at))
    )
    if _editable_state(found) != _editable_state(first):
        st.rerun()
    actions.show_notices(page, "calendar:story")
    for place in found.places:
        coming = resolve_next_step(page, found, place)
        with st.container(border=True, key=f"place:{place.entry.delivery_id}"):
            draw_template(
                "pages/post_detail/templates/channel.html",
                place=place,
                cure=partial(find_remedy, member=page.viewer.member),
                kept=found.hold_reasons.get(place.entry.delivery_id),
                rule=found.rules.get(place.entry.channel_id),
                lines=build_timeline(found, place),
                coming=coming,
                pending=is_pending_approval(coming),
                counts=place.entry.state is DeliveryState.SCHEDULED
                and not found.is_stopped(place)
                and coming.code != WILL_NOT_PUBLISH,
                says_yes=_can_approve(page, found),
                others_act=not page.has_right(Right.RUN)
                and _is_others(place, says_yes=_can_approve(page, found)),
                now=found.now,
                voice=page.localizer.in_zone(found.creator.zone),
                word=page.text,
            )
            post_edit.render_post_edit_status(page, found.creator.id, place)
            timing_warnings.render_timing_warning(page, found.creator.id, place)
            duplicate_warning.render_duplicate_warning(page, found.creator.id, place)
            if place.doubt is not None and page.has_right(Right.APPROVE):
                uncertain_delivery.render_uncertain_delivery(page, place.doubt, found.now)
            if page.has_right(Right.RUN):
                _render_delivery_actions(page, found, place)
    draw_template("shell/templates/as_of.html", now=found.now, voice=page.localizer, word=page.text)


def _can_approve(page: PageContext, found: PostView) -> bool:
    own = found.post.author_principal == page.viewer.member.principal_id
    return page.has_right(Right.APPROVE) and not own


def _is_others(place: PostChannel, *, says_yes: bool) -> bool:
    """Return True if the member can resolve none of the problems. `says_yes` is true if they may
    approve the post."""
    yes_lacks = any(one.code in BY_A_YES for one in place.troubles)
    return bool(place.troubles) and not (says_yes and yes_lacks)


def resolve_next_step(page: PageContext, found: PostView, place: PostChannel) -> NextStep:
    """Return the next step as this member sees it. Only members with the corresponding buttons are
    prompted for a decision."""
    coming = next_step(found, place)
    return (
        coming
        if page.has_right(Right.RUN) or coming.code not in DECISIONS
        else NextStep("calendar.next.others")
    )


def _render_delivery_actions(page: PageContext, found: PostView, place: PostChannel) -> None:
    entry = place.entry
    about = (page, found.creator.id, place.entry.delivery_id, place.entry.version)
    key = f"{entry.delivery_id}:{entry.version}"
    with st.container(horizontal=True, gap="small"):
        if entry.state is DeliveryState.DRAFT and found.free:
            act = partial(_schedule_draft, page, found.creator.id, found.post.id)
            actions.action_button(
                page, "calendar.plan", act, right=Right.RUN, key=f"plan:{key}", kind="primary"
            )
        if publish_actions.can_retry(entry, free=found.free):
            code = (
                "calendar.finish"
                if entry.state is DeliveryState.BROKEN_OFF
                else "calendar.retry_now"
            )
            actions.action_button(
                page,
                code,
                partial(_retry_delivery, *about),
                right=Right.RUN,
                key=f"again:{key}",
                icon=":material/replay:",
            )
        if entry.state is DeliveryState.SCHEDULED:
            actions.action_button(
                page,
                "calendar.send_now",
                partial(_publish_now, *about),
                right=Right.RUN,
                key=f"now:{key}",
            )
        live_actions.render_live_actions(page, found, place)
        channel_actions.render_single_move(page, found, place)
        priority.render_priority(page, found.creator.id, entry)
        if entry.state in CANCELLABLE:
            with st.popover(page.text("calendar.cancel")):
                draw_template(
                    "shell/templates/note.html",
                    note=page.text("calendar.cancel_asked", account=entry.channel),
                )
                actions.action_button(
                    page,
                    "calendar.cancel_sure",
                    partial(_remove_channel, *about),
                    right=Right.RUN,
                    key=f"skip:{key}",
                )


def _schedule_draft(
    page: PageContext, creator_id: UUID, post_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return publish_actions.schedule_draft_action(scope, post_id)


def _retry_delivery(
    page: PageContext, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return publish_actions.retry_delivery_action(page, scope, delivery_id, version)


def _publish_now(
    page: PageContext, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return publish_actions.publish_now_action(page, scope, delivery_id, version)


def _remove_channel(
    page: PageContext, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    drafts.remove_channel_from_post(scope, delivery_id)
    return Message("calendar.cancelled")


def _render_edit_actions(page: PageContext, found: PostView) -> None:
    about = (found.post, found.said, found.creator.slug)
    at = found.places[0].entry.occurrence_key if found.places else ""
    with st.container(horizontal=True, gap="small"):
        if found.is_editable:
            st.button(
                page.text("calendar.edit"),
                icon=":material/edit:",
                key="post:edit",
                on_click=edit_mode.start_editing,
                args=(*about, at),
            )
        render_detach_button(page, found)
        st.button(
            page.text("calendar.duplicate"),
            icon=":material/content_copy:",
            key="post:duplicate",
            on_click=draft.copy_post,
            args=(*about, found.zone, [one.id for one in found.labels]),
            kwargs={"priority": _priority_of_copy(found)},
        )
        priority.render_lateness(page, found)
        dry_run_actions.render_post_dry_run(page, found)


def _priority_of_copy(found: PostView) -> int:
    """Return the priority of a copy of the post: the highest of its accounts, where 1 is the
    highest, or 0 for a post without accounts."""
    return min((max(place.entry.priority, 1) for place in found.places), default=0)
