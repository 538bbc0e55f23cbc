"""At the time of what is only rehearsed: it is judged and its request is built, and it ends there."""

from collections.abc import Mapping
from uuid import UUID

from channels import carrying
from channels.carrying import Armed
from connectors.contract import Connector
from connectors.outcomes import Outcome, Rejected
from foundation.database import Scope
from foundation.words import Message
from gate import minting
from schedules import claiming
from schedules.claiming import Mint, OnlyRehearsed, Ready, made_ready
from schedules.models import Delivery
from schedules.moving import delivery, move
from schedules.planning import post
from schedules.states import DeliveryState

S = DeliveryState


def take(
    scope: Scope, delivery_id: UUID, *, mint: Mint, connectors: Mapping[str, Connector]
) -> tuple[Armed | Outcome, int] | None:
    """`claiming.claim`, or the end of what is only rehearsed: None then. Raises as it does."""
    try:
        return claiming.claim(scope, delivery_id, mint=mint, connectors=connectors)
    except OnlyRehearsed:
        row = delivery(scope, delivery_id)
        if row.state == S.PARTLY:  # its first parts stand outside: the rest waits for a person
            raise
        _end(scope, row, made_ready(scope, row, post(scope, row.post_id), connectors), connectors)
        return None


def _end(scope: Scope, row: Delivery, ready: Ready, connectors: Mapping[str, Connector]) -> None:
    said = would(scope, ready, connectors)
    if row.state == S.APPROVED:  # its time came before anybody planned it
        move(scope, row, S.SCHEDULED)
    move(scope, row, S.REHEARSED, reason=said, dry_run=True, settled_at=scope.now)


def would(scope: Scope, ready: Ready, connectors: Mapping[str, Connector]) -> Message:
    """What would be sent now, or why it would not; its first request is written down as a dry attempt."""
    if ready.unfit is not None:
        return ready.unfit
    decision = minting.preview(scope, ready.whole or ready.unit, author=ready.author)
    if not decision.allowed and not (decision.unseen and ready.channel.can_be_seen):  # it is looked at just before
        return decision.why
    turn = carrying.rehearse(scope, channel=ready.channel, unit=ready.unit, connectors=connectors)
    if isinstance(turn, Rejected):
        return turn.reason
    length, pictures = len(ready.unit.text("body")), len(ready.unit.media)
    return Message("delivery.would_leave", {"length": length, "pictures": pictures, "parts": ready.parts})
