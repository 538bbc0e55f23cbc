"""Duplicate warning of a post on one account, which a member can accept."""

from functools import partial
from uuid import UUID

from dashboard.pages.posts.duplicate_queries import load_delivery_duplicates
from dashboard.pages.posts.queries import PostChannel
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.drafts import duplicates
from schedules.posts.queries import DeliveryEntry
from tenants.agencies.rights import Right


def render_duplicate_warning(page: PageContext, creator_id: UUID, place: PostChannel) -> None:
    """Render the duplicates of a scheduled post on one account and the button that accepts them."""
    entry = place.entry
    if entry.state not in duplicates.UPCOMING_STATES:
        return
    likes = page.read(lambda scope: load_delivery_duplicates(scope, entry.delivery_id))
    if not likes:
        return
    draw_template(
        "pages/posts/templates/duplicates.html",
        likes=likes[:3],
        voice=page.localizer,
        word=page.text,
    )
    if page.has_right(Right.RUN) and not likes[0].refused:
        seen = frozenset(one.post_id for one in likes)
        act = partial(_allow_duplicate, page, creator_id, entry, seen)
        actions.action_button(
            page,
            "repeats.anyway",
            act,
            right=Right.RUN,
            key=f"anyway:{entry.delivery_id}:{entry.version}",
        )


def _allow_duplicate(
    page: PageContext,
    creator_id: UUID,
    entry: DeliveryEntry,
    seen: frozenset[UUID],
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    duplicates.allow_duplicate(
        scope, entry.delivery_id, connectors=platform_connectors(), seen=seen, version=entry.version
    )
    return Message("repeats.noted")
