"""Limits of the channels of a post: text length, number and kind of media, and thread parts.

A post that exceeds a limit of a channel can be neither scheduled nor approved, because the platform
would refuse it at its time. Problems that other settings can solve until then, such as a paused
account or a missing rating, are warnings instead (`schedules.publishing.preflight`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.sending import step_runner
from connectors.contract.connector import Connector
from connectors.registry import loader
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from gate.contract.units import Unit
from schedules.posts import deliveries, delivery_units
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES, DeliveryState

LIMIT_CODES: Mapping[str, str] = {
    "connectors.text_too_long": "limit.text",
    "telegram.caption_too_long": "limit.caption",
    "connectors.text_too_heavy": "limit.bytes",
    "reddit.title_too_long": "limit.title",
    "youtube.title_too_long": "limit.title",
    "connectors.no_words_there": "limit.no_text",
    "connectors.too_many_media": "limit.media",
    "connectors.medium_unfit": "limit.file",
    "connectors.media_missing": "limit.media_missing",
    "connectors.film_missing": "limit.video_missing",
    "connectors.film_too_long": "limit.video_long",
    "connectors.film_too_short": "limit.video_short",
    "connectors.too_many_parts": "limit.parts",
    "connectors.no_threads": "limit.no_threads",
    "connectors.comment_alone": "limit.comment_alone",
    "connectors.comment_words": "limit.comment_text",
}
"""Reasons of connectors that are limits of the channel, and the message that names the channel and
the excess."""

_CHECKED_STATES = PENDING_STATES | {DeliveryState.HELD}

_SIZES = (("length", "most"), ("size", "most"), ("count", "most"), ("seconds", "most"))


@cache
def _installed_connectors() -> Mapping[str, Connector]:
    return loader.load_connectors()


def find_limit_problem(
    units: Sequence[Unit], channel: Channel, connector: Connector, now: datetime
) -> Message | None:
    """Return the first limit of a channel that the marked parts of a post exceed, or None; pure.

    The message names the channel, the part if there are several, and the excess.
    """
    for number, unit in enumerate(units, start=1):
        reason = step_runner.sending_problem(unit, connector, now)
        if reason is not None and reason.code in LIMIT_CODES:
            where = channel.name if len(units) == 1 else f"{channel.name} {number}/{len(units)}"
            return _limit_message(reason, where)
    return None


def _limit_message(reason: Message, where: str) -> Message:
    params = {**reason.params, "where": where}
    for has, most in _SIZES:
        if has in params and most in params:
            params["over"] = int(params[has]) - int(params[most])
            break
    return Message(LIMIT_CODES[reason.code], params)


def require_channel_limits(
    scope: Scope,
    post_id: UUID,
    *,
    channels: Collection[UUID] | None = None,
    connectors: Mapping[str, Connector] | None = None,
) -> None:
    """Refuse a post that exceeds a limit of one of its channels, or of one of `channels`.

    Call it in the transaction that schedules, changes or approves the post. `connectors` are by
    default those of the installation. Raises BadInput, which names the channel and the excess.
    """
    known = _installed_connectors() if connectors is None else connectors
    owner = deliveries.get_post(scope, post_id)
    first: dict[UUID, Delivery] = {}
    for row in deliveries.deliveries_of_post(scope, post_id):
        if row.state in _CHECKED_STATES and (channels is None or row.channel_id in channels):
            first.setdefault(row.channel_id, row)
    for channel_id, row in sorted(first.items()):
        channel = queries.get_channel(scope, channel_id)
        connector = account_connectors.find_connector_for(known, channel)
        if connector is None:
            continue
        try:
            units = _marked_units(scope, row, owner, channel, connector)
        except NotFound:  # An erased picture is no limit; preflight reports it.
            continue
        problem = find_limit_problem(units, channel, connector, scope.now)
        if problem is not None:
            raise BadInput(problem.code, **problem.params)


def _marked_units(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector
) -> Sequence[Unit]:
    """Return the parts of a delivery exactly as they would be sent."""
    material = delivery_units.load_unit_material(scope, owner, [channel])
    unit = delivery_units.compose_unit(scope, row, owner, channel, material)
    raw = delivery_units.compose_thread_units(
        unit, owner, channel, connector.capabilities, material
    )
    return delivery_units.mark_units(scope, raw)
