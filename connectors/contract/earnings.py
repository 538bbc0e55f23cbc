"""Earnings of an account, movement by movement.

The key of a movement is the same in every response. It is derived from the platform's ID if there
is one, otherwise from all its fields and its index among equal rows: two equal tips in one second
are two movements, and one tip on two pages is one.
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
"""Limit of a plausible amount; a larger one is an error of the platform."""

EarningDirection = Literal["sale", "refund"]


@dataclass(frozen=True)
class TimeSpan:
    """The requested period; `until` is exclusive."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Earning:
    """A movement. `gross` is zero or positive; `fee` is the platform's share of it or, if negative,
    an amount that the platform added.

    `like` is the key that the movement would have without a platform ID; it equals `key` if there
    is no ID.
    """

    key: str
    like: str
    at: datetime
    kind: EarningDirection
    reference: str
    gross: Money
    fee: Money
    paid_for: str = ""
    """The platform's ID of the message or post that was paid for; "" if unknown."""


@dataclass(frozen=True)
class Earnings:
    """The movements of a period. `unread` is the number of rows that could not be parsed; `whole`
    is False if there are more than were read."""

    rows: tuple[Earning, ...]
    unread: int = 0
    whole: bool = True


EarningsAnswer = Send | Earnings | Reauthorize | None


@runtime_checkable
class SupportsEarnings(Connector, Protocol):
    """A platform that reports the earnings of an account. `earns_as` is its name in accounting."""

    earns_as: str

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        """Return the next request (kind control, action metrics), or the earnings.

        Return Reauthorize if the account was connected without the permission, and None if they are
        unavailable now.
        """
        ...


def earnings_request(name: str, path: str, headers: dict[str, str]) -> Send:
    """Return the request for a page of movements, with the account's token."""
    return Send(WireStep(name, StepKind.CONTROL, "GET", path, headers=headers, action="metrics"))


def earning_key(*parts: str) -> str:
    """Return the key of a movement with these values."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def merge_pages(pages: Iterable[Sequence[Earning]]) -> tuple[Earning, ...]:
    """Merge the movements of several pages, without duplicates. In the rows of a page, `like` has
    no index yet.

    Pages shift while they are read, so a row may be at the end of one and at the start of the next.
    Equal rows without an ID therefore count as often as on the page with most of them. For a row
    with an ID, the last version is used.
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
