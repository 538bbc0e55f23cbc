"""Delays between failed attempts, which grow so that an unavailable platform is not overloaded."""

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
    """Return the delay of `who` after `tries` consecutive failures.

    Full jitter over 2 s × 2ⁿ, at most five minutes and never less than `after`. A longer `after`,
    as requested by the platform, is returned unchanged.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if after > SHORT_RETRY:
        return after
    # Derived from the subject, so that the same try always has the same delay.
    drawn = derived_uuid(who, "wait", tries).int % _PARTS / _PARTS
    ceiling = min(
        timedelta(seconds=SHORT_RETRY.total_seconds() * 2.0 ** min(tries, 10)), MAX_RETRY_DELAY
    )
    return max(after, ceiling * drawn)


def with_growing_delay(outcome: Outcome, row: Attempt, rows: Sequence[Attempt]) -> Outcome:
    """Return the outcome of an attempt in view of the earlier ones of its part and kind in `rows`.

    A delay grows with the number of failures just before. If the platform reports for the second
    time that the post exists already, although a lookup did not find it, the post belongs to
    someone else: the outcome is a refusal.
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
    """Return the number of consecutive failures at the end of the attempts, given oldest first."""
    return next((n for n, one in enumerate(reversed(rows)) if one.outcome != "retry"), len(rows))
