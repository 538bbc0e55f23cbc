"""What a no of the gate means that comes after a first request: where nothing was asked for but a
look."""

from uuid import UUID

from channels.attempts.attempts import Attempt
from channels.connections import destination_settings_check
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.shared.http_responses import SHORT_RETRY
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.permits import issuance
from gate.permits.issuance import PermitDenied


def outcome_of_denial(scope: Scope, row: Attempt, denied: PermitDenied) -> Outcome:
    """What an attempt comes to whose next step got no permit; the no is kept. Nothing visible was
    asked for.

    Where an earlier step had a permit, the next claim decides again and says why. Where none had,
    as before a message that is first looked for, a claim would look once more and say nothing:
    people are told here, unless what keeps it back ends by itself.
    """
    issuance.record_denial(scope, denied)
    decision = denied.decision
    judged_first = any(step["permit_jti"] for step in row.steps)
    if (
        judged_first
        or decision.is_transient
        or decision.is_stale
        or (decision.needs_place_check and _request_place_check(scope, row.channel_id))
    ):
        return Retry(SHORT_RETRY, "account", Message("attempt.stopped_midway"))
    return Rejected(decision.main_reason, permanent=False)


def _request_place_check(scope: Scope, channel_id: UUID) -> bool:
    """Have the place looked at; whether somebody surely will within the minute in which people are
    not told yet."""
    return (
        destination_settings_check.request_destination_check(scope, channel_id)
        and destination_settings_check.destination_check_wait(scope, channel_id) is not None
    )
