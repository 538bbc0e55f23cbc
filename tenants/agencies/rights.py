"""Roles of members and their rights. Menus and checks test rights, never role names."""

from collections.abc import Mapping
from enum import StrEnum

from foundation.errors import Refused


class Role(StrEnum):
    """The role of a member in the agency."""

    OWNER = "owner"
    MANAGER = "manager"
    CREATOR = "creator"
    CHATTER = "chatter"
    ACCOUNTANT = "accountant"
    GUEST = "guest"
    CUSTODIAN = "custodian"


OUTSIDE_ROLES = frozenset({Role.GUEST, Role.CUSTODIAN})
"""Roles of people outside the agency. If a session of such a role uses a device or network of a
member, it counts as that member (`tenants/auth/device_fingerprints.py`)."""


class Right(StrEnum):
    """A permission of a member."""

    RUN = "run"  # day-to-day work: create, schedule, connect
    APPROVE = "approve"
    REVIEW = "review"  # judge content for the safety check
    CHAT = "chat"
    MONEY = "money"  # ledger, reports, exports
    BOOKS = "books"  # import statements, close months, record payouts
    SPLIT = "split"  # set revenue splits
    REFUND = "refund"
    STOP = "stop"  # start an emergency stop
    REOPEN = "reopen"
    RULES = "rules"  # confirm that a platform rule was re-read
    STAFF = "staff"  # members, deletion
    VOUCH = "vouch"  # confirm an age as an external custodian


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
    """Return True if the role has the right."""
    return right in _RIGHTS[role]


def require_right(role: Role, right: Right) -> None:
    """Raise Refused unless the role has the right. The message names the roles that have it."""
    if not has_right(role, right):
        raise Refused(f"role.forbidden.{right}")
