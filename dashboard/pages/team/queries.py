"""Queries of the Team page: members, sessions, creators and coverage of duties."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.manual_tasks import assignees
from foundation.db.database import Scope
from gate.reviews import duty_coverage
from gate.reviews.duty_coverage import DutyCoverage
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import OUTSIDE_ROLES
from tenants.auth import device_fingerprints, passkeys
from tenants.auth.members import MemberSession, list_member_sessions


@dataclass(frozen=True)
class TeamMember:
    """A member with their open sessions.

    `seen_with` contains the names of members who share a device or network with this one; it is
    empty for roles inside the agency.
    """

    member: Member
    seats: Sequence[MemberSession]
    seen_with: Sequence[str]
    has_phone: bool
    """True if a phone is paired, which a manager can remove."""
    same_person: Sequence[str] = ()
    """Names of the other logins of the same person."""


@dataclass(frozen=True)
class TeamView:
    """The data of the page; `now` is the time of the read."""

    colleagues: Sequence[TeamMember]
    creators: Sequence[Creator]
    needed: Sequence[DutyCoverage]
    zone: str
    language: str
    now: datetime
    second_factor: bool = False
    """True if every member must use two-factor authentication."""
    keyed: frozenset[UUID] = frozenset()
    """Members who have a passkey."""


def load_team(scope: Scope) -> TeamView:
    """Return all members of the agency, sorted by name, with the settings that the page shows."""
    agency = queries.get_agency(scope)
    seats = list_member_sessions(scope)
    members = queries.list_members(scope)
    same = device_fingerprints.same_humans(scope)
    creators = queries.list_creators(scope)
    phones = {phone.member_id for phone in assignees.list_phones(scope)}
    colleagues = [
        TeamMember(
            member,
            [seat for seat in seats if seat.member_id == member.id],
            [one.name for one in members if one.principal_id in same.get(member.principal_id, ())]
            if member.role in OUTSIDE_ROLES
            else (),
            member.id in phones,
            [
                one.name
                for one in members
                if one.principal_id == member.principal_id and one.id != member.id
            ],
        )
        for member in members
    ]
    return TeamView(
        colleagues=colleagues,
        creators=creators,
        needed=duty_coverage.agency_duty_coverage(scope),
        zone=agency.zone,
        language=agency.language,
        now=scope.now,
        second_factor=agency.second_factor,
        keyed=passkeys.members_with_passkeys(scope),
    )
