"""Edit mode of the composer: changes of a scheduled post, with detection of concurrent changes."""

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
    """Open a post that is not published anywhere in edit mode.

    `at` is the selected occurrence of a recurring post. The address names the post, so that a
    reload opens it again. Call it in a callback or before any widget of the page is rendered.
    """
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
    """Open the current content of the post in the URL. Redirect to its page if it can no longer be
    edited.

    Raise NotFound for a post of a creator the member does not work for.
    """
    found = page.read(lambda scope: load_post(scope, page.list_creators(scope), post_id, at))
    if not found.is_editable:
        actions.set_notice(Message("post.left_already"), bad=True)
        st.query_params.from_dict({"post": str(post_id)})
        st.rerun()
    start_editing(found.post, found.said, found.creator.slug, at)


def render_change_requests(page: PageContext, post_id: UUID) -> None:
    """Render the open change requests of the post."""
    found = page.read(lambda scope: load_change_requests(scope, post_id))
    if found:
        draw_template(
            "pages/compose/templates/change_request.html",
            asked=found,
            voice=page.localizer,
            word=page.text,
        )


def render_concurrent_change(page: PageContext, post_id: UUID, now: Draft) -> bool:
    """Return True if the content of the post has changed since it was opened, and render its
    content `now`."""
    if now.content_only == st.session_state[SEEN_VERSION_KEY]:
        return False
    draw_template(
        "pages/posts/templates/changed_text.html", now=now, post_id=post_id, word=page.text
    )
    return True
