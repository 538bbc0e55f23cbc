"""Roles of members and the rights they carry; menus and checks read rights, never role names."""

from collections.abc import Mapping
from enum import StrEnum

from foundation.errors import Refused


class Role(StrEnum):
    """What a member is in the agency."""

    OWNER = "owner"
    MANAGER = "manager"
    CREATOR = "creator"
    CHATTER = "chatter"
    ACCOUNTANT = "accountant"
    GUEST = "guest"
    CUSTODIAN = "custodian"


OUTSIDE_ROLES = frozenset({Role.GUEST, Role.CUSTODIAN})
"""Roles of people who do not work in the agency. A session of theirs on a device or network of a
member makes them that member (`tenants/auth/device_fingerprints.py`)."""


class Right(StrEnum):
    """What a member may do."""

    RUN = "run"  # day-to-day: create, plan, connect
    APPROVE = "approve"  # say yes to content
    REVIEW = "review"  # judge content for the safety check
    CHAT = "chat"
    MONEY = "money"  # ledger, reports, exports
    BOOKS = "books"  # bring statements in, close months
    REFUND = "refund"
    STOP = "stop"  # press an emergency stop
    REOPEN = "reopen"
    RULES = "rules"  # say that the rule of a place was read again
    STAFF = "staff"  # members, splits, deletion
    VOUCH = "vouch"  # confirm an age as an outside custodian


_RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right) - {Right.VOUCH},
    Role.MANAGER: frozenset(Right) - {Right.STAFF, Right.RULES, Right.VOUCH},
    Role.CREATOR: frozenset({Right.APPROVE, Right.MONEY, Right.STOP}),
    Role.CHATTER: frozenset({Right.CHAT, Right.STOP}),
    Role.ACCOUNTANT: frozenset({Right.MONEY, Right.BOOKS}),
    Role.GUEST: frozenset({Right.REVIEW}),
    Role.CUSTODIAN: frozenset({Right.VOUCH}),
}


def has_right(role: Role, right: Right) -> bool:
    """Whether the role carries the right."""
    return right in _RIGHTS[role]


def require_right(role: Role, right: Right) -> None:
    """Raise Refused, with a sentence that names who may, unless the role carries the right."""
    if not has_right(role, right):
        raise Refused(f"role.forbidden.{right}")
