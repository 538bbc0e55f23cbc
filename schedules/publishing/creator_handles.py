"""Handles of creators, which can change until published addresses contain them."""

from uuid import UUID

from channels.accounts.queries import list_creator_channels
from channels.creators import profiles
from foundation.db.database import Scope
from foundation.errors import Conflict
from schedules.posts.states import SENT_STATES, DeliveryState
from tenants.agencies import creators

OWN_PAGE = "own_page"

_PUBLISHED = sorted({*SENT_STATES, DeliveryState.REMOVING, DeliveryState.REMOVED})
_PLANNED = sorted({DeliveryState.APPROVED, DeliveryState.SCHEDULED, DeliveryState.HELD})


def is_handle_fixed(scope: Scope, creator_id: UUID) -> bool:
    """Return True if a post of the creator was, or may have been, published anywhere, or one is
    scheduled on the creator's own page."""
    own_pages = [
        channel.id
        for channel in list_creator_channels(scope, creator_id)
        if channel.platform == OWN_PAGE
    ]
    return bool(
        scope.run(
            "SELECT EXISTS (SELECT FROM deliveries"
            " WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND (state = ANY(:published) OR url IS NOT NULL"
            " OR (channel_id = ANY(:own_pages) AND state = ANY(:planned))))",
            tenant=scope.tenant_id,
            creator=creator_id,
            published=_PUBLISHED,
            planned=_PLANNED,
            own_pages=own_pages,
        ).scalar_one()
    )


def change_handle(scope: Scope, creator_id: UUID, handle: str) -> bool:
    """Change the handle of a creator; addresses with the former one redirect. Return False if the
    creator has it.

    Raises Conflict if a post was published, or is scheduled on the creator's page, and the errors
    of `profiles.change_handle`.
    """
    handle = handle.strip()
    if creators.get_profile(scope, creator_id).creator.slug == handle:
        return False
    if is_handle_fixed(scope, creator_id):
        raise Conflict("creator.handle_fixed")
    profiles.change_handle(scope, creator_id, handle)
    return True
