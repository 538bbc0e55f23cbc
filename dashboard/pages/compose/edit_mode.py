"""A planned post that is being changed: opened, come back to, and what was saved in it meanwhile,
never lost unseen."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import draft, unsaved_changes
from dashboard.pages.compose.draft import EDITED_POST_KEY, OPENED_POST_KEY, SEEN_VERSION_KEY
from dashboard.pages.posts.queries import load_post
from dashboard.pages.posts.review_comment_queries import load_change_requests
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.i18n.translation import Message
from schedules.drafts.drafts import Draft, draft_of_post
from schedules.posts.channel_overrides import PostContent
from schedules.posts.queries import StoredPost


def start_editing(
    post: StoredPost, there: Mapping[UUID, PostContent], creator: str, at: str = ""
) -> None:
    """Open a post of which nothing is outside, to change what it says, in a callback, or before
    anything of the page is drawn; `at` is which of its dates was open, where it repeats. The
    address says which it is: opened anew, it is no empty page."""
    draft.copy_post(post, there, creator)
    st.query_params.from_dict({"new": "1", "rework": str(post.id), **({"at": at} if at else {})})
    st.session_state.update(
        {
            EDITED_POST_KEY: str(post.id),
            OPENED_POST_KEY: at,
            SEEN_VERSION_KEY: draft_of_post(post).content_only,
        }
    )
    unsaved_changes.restore_changes(post.id)


def resume_editing(page: PageContext, post_id: UUID, at: str) -> None:
    """Open the post of the address with what it says now; one that cannot be changed any more is
    shown as it stands.

    Raises NotFound for one that is not this member's.
    """
    found = page.read(lambda scope: load_post(scope, page.list_creators(scope), post_id, at))
    if not found.is_editable:
        actions.set_notice(Message("post.left_already"), bad=True)
        st.query_params.from_dict({"post": str(post_id)})
        st.rerun()
    start_editing(found.post, found.said, found.creator.slug, at)


def render_change_requests(page: PageContext, post_id: UUID) -> None:
    """Draw what somebody wants changed in it: whoever writes the other version reads it there."""
    found = page.read(lambda scope: load_change_requests(scope, post_id))
    if found:
        draw_template(
            "pages/compose/templates/change_request.html",
            asked=found,
            voice=page.localizer,
            word=page.text,
        )


def render_concurrent_change(page: PageContext, post_id: UUID, now: Draft) -> bool:
    """Draw what the post says `now` where that is no longer what it said when it was opened;
    whether it is not."""
    if now.content_only == st.session_state[SEEN_VERSION_KEY]:
        return False
    draw_template(
        "pages/posts/templates/changed_text.html", now=now, post_id=post_id, word=page.text
    )
    return True
