"""Checks of a post's prices, options and overrides against its accounts."""

from collections.abc import Mapping
from uuid import UUID

from channels.accounts import account_connectors, queries
from connectors.contract.connector import Connector
from connectors.shared import options, prices
from foundation.db.database import Scope
from foundation.errors import BadInput
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries
from schedules.posts.channel_overrides import PAID_CONTENT_SHOWN_FREE
from schedules.posts.models import Post
from schedules.posts.states import DeliveryState

OVER = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVED})


def check_post_requirements(
    scope: Scope, post_id: UUID, *, connectors: Mapping[str, Connector]
) -> None:
    """Refuse a post that an account cannot sell, or that uses unknown platform options.

    Called in the transaction that adds the account, because publishing would refuse it only later.
    Raises BadInput and NotFound.
    """
    owner = deliveries.get_post(scope, post_id)
    _check_options(scope, owner, connectors)
    if not channel_overrides.price_overrides(owner):
        return
    places = {
        row.channel_id
        for row in deliveries.deliveries_of_post(scope, post_id)
        if row.state not in OVER
    }
    for channel_id in sorted(places):
        channel = queries.get_channel(scope, channel_id)
        if channel_overrides.is_paid_content_free(owner, channel):
            raise BadInput(PAID_CONTENT_SHOWN_FREE.code)
        said = channel_overrides.content_for_channel(owner, channel)
        connector = account_connectors.find_connector_for(connectors, channel)
        if said.price is None or connector is None:
            continue
        can = connector.capabilities
        parts = len(said.parts) + 1
        wrong = prices.price_problem(
            said.price, channel.surface, can, media=len(said.media), parts=parts
        )
        if wrong is not None:
            raise BadInput(wrong.code, **wrong.params)


def check_override_places(
    scope: Scope, draft: Draft, *, connectors: Mapping[str, Connector]
) -> None:
    """Refuse overrides for a place that is neither a platform nor an account of the creator.

    With a typo in the name, the account would get the text that is meant for the others. Raises
    BadInput.
    """
    if not draft.others:
        return
    hers = queries.list_creator_channels(scope, draft.creator_id)
    known = {*connectors, *(one.platform for one in hers), *(str(one.id) for one in hers)}
    for one in draft.others:
        if one.place not in known:
            raise BadInput("post.no_such_place", place=one.place)


def _check_options(scope: Scope, owner: Post, connectors: Mapping[str, Connector]) -> None:
    """Check the options of all overrides, also for accounts that are not selected. Raises
    BadInput."""
    chosen = [one for one in channel_overrides.overrides_of_post(owner) if one.options]
    mine = queries.list_creator_channels(scope, owner.creator_id) if chosen else []
    platforms = {str(one.id): one.platform for one in mine}
    for one in chosen:
        connector = connectors.get(platforms.get(one.place, one.place))
        if connector is None:
            raise BadInput("option.nowhere", place=one.place[:60])
        if wrong := options.option_problem(one.options, connector.capabilities):
            raise BadInput(wrong.code, **wrong.params)
