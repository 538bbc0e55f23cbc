"""Two versions of what a series says, tested against each other: begun, listed, ended.

A test is a stretch of a series, from one of its dates on: each time in it is a unit, whose version is drawn by
`schedules/assigning.py`. The other version is a post of its own, so it is approved, previewed and compared like any.
What came of it is said by `insights/experiments.py`.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import tuple_
from sqlmodel import col, select

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived
from schedules import assigning, drafting, labels, likeness, linking, listing, overrides, planning, series, series_rule
from schedules.assigning import A, B
from schedules.drafting import Draft
from schedules.models import Delivery, PostTest, Series
from schedules.overrides import Content, Override
from schedules.series import Change
from schedules.states import DeliveryState, SeriesState
from tenants import notices

ORIGIN = "variant"
"""`origin` of posts written as the other version of one that repeats."""

LEAST, MOST = 40, 1000
"""Units of a test: fewer say nothing, more are years."""

GONE = frozenset({DeliveryState.REMOVING, DeliveryState.REMOVED})
"""States of a unit that left and was taken away."""

SHOWN = 60
"""Tests of a creator that are listed."""


class Standing(StrEnum):
    """Whether units of a test still come."""

    RUNNING = "running"
    STOPPED = "stopped"  # with its series; nobody said which version is kept
    ENDED = "ended"


@dataclass(frozen=True)
class Wanted:
    """A test to be made, from the date `day` of a series on: other words or other pictures, never both (None: as they
    are); `metric` is read `age_hours` after each post left, of `planned` posts."""

    day: date
    metric: str
    age_hours: int
    planned: int
    body: str | None = None
    media: tuple[UUID, ...] | None = None


@dataclass(frozen=True)
class Listed:
    """A test as it stands. `series_id` is the stretch of the series it runs on; instants are UTC-aware."""

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
    """The version that goes on after its end, a or b; nothing while it runs."""
    differ: frozenset[str]
    """In what the versions differ as they stand: words, pictures, parts, price."""
    stopped: bool
    """Whether the series was stopped, so that no unit comes any more."""

    @property
    def state(self) -> Standing:
        """Where it stands."""
        if self.ended_at is not None:
            return Standing.ENDED
        return Standing.STOPPED if self.stopped else Standing.RUNNING


@dataclass(frozen=True)
class Unit:
    """One post of a test that left: since when that is known (UTC-aware), its version, and whether it still stands."""

    delivery_id: UUID
    variant: str
    at: datetime
    stands: bool = True


def differences(one: Content, other: Content) -> frozenset[str]:
    """In what two versions differ: words, pictures, parts, price, options; pure."""
    told = {
        "words": (one.title, likeness.normal(one.body)) != (other.title, likeness.normal(other.body)),
        "pictures": one.media != other.media,
        "parts": one.parts != other.parts,
        "price": one.price != other.price,
        "options": one.options != other.options,
    }
    return frozenset(name for name, differ in told.items() if differ)


def begin(scope: Scope, series_id: UUID, wanted: Wanted, *, key: UUID, author: str) -> UUID:
    """Let a series say one of two versions from a date on, each time the one a hash draws; once per `key`. The test.

    The other version waits for the yes its creator asks for, as any post. Raises BadInput for a series on several
    accounts or without as many times to come, for versions that say the same or differ in two ways, and for a day it
    does not fall on; Conflict where one runs already or the series is stopped; NotFound.
    """
    test_id = derived(scope.tenant_id, key, "post-test")
    if scope.session.get(PostTest, (scope.tenant_id, test_id)) is not None:
        return test_id
    row = series.series(scope, series_id)
    series.alone(scope, row.creator_id)
    row = series.series(scope, series_id)  # as whoever was first left it
    assigning.untested(scope, row)
    _check(scope, row, wanted)
    channel = channel_reads.channel(scope, UUID(row.channels[0]))
    owner = planning.post(scope, row.post_id)
    test = PostTest(
        tenant_id=scope.tenant_id,
        creator_id=row.creator_id,
        id=test_id,
        a_id=owner.id,
        b_id=_write(scope, row, wanted, key=key, author=author),
        channel_id=channel.id,
        metric=wanted.metric,
        age_hours=wanted.age_hours,
        planned=wanted.planned,
        by=author,
    )
    scope.add(test)
    change = Change(series_rule.repeat_of(row).following(wanted.day), test_id=test.id)
    series.change_following(scope, series_id, wanted.day, change, author=author, confirmed=True)
    drafting.settle(scope, test.b_id)
    return test.id


def _check(scope: Scope, row: Series, wanted: Wanted) -> None:
    if len(row.channels) != 1:
        raise BadInput("variants.one_account")
    if not LEAST <= wanted.planned <= MOST:
        raise BadInput("variants.size_wrong", least=LEAST, most=MOST)
    rest = series_rule.repeat_of(row).following(wanted.day)
    if rest.at(wanted.day).instant() <= scope.now:
        raise BadInput("delivery.time_passed")
    left = len(rest.upcoming(scope.now, wanted.planned, without=series_rule.skipped(row)))
    if left < wanted.planned:
        raise BadInput("variants.ends_before", left=left, planned=wanted.planned)


def _write(scope: Scope, row: Series, wanted: Wanted, *, key: UUID, author: str) -> UUID:
    """The other version, as a post of its own. What single places say otherwise is in it: it goes to one account."""
    owner = planning.post(scope, row.post_id)
    said = overrides.content(owner, channel_reads.channel(scope, UUID(row.channels[0])))
    other = replace(
        said,
        body=said.body if wanted.body is None else wanted.body,
        media=said.media if wanted.media is None else wanted.media,
    )
    if len(differences(said, other)) != 1:
        raise BadInput("variants.one_difference")
    links = linking.read(owner).wanted
    asked = Override(row.channels[0], price=said.price, options=said.options)
    asks = () if asked.idle else (asked,)
    words = (other.title, other.body, other.media)
    draft = Draft(owner.creator_id, *words, (), owner.text_ai, other.parts, asks, links=links)
    draft = replace(draft, labels=labels.ids_of(scope, owner.id))
    late: dict[str, Any] = {"late_ok": owner.late_ok, "until_midnight": owner.until_midnight}
    return drafting.write(scope, draft, key=key, author=author, origin=ORIGIN, priority=owner.priority, **late)


def end(scope: Scope, test_id: UUID, *, keep: str, author: str) -> None:
    """Draw no more: from its next time on the series says the version `keep`, a or b. Twice is as once.

    Raises BadInput for a version there is not, Conflict where it was ended with the other one, NotFound.
    """
    if keep not in (A, B):
        raise BadInput("variants.no_version")
    series.alone(scope, _test(scope, test_id).creator_id)
    test = _test(scope, test_id, lock=True)
    if test.ended_at is not None:
        if test.kept != keep:  # else two who press at once would both be told that theirs goes on
            raise Conflict("variants.is_ended", version=test.kept.upper())
        return
    test.ended_at, test.ended_by, test.kept = scope.now, author, keep
    scope.add(test)
    notices.settle(scope, has_its_size(test.id))
    row = series.series(scope, _stretch(scope, test.id).id, lock=True)  # whoever stops it waits, or is seen here
    if row.state == SeriesState.STOPPED:
        return
    repeat = series_rule.repeat_of(row)
    for wall in repeat.upcoming(scope.now, 1, without=series_rule.skipped(row)):
        change = Change(repeat.following(wall.day), post_id=test.b_id if keep == B else test.a_id)
        series.change_following(scope, row.id, wall.day, change, author=author, confirmed=True)


def has_its_size(test_id: UUID) -> str:
    """The cause of the notice that a test has all its posts, and waits for somebody to end it."""
    return f"versions:{test_id}:size"


def _test(scope: Scope, test_id: UUID, *, lock: bool = False) -> PostTest:
    query = select(PostTest).where(PostTest.tenant_id == scope.tenant_id, PostTest.id == test_id)
    query = query.with_for_update(key_share=True) if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("variants.unknown")
    return row


def _stretch(scope: Scope, test_id: UUID) -> Series:
    """The series whose times are its units: it begins in the transaction the test does."""
    query = select(Series).where(Series.tenant_id == scope.tenant_id, Series.test_id == test_id)
    return scope.session.exec(query.execution_options(populate_existing=True)).one()


def test(scope: Scope, test_id: UUID) -> Listed:
    """A test. Raises NotFound; another tenant's looks the same."""
    return _listed(scope, _test(scope, test_id))


def running(scope: Scope, creator_id: UUID) -> list[UUID]:
    """The tests of a creator that nobody has ended, nor ends before this transaction does."""
    query = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id, PostTest.creator_id == creator_id, col(PostTest.ended_at).is_(None)
    )
    return list(scope.session.exec(query.order_by(col(PostTest.id)).with_for_update(read=True)))


def of_creators(scope: Scope, creators: Collection[UUID]) -> list[Listed]:
    """The tests of these creators, those that run first, then the newest."""
    rows = scope.session.exec(
        select(PostTest)
        .where(PostTest.tenant_id == scope.tenant_id, col(PostTest.creator_id).in_(list(creators)))
        .order_by(col(PostTest.ended_at).is_not(None), col(PostTest.created_at).desc(), col(PostTest.id).desc())
        .limit(SHOWN)
        .execution_options(populate_existing=True)
    )
    return [_listed(scope, row) for row in rows]


def listed(
    scope: Scope, creators: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Listed]:
    """Tests of these creators, the newest first; with `before` (when one was begun, its id), those behind it."""
    query = (
        select(PostTest)
        .where(PostTest.tenant_id == scope.tenant_id, col(PostTest.creator_id).in_(list(creators)))
        .order_by(col(PostTest.created_at).desc(), col(PostTest.id).desc())
        .limit(min(limit, listing.MOST))
        .execution_options(populate_existing=True)
    )
    query = query if before is None else query.where(tuple_(col(PostTest.created_at), col(PostTest.id)) < before)
    return [_listed(scope, row) for row in scope.session.exec(query)]


def _listed(scope: Scope, row: PostTest) -> Listed:
    stretch = _stretch(scope, row.id)
    channel = channel_reads.channel(scope, row.channel_id)
    a, b = (overrides.content(planning.post(scope, one), channel) for one in (row.a_id, row.b_id))
    return Listed(
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
        differences(a, b),
        stretch.state == SeriesState.STOPPED,
    )


def units(scope: Scope, one: Listed) -> list[Unit]:
    """The posts of a test that left, those that were taken away too, the first to leave first."""
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
    found = [Unit(row.id, row.variant or A, row.settled_at or row.due_at, row.state not in GONE) for row in rows]
    return sorted(found, key=lambda unit: (unit.at, str(unit.delivery_id)))
