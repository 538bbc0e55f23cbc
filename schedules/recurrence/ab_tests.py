"""A/B tests of two to four versions of a recurring post: start, list and end them.

A test covers a series from one of its dates on. Each occurrence on each account is a unit, whose
version is drawn by `schedules/recurrence/variant_assignment.py`. The other versions are separate
posts, which are approved, previewed and compared like any other post.
`insights/analysis/ab_test_verdicts.py` computes the result. A test of prices is a switchback: all
readers of a post see the same price.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid
from foundation.money import Money
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries, labels, link_tracking, text_similarity
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.models import Delivery, Post, Series
from schedules.posts.queries import MAX_PAGE_SIZE
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence import occurrences, series, variant_assignment
from schedules.recurrence.models import PostTest
from schedules.recurrence.series import SeriesUpdate
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANTS
from tenants.notices import notices

ORIGIN = "variant"
"""`origin` of posts created as another version of a recurring post."""

MIN_TEST_UNITS = 40
"""Minimum number of units of a test of two versions; each further version needs
`MIN_VERSION_UNITS` more."""

MIN_VERSION_UNITS = 20
MAX_TEST_UNITS = 1000
"""Maximum number of units of a test. Fewer than the minimum are inconclusive, more take years."""

MAX_TEST_CHANNELS = 10
METHODS = ("fixed", "sequential")
"""Methods of a verdict: once at the planned size, or on any day."""

GONE = frozenset({DeliveryState.REMOVING, DeliveryState.REMOVED})
"""States of a unit that was published and then removed."""

SHOWN = 60
"""Maximum number of listed tests of a creator."""


class AbTestStatus(StrEnum):
    """The status of a test."""

    RUNNING = "running"
    STOPPED = "stopped"  # its series was stopped before a version was chosen
    ENDED = "ended"


@dataclass(frozen=True)
class VariantChange:
    """The difference of a version from the original: the text, the media or the price; None keeps
    the original."""

    body: str | None = None
    media: tuple[UUID, ...] | None = None
    price: Money | None = None


@dataclass(frozen=True)
class AbTestRequest:
    """A test to start on the date `day` of a series.

    `changes` are the versions B to D; all of them change the same single thing. `metric` is read
    `age_hours` after each of the `planned` posts was published.
    """

    day: date
    metric: str
    age_hours: int
    planned: int
    changes: tuple[VariantChange, ...]
    method: str = "fixed"


@dataclass(frozen=True)
class VariantTest:
    """A test. `series_id` is the series whose occurrences are its units. Instants are UTC-aware."""

    id: UUID
    creator_id: UUID
    channel_id: UUID
    series_id: UUID
    a_id: UUID
    b_id: UUID
    metric: str
    age_hours: int
    planned: int
    begun_at: datetime
    ended_at: datetime | None
    kept: str
    """The version that the series continues with, "a" to "d"; empty while the test runs."""
    differ: frozenset[str]
    """The aspects in which the versions currently differ: words, pictures, parts, price, options.
    """
    stopped: bool
    """True if the series was stopped, so that no unit follows."""
    posts: Mapping[str, UUID] = field(default_factory=dict)
    """The post of each version, in order."""
    channels: tuple[UUID, ...] = ()
    """The accounts on which the versions are compared."""
    method: str = "fixed"

    @property
    def state(self) -> AbTestStatus:
        if self.ended_at is not None:
            return AbTestStatus.ENDED
        return AbTestStatus.STOPPED if self.stopped else AbTestStatus.RUNNING


@dataclass(frozen=True)
class AbTestUnit:
    """A published post of a test: its time (UTC-aware), its version, and a flag that is True while
    it is live."""

    delivery_id: UUID
    variant: str
    at: datetime
    stands: bool = True
    channel_id: UUID | None = None


def variant_differences(one: PostContent, other: PostContent) -> frozenset[str]:
    """Return the aspects in which two versions differ: words, pictures, parts, price, options;
    pure."""
    told = {
        "words": (one.title, text_similarity.normalize_text(one.body))
        != (other.title, text_similarity.normalize_text(other.body)),
        "pictures": one.media != other.media,
        "parts": one.parts != other.parts,
        "price": one.price != other.price,
        "options": one.options != other.options,
    }
    return frozenset(name for name, differ in told.items() if differ)


def start_test(
    scope: Scope, series_id: UUID, wanted: AbTestRequest, *, key: UUID, author: str
) -> UUID:
    """Start a test on a series from a date on and return its ID; once per `key`.

    Each version requires the same approval as any other post. Raises BadInput if the series has too
    many accounts or too few future occurrences, if the versions are equal or differ in two aspects,
    if the original differs between accounts, or if the series has no occurrence on the day;
    Conflict if a test is running or the series is stopped; and NotFound.
    """
    test_id = derived_uuid(scope.tenant_id, key, "post-test")
    if scope.session.get(PostTest, (scope.tenant_id, test_id)) is not None:
        return test_id
    row = series.get_series(scope, series_id)
    series.lock_series_planning(scope, row.creator_id)
    row = series.get_series(scope, series_id)  # read again under the lock
    variant_assignment.require_no_running_test(scope, row)
    _check_test_request(scope, row, wanted)
    versions = _build_variant_drafts(scope, row, wanted.changes)
    made = [
        _write_variant_post(
            scope, row, draft, key=key if not nth else derived_uuid(key, nth, ORIGIN), author=author
        )
        for nth, draft in enumerate(versions)
    ]
    test = PostTest(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        id=test_id,
        a_id=row.post_id,
        b_id=made[0],
        more_ids=[str(one) for one in made[1:]],
        channel_id=UUID(row.channels[0]),
        channels=row.channels if len(row.channels) > 1 else [],
        method=wanted.method,
        metric=wanted.metric,
        age_hours=wanted.age_hours,
        planned=wanted.planned,
        by=author,
    )
    scope.add(test)
    change = SeriesUpdate(
        occurrences.recurrence_of_series(row).recurrence_from(wanted.day), test_id=test.id
    )
    series.change_following_occurrences(
        scope, series_id, wanted.day, change, author=author, confirmed=True
    )
    for post_id in made:
        release_post(scope, post_id)
    return test.id


def minimum_units(versions: int) -> int:
    """Return the minimum number of units of a test of this many versions."""
    return MIN_TEST_UNITS + MIN_VERSION_UNITS * (versions - 2)


def _check_test_request(scope: Scope, row: Series, wanted: AbTestRequest) -> None:
    if not 1 <= len(row.channels) <= MAX_TEST_CHANNELS:
        raise BadInput("variants.too_many_accounts", most=MAX_TEST_CHANNELS)
    if not 1 <= len(wanted.changes) < len(VARIANTS) or wanted.method not in METHODS:
        raise BadInput("variants.count_wrong", most=len(VARIANTS))
    least = minimum_units(1 + len(wanted.changes))
    if not least <= wanted.planned <= MAX_TEST_UNITS:
        raise BadInput("variants.size_wrong", least=least, most=MAX_TEST_UNITS).about("size")
    rest = occurrences.recurrence_of_series(row).recurrence_from(wanted.day)
    if rest.occurrence_on(wanted.day).instant() <= scope.now:
        raise BadInput("delivery.time_passed")
    dates = -(-wanted.planned // len(row.channels))  # each date is a unit on every account
    left = len(rest.iterate_occurrences(scope.now, dates, without=occurrences.skipped_dates(row)))
    if left < dates:
        raise BadInput("variants.ends_before", left=left, planned=dates)


def _build_variant_drafts(
    scope: Scope, row: Series, changes: Collection[VariantChange]
) -> list[Draft]:
    """Return the drafts of the other versions. Overrides of an account become content of its own.

    Raises BadInput as `start_test` does.
    """
    owner = deliveries.get_post(scope, row.post_id)
    contents = {
        one: channel_overrides.content_for_channel(owner, queries.get_channel(scope, UUID(one)))
        for one in row.channels
    }
    said = next(iter(contents.values()))
    others = [_apply_change(said, one) for one in changes]
    _check_differences(said, others)
    prices = variant_differences(said, others[0]) == {"price"}
    if any(
        one.texts != said.texts or (prices and one.price != said.price) for one in contents.values()
    ):
        raise BadInput("variants.accounts_differ")
    return [_build_variant_draft(scope, owner, contents, other, prices) for other in others]


def _check_differences(said: PostContent, others: Sequence[PostContent]) -> None:
    """Raise BadInput unless all versions differ in the same single aspect, and from each other."""
    differ = {variant_differences(said, one) for one in others}
    if len(differ) != 1 or len(*differ) != 1:
        raise BadInput("variants.one_difference")
    if not all(variant_differences(one, other) for one, other in combinations(others, 2)):
        raise BadInput("variants.equal_versions")


def _build_variant_draft(
    scope: Scope, owner: Post, contents: Mapping[str, PostContent], other: PostContent, prices: bool
) -> Draft:
    asked = (
        ChannelOverride(
            channel, price=other.price if prices else content.price, options=content.options
        )
        for channel, content in contents.items()
    )
    return Draft(
        owner.creator_id,
        other.title,
        other.body,
        other.media,
        (),
        owner.text_ai,
        other.parts,
        tuple(one for one in asked if not one.is_idle),
        links=link_tracking.link_plan_of_post(owner).wanted,
        labels=labels.label_ids_of_post(scope, owner.id),
    )


def _apply_change(said: PostContent, change: VariantChange) -> PostContent:
    if change.price is not None and (
        said.price is None
        or change.price.currency != said.price.currency
        or change.price.minor <= 0
    ):
        raise BadInput("variants.no_price")
    return replace(
        said,
        body=said.body if change.body is None else change.body,
        media=said.media if change.media is None else change.media,
        price=said.price if change.price is None else change.price,
    )


def _write_variant_post(scope: Scope, row: Series, draft: Draft, *, key: UUID, author: str) -> UUID:
    owner = deliveries.get_post(scope, row.post_id)
    late: dict[str, Any] = {"late_ok": owner.late_ok, "until_midnight": owner.until_midnight}
    return drafts.write_draft(
        scope, draft, key=key, author=author, origin=ORIGIN, priority=owner.priority, **late
    )


def end_test(scope: Scope, test_id: UUID, *, keep: str, author: str) -> None:
    """End a test; the series continues with the version `keep`, "a" to "d", from its next
    occurrence on.

    Idempotent. Raises BadInput for another version, Conflict if the test was ended with the other
    version, NotFound.
    """
    if keep not in variant_assignment.posts_of_test(_get_test_row(scope, test_id)):
        raise BadInput("variants.no_version")
    series.lock_series_planning(scope, _get_test_row(scope, test_id).creator_id)
    test = _get_test_row(scope, test_id, lock=True)
    if test.ended_at is not None:
        if test.kept != keep:  # of two concurrent requests with different versions, one must fail
            raise Conflict("variants.is_ended", version=test.kept.upper())
        return
    test.ended_at = scope.now
    test.ended_by = author
    test.kept = keep
    scope.add(test)
    notices.close(scope, ab_test_complete_cause(test.id))
    # Waits for a concurrent stop, or makes that one wait.
    row = series.get_series(scope, _get_test_series(scope, test.id).id, lock=True)
    if row.state == SeriesState.STOPPED:
        return
    repeat = occurrences.recurrence_of_series(row)
    for wall in repeat.iterate_occurrences(scope.now, 1, without=occurrences.skipped_dates(row)):
        change = SeriesUpdate(
            repeat.recurrence_from(wall.day),
            post_id=variant_assignment.posts_of_test(test)[keep],
        )
        series.change_following_occurrences(
            scope, row.id, wall.day, change, author=author, confirmed=True
        )


def ab_test_complete_cause(test_id: UUID) -> str:
    """Return the cause of the notice that a test has all its posts and can be ended."""
    return f"versions:{test_id}:size"


def _get_test_row(scope: Scope, test_id: UUID, *, lock: bool = False) -> PostTest:
    query = select(PostTest).where(PostTest.tenant_id == scope.tenant_id, PostTest.id == test_id)
    query = query.with_for_update(key_share=True) if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("variants.unknown")
    return row


def _get_test_series(scope: Scope, test_id: UUID) -> Series:
    """Return the series of a test; both are created in the same transaction."""
    query = select(Series).where(Series.tenant_id == scope.tenant_id, Series.test_id == test_id)
    return scope.session.exec(query.execution_options(populate_existing=True)).one()


def get_test(scope: Scope, test_id: UUID) -> VariantTest:
    """Return a test. Raises NotFound, also for a test of another tenant."""
    return _variant_test_from_row(scope, _get_test_row(scope, test_id))


def list_running_tests(scope: Scope, creator_id: UUID) -> list[UUID]:
    """Return the tests of a creator that have not ended, and lock them so that they cannot end
    during this transaction."""
    query = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id,
        PostTest.creator_id == creator_id,
        col(PostTest.ended_at).is_(None),
    )
    return list(scope.session.exec(query.order_by(col(PostTest.id)).with_for_update(read=True)))


def tests_of_creators(scope: Scope, creators: Collection[UUID]) -> list[VariantTest]:
    """Return the tests of these creators: running ones first, then the newest; at most `SHOWN`."""
    rows = scope.session.exec(
        select(PostTest)
        .where(PostTest.tenant_id == scope.tenant_id, col(PostTest.creator_id).in_(list(creators)))
        .order_by(
            col(PostTest.ended_at).is_not(None),
            col(PostTest.created_at).desc(),
            col(PostTest.id).desc(),
        )
        .limit(SHOWN)
        .execution_options(populate_existing=True)
    )
    return [_variant_test_from_row(scope, row) for row in rows]


def list_tests(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[VariantTest]:
    """Return tests of these creators, newest first.

    `before` is the start time and ID of the last test of the previous page.
    """
    query = (
        select(PostTest)
        .where(PostTest.tenant_id == scope.tenant_id, col(PostTest.creator_id).in_(list(creators)))
        .order_by(col(PostTest.created_at).desc(), col(PostTest.id).desc())
        .limit(min(limit, MAX_PAGE_SIZE))
        .execution_options(populate_existing=True)
    )
    query = (
        query
        if before is None
        else query.where(tuple_(col(PostTest.created_at), col(PostTest.id)) < before)
    )
    return [_variant_test_from_row(scope, row) for row in scope.session.exec(query)]


def _variant_test_from_row(scope: Scope, row: PostTest) -> VariantTest:
    stretch = _get_test_series(scope, row.id)
    channel = queries.get_channel(scope, row.channel_id)
    posts = variant_assignment.posts_of_test(row)
    a, *others = (
        channel_overrides.content_for_channel(deliveries.get_post(scope, one), channel)
        for one in posts.values()
    )
    differ = [variant_differences(a, one) for one in others]
    return VariantTest(
        row.id,
        row.creator_id,
        row.channel_id,
        stretch.id,
        row.a_id,
        row.b_id,
        row.metric,
        row.age_hours,
        row.planned,
        row.created_at or scope.now,
        row.ended_at,
        row.kept,
        # A version that was edited to equal the original makes the test one of nothing.
        frozenset[str]().union(*differ) if all(differ) else frozenset(),
        stretch.state == SeriesState.STOPPED,
        posts,
        tuple(variant_assignment.channels_of_test(row)),
        row.method,
    )


def list_test_units(scope: Scope, one: VariantTest) -> list[AbTestUnit]:
    """Return the published posts of a test by time, including those removed since."""
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.channel_id).in_(one.channels),
            Delivery.series_id == one.series_id,
            col(Delivery.variant).is_not(None),
            col(Delivery.state).in_([str(DeliveryState.PUBLISHED), *map(str, GONE)]),
        )
        .execution_options(populate_existing=True)
    )
    found = [
        AbTestUnit(
            row.id,
            row.variant or VARIANT_A,
            row.settled_at or row.due_at,
            row.state not in GONE,
            row.channel_id,
        )
        for row in rows
    ]
    return sorted(found, key=lambda unit: (unit.at, str(unit.delivery_id)))
