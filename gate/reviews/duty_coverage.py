"""The number of people that each action needs, and the members of an agency who can do it now.

This table informs the doctor, the pages and tests. The rules are enforced elsewhere
(`gate/decision/unit_rules.py`, `gate/reviews/content_reviews.py`,
`gate/policy/emergency_stops.py`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from foundation.db.database import Scope
from gate.policy import active_policy
from tenants.agencies import queries
from tenants.agencies.rights import Right, Role, has_right
from tenants.auth import device_fingerprints, passkeys


class DutyStatus(StrEnum):
    """The availability of an action in an agency."""

    NOW, ALONE, LATER, MISSING, CLOSED = (
        "now",
        "alone",  # immediately, by a trained member
        "later",  # by one member, after a delay
        "missing",  # not enough members
        "closed",  # for everyone
    )


@dataclass(frozen=True)
class StaffMember:
    """A member who may sign in.

    `counts_as` are the people with whom a guest shares a device fingerprint; they count as the same
    person.
    """

    name: str
    principal: UUID
    rights: frozenset[Right]
    counts_as: frozenset[UUID] = frozenset()
    adult_chat: bool = False
    passkey: bool = False


@dataclass(frozen=True)
class Duty:
    """An action: the right to begin it, and the number of `others` with the right `second` that it
    needs.

    - `waits`: one person can do it alone after a delay.
    - `trained`: a member trained for adult text in chats needs no other person.
    - `closed`: not available, unless the rules in force opened it.
    - `signed`: the member who begins it needs a passkey.
    """

    act: str
    begins: Right
    others: int = 0
    second: Right = Right.REVIEW
    waits: bool = False
    trained: bool = False
    closed: bool = False
    signed: bool = False


OWN_PICTURE = "own_picture"

DUTIES = (
    Duty("general", Right.RUN),
    Duty("adult", Right.RUN, others=1),
    Duty("machine_words", Right.RUN),
    Duty(
        "own_words", Right.CHAT, others=1, second=Right.RUN, trained=True
    ),  # Guests do not read chats.
    Duty("old_rule", Right.RULES),
    Duty("appeal", Right.RUN, others=1),
    Duty("loosening", Right.REOPEN, others=1, second=Right.REOPEN),
    Duty("reopen", Right.REOPEN, others=1, second=Right.REOPEN, waits=True),
    Duty(OWN_PICTURE, Right.RUN, closed=True, signed=True),
    Duty("invented", Right.RUN, others=2),
    Duty("lowering", Right.REVIEW, others=2),
    Duty("lowering_little", Right.REVIEW, others=1),
    Duty("campaign", Right.RUN, others=1, closed=True),
)
"""Every action that needs a number of people.

Closed actions are not implemented, or await legal advice. Their message is `needed.<act>.closed`.
"""


@dataclass(frozen=True)
class DutyCoverage:
    """The availability of one action; its message is `needed.<act>.<state>`.

    `by` are the names of the members who can complete it.
    """

    act: str
    state: DutyStatus
    by: tuple[str, ...] = ()


def duty_coverage(
    hands: Sequence[StaffMember], *, opened: Collection[str] = ()
) -> list[DutyCoverage]:
    """Return the availability of each action for these people, in the order of `DUTIES`.

    `opened` are the actions that the rules in force allow. The function is pure.
    """
    return [
        _resolve_coverage(duty, hands, closed=duty.closed and duty.act not in opened)
        for duty in DUTIES
    ]


def agency_duty_coverage(scope: Scope) -> list[DutyCoverage]:
    """Return the availability of each action for the agency's current members."""
    same = device_fingerprints.same_humans(scope)
    keyed = passkeys.members_with_passkeys(scope)
    people = queries.list_members(scope)
    hands = [
        _build_staff_member(one, same.get(one.principal_id, frozenset()), passkey=one.id in keyed)
        for one in people
    ]
    today = scope.now.date()
    open_now = any(today <= until for until in active_policy.current_bundle(scope).opened.values())
    return duty_coverage(hands, opened={OWN_PICTURE} if open_now else ())


def _build_staff_member(
    member: queries.Member, counts_as: frozenset[UUID], *, passkey: bool
) -> StaffMember:
    """Build a staff member. A guest without an assigned creator has no rights."""
    rights = frozenset(right for right in Right if has_right(member.role, right))
    idle = member.role is Role.GUEST and not member.creators
    may_do = frozenset() if idle else rights
    return StaffMember(
        member.name, member.principal_id, may_do, counts_as, member.adult_chat, passkey
    )


def _resolve_coverage(duty: Duty, hands: Sequence[StaffMember], *, closed: bool) -> DutyCoverage:
    if closed:
        return DutyCoverage(duty.act, DutyStatus.CLOSED)
    begin = [
        hand for hand in hands if duty.begins in hand.rights and (hand.passkey or not duty.signed)
    ]
    if duty.trained and any(hand.adult_chat for hand in begin):
        return DutyCoverage(
            duty.act, DutyStatus.ALONE, _sorted_names(hand for hand in begin if hand.adult_chat)
        )
    if duty.others == 0:
        return DutyCoverage(
            duty.act, DutyStatus.NOW if begin else DutyStatus.MISSING, _sorted_names(begin)
        )
    second = [hand for hand in hands if duty.second in hand.rights]
    able = {hand for one in begin for hand in _find_second_members(one, second, duty.others)}
    if able:
        return DutyCoverage(duty.act, DutyStatus.NOW, _sorted_names(able))
    return DutyCoverage(
        duty.act,
        DutyStatus.LATER if begin and duty.waits else DutyStatus.MISSING,
        _sorted_names(begin) if duty.waits else (),
    )


def _find_second_members(
    one: StaffMember, second: Sequence[StaffMember], count: int
) -> set[StaffMember]:
    """Return the members of every group of `count` different people that excludes this person."""
    apart = [hand for hand in second if not _is_same_human(one, hand)]
    found = (
        each
        for each in combinations(apart, count)
        if not any(_is_same_human(a, b) for a, b in combinations(each, 2))
    )
    return {hand for each in found for hand in each}


def _is_same_human(one: StaffMember, other: StaffMember) -> bool:
    return (
        one.principal == other.principal
        or other.principal in one.counts_as
        or one.principal in other.counts_as
    )


def _sorted_names(hands: Iterable[StaffMember]) -> tuple[str, ...]:
    return tuple(sorted({hand.name for hand in hands}))
