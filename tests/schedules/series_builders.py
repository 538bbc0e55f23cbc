"""Builders of Léa's series, and readers of their deliveries."""

from datetime import UTC, date, time, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.ids import uuid7
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.models import Delivery, Series
from schedules.posts.states import DeliveryState
from schedules.recurrence import series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from tests.schedules.builders import SandboxAgency

DAILY, WEEKLY = RecurrenceRule(RecurrenceUnit.DAY, None), RecurrenceRule(RecurrenceUnit.WEEK, None)


def local_time_ahead(lea: SandboxAgency, *, hours: float = 2) -> tuple[date, time]:
    """Return the date and time (UTC, whole minutes) that many hours from now."""
    local = (lea.now() + timedelta(hours=hours)).astimezone(UTC)
    return local.date(), local.time().replace(second=0, microsecond=0)


def allow_any_lateness(lea: SandboxAgency, post_id: UUID) -> None:
    """Remove the deadlines of the post and its deliveries."""
    with lea.scope() as scope:
        scope.run("UPDATE posts SET late_ok = NULL WHERE id = :id", id=post_id)
        scope.run("UPDATE deliveries SET late_until = NULL WHERE post_id = :id", id=post_id)


def build_recurrence(
    lea: SandboxAgency, rule: RecurrenceRule = DAILY, *, hours: float = 2
) -> Recurrence:
    return Recurrence(rule, *local_time_ahead(lea, hours=hours), "UTC")


def build_draft(lea: SandboxAgency, *channels: str, body: str = "again and again") -> drafts.Draft:
    return drafts.Draft(
        lea.creator_id, "", body, (), tuple(lea.channels[one] for one in channels or ("main",))
    )


def start_series(
    lea: SandboxAgency,
    wanted: Recurrence,
    *channels: str,
    key: UUID | None = None,
    confirmed: bool = True,
) -> UUID:
    """Start a series as the author and return its post ID."""
    with lea.scope(f"member:{lea.author}") as scope:
        planned = series.plan_series(
            scope,
            build_draft(lea, *channels),
            wanted,
            key=key or uuid7(),
            author=f"member:{lea.author}",
            confirmed=confirmed,
        )
    return planned.post_id


def list_deliveries(lea: SandboxAgency, post_id: UUID) -> list[Delivery]:
    with lea.scope() as scope:
        return deliveries_of_post(scope, post_id)


def list_active_dates(lea: SandboxAgency, post_id: UUID) -> list[str]:
    """Return the local dates of the post's deliveries that are not cancelled."""
    return [
        row.wall_time[:10]
        for row in list_deliveries(lea, post_id)
        if row.state != DeliveryState.CANCELLED
    ]


def list_series(lea: SandboxAgency, post_id: UUID) -> list[Series]:
    with lea.scope() as scope:
        query = select(Series).where(Series.tenant_id == lea.tenant_id, Series.post_id == post_id)
        return list(scope.session.exec(query.order_by(col(Series.nth))))


def get_series_id(lea: SandboxAgency, post_id: UUID) -> UUID:
    (found,) = list_series(lea, post_id)
    return found.id


def approve_and_release(lea: SandboxAgency, post_id: UUID) -> None:
    lea.approve(post_id)
    lea.act(release_post, post_id)
