"""Notification choices of a member: the routes of each kind, immediate messages, the daily digest,
quiet hours and muted creators.

The kinds are the pages of `notice_pages`. All routes of a kind are on until the member turns them
off; a route outside the dashboard also needs a confirmed address, chat or browser. Emergency stops
cannot be hidden in the dashboard.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput
from tenants.agencies import queries
from tenants.notices.models import NotificationSettingsRow
from tenants.notices.notice_pages import NOTICE_PAGES, SAFETY_PAGES, STOPS, NoticePage

MINUTES_PER_DAY = 24 * 60

Immediate = Literal["none", "urgent", "all"]
"""Items that are sent at once. The others are in the digest."""


class Route(StrEnum):
    """A way in which notifications reach a member."""

    APP = "app"
    EMAIL = "email"
    TELEGRAM = "telegram"
    PUSH = "push"


ALL_ROUTES = frozenset(Route)
DIGEST_ROUTES = frozenset({Route.EMAIL, Route.TELEGRAM})
"""Routes of the daily digest. Browsers discard messages that they cannot deliver soon."""


@dataclass(frozen=True)
class NotificationPreferences:
    """The choices of a member. `quiet_from` and `quiet_until` are minutes after midnight in the
    member's time zone; the hours may pass midnight. `digest_hour` is None without a digest."""

    routes: Mapping[str, frozenset[Route]] = field(default_factory=dict)
    immediate: Immediate = "urgent"
    digest_hour: int | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None
    safety_passes: bool = True
    muted_creators: frozenset[UUID] = frozenset()

    def routes_of(self, kind: NoticePage) -> frozenset[Route]:
        """Return the routes of a kind."""
        chosen = self.routes.get(kind.name, ALL_ROUTES)
        return chosen | {Route.APP} if kind is STOPS else chosen

    def uses(self, kind: NoticePage, route: Route, creator_id: UUID | None = None) -> bool:
        """Return True if notices of this kind about this creator take the route."""
        if creator_id in self.muted_creators and kind is not STOPS:
            return False
        return route in self.routes_of(kind)

    def is_quiet(self, at: datetime, zone: str) -> bool:
        """Return True if `at` (UTC-aware) is within the quiet hours. Both passes of an hour that a
        clock change repeats are quiet."""
        if self.quiet_from is None or self.quiet_until is None:
            return False
        here = at.astimezone(ZoneInfo(zone))
        return is_within_hours(here.hour * 60 + here.minute, self.quiet_from, self.quiet_until)

    def passes_quiet_hours(self, kind: NoticePage, *, urgent: bool) -> bool:
        """Return True if the notice may be sent in quiet hours."""
        return urgent and self.safety_passes and kind in SAFETY_PAGES


def is_within_hours(minute: int, start: int, end: int) -> bool:
    """Return True if a minute of the day is in [start, end), which may pass midnight."""
    if start <= end:
        return start <= minute < end
    return minute >= start or minute < end


def get_preferences(scope: Scope, member_id: UUID) -> NotificationPreferences:
    """Return the choices of a member, or the defaults."""
    row = find_settings_row(scope, member_id)
    return preferences_from_row(row) if row is not None else NotificationPreferences()


def preferences_from_row(row: NotificationSettingsRow) -> NotificationPreferences:
    """Return the choices of a row. Routes that no longer exist are dropped."""
    known = set(map(str, Route))
    return NotificationPreferences(
        {
            kind: frozenset(Route(one) for one in chosen if one in known)
            for kind, chosen in row.routes.items()
        },
        next((one for one in get_args(Immediate) if one == row.immediate), "urgent"),
        row.digest_hour,
        row.quiet_from,
        row.quiet_until,
        row.safety_passes,
        frozenset(map(UUID, row.muted_creators)),
    )


def list_settings_rows(
    scope: Scope, members: Collection[UUID]
) -> dict[UUID, NotificationSettingsRow]:
    """Return the stored choices of these members, by member."""
    rows = scope.session.exec(
        select(NotificationSettingsRow)
        .where(NotificationSettingsRow.tenant_id == scope.tenant_id)
        .execution_options(populate_existing=True)
    )
    return {row.member_id: row for row in rows if row.member_id in members}


def set_preferences(scope: Scope, member_id: UUID, chosen: NotificationPreferences) -> None:
    """Store the choices of a member.

    Raises BadInput for an unknown kind or creator, for invalid or incomplete hours, and for a
    digest within the quiet hours, which would never be sent.
    """
    _check_choices(chosen)
    member = queries.get_active_member(scope, member_id)
    theirs = {one.id for one in queries.list_creators(scope) if member.works_for(one.slug)}
    if not chosen.muted_creators <= theirs:
        raise BadInput("notification.creator")
    scope.lock(f"notification:{member_id}")
    row = get_settings_row(scope, member_id)
    row.routes = {kind: sorted(map(str, routes)) for kind, routes in chosen.routes.items()}
    row.immediate = chosen.immediate
    row.digest_hour = chosen.digest_hour
    row.quiet_from = chosen.quiet_from
    row.quiet_until = chosen.quiet_until
    row.safety_passes = chosen.safety_passes
    row.muted_creators = sorted(map(str, chosen.muted_creators))
    scope.add(row)


def _check_choices(chosen: NotificationPreferences) -> None:
    if not chosen.routes.keys() <= {one.name for one in NOTICE_PAGES}:
        raise BadInput("notification.kind")
    if chosen.immediate not in get_args(Immediate):
        raise BadInput("notification.immediate")
    if chosen.digest_hour is not None and not 0 <= chosen.digest_hour <= 23:
        raise BadInput("mail.hour")
    start = chosen.quiet_from
    end = chosen.quiet_until
    if start is None and end is None:
        return
    if start is None or end is None or start == end:
        raise BadInput("notification.quiet")
    if not (0 <= start < MINUTES_PER_DAY and 0 <= end < MINUTES_PER_DAY):
        raise BadInput("notification.quiet")
    if chosen.digest_hour is not None and is_within_hours(chosen.digest_hour * 60, start, end):
        raise BadInput("notification.digest_quiet")


def find_settings_row(scope: Scope, member_id: UUID) -> NotificationSettingsRow | None:
    """Return the stored choices of a member."""
    return scope.session.exec(
        select(NotificationSettingsRow)
        .where(
            NotificationSettingsRow.tenant_id == scope.tenant_id,
            NotificationSettingsRow.member_id == member_id,
        )
        .execution_options(populate_existing=True)
    ).first()


def get_settings_row(scope: Scope, member_id: UUID) -> NotificationSettingsRow:
    """Return the stored choices of a member, or a new row with the defaults."""
    return find_settings_row(scope, member_id) or NotificationSettingsRow(
        tenant_id=scope.tenant_id, member_id=member_id
    )
