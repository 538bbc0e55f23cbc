"""Who works here, with what rights, on which screens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from foundation.database import Scope
from gate import mine
from gate.mine import Named
from tenants import reads as tenant_reads
from tenants import staffing
from tenants.reads import Creator, Member
from tenants.staffing import Seat


@dataclass(frozen=True)
class Colleague:
    """A member with their open sessions."""

    member: Member
    seats: Sequence[Seat]


@dataclass(frozen=True)
class Team:
    """The page's values; `now` is when they were read."""

    colleagues: Sequence[Colleague]
    creators: Sequence[Creator]
    shown: Sequence[Named]
    """Real people who may be shown in pictures."""
    zone: str
    language: str
    now: datetime


def team(scope: Scope) -> Team:
    """Everybody of the agency by name."""
    agency, seats = tenant_reads.agency(scope), staffing.seats(scope)
    colleagues = [
        Colleague(member, [seat for seat in seats if seat.member_id == member.id])
        for member in tenant_reads.members(scope)
    ]
    return Team(colleagues, tenant_reads.creators(scope), mine.named(scope), agency.zone, agency.language, scope.now)
