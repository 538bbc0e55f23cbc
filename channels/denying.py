"""What a no of the gate means that comes after a first request: where nothing was asked for but a look."""

from uuid import UUID

from channels import seeing
from channels.attempts import Attempt
from connectors.answers import SHORT_WAIT
from connectors.outcomes import Outcome, Rejected, Retry
from foundation.database import Scope
from foundation.words import Message
from gate import minting
from gate.minting import Denied


def weigh(scope: Scope, row: Attempt, denied: Denied) -> Outcome:
    """What an attempt comes to whose next step got no permit; the no is kept. Nothing visible was asked for.

    Where an earlier step had a permit, the next claim decides again and says why. Where none had, as before a message
    that is first looked for, a claim would look once more and say nothing: people are told here, unless what keeps it
    back ends by itself.
    """
    minting.record_denial(scope, denied)
    decision = denied.decision
    judged_first = any(step["permit_jti"] for step in row.steps)
    if judged_first or decision.stopped or decision.stale or (decision.unseen and _is_seen_soon(scope, row.channel_id)):
        return Retry(SHORT_WAIT, "account", Message("attempt.stopped_midway"))
    return Rejected(decision.why, permanent=False)


def _is_seen_soon(scope: Scope, channel_id: UUID) -> bool:
    """Have the place looked at; whether somebody surely will within the minute in which people are not told yet."""
    return seeing.ask(scope, channel_id) and seeing.due_in(scope, channel_id) is not None
