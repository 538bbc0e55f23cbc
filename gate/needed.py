"""Which act needs how many people, and who of an agency can do it now: one table for the doctor, the pages and tests.

It tells; the rules themselves stand where they are enforced (`gate/rules.py`, `gate/desk.py`, `gate/switches.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from foundation.database import Scope
from tenants import reads as tenants
from tenants import sightings
from tenants.roles import Right, Role, may


class State(StrEnum):
    """How an act stands in an agency."""

    NOW, LATER, MISSING, CLOSED = (
        "now",
        "later",  # a person alone, after a delay
        "missing",  # people are missing
        "closed",  # for everybody, whoever is there
    )


@dataclass(frozen=True)
class Hand:
    """A person who may sign in. `counts_as` are the humans a guest was seen with: to the check they are one."""

    name: str
    principal: UUID
    rights: frozenset[Right]
    counts_as: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Duty:
    """An act: the right to begin it and, with the right `second`, how many `others` it takes.

    `waits` says that without them one person can do it after a delay; `closed` that nobody can yet.
    """

    act: str
    begins: Right
    others: int = 0
    second: Right = Right.REVIEW
    waits: bool = False
    closed: bool = False


DUTIES = (
    Duty("general", Right.RUN),
    Duty("adult", Right.RUN, others=1),
    Duty("machine_words", Right.RUN),
    Duty("own_words", Right.CHAT, others=1, second=Right.RUN),  # a guest reads no chats
    Duty("old_rule", Right.RULES, others=1),
    Duty("appeal", Right.RUN, others=1),
    Duty("loosening", Right.REOPEN, others=1, second=Right.REOPEN),
    Duty("reopen", Right.REOPEN, others=1, second=Right.REOPEN, waits=True),
    Duty("own_picture", Right.RUN, closed=True),
    Duty("invented", Right.RUN, others=1, closed=True),
    Duty("lowering", Right.REVIEW, others=2, closed=True),
    Duty("campaign", Right.RUN, others=1, closed=True),
)
"""Every act that is counted in people. What is closed is not built, or waits for counsel: `needed.<act>.closed`."""


@dataclass(frozen=True)
class Needed:
    """One row: the sentence is `needed.<act>.<state>`, `by` are the names of those who can do the last of it."""

    act: str
    state: State
    by: tuple[str, ...] = ()


def needed(hands: Sequence[Hand]) -> list[Needed]:
    """What these people can do, in the order of `DUTIES`; pure."""
    return [_stands(duty, hands) for duty in DUTIES]


def table(scope: Scope) -> list[Needed]:
    """What the agency's people can do now."""
    same = sightings.same(scope)
    return needed([_hand(member, same.get(member.principal_id, frozenset())) for member in tenants.members(scope)])


def _hand(member: tenants.Member, counts_as: frozenset[UUID]) -> Hand:
    """A member; a guest to whom no creator was given may look at nothing."""
    rights = frozenset(right for right in Right if may(member.role, right))
    idle = member.role is Role.GUEST and not member.creators
    return Hand(member.name, member.principal_id, frozenset() if idle else rights, counts_as)


def _stands(duty: Duty, hands: Sequence[Hand]) -> Needed:
    if duty.closed:
        return Needed(duty.act, State.CLOSED)
    begin = [hand for hand in hands if duty.begins in hand.rights]
    if duty.others == 0:
        return Needed(duty.act, State.NOW if begin else State.MISSING, _names(begin))
    second = [hand for hand in hands if duty.second in hand.rights]
    able = {hand for one in begin for hand in _others(one, second, duty.others)}
    if able:
        return Needed(duty.act, State.NOW, _names(able))
    return Needed(duty.act, State.LATER if begin and duty.waits else State.MISSING, _names(begin) if duty.waits else ())


def _others(one: Hand, second: Sequence[Hand], count: int) -> set[Hand]:
    """Those who together are so many humans beside this one, each another than the rest."""
    apart = [hand for hand in second if not _same(one, hand)]
    found = (each for each in combinations(apart, count) if not any(_same(a, b) for a, b in combinations(each, 2)))
    return {hand for each in found for hand in each}


def _same(one: Hand, other: Hand) -> bool:
    return one.principal == other.principal or other.principal in one.counts_as or one.principal in other.counts_as


def _names(hands: Iterable[Hand]) -> tuple[str, ...]:
    return tuple(sorted({hand.name for hand in hands}))
