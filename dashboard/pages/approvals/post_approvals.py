"""Posts pending approval: previews per channel, results of the safety check, and verdicts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import player
from dashboard.media.library_files import (
    REVEAL_KEY_PREFIX,
    reveal_pictures,
    revealed_picture_url,
)
from dashboard.pages.approvals import client_links
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.posts import result_forecasts, review_comments
from dashboard.pages.posts.pending_post import (
    PostContent,
    ReviewPicture,
    get_pending_post,
    load_post_content,
    submit_approval,
)
from dashboard.pages.posts.review_comment_queries import ReviewCommentsView, load_review_comments
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.predictions.rank_models import RankedDraft
from schedules.approvals import decisions
from schedules.approvals.client_links import ClientLink
from schedules.approvals.review_queue import ReviewItem
from schedules.drafts.feed_previews import build_feed_preview
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right

AT = "approvals:at"
TITLE_LENGTH = 90
"""Maximum number of characters of a post in the list."""
VERDICT_FORM_KEY = "approvals:mode"
UNDO = "approvals:undo"
UNDO_SECONDS = timedelta(seconds=10)
VERDICTS = {"change": "change", "reject": "no"}


def render_post_approvals(page: PageContext, found: ApprovalsView) -> None:
    """Draw one post and the list of other pending posts."""
    if not found.posts:
        draw_template("shell/templates/note.html", note=page.text("approvals.no_posts"))
        return
    order = [str(one.post_id) for one in found.posts]
    first = next(
        (
            at
            for at, one in enumerate(found.posts)
            if one.can_be_approved_by(page.viewer.member.principal_id)
        ),
        0,
    )
    at = order.index(st.session_state[AT]) if st.session_state.get(AT) in order else first
    asked = found.posts[at]
    creator = found.creators[asked.creator_id]
    shown, said, link, ranks = page.read(
        lambda scope: _load_review_context(scope, asked, creator, page.viewer.member)
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        _render_post_navigation(page, order, at)
        render_post_header(page, found, asked, shown)
        _render_verdict_actions(page, asked, shown, free=creator.approval_tiers == 0)
        render_previews(page, asked, shown, ranks)
    with right:
        if len(order) > 1:
            _render_post_list(page, found, asked)
        client_links.render_client_link(page, asked, link)
        review_comments.render_comments_read_only(page, said)


def _render_post_list(page: PageContext, found: ApprovalsView, asked: ReviewItem) -> None:
    """Draw all pending posts beside the open one. A row that is pressed opens its post."""
    voice = page.localizer
    columns = ("post", "creator", "time")
    table = Table(
        caption=page.text("approvals.all_waiting"),
        columns=[TableColumn(page.text(f"approvals.column.{one}")) for one in columns],
        rows=[
            TableRow(
                [
                    TableCell((one.title or one.body)[:TITLE_LENGTH] or "…"),
                    TableCell(found.creators[one.creator_id].name),
                    TableCell(voice.format_moment(one.due_at, found.now)),
                ],
                f"open:{one.post_id}",
                is_chosen=one.post_id == asked.post_id,
            )
            for one in found.posts
        ],
    )
    draw_template(
        "pages/approvals/templates/post_list.html", count=len(found.posts), word=page.text
    )
    known = {str(one.post_id) for one in found.posts}
    draw_table(page, table, key="approvals:list", on_press=partial(_press_row, known))


def _press_row(known: Collection[str], sent: str) -> None:
    """Open a post. What is sent comes from the browser."""
    post_id = sent.removeprefix("open:")
    if post_id in known:
        _go_to_post(post_id)


def render_post_header(
    page: PageContext, found: ApprovalsView, asked: ReviewItem, shown: PostContent
) -> None:
    """Draw the creator, publishing time, approvals with expiry, ratings and depicted people."""
    known = {
        "creator": found.creators[asked.creator_id],
        "ends": found.now + decisions.APPROVAL_LIFETIME,
    }
    draw_template(
        "pages/approvals/templates/post.html",
        asked=asked,
        shown=shown,
        found=found,
        voice=page.localizer,
        word=page.text,
        **known,
    )


def _load_review_context(
    scope: Scope, asked: ReviewItem, creator: Creator, member: Member
) -> tuple[
    PostContent,
    ReviewCommentsView,
    tuple[ClientLink | None, datetime] | None,
    Mapping[UUID, RankedDraft],
]:
    shown = load_post_content(scope, asked, creator, member)
    return (
        shown,
        load_review_comments(scope, asked.post_id, member),
        client_links.latest_link_of_post(scope, asked, creator),
        result_forecasts.load_ranks(scope, asked.creator_id, shown.previews),
    )


def _render_post_navigation(page: PageContext, order: list[str], at: int) -> None:
    if len(order) < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("approvals.before", "K", at - 1), ("approvals.after", "J", at + 1)):
            there = order[to % len(order)]
            st.button(page.text(code), key=code, shortcut=key, on_click=_go_to_post, args=(there,))
        draw_template(
            "shell/templates/note.html",
            note=page.text("approvals.place", at=at + 1, total=len(order)),
        )


def _go_to_post(post_id: str) -> None:
    st.session_state.update({AT: post_id, VERDICT_FORM_KEY: ""})


def _render_verdict_actions(
    page: PageContext, asked: ReviewItem, shown: PostContent, *, free: bool
) -> None:
    """Draw the buttons to approve, request changes and reject; the last two need a reason.

    `free` is True if posts of this creator need no approval.
    """
    if shown.own and free:
        draw_template(
            "pages/approvals/templates/no_approval_needed.html",
            post_id=asked.post_id,
            word=page.text,
        )
    elif shown.own:
        draw_template("shell/templates/note.html", note=page.text("approvals.own"))
    elif shown.agreed:
        draw_template("shell/templates/note.html", note=page.text("approvals.agreed"))
    if shown.unseen_pictures and not shown.agreed:
        draw_template("shell/templates/note.html", note=page.text("approvals.look_first"))
    mode = st.session_state.get(VERDICT_FORM_KEY, "")
    with st.container(horizontal=True, gap="small", key="gr_decision"):
        actions.action_button(
            page,
            "approvals.approve",
            partial(_approve_post, page, asked, shown.tier),
            right=Right.APPROVE,
            key=f"approve:{asked.post_id}",
            kind="primary",
            disabled=shown.own or shown.agreed or bool(shown.unseen_pictures),
            shortcut="A",
            icon=":material/check:",
        )
        for code, key, icon in (
            ("change", "E", ":material/edit_note:"),
            ("reject", "X", ":material/close:"),
        ):
            st.button(
                page.text(f"approvals.{code}"),
                key=f"{code}:{asked.post_id}",
                shortcut=key,
                icon=icon,
                on_click=_open_verdict_form,
                args=("" if mode == code else code,),
            )
    if mode in VERDICTS:
        _render_verdict_form(page, asked, mode)


def _open_verdict_form(mode: str) -> None:
    st.session_state[VERDICT_FORM_KEY] = mode


def _render_verdict_form(page: PageContext, asked: ReviewItem, mode: str) -> None:
    with st.container(border=True), forms.open_fields(page, f"verdict:{asked.post_id}"):
        st.radio(
            page.text(f"approvals.why_{mode}"),
            decisions.REJECTION_CODES[VERDICTS[mode]],
            format_func=lambda one: page.text(f"approvals.because.{one}"),
            key=f"why:{mode}",
        )
        st.text_input(page.text("approvals.note"), key=f"note:{asked.post_id}", max_chars=400)
        forms.show_field_error("note")
        act = partial(_reject_post, page, asked.post_id, mode)
        actions.action_button(
            page,
            f"approvals.{mode}_now",
            act,
            right=Right.APPROVE,
            key=f"{mode}_now:{asked.post_id}",
            kind="primary",
        )


def _approve_post(page: PageContext, read: ReviewItem, tier: int, scope: Scope, _: UUID) -> Message:
    asked = get_pending_post(scope, page.list_creators(scope), read.post_id)
    submit_approval(scope, page.viewer.member, asked, tier, digest=read.digest)
    remember_verdicts([read.post_id], scope.now)
    return Message("approvals.approved")


def _reject_post(page: PageContext, post_id: UUID, mode: str, scope: Scope, _: UUID) -> Message:
    get_pending_post(scope, page.list_creators(scope), post_id)
    member = page.viewer.member
    refuse = decisions.request_changes if mode == "change" else decisions.decline_post
    why = str(actions.typed_value(f"why:{mode}"))
    note = str(actions.typed_value(f"note:{post_id}") or "")
    refuse(scope, post_id, member_id=member.id, why=why, note=note)
    forms.set_on_success(VERDICT_FORM_KEY, "")
    if mode == "reject":
        return Message("approvals.rejected")
    remember_verdicts([post_id], scope.now)
    return Message("approvals.change_asked")


def remember_verdicts(posts: Sequence[UUID], now: datetime) -> None:
    """Store the posts whose verdicts can be undone for ten seconds."""
    st.session_state[UNDO] = " ".join([*map(str, posts), now.isoformat()])


def render_undo(page: PageContext) -> None:
    """Draw the undo button for ten seconds after a verdict.

    The container is always drawn, so that the page does not jump.
    """
    with st.container():
        if st.session_state.get(UNDO):
            st.fragment(_render_undo_button, run_every="2s")(page)


def _render_undo_button(drawn: PageContext) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    *posts, at = str(st.session_state.get(UNDO) or "").split(" ")
    if not posts:
        st.rerun()  # The verdict was withdrawn: the post is pending again.
    left = datetime.fromisoformat(at) + UNDO_SECONDS - page.read(lambda scope: scope.now)
    if left <= timedelta(0):
        st.session_state[UNDO] = ""
        st.rerun()
    act = partial(_withdraw_verdicts, page, [UUID(one) for one in posts])
    actions.action_button(
        page,
        "approvals.undo",
        act,
        right=Right.APPROVE,
        key=f"undo:{posts[0]}",
        shortcut="U",
        icon=":material/undo:",
    )


def _withdraw_verdicts(page: PageContext, posts: Sequence[UUID], scope: Scope, _: UUID) -> Message:
    forms.set_on_success(UNDO, "")
    for post_id in posts:
        decisions.withdraw_verdict(scope, post_id, member_id=page.viewer.member.id)
    return Message("approvals.undone")


def render_previews(
    page: PageContext,
    asked: ReviewItem,
    shown: PostContent,
    ranks: Mapping[UUID, RankedDraft] | None = None,
) -> None:
    """Draw the preview of a post for each channel, with its rank among past posts in `ranks`."""
    if shown.unseen_pictures:
        actions.action_button(
            page,
            "approvals.reveal",
            partial(reveal_pictures, page, shown.unseen_pictures),
            right=Right.APPROVE,
            key=f"reveal:{asked.post_id}",
            shortcut="P",
            icon=":material/visibility:",
        )
    seen = {
        shot.asset_id: (revealed_picture_url(shot.asset_id), shot.title) for shot in shown.shots
    }
    render_videos(page, shown.shots)
    wishes = {wish.channel_id: wish for wish in asked.wishes}
    with st.container(horizontal=True, gap="small"):
        for one in shown.previews:
            with st.container(width=380):
                draw_template(
                    "pages/approvals/templates/preview.html",
                    one=one,
                    wish=wishes[one.channel_id],
                    stands=build_feed_preview(one, seen),
                    voice=page.localizer,
                    word=page.text,
                )
                result_forecasts.render_rank(page, (ranks or {}).get(one.channel_id))


def render_videos(page: PageContext, shots: Sequence[ReviewPicture]) -> None:
    """Draw the players of videos and audio files, with the parts that must be viewed."""
    for shot in shots:
        clear = st.session_state.get(f"{REVEAL_KEY_PREFIX}{shot.asset_id}")
        player.render_player(page, shot.reel, clear=clear, covered=shot.covered, seen=shot.seen)
