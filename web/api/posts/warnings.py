"""What will hold a post, in the answer to the request that wrote it: the same judgement that its
time brings, without sending anything."""

from collections.abc import Mapping
from uuid import UUID

from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.i18n.translation import Message, render_message
from schedules.drafts import drafts, previews
from schedules.posts import deliveries, queries
from schedules.posts.models import Delivery
from schedules.posts.states import PENDING_STATES
from schedules.publishing import preflight
from web.api.common.errors import ERROR_LANGUAGE
from web.api.posts.schemas import WarningOut


def find_warnings(
    scope: Scope, post_id: UUID, connectors: Mapping[str, Connector]
) -> list[WarningOut]:
    """Return what would hold each pending delivery of a post as things are now: its account first,
    then what the post says and shows."""
    rows = [
        row for row in deliveries.deliveries_of_post(scope, post_id) if row.state in PENDING_STATES
    ]
    post = queries.get_stored_post(scope, post_id)
    places = tuple(dict.fromkeys(row.channel_id for row in rows))
    shown = previews.preview_draft(
        scope,
        drafts.draft_of_post(post, places),
        author=post.author,
        connectors=connectors,
        most=len(places),
    )
    content = {one.channel_id: one.reasons for one in shown}
    return [
        _build_warning(row, reason)
        for row in rows
        for reason in _distinct(
            [*preflight.find_troubles(scope, row, connectors), *content.get(row.channel_id, ())]
        )
    ]


def _distinct(reasons: list[Message]) -> list[Message]:
    return list({one.code: one for one in reversed(reasons)}.values())[::-1]


def _build_warning(row: Delivery, reason: Message) -> WarningOut:
    return WarningOut(
        delivery_id=row.id,
        channel_id=row.channel_id,
        code=reason.code,
        text=render_message(reason, ERROR_LANGUAGE),
    )
