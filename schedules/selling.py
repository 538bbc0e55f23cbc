"""Whether each account that a post goes to takes what it asks there and chooses: a price, the platform's options; and
whether what it says otherwise somewhere is said anywhere."""

from collections.abc import Mapping
from uuid import UUID

from channels import abilities
from channels import reads as channel_reads
from connectors import options, pricing
from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import BadInput
from schedules import overrides, planning
from schedules.claiming import GIVEN_AWAY
from schedules.drafting import Draft
from schedules.models import Post
from schedules.states import DeliveryState

OVER = frozenset({DeliveryState.CANCELLED, DeliveryState.REMOVED})


def check(scope: Scope, post_id: UUID, *, connectors: Mapping[str, Connector]) -> None:
    """Refuse a post that an account could not sell, or whose options it does not know, in the transaction that puts it
    there.

    Its time would refuse it as well: this says so while somebody can do something about it. Raises BadInput, NotFound.
    """
    owner = planning.post(scope, post_id)
    _check_options(scope, owner, connectors)
    if not overrides.prices(owner):
        return
    places = {row.channel_id for row in planning.deliveries_of(scope, post_id) if row.state not in OVER}
    for channel_id in sorted(places):
        channel = channel_reads.channel(scope, channel_id)
        if overrides.given_away(owner, channel):
            raise BadInput(GIVEN_AWAY.code)
        said, connector = overrides.content(owner, channel), abilities.known(connectors, channel)
        if said.price is None or connector is None:
            continue
        can, parts = connector.capabilities, len(said.parts) + 1
        wrong = pricing.trouble(said.price, channel.surface, can, media=len(said.media), parts=parts)
        if wrong is not None:
            raise BadInput(wrong.code, **wrong.params)


def check_places(scope: Scope, draft: Draft, *, connectors: Mapping[str, Connector]) -> None:
    """Refuse what a draft says otherwise where no account of its creator could say it: a slip in the name, and the post
    would leave there with the words meant for everybody else. Raises BadInput."""
    if not draft.others:
        return
    hers = channel_reads.channels_of(scope, draft.creator_id)
    known = {*connectors, *(one.platform for one in hers), *(str(one.id) for one in hers)}
    for one in draft.others:
        if one.place not in known:
            raise BadInput("post.no_such_place", place=one.place)


def _check_options(scope: Scope, owner: Post, connectors: Mapping[str, Connector]) -> None:
    """Every place that chooses something, whether the post goes there already or not. Raises BadInput."""
    chosen = [one for one in overrides.read(owner) if one.options]
    mine = channel_reads.channels_of(scope, owner.creator_id) if chosen else []
    platforms = {str(one.id): one.platform for one in mine}
    for one in chosen:
        connector = connectors.get(platforms.get(one.place, one.place))
        if connector is None:
            raise BadInput("option.nowhere", place=one.place[:60])
        if wrong := options.trouble(one.options, connector.capabilities):
            raise BadInput(wrong.code, **wrong.params)
