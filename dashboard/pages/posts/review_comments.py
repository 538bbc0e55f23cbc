"""Review comments below a post: requested changes, edits since then, and comments with replies."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.posts.review_comment_queries import ReviewCommentsView, load_review_comments
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.approvals import review_comments
from schedules.approvals.review_comments import (
    MAX_REVIEW_COMMENT_LENGTH,
    WHOLE_POST,
    CommentAnchor,
    ReviewComment,
)
from tenants.agencies.rights import Right

REQUIRED_RIGHT = Right.APPROVE
"""Right to comment. Every role that may schedule posts has it too."""


def render_review_comments(page: PageContext, post_id: UUID) -> None:
    """Load and render the review comments. Raise NotFound for a post of a creator the member does
    not work for."""
    render_comments_read_only(
        page, page.read(lambda scope: load_review_comments(scope, post_id, page.viewer.member))
    )


def render_comments_read_only(page: PageContext, found: ReviewCommentsView) -> None:
    """Render review comments that were already loaded."""
    if found.wanted or (found.since is not None and found.since.has_changes):
        draw_template(
            "pages/posts/templates/comment_changes.html",
            found=found,
            voice=page.localizer,
            word=page.text,
        )
    draw_template(
        "pages/posts/templates/comment_header.html",
        found=found,
        voice=page.localizer,
        word=page.text,
    )
    if found.told:
        actions.action_button(
            page,
            "talk.read",
            partial(_mark_comments_read, found.post_id),
            right=REQUIRED_RIGHT,
            key=f"talk:read:{found.post_id}",
        )
    for one in found.comments:
        _render_comment_thread(page, found, one)
    _render_new_comment_form(page, found)


def _render_comment_thread(
    page: PageContext, found: ReviewCommentsView, one: ReviewComment
) -> None:
    with st.container(border=True, key=f"talk:{one.id}"):
        draw_template(
            "pages/posts/templates/comment_thread.html",
            found=found,
            one=one,
            src=library_files.picture_url,
            voice=page.localizer,
            word=page.text,
        )
        with st.container(horizontal=True, gap="small"):
            with st.popover(page.text("talk.answer")), forms.open_form(page, f"talk:form:{one.id}"):
                fields = f"{one.id}:{found.comment_count}"
                _render_comment_fields(page, found, fields, internal=one.internal)
                act = partial(_reply_to_comment, one.id, fields)
                actions.submit_button(
                    page, "talk.answer_now", act, right=REQUIRED_RIGHT, key=f"talk:answer:{fields}"
                )
            code, act_of = (
                ("talk.resolve", review_comments.resolve_comment)
                if one.open
                else ("talk.reopen", review_comments.reopen_comment)
            )
            actions.action_button(
                page,
                code,
                partial(_apply_comment_action, one.id, act_of),
                right=REQUIRED_RIGHT,
                key=f"talk:turn:{one.id}:{one.open}",
            )


def _render_new_comment_form(page: PageContext, found: ReviewCommentsView) -> None:
    """Render the form of a new comment. The comment count in its keys clears the fields after a
    comment is added."""
    fields = f"{found.post_id}:{found.comment_count}"
    with st.expander(page.text("talk.new")), forms.open_form(page, f"talk:new:{found.post_id}"):
        st.selectbox(
            page.text("talk.about"),
            list(found.spots),
            format_func=lambda one: page.localizer.message_text(found.spots[one]),
            key=f"talk:spot:{fields}",
        )
        _render_comment_fields(page, found, fields, internal=False)
        if found.inside:
            st.checkbox(page.text("talk.outside"), key=f"talk:outside:{fields}")
        act = partial(_add_comment, found.post_id, fields)
        actions.submit_button(page, "talk.say", act, right=REQUIRED_RIGHT, key=f"talk:say:{fields}")


def _render_comment_fields(
    page: PageContext, found: ReviewCommentsView, fields: str, *, internal: bool
) -> None:
    st.text_area(
        page.text("talk.words"), key=f"talk:words:{fields}", max_chars=MAX_REVIEW_COMMENT_LENGTH
    )
    forms.show_field_error("text")
    readers = [
        one for one in found.listeners if not internal or review_comments.can_read_internal(one)
    ]
    names = {str(one.principal_id): page.markdown("talk.at", name=one.name) for one in readers}
    if names:
        st.multiselect(
            page.text("talk.named"),
            list(names),
            format_func=names.__getitem__,
            key=f"talk:named:{fields}",
            placeholder=page.text("talk.named_hint"),
            select_all=False,
        )


def _list_mentioned_members(fields: str) -> list[UUID]:
    return [UUID(one) for one in actions.typed_value(f"talk:named:{fields}") or ()]


def _add_comment(post_id: UUID, fields: str, scope: Scope, key: UUID) -> Message:
    spot = actions.typed_value(f"talk:spot:{fields}")
    review_comments.add_comment(
        scope,
        post_id,
        str(actions.typed_value(f"talk:words:{fields}") or ""),
        key=key,
        spot=spot if isinstance(spot, CommentAnchor) else WHOLE_POST,
        named=_list_mentioned_members(fields),
        internal=not actions.typed_value(f"talk:outside:{fields}"),
    )
    return Message("talk.said")


def _reply_to_comment(comment_id: UUID, fields: str, scope: Scope, key: UUID) -> Message:
    words = str(actions.typed_value(f"talk:words:{fields}") or "")
    review_comments.reply_to_comment(
        scope, comment_id, words, key=key, named=_list_mentioned_members(fields)
    )
    return Message("talk.said")


def _apply_comment_action(
    comment_id: UUID, act: Callable[[Scope, UUID], None], scope: Scope, _: UUID
) -> Message:
    act(scope, comment_id)
    return Message("talk.resolved" if act is review_comments.resolve_comment else "talk.reopened")


def _mark_comments_read(post_id: UUID, scope: Scope, _: UUID) -> None:
    review_comments.mark_comments_read(scope, post_id)
