"""Series of Léa: begun by her author, and what stands of them."""

from datetime import UTC, date, time, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.ids import uuid7
from schedules import drafting, series
from schedules.models import Delivery, Series
from schedules.planning import deliveries_of
from schedules.recurrence import Every, Repeat, Rule
from schedules.states import DeliveryState
from tests.schedules.builders import Desk

S = DeliveryState
DAILY, WEEKLY = Rule(Every.DAY, None), Rule(Every.WEEK, None)


def soon(lea: Desk, *, hours: float = 2) -> tuple[date, time]:
    """A day and a clock of Léa's zone, so many hours from now."""
    local = (lea.now() + timedelta(hours=hours)).astimezone(UTC)
    return local.date(), local.time().replace(second=0, microsecond=0)


def never_too_late(lea: Desk, post_id: UUID) -> None:
    """However late, dates of this post may leave."""
    with lea.scope() as scope:
        scope.run("UPDATE posts SET late_ok = NULL WHERE id = :id", id=post_id)
        scope.run("UPDATE deliveries SET late_until = NULL WHERE post_id = :id", id=post_id)


def repeat(lea: Desk, rule: Rule = DAILY, *, hours: float = 2) -> Repeat:
    return Repeat(rule, *soon(lea, hours=hours), "UTC")


def draft(lea: Desk, *channels: str, body: str = "again and again") -> drafting.Draft:
    return drafting.Draft(lea.creator_id, "", body, (), tuple(lea.channels[one] for one in channels or ("main",)))


def begin(lea: Desk, wanted: Repeat, *channels: str, key: UUID | None = None, confirmed: bool = True) -> UUID:
    """A series by the author; its post."""
    with lea.scope(f"member:{lea.author}") as scope:
        planned = series.plan(
            scope,
            draft(lea, *channels),
            wanted,
            key=key or uuid7(),
            author=f"member:{lea.author}",
            confirmed=confirmed,
        )
    return planned.post_id


def rows(lea: Desk, post_id: UUID) -> list[Delivery]:
    with lea.scope() as scope:
        return deliveries_of(scope, post_id)


def standing(lea: Desk, post_id: UUID) -> list[str]:
    """The local dates of a post's deliveries that are not cancelled."""
    return [row.wall_time[:10] for row in rows(lea, post_id) if row.state != S.CANCELLED]


def series_of(lea: Desk, post_id: UUID) -> list[Series]:
    with lea.scope() as scope:
        query = select(Series).where(Series.tenant_id == lea.tenant_id, Series.post_id == post_id)
        return list(scope.session.exec(query.order_by(col(Series.nth))))


def only(lea: Desk, post_id: UUID) -> UUID:
    (found,) = series_of(lea, post_id)
    return found.id


def approved(lea: Desk, post_id: UUID) -> None:
    lea.approve(post_id)
    lea.act(drafting.settle, post_id)
