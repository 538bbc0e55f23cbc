"""A/B tests of two versions of a recurring post: start, list and end them.

A test covers a series from one of its dates on. Each occurrence is a unit, whose version is drawn
by `schedules/recurrence/variant_assignment.py`. The other version is a separate post, which is
approved, previewed and compared like any other post. `insights/analysis/ab_test_verdicts.py`
computes the result.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived_uuid
from schedules.approvals.release import release_post
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import channel_overrides, deliveries, labels, link_tracking, text_similarity
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.models import Delivery, Series
from schedules.posts.queries import MAX_PAGE_SIZE
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence import occurrences, series, variant_assignment
from schedules.recurrence.models import PostTest
from schedules.recurrence.series import SeriesUpdate
from schedules.recurrence.variant_assignment import VARIANT_A, VARIANT_B
from tenants.notices import notices

ORIGIN = "variant"
"""`origin` of posts created as version B of a recurring post."""

MIN_TEST_UNITS = 40
MAX_TEST_UNITS = 1000
"""Maximum number of units of a test; the minimum is `MIN_TEST_UNITS`. Fewer are inconclusive, more
take years."""

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
class AbTestRequest:
    """A test to start on the date `day` of a series.

    Version B changes either the text or the media, never both; None keeps the original. `metric` is
    read `age_hours` after each of the `planned` posts was published.
    """

    day: date
    metric: str
    age_hours: int
    planned: int
    body: str | None = None
    media: tuple[UUID, ...] | None = None


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
    """The version that the series continues with, "a" or "b"; empty while the test runs."""
    differ: frozenset[str]
    """The aspects in which the versions currently differ: words, pictures, parts, price, options.
    """
    stopped: bool
    """True if the series was stopped, so that no unit follows."""

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

    Version B requires the same approval as any other post. Raises BadInput if the series has
    several accounts or too few future occurrences, if the versions are equal or differ in two
    aspects, or if the series has no occurrence on the day; Conflict if a test is running or the
    series is stopped; and NotFound.
    """
    test_id = derived_uuid(scope.tenant_id, key, "post-test")
    if scope.session.get(PostTest, (scope.tenant_id, test_id)) is not None:
        return test_id
    row = series.get_series(scope, series_id)
    series.lock_series_planning(scope, row.creator_id)
    row = series.get_series(scope, series_id)  # read again under the lock
    variant_assignment.require_no_running_test(scope, row)
    _check_test_request(scope, row, wanted)
    channel = queries.get_channel(scope, UUID(row.channels[0]))
    owner = deliveries.get_post(scope, row.post_id)
    test = PostTest(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        id=test_id,
        a_id=owner.id,
        b_id=_create_variant_post(scope, row, wanted, key=key, author=author),
        channel_id=channel.id,
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
    release_post(scope, test.b_id)
    return test.id


def _check_test_request(scope: Scope, row: Series, wanted: AbTestRequest) -> None:
    if len(row.channels) != 1:
        raise BadInput("variants.one_account")
    if not MIN_TEST_UNITS <= wanted.planned <= MAX_TEST_UNITS:
        raise BadInput("variants.size_wrong", least=MIN_TEST_UNITS, most=MAX_TEST_UNITS)
    rest = occurrences.recurrence_of_series(row).recurrence_from(wanted.day)
    if rest.occurrence_on(wanted.day).instant() <= scope.now:
        raise BadInput("delivery.time_passed")
    left = len(
        rest.iterate_occurrences(scope.now, wanted.planned, without=occurrences.skipped_dates(row))
    )
    if left < wanted.planned:
        raise BadInput("variants.ends_before", left=left, planned=wanted.planned)


def _create_variant_post(
    scope: Scope, row: Series, wanted: AbTestRequest, *, key: UUID, author: str
) -> UUID:
    """Create version B as a post. Overrides of the only account become its base content."""
    owner = deliveries.get_post(scope, row.post_id)
    said = channel_overrides.content_for_channel(
        owner, queries.get_channel(scope, UUID(row.channels[0]))
    )
    other = replace(
        said,
        body=said.body if wanted.body is None else wanted.body,
        media=said.media if wanted.media is None else wanted.media,
    )
    if len(variant_differences(said, other)) != 1:
        raise BadInput("variants.one_difference")
    links = link_tracking.link_plan_of_post(owner).wanted
    asked = ChannelOverride(row.channels[0], price=said.price, options=said.options)
    asks = () if asked.is_idle else (asked,)
    words = (other.title, other.body, other.media)
    draft = Draft(owner.creator_id, *words, (), owner.text_ai, other.parts, asks, links=links)
    draft = replace(draft, labels=labels.label_ids_of_post(scope, owner.id))
    late: dict[str, Any] = {"late_ok": owner.late_ok, "until_midnight": owner.until_midnight}
    return drafts.write_draft(
        scope, draft, key=key, author=author, origin=ORIGIN, priority=owner.priority, **late
    )


def end_test(scope: Scope, test_id: UUID, *, keep: str, author: str) -> None:
    """End a test; the series continues with the version `keep`, "a" or "b", from its next
    occurrence on.

    Idempotent. Raises BadInput for another version, Conflict if the test was ended with the other
    version, NotFound.
    """
    if keep not in (VARIANT_A, VARIANT_B):
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
            repeat.recurrence_from(wall.day), post_id=test.b_id if keep == VARIANT_B else test.a_id
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
    a, b = (
        channel_overrides.content_for_channel(deliveries.get_post(scope, one), channel)
        for one in (row.a_id, row.b_id)
    )
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
        variant_differences(a, b),
        stretch.state == SeriesState.STOPPED,
    )


def list_test_units(scope: Scope, one: VariantTest) -> list[AbTestUnit]:
    """Return the published posts of a test by time, including those removed since."""
    rows = scope.session.exec(
        select(Delivery)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == one.channel_id,
            Delivery.series_id == one.series_id,
            col(Delivery.variant).is_not(None),
            col(Delivery.state).in_([str(DeliveryState.PUBLISHED), *map(str, GONE)]),
        )
        .execution_options(populate_existing=True)
    )
    found = [
        AbTestUnit(
            row.id, row.variant or VARIANT_A, row.settled_at or row.due_at, row.state not in GONE
        )
        for row in rows
    ]
    return sorted(found, key=lambda unit: (unit.at, str(unit.delivery_id)))
