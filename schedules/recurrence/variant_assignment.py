"""Which of two versions a time of a series says while a test runs on it: drawn once by a hash, by
nobody's choice."""

from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.errors import Conflict
from schedules.posts.models import Delivery, Series
from schedules.posts.states import DeliveryState
from schedules.recurrence.models import PostTest

VARIANT_A = "a"
VARIANT_B = "b"
LOST = frozenset(
    {DeliveryState.CANCELLED, DeliveryState.FAILED, DeliveryState.REHEARSED, DeliveryState.REMOVED}
)
"""States of a unit that counts no more: another time of the series takes its place."""


def draw_variant(test_id: UUID, occurrence: str) -> str:
    """The version of one time of a series, each as likely; the same for ever, on every machine.
    Pure."""
    return VARIANT_A if sha256(f"{test_id}\x1f{occurrence}".encode()).digest()[0] % 2 else VARIANT_B


def ab_test_of_series(scope: Scope, row: Series) -> PostTest | None:
    """The test whose units a series makes, over or not."""
    return (
        None if row.test_id is None else scope.session.get(PostTest, (scope.tenant_id, row.test_id))
    )


def variant_posts(scope: Scope, row: Series) -> tuple[UUID, ...]:
    """What a series says: its post, and the other version where it is tested."""
    test = ab_test_of_series(scope, row)
    return (row.post_id,) if test is None else (row.post_id, test.b_id)


def series_of_post(scope: Scope, post_id: UUID) -> ColumnElement[bool]:
    """The series that say a post, or did: its own, and those on which it is tested against
    another."""
    tests = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id, PostTest.b_id == post_id
    )
    return or_(col(Series.post_id) == post_id, col(Series.test_id).in_(tests))


def is_variant_b(scope: Scope, post_id: UUID) -> bool:
    """Whether a post is the other version of one that repeats, in a test that runs."""
    query = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id,
        PostTest.b_id == post_id,
        col(PostTest.ended_at).is_(None),
    )
    return scope.session.exec(query).first() is not None


def variant_of_post(scope: Scope, row: Series, post_id: UUID) -> str:
    """Which version of the test that runs on a series one of its posts is; nothing where none
    runs."""
    test = ab_test_of_series(scope, row)
    if test is None or test.ended_at is not None:
        return ""
    return VARIANT_B if post_id == test.b_id else VARIANT_A


def assign_variant(
    scope: Scope, row: Series, channel_id: UUID, occurrence: str
) -> tuple[UUID, str | None]:
    """The post that a new time of a series says on an account, and its version; no version where it
    is no unit.

    A test that has its units, or is over, draws no more: what repeated before goes on.
    """
    test = ab_test_of_series(scope, row)
    if test is None or test.ended_at is not None or channel_id != test.channel_id:
        return row.post_id, None
    if count_published_units(scope, row.id, test.channel_id) >= test.planned:
        return row.post_id, None
    version = draw_variant(test.id, occurrence)
    return (test.a_id if version == VARIANT_A else test.b_id), version


def count_published_units(scope: Scope, series_id: UUID, channel_id: UUID) -> int:
    """How many units of a test left or may leave."""
    query = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        Delivery.channel_id == channel_id,
        Delivery.series_id == series_id,
        col(Delivery.variant).is_not(None),
        col(Delivery.state).not_in(sorted(map(str, LOST))),
    )
    return scope.session.exec(query).one()


def running_tests_of_channel(scope: Scope, channel_id: UUID) -> list[PostTest]:
    """The tests that run on an account."""
    query = select(PostTest).where(
        PostTest.tenant_id == scope.tenant_id,
        PostTest.channel_id == channel_id,
        col(PostTest.ended_at).is_(None),
    )
    return list(
        scope.session.exec(
            query.order_by(col(PostTest.id)).execution_options(populate_existing=True)
        )
    )


def require_no_running_test(scope: Scope, row: Series) -> None:
    """Raise Conflict while a test runs on a series: another hour or other words in its midst would
    spoil it."""
    test = ab_test_of_series(scope, row)
    if test is not None and test.ended_at is None:
        raise Conflict("variants.running")
