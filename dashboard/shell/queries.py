"""Queries for the frame of all pages: the agency and the active emergency stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels.accounts import queries
from dashboard.shell import pending_counts
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ids import INSTALLATION_ID
from gate.policy import emergency_stops
from gate.policy.emergency_stops import ActiveStop
from tenants.agencies.queries import (
    Agency,
    Creator,
    Member,
    get_acting_member,
    get_agency,
    list_visible_creators,
)
from tenants.agencies.rights import Right
from tenants.notices import member_notices


@dataclass(frozen=True)
class StopBanner:
    """An emergency stop as pages show it: `whom` names a creator or a creator's account, `platform`
    a platform; both are empty for the whole agency. Accounts are shown with their creator because
    accounts of several creators may have the same name."""

    whom: str
    platform: str
    since: datetime


def list_stop_banners(scope: Scope, mine: Callable[[Scope], Sequence[Creator]]) -> list[StopBanner]:
    """Return the stops that affect this member's creators, each once. Without stops, this executes
    two statements."""
    above = emergency_stops.list_stops(scope, of=INSTALLATION_ID)
    found = [stop for stop in (*emergency_stops.list_stops(scope), *above) if stop.where != "chat"]
    if not found:
        return []
    known = list_stop_targets(scope, mine(scope))
    since = {
        known[key]: stop.since for stop in found if (key := (stop.where, stop.target)) in known
    }
    return [StopBanner(*whom, at) for whom, at in since.items()]


def list_stop_targets(
    scope: Scope, mine: Sequence[Creator]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the possible targets of stops for these creators, each with the name and platform to
    show."""
    names = {one.id: one.name for one in mine}
    accounts = [one for one in queries.list_channels(scope) if one.creator_id in names]
    known = {("global", ""): ("", ""), ("tenant", ""): ("", "")}
    known |= {("creator", str(one)): (name, "") for one, name in names.items()}
    known |= {("platform", one.platform): ("", one.platform) for one in accounts}
    return known | {
        ("channel", str(one.id)): (f"{names[one.creator_id]}, {one.name}", one.platform)
        for one in accounts
    }


def _list_own_creators(scope: Scope, member: Member) -> list[Creator]:
    return list_visible_creators(scope, member)


def list_stop_rows(scope: Scope, member: Member) -> list[ActiveStop]:
    """Return the tenant's active stops that this member may see, latest first: all, or those that
    affect the member's creators."""
    found = emergency_stops.list_stops(scope)
    if not found or not member.creators:
        return found
    reach = set(list_stop_targets(scope, _list_own_creators(scope, member)))
    reach |= {("chat", target) for where, target in reach if where == "channel"}
    return [one for one in found if (one.where, one.target.partition(":")[0]) in reach]


def require_can_end_stop(scope: Scope, stop: tuple[str, str, str]) -> None:
    """Check that the acting member may end this stop (where, target, feature), given the creators
    that they may access. Raises NotFound if it is not active or affects none of them, and Refused
    if it also affects other creators."""
    member = get_acting_member(scope, "switch.people_only")
    if stop not in [(one.where, one.target, one.feature) for one in list_stop_rows(scope, member)]:
        raise NotFound("switch.ended")
    emergency_stops.check_may_reopen(scope, member, *stop[:2])


def require_can_stop(scope: Scope, where: str, target: str) -> None:
    """Raise NotFound if such a stop would affect none of the acting member's creators. Stops that
    also affect other creators are permitted, because a stop only prevents publishing."""
    member = get_acting_member(scope, "switch.people_only")
    if (where, target) not in list_stop_targets(scope, _list_own_creators(scope, member)):
        raise NotFound("system.not_yours")


@dataclass(frozen=True)
class PageHeader:
    """The agency, the stops that affect this member's creators, the number of the member's unread
    notifications, and the number of items that the member may decide on the page Approvals."""

    agency: Agency
    stops: Sequence[StopBanner]
    now: datetime
    unread: int
    pending: int


def load_page_header(scope: Scope, page: PageContext, *, opened: UUID | None = None) -> PageHeader:
    """Load the header, and mark the notification `opened` as read. Members who only review see no
    stops."""
    works = page.has_right(*(right for right in Right if right is not Right.REVIEW))
    decides = page.has_right(Right.APPROVE, Right.REVIEW)
    member = page.viewer.member
    if opened is not None:
        member_notices.mark_read(scope, member, [opened])
    return PageHeader(
        get_agency(scope),
        list_stop_banners(scope, page.list_creators) if works else [],
        scope.now,
        member_notices.count_unread(scope, member),
        pending_counts.count_pending(scope, member).total if decides else 0,
    )
