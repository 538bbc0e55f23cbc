"""Who works here, with what rights, on which screens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.database import Scope
from gate import needed
from gate.needed import Needed
from tenants import passkeys, sightings, staffing
from tenants import reads as tenant_reads
from tenants.reads import Creator, Member
from tenants.roles import Role
from tenants.staffing import Seat


@dataclass(frozen=True)
class Colleague:
    """A member with their open sessions; `seen_with` are the names of those a guest counts as."""

    member: Member
    seats: Sequence[Seat]
    seen_with: Sequence[str]


@dataclass(frozen=True)
class Team:
    """The page's values; `now` is when they were read."""

    colleagues: Sequence[Colleague]
    creators: Sequence[Creator]
    needed: Sequence[Needed]
    zone: str
    language: str
    now: datetime
    second_factor: bool = False
    """Whether everybody is asked for a second factor."""
    keyed: frozenset[UUID] = frozenset()
    """Members who have a passkey."""


def team(scope: Scope) -> Team:
    """Everybody of the agency by name."""
    agency, seats = tenant_reads.agency(scope), staffing.seats(scope)
    members, same = tenant_reads.members(scope), sightings.same(scope)
    creators = tenant_reads.creators(scope)
    colleagues = [
        Colleague(
            member,
            [seat for seat in seats if seat.member_id == member.id],
            [one.name for one in members if one.principal_id in same.get(member.principal_id, ())]
            if member.role is Role.GUEST
            else (),
        )
        for member in members
    ]
    return Team(
        colleagues=colleagues,
        creators=creators,
        needed=needed.table(scope),
        zone=agency.zone,
        language=agency.language,
        now=scope.now,
        second_factor=agency.second_factor,
        keyed=passkeys.holders(scope),
    )
