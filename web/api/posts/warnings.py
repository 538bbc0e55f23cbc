"""Warnings in responses about posts: the checks that run before publishing, evaluated now."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from schedules.drafts import drafts, previews
from schedules.posts import deliveries, queries
from schedules.posts.states import PENDING_STATES
from schedules.publishing import preflight
from web.api.common.errors import ERROR_LANGUAGE
from web.api.posts.schemas import WarningOut


def find_warnings(
    scope: Scope, post_id: UUID, connectors: Mapping[str, Connector]
) -> list[WarningOut]:
    """Return the reasons that would prevent each pending delivery of a post from being published
    now: first those of the account, then those of the content."""
    rows = [
        row for row in deliveries.deliveries_of_post(scope, post_id) if row.state in PENDING_STATES
    ]
    places = tuple(dict.fromkeys(row.channel_id for row in rows))
    content = _find_content_reasons(scope, post_id, places, connectors)
    found = []
    for row in rows:
        troubles = preflight.find_troubles(scope, row, connectors)
        for reason in _distinct([*troubles, *content.get(row.channel_id, ())]):
            text = render_message(reason, ERROR_LANGUAGE)
            found.append(
                WarningOut(
                    delivery_id=row.id, channel_id=row.channel_id, code=reason.code, text=text
                )
            )
    return found


def _find_content_reasons(
    scope: Scope, post_id: UUID, places: tuple[UUID, ...], connectors: Mapping[str, Connector]
) -> Mapping[UUID, Sequence[Message]]:
    """Return the reasons against the content, by account. They are empty if an account or picture
    was deleted, which the checks of the deliveries report."""
    post = queries.get_stored_post(scope, post_id)
    draft = drafts.draft_of_post(post, places)
    try:
        shown = previews.preview_draft(
            scope, draft, author=post.author, connectors=connectors, most=len(places)
        )
    except NotFound:
        return {}
    return {one.channel_id: one.reasons for one in shown}


def _distinct(reasons: list[Message]) -> list[Message]:
    return list({one.code: one for one in reversed(reasons)}.values())[::-1]
