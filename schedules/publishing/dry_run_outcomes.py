"""Outcomes of dry runs: a due delivery is checked and its request is built, but not sent."""

from collections.abc import Mapping
from uuid import UUID

from channels.sending import step_runner
from channels.sending.step_runner import PreparedStep
from connectors.contract.connector import Connector
from connectors.contract.outcomes import Outcome, Rejected
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.permits import issuance
from gate.permits.issuance import MintPermit
from schedules.posts.deliveries import get_post
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.publishing import claims
from schedules.publishing.claims import DryRunOnly, PreparedPost, prepare_post


def claim_or_end_dry_run(
    scope: Scope, delivery_id: UUID, *, mint: MintPermit, connectors: Mapping[str, Connector]
) -> tuple[PreparedStep | Outcome, int] | None:
    """Claim a delivery as `claims.claim_delivery` does, or end its dry run and return None.

    Raises the same errors as `claim_delivery`.
    """
    try:
        return claims.claim_delivery(scope, delivery_id, mint=mint, connectors=connectors)
    except DryRunOnly:
        row = get_delivery(scope, delivery_id)
        # Its first parts are published: the rest needs a decision of a member.
        if row.state == DeliveryState.PARTLY:
            raise
        _end_dry_run_delivery(
            scope,
            row,
            prepare_post(scope, row, get_post(scope, row.post_id), connectors),
            connectors,
        )
        return None


def _end_dry_run_delivery(
    scope: Scope, row: Delivery, ready: PreparedPost, connectors: Mapping[str, Connector]
) -> None:
    said = dry_run_outcome(scope, ready, connectors)
    if row.state == DeliveryState.APPROVED:  # due before a member scheduled it
        transition_delivery(scope, row, DeliveryState.SCHEDULED)
    transition_delivery(
        scope, row, DeliveryState.REHEARSED, reason=said, dry_run=True, settled_at=scope.now
    )


def dry_run_outcome(
    scope: Scope, ready: PreparedPost, connectors: Mapping[str, Connector]
) -> Message:
    """Return a message that describes what would be sent now, or the reason that nothing would be.

    The first request is stored as a dry-run attempt.
    """
    if ready.unfit is not None:
        return ready.unfit
    decision = issuance.preview_decision(scope, ready.whole or ready.unit, author=ready.author)
    # The destination is checked just before publishing.
    if not decision.is_allowed and not (
        decision.needs_place_check and ready.channel.can_check_destination
    ):
        return decision.main_reason
    turn = step_runner.dry_run(scope, channel=ready.channel, unit=ready.unit, connectors=connectors)
    if isinstance(turn, Rejected):
        return turn.reason
    length = len(ready.unit.text_of("body"))
    pictures = len(ready.unit.media)
    return Message(
        "delivery.would_leave", {"length": length, "pictures": pictures, "parts": ready.parts}
    )
