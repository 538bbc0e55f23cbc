"""Denials of the gate after the first request of an attempt, which was only a lookup or an
upload."""

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
    """Return the outcome of an attempt whose next step was denied a permit, and log the denial. No
    visible content was sent.

    If an earlier step had a permit, the next claim decides again and reports the reason. If none
    had, for example because the message is looked up first, a claim would only repeat the lookup:
    the denial is reported here, unless its reasons are transient.
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
    """Request a destination check. Return True if its result is certain within a minute, so that
    members need not be notified yet."""
    return (
        destination_settings_check.request_destination_check(scope, channel_id)
        and destination_settings_check.destination_check_wait(scope, channel_id) is not None
    )
