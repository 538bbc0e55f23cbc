"""How long a try that came to nothing waits for the next one: longer each time, so that nothing
down is hammered."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from channels.attempts.attempts import Attempt
from connectors.contract.outcomes import Outcome, Rejected, Retry, Uncertain
from connectors.shared.http_responses import SHORT_RETRY
from foundation.ids import derived_uuid

MAX_RETRY_DELAY = timedelta(minutes=5)
_PARTS = 1 << 32


def retry_delay(after: timedelta, tries: int, who: UUID) -> timedelta:
    """The wait of `who` when `tries` came to nothing before this one, one after the other.

    Full jitter over 2 s × 2ⁿ, five minutes at most and never less than `after`; a wait that
    somebody asked for, which is longer than the shortest, stays.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if after > SHORT_RETRY:
        return after
    drawn = derived_uuid(who, "wait", tries).int % _PARTS / _PARTS
    ceiling = min(
        timedelta(seconds=SHORT_RETRY.total_seconds() * 2.0 ** min(tries, 10)), MAX_RETRY_DELAY
    )
    return max(after, ceiling * drawn)


def with_growing_delay(outcome: Outcome, row: Attempt, rows: Sequence[Attempt]) -> Outcome:
    """What an attempt came to, after those of its part and kind in `rows`.

    A wait grows by how many ended so just before it. What is said to stand there already, and was
    looked for in vain when it was said before, is somebody else's: a refusal.
    """
    before = [one for one in rows if (one.part, one.kind) == (row.part, row.kind) and one.n < row.n]
    if (
        isinstance(outcome, Uncertain)
        and outcome.stands
        and any(_has_same_uncertainty(one, outcome) for one in before)
    ):
        return Rejected(outcome.reason, permanent=False)
    if not isinstance(outcome, Retry):
        return outcome
    tries = count_failed_tries(before)
    return Retry(
        retry_delay(outcome.after, tries, row.subject_id),
        outcome.scope,
        outcome.reason,
        outcome.uploads_gone,
    )


def _has_same_uncertainty(one: Attempt, outcome: Uncertain) -> bool:
    return one.outcome == "uncertain" and (one.detail or {}).get("code") == outcome.reason.code


def count_failed_tries(rows: Sequence[Attempt]) -> int:
    """How many of the last attempts, oldest first, came to nothing, one after the other."""
    return next((n for n, one in enumerate(reversed(rows)) if one.outcome != "retry"), len(rows))
