"""The other members who have a post open or edit it. The line refreshes itself, so that it does not
interrupt typing."""

from uuid import UUID

import streamlit as st

from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from schedules.posts.queries import get_stored_post
from tenants.agencies.queries import list_members
from tenants.presence import presence
from tenants.presence.presence import PresenceSubject

TICK = "5s"


@st.fragment(run_every=TICK)
def render_post_presence(post_id: UUID) -> None:
    """Record that the member has a post open, and draw who else does."""
    page = page_context.current_page()
    if page is None:
        return
    draw_template(
        "pages/posts/templates/presence.html",
        present=page.read(lambda scope: _renew_presence(scope, page, post_id)),
    )


def _renew_presence(scope: Scope, page: PageContext, post_id: UUID) -> list[str]:
    """Raise NotFound for a post of a creator the member does not work for."""
    creator = page.get_creator(scope, get_stored_post(scope, post_id).creator_id)
    me = page.viewer.member.id
    presence.record_presence(scope, me, PresenceSubject("post", post_id, creator.id))
    present = presence.list_presences(scope, me, "post", [creator.id]).get(post_id, ())
    names = {one.id: one.name for one in list_members(scope)} if present else {}
    return [
        page.text(
            "post.someone_edits" if one.active else "post.someone_views",
            name=names.get(one.member_id, "?"),
        )
        for one in present
    ]
