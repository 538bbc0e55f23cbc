"""Variant assignment: a stable hash draws the version of each occurrence during an A/B test."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.errors import Conflict
from schedules.posts.models import Delivery, Series
from schedules.posts.states import DeliveryState
from schedules.recurrence.models import PostTest

VARIANT_A = "a"
VARIANT_B = "b"
VARIANTS = (VARIANT_A, VARIANT_B, "c", "d")
"""Names of the versions of a test, in order. A is the original."""

LOST = frozenset(
    {DeliveryState.CANCELLED, DeliveryState.FAILED, DeliveryState.REHEARSED, DeliveryState.REMOVED}
)
"""States of units that no longer count; another occurrence replaces them."""


def draw_variant(test_id: UUID, occurrence: str, variants: int = 2) -> str:
    """Return the version of an occurrence: equally likely, and always the same for the same input;
    pure."""
    drawn = sha256(f"{test_id}\x1f{occurrence}".encode()).digest()
    if variants == 2:
        return VARIANT_A if drawn[0] % 2 else VARIANT_B
    return VARIANTS[int.from_bytes(drawn[:8]) % variants]


def posts_of_test(test: PostTest) -> dict[str, UUID]:
    """Return the post of each version of a test, in order."""
    posts = (test.a_id, test.b_id, *(UUID(one) for one in test.more_ids))
    return dict(zip(VARIANTS, posts, strict=False))


def channels_of_test(test: PostTest) -> Sequence[UUID]:
    """Return the accounts of a test."""
    return [UUID(one) for one in test.channels] or [test.channel_id]


def has_variant_post(post_id: UUID) -> ColumnElement[bool]:
    """Return the condition for tests of which a post is a version other than A."""
    more = type_coerce(PostTest.more_ids, JSONB).contains([str(post_id)])
    return or_(PostTest.b_id == post_id, more)


def runs_on_channel(channel_id: UUID) -> ColumnElement[bool]:
    """Return the condition for tests that run on an account."""
    several = type_coerce(PostTest.channels, JSONB).contains([str(channel_id)])
    return or_(PostTest.channel_id == channel_id, several)


def ab_test_of_series(scope: Scope, row: Series) -> PostTest | None:
    """Return the test whose units a series creates, running or ended."""
    return (
        None if row.test_id is None else scope.session.get(PostTest, (scope.tenant_id, row.test_id))
    )


def variant_posts(scope: Scope, row: Series) -> tuple[UUID, ...]:
    """Return the posts that a series publishes: its post, and the other versions of its test."""
    test = ab_test_of_series(scope, row)
    return (
        (row.post_id,) if test is None else (row.post_id, *list(posts_of_test(test).values())[1:])
    )


def series_of_post(scope: Scope, post_id: UUID) -> ColumnElement[bool]:
    """Return the condition for series that publish a post, as their post or as another version of
    their test."""
    tests = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id, has_variant_post(post_id)
    )
    return or_(col(Series.post_id) == post_id, col(Series.test_id).in_(tests))


def is_test_variant(scope: Scope, post_id: UUID) -> bool:
    """Return True if a post is a version other than A of a running test."""
    query = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id,
        has_variant_post(post_id),
        col(PostTest.ended_at).is_(None),
    )
    return scope.session.exec(query).first() is not None


def variant_of_post(scope: Scope, row: Series, post_id: UUID) -> str:
    """Return the version of a post in the running test of a series, or "" if none runs."""
    test = ab_test_of_series(scope, row)
    if test is None or test.ended_at is not None:
        return ""
    versions = {post: name for name, post in posts_of_test(test).items()}
    return versions.get(post_id, VARIANT_A)


def assign_variant(
    scope: Scope, row: Series, channel_id: UUID, occurrence: str
) -> tuple[UUID, str | None]:
    """Return the post of a new occurrence on an account and its version, or None if it is not a
    unit.

    A test that is complete or ended draws no more versions; the series continues with its post.
    """
    test = ab_test_of_series(scope, row)
    if test is None or test.ended_at is not None:
        return row.post_id, None
    channels = channels_of_test(test)
    if channel_id not in channels:
        return row.post_id, None
    if count_published_units(scope, row.id, channels) >= test.planned:
        return row.post_id, None
    posts = posts_of_test(test)
    # Accounts draw separately, so that a good day does not favour one version.
    unit = occurrence if len(channels) == 1 else f"{occurrence}\x1f{channel_id}"
    version = draw_variant(test.id, unit, len(posts))
    return posts[version], version


def count_published_units(scope: Scope, series_id: UUID, channels: Sequence[UUID]) -> int:
    """Return the number of units on these accounts that are published or may still be."""
    query = select(func.count()).where(
        Delivery.tenant_id == scope.tenant_id,
        col(Delivery.channel_id).in_(channels),
        Delivery.series_id == series_id,
        col(Delivery.variant).is_not(None),
        col(Delivery.state).not_in(sorted(map(str, LOST))),
    )
    return scope.session.exec(query).one()


def running_tests_of_channel(scope: Scope, channel_id: UUID) -> list[PostTest]:
    """Return the running tests of an account."""
    query = select(PostTest).where(
        PostTest.tenant_id == scope.tenant_id,
        runs_on_channel(channel_id),
        col(PostTest.ended_at).is_(None),
    )
    return list(
        scope.session.exec(
            query.order_by(col(PostTest.id)).execution_options(populate_existing=True)
        )
    )


def require_no_running_test(scope: Scope, row: Series) -> None:
    """Raise Conflict while a test runs on a series, because a change would invalidate its
    results."""
    test = ab_test_of_series(scope, row)
    if test is not None and test.ended_at is None:
        raise Conflict("variants.running")
