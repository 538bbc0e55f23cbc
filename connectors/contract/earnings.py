"""The part of the contract by which a platform tells what an account earned, movement by movement.
Pure.

Each movement has a key that is the same each time it is told. Where the platform numbers its
movements the key is of that number; where it does not, of all that is told of one, and of its place
among its equals: two equal tips of one second are two, the same tip told on two pages is one.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from connectors.contract.connector import Connector, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Reauthorize
from foundation.money import Money

MAX_MINOR_UNITS = 10**11
"""More than any one movement, by far: an amount past it is a mistake of theirs."""

EarningDirection = Literal["sale", "refund"]


@dataclass(frozen=True)
class TimeSpan:
    """The time that is asked about; `until` is not in it."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Earning:
    """A movement. `gross` is positive or nothing; `fee` is what the platform kept of it, or, below
    zero, what it added.

    `like` is the key that the movement would have if it had no number; the same as `key` where it
    has none.
    """

    key: str
    like: str
    at: datetime
    kind: EarningDirection
    reference: str
    gross: Money
    fee: Money
    paid_for: str = ""
    """The platform's id of the one message or post that was paid for; "" for what is not told."""


@dataclass(frozen=True)
class Earnings:
    """What was told of a span. `unread` rows say nothing we understand; not `whole`: there is more
    than was read."""

    rows: tuple[Earning, ...]
    unread: int = 0
    whole: bool = True


EarningsAnswer = Send | Earnings | Reauthorize | None


@runtime_checkable
class SupportsEarnings(Connector, Protocol):
    """A platform that tells what an account earned. `earns_as` is its name in books."""

    earns_as: str

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        """The next request (kind control, action metrics), or what was earned.

        Reauthorize where the account was let in without the right to ask; None where nobody tells
        now.
        """
        ...


def earnings_request(name: str, path: str, headers: dict[str, str]) -> Send:
    """The request for a page of movements, with the account's own token."""
    return Send(WireStep(name, StepKind.CONTROL, "GET", path, headers=headers, action="metrics"))


def earning_key(*parts: str) -> str:
    """The key of what these words tell of a movement."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def merge_pages(pages: Iterable[Sequence[Earning]]) -> tuple[Earning, ...]:
    """The movements of many pages, each once. In a row of a page `like` is without its place among
    equals yet.

    Pages move while they are read, so a row may be told at the end of one and at the beginning of
    the next: equal rows without a number count as often as the page says that has most of them. Of
    one with a number the last word counts.
    """
    named: dict[str, Earning] = {}
    most: Counter[str] = Counter()
    alike: dict[str, Earning] = {}
    for page in pages:
        here: Counter[str] = Counter()
        for row in page:
            if row.key != row.like:
                named[row.key] = row
                continue
            here[row.like] += 1
            alike[row.like] = row
        most |= here
    found = []
    for like, row in alike.items():
        places = [_occurrence_key(like, place) for place in range(1, most[like] + 1)]
        found += [replace(row, key=place, like=place) for place in places]
    for row in sorted(named.values(), key=lambda one: one.key):
        most[row.like] += 1
        found.append(replace(row, like=_occurrence_key(row.like, most[row.like])))
    return tuple(found)


def _occurrence_key(like: str, place: int) -> str:
    return earning_key(like, str(place))
