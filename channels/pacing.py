"""How long a try that came to nothing waits for the next one: longer each time, so that nothing down is hammered."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from channels.attempts import Attempt
from connectors.answers import SHORT_WAIT
from connectors.outcomes import Outcome, Rejected, Retry, Uncertain
from foundation.ids import derived

LONGEST = timedelta(minutes=5)
_PARTS = 1 << 32


def later(after: timedelta, tries: int, who: UUID) -> timedelta:
    """The wait of `who` when `tries` came to nothing before this one, one after the other.

    Full jitter over 2 s × 2ⁿ, five minutes at most and never less than `after`; a wait that somebody asked for, which
    is longer than the shortest, stays. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if after > SHORT_WAIT:
        return after
    drawn = derived(who, "wait", tries).int % _PARTS / _PARTS
    ceiling = min(timedelta(seconds=SHORT_WAIT.total_seconds() * 2.0 ** min(tries, 10)), LONGEST)
    return max(after, ceiling * drawn)


def in_turn(outcome: Outcome, row: Attempt, rows: Sequence[Attempt]) -> Outcome:
    """What an attempt came to, after those of its part and kind in `rows`.

    A wait grows by how many ended so just before it. What is said to stand there already, and was looked for in vain
    when it was said before, is somebody else's: a refusal.
    """
    before = [one for one in rows if (one.part, one.kind) == (row.part, row.kind) and one.n < row.n]
    if isinstance(outcome, Uncertain) and outcome.stands and any(_says(one, outcome) for one in before):
        return Rejected(outcome.reason, permanent=False)
    if not isinstance(outcome, Retry):
        return outcome
    tries = in_vain(before)
    return Retry(later(outcome.after, tries, row.subject_id), outcome.scope, outcome.reason, outcome.uploads_gone)


def _says(one: Attempt, outcome: Uncertain) -> bool:
    return one.outcome == "uncertain" and (one.detail or {}).get("code") == outcome.reason.code


def in_vain(rows: Sequence[Attempt]) -> int:
    """How many of the last attempts, oldest first, came to nothing, one after the other."""
    return next((n for n, one in enumerate(reversed(rows)) if one.outcome != "retry"), len(rows))
