"""A post that leaves again and again: made ahead from its rule, once each; left out, changed, stopped, caught up."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from schedules import approvals, clocks, drafting, planning, repeating, series
from schedules.calendar import local_day, parse
from schedules.events import ClocksDue, ExtendDue
from schedules.models import Delivery, Series
from schedules.planning import deliveries_of
from schedules.recurrence import Every, Repeat, Rule
from schedules.series import Change
from schedules.states import DeliveryState
from tests.fakes.network import Network
from tests.schedules.builders import ZONE, Desk, desk
from workers.wiring import Services

S = DeliveryState
DAILY, WEEKLY = Rule(Every.DAY, None), Rule(Every.WEEK, None)


def soon(lea: Desk, *, hours: float = 2) -> tuple[date, time]:
    """A day and a clock of Léa's zone, so many hours from now."""
    local = (lea.now() + timedelta(hours=hours)).astimezone(UTC)
    return local.date(), local.time().replace(second=0, microsecond=0)


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


# made ahead


def test_a_row_for_each_time_of_ninety_days_and_one_more_each_day(lea: Desk) -> None:
    wanted = repeat(lea)
    post_id = begin(lea, wanted)
    assert len(rows(lea, post_id)) == 1  # what one sees at once
    lea.run()
    made = [row.occurrence_key for row in rows(lea, post_id)]
    assert made == [str(wanted.at(wanted.starts_on + timedelta(days=ahead))) for ahead in range(90)]
    lea.pass_time(days=1)
    lea.run()
    assert len(rows(lea, post_id)) == 91


def test_extending_twice_or_killed_half_way_changes_nothing(lea: Desk) -> None:
    lea.connect("other")
    post_id = begin(lea, repeat(lea, WEEKLY), "main", "other")
    at = 0
    while lea.crash(at):
        at += 1
    event = ExtendDue(lea.tenant_id, only(lea, post_id))
    for _ in range(2):
        repeating.extend(event, tenant=lea.tenant)
    keys = [(row.channel_id, row.occurrence_key) for row in rows(lea, post_id)]
    assert len(keys) == len(set(keys)) == 2 * 13
    assert [row.available_at for row in lea.rows("series.extend")] == [series_of(lea, post_id)[0].next_extend_at]


def test_one_yes_counts_for_all_of_it_and_what_is_made_later_leaves_too(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    lea.run()
    approved(lea, post_id)
    assert {row.state for row in rows(lea, post_id)} == {S.SCHEDULED}
    lea.live(hours=50)
    assert lea.texts() == ["again and again"] * 3
    assert {row.state for row in rows(lea, post_id)} == {S.PUBLISHED, S.SCHEDULED}


def test_nothing_more_is_made_while_somebody_says_no(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    lea.run()
    lea.act(approvals.turn_down, post_id, member_id=lea.manager, note="never")
    lea.pass_time(days=2)
    lea.run()
    assert standing(lea, post_id) == []
    assert len(rows(lea, post_id)) == 90


@pytest.mark.parametrize("end", [3, "third"])
def test_it_ends_when_it_was_told_to(lea: Desk, end: int | str) -> None:
    day, clock = soon(lea)
    last = end if isinstance(end, int) else day + timedelta(days=2)
    post_id = begin(lea, Repeat(Rule(Every.DAY, last), day, clock, "UTC"))
    lea.run()
    assert standing(lea, post_id) == [str(day + timedelta(days=ahead)) for ahead in range(3)]
    (found,) = series_of(lea, post_id)
    assert (found.state, found.next_extend_at) == ("planned", None)
    assert not lea.rows("series.extend")


def test_a_first_time_beyond_ninety_days_stands_at_once(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea, Rule(Every.MONTH, 3), hours=24 * 120))
    lea.run()
    assert len(rows(lea, post_id)) == 1


def test_the_same_press_begins_one(lea: Desk) -> None:
    key, wanted = uuid7(), repeat(lea)
    assert begin(lea, wanted, key=key) == begin(lea, wanted, key=key)
    lea.run()
    with lea.scope() as scope:
        assert len(scope.session.exec(select(Series).where(Series.tenant_id == lea.tenant_id)).all()) == 1


# what is refused


def test_many_at_once_want_a_word(lea: Desk) -> None:
    with pytest.raises(BadInput) as told:
        begin(lea, repeat(lea), confirmed=False)
    assert (told.value.message.code, told.value.message.params) == ("series.many", {"count": 90})
    begin(lea, repeat(lea, WEEKLY), confirmed=False)


def test_two_series_keep_six_hours_apart_on_an_account(lea: Desk) -> None:
    lea.connect("other")
    day = soon(lea, hours=48)[0]

    def at(hour: int, rule: Rule = DAILY) -> Repeat:
        return Repeat(rule, day, time(hour), "UTC")

    begin(lea, at(10, WEEKLY))
    with pytest.raises(BadInput) as told:
        begin(lea, at(15))
    assert told.value.message.code == "series.too_close"
    begin(lea, at(16))
    begin(lea, at(15), "other")
    stopped = begin(lea, at(3))
    with pytest.raises(BadInput):
        begin(lea, at(2))
    lea.act(series.stop, only(lea, stopped))
    begin(lea, at(2))


def test_a_series_without_a_time_to_come_is_refused(lea: Desk) -> None:
    day, clock = soon(lea)
    for rule in (Rule(Every.DAY, day - timedelta(days=1)), Rule(Every.MONTH, None, 12, month_day=30)):
        with pytest.raises(BadInput) as told:
            begin(lea, Repeat(rule, date(day.year - 1, 2, 1), clock, "UTC"))
        assert told.value.message.code == "series.never"


def test_another_tenants_series_is_nobodys(lea: Desk, services: Services, sandbox: Network) -> None:
    other = desk(services, sandbox)
    theirs = only(other, begin(other, repeat(other)))
    acts: list[Callable[[Scope], Any]] = [
        lambda scope: series.stop(scope, theirs),
        lambda scope: series.skip(scope, theirs, date(2030, 1, 1)),
        lambda scope: series.extend(scope, theirs),
        lambda scope: series.change_following(
            scope, theirs, date(2030, 1, 1), Change(repeat(lea)), author=f"member:{lea.author}"
        ),
    ]
    for act in acts:
        with pytest.raises(NotFound), lea.scope() as scope:
            act(scope)
    with pytest.raises(NotFound), lea.scope() as scope:
        series.begin(scope, lea.write(), [other.channels["main"]], repeat(lea), confirmed=True)


# one left out, one moved, the rest changed, all stopped


def test_one_is_left_out_for_good(lea: Desk) -> None:
    wanted = repeat(lea)
    post_id = begin(lea, wanted)
    lea.run()
    day, far = wanted.starts_on + timedelta(days=3), wanted.starts_on + timedelta(days=91)
    for one in (day, far, day):
        lea.act(series.skip, only(lea, post_id), one)
    lea.pass_time(days=2.5)
    repeating.extend(ExtendDue(lea.tenant_id, only(lea, post_id)), tenant=lea.tenant)
    there = standing(lea, post_id)
    assert str(day) not in there
    assert str(far) not in there
    (gone,) = [row for row in rows(lea, post_id) if row.state == S.CANCELLED]
    assert gone.reason == {"code": "series.skipped", "params": {}}
    with pytest.raises(BadInput):
        lea.act(series.skip, only(lea, post_id), wanted.starts_on - timedelta(days=1))


def test_one_that_has_left_is_not_left_out(lea: Desk) -> None:
    wanted = repeat(lea, WEEKLY)
    post_id = begin(lea, wanted)
    approved(lea, post_id)
    lea.live(hours=3)
    with pytest.raises(Conflict) as told:
        lea.act(series.skip, only(lea, post_id), wanted.starts_on)
    assert told.value.message.code == "series.left_already"


def test_one_that_is_moved_is_not_made_again(lea: Desk) -> None:
    wanted = repeat(lea, WEEKLY)
    post_id = begin(lea, wanted)
    lea.run()
    moved = rows(lea, post_id)[1]
    at = parse(moved.wall_time, "UTC")
    lea.act(planning.move_delivery, moved.id, at=type(at)(at.day + timedelta(days=1), at.clock, "UTC"))
    repeating.extend(ExtendDue(lea.tenant_id, only(lea, post_id)), tenant=lea.tenant)
    assert len(standing(lea, post_id)) == 13
    (found,) = [row for row in rows(lea, post_id) if row.id == moved.id]
    assert found.occurrence_key == str(at)
    assert found.wall_time[:10] == str(at.day + timedelta(days=1))


def test_another_hour_from_a_date_on_keeps_the_yes(lea: Desk) -> None:
    wanted = repeat(lea, WEEKLY)
    post_id = begin(lea, wanted)
    lea.run()
    approved(lea, post_id)
    old, day = only(lea, post_id), wanted.starts_on + timedelta(days=21)
    lea.act(series.skip, old, day + timedelta(days=14))
    later = Change(Repeat(WEEKLY, day, time(4, 5), "UTC"))
    for _ in range(2):  # an impatient hand
        assert lea.act(series.change_following, old, day, later, author=f"member:{lea.author}") == post_id
    lea.run()
    there = [row for row in rows(lea, post_id) if row.state != S.CANCELLED]
    assert {row.state for row in there} == {S.SCHEDULED}
    clocks_of = {row.wall_time[:10]: row.wall_time[11:] for row in there}
    assert len(clocks_of) == len(there) == 12
    assert all((clock == "04:05") == (one >= str(day)) for one, clock in clocks_of.items())
    assert str(day + timedelta(days=14)) not in clocks_of
    assert [(one.nth, one.state) for one in series_of(lea, post_id)] == [(1, "planned"), (2, "running")]


def test_other_words_from_a_date_on_want_a_yes_of_their_own(lea: Desk) -> None:
    wanted = repeat(lea, Rule(Every.WEEK, 6))
    post_id = begin(lea, wanted)
    lea.run()
    approved(lea, post_id)
    old, day = only(lea, post_id), wanted.starts_on + timedelta(days=14)
    with lea.scope() as scope:
        rest = series.repeat_of(series.series(scope, old)).following(day)
    change = Change(rest, draft(lea, body="other words"))
    new_post = lea.act(series.change_following, old, day, change, author=f"member:{lea.author}")
    assert lea.act(series.change_following, old, day, change, author=f"member:{lea.author}") == new_post != post_id
    lea.run()
    assert len(standing(lea, post_id)) == 2
    assert standing(lea, new_post) == [str(day + timedelta(days=7 * ahead)) for ahead in range(4)]
    assert {row.state for row in rows(lea, new_post)} == {S.DRAFT}


def test_a_change_that_is_refused_changes_nothing(lea: Desk) -> None:
    wanted = repeat(lea, WEEKLY)
    post_id = begin(lea, wanted)
    lea.run()
    before = standing(lea, post_id)
    day = wanted.starts_on + timedelta(days=7)
    for change in (Change(Repeat(DAILY, day, wanted.clock, "UTC")), Change(repeat(lea))):
        with pytest.raises(BadInput):
            lea.act(series.change_following, only(lea, post_id), day, change, author=f"member:{lea.author}")
    with pytest.raises(BadInput):
        lea.act(
            series.change_following,
            only(lea, post_id),
            day + timedelta(days=1),
            Change(wanted.following(day)),
            author="x",
        )
    assert standing(lea, post_id) == before
    assert [one.state for one in series_of(lea, post_id)] == ["running"]


def test_stopped_means_nothing_more_leaves(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    lea.run()
    approved(lea, post_id)
    lea.live(hours=3)
    assert lea.act(series.stop, only(lea, post_id)) == 90
    assert lea.act(series.stop, only(lea, post_id)) == 0
    lea.live(days=3)
    assert len(lea.texts()) == 1
    assert not lea.rows("series.extend")
    assert not lea.rows("delivery.publish")
    with pytest.raises(Conflict):
        lea.act(series.skip, only(lea, post_id), local_day(lea.now(), "UTC") + timedelta(days=5))


# after a downtime


def test_after_a_downtime_only_the_newest_missed_one_leaves(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    lea.run()
    with lea.scope() as scope:
        scope.run("UPDATE posts SET late_ok = NULL WHERE id = :id", id=post_id)
        scope.run("UPDATE deliveries SET late_until = NULL WHERE post_id = :id", id=post_id)
    approved(lea, post_id)
    kept = rows(lea, post_id)[1]
    lea.act(planning.move_delivery, kept.id, at=type(parse(kept.wall_time, "UTC"))(*soon(lea, hours=30), "UTC"))
    lea.pass_time(days=5)
    lea.live(minutes=30)
    ours = rows(lea, post_id)
    passed = [row for row in ours if row.state == S.CANCELLED]
    assert len(passed) == 3
    assert {row.reason["code"] for row in passed if row.reason} == {"series.passed_over"}
    assert [row.state for row in ours if row.id == kept.id] == [S.PUBLISHED]  # somebody wanted that one then
    assert len(lea.texts()) == 2
    assert "series.some_passed_over" in lea.notices().values()


def test_missed_ones_that_are_too_late_are_one_decision_not_many(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    lea.run()
    approved(lea, post_id)
    lea.pass_time(days=5)
    lea.run()
    states = [row.state for row in rows(lea, post_id)[:6]]
    assert states.count(S.HELD) == 1
    assert states.count(S.CANCELLED) == 4
    assert lea.texts() == []


# clocks


def altered(lea: Desk, post_id: UUID, **by: float) -> None:
    """As if the rules of time zones had been others when these were planned."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE deliveries SET due_at = due_at + :by, late_until = late_until + :by WHERE post_id = :id",
            by=timedelta(**by),
            id=post_id,
        )


def test_other_rules_of_time_zones_move_instants_and_no_clock(lea: Desk) -> None:
    day, clock = soon(lea, hours=30)
    post_id = begin(lea, Repeat(Rule(Every.WEEK, 12), day, clock, ZONE))
    lea.run()
    approved(lea, post_id)
    moved = rows(lea, post_id)[2]
    at = parse(moved.wall_time, ZONE)
    lea.act(planning.move_delivery, moved.id, at=type(at)(at.day + timedelta(days=2), time(3), ZONE))
    before = {row.id: (row.due_at, row.late_until, row.wall_time) for row in rows(lea, post_id)}
    altered(lea, post_id, hours=1)
    lookup = ClocksDue(lea.tenant_id, lea.tenant_id)
    for _ in range(2):
        repeating.look_at_clocks(lookup, tenant=lea.tenant)
    after = rows(lea, post_id)
    assert {row.id: (row.due_at, row.late_until, row.wall_time) for row in after} == before
    woken = {row.subject_id: row.available_at for row in lea.rows("delivery.publish")}
    assert woken == {row.id: row.due_at for row in after}
    told = [code for cause, code in lea.notices().items() if cause.startswith("clocks:")]
    assert told == ["clocks.moved"]
    assert lea.act(clocks.recompute) == 0


def test_what_has_left_keeps_its_time(lea: Desk) -> None:
    delivery_id = lea.delivery()
    lea.live(minutes=1)
    with lea.scope() as scope:
        scope.run("UPDATE deliveries SET due_at = due_at - interval '1 hour' WHERE id = :id", id=delivery_id)
    assert lea.act(clocks.recompute) == 0


def test_a_series_that_was_forgotten_is_taken_up(lea: Desk) -> None:
    post_id = begin(lea, repeat(lea))
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t AND kind = 'series.extend'", t=lea.tenant_id)
    lea.pass_time(hours=1.1)
    repeating.look_at_clocks(ClocksDue(lea.tenant_id, uuid4()), tenant=lea.tenant)
    lea.run()
    assert len(rows(lea, post_id)) == 90


@pytest.mark.parametrize("at", [datetime(2026, 11, 1, tzinfo=UTC)])
def test_a_series_in_a_gap_and_an_overlap_of_paris(at: datetime) -> None:
    """02:30 does not exist on 28 March 2027 and exists twice on 31 October."""
    daily = Repeat(DAILY, at.date(), time(2, 30), "Europe/Paris")
    spring = daily.between(datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC))
    assert [f"{wall.instant():%d %H:%M}" for wall in spring] == ["27 01:30", "28 01:30", "29 00:30"]
    assert [wall.moved_by_gap for wall in spring] == [False, True, False]
    autumn = daily.between(datetime(2027, 10, 30, tzinfo=UTC), datetime(2027, 11, 2, tzinfo=UTC))
    assert [f"{wall.instant():%d %H:%M}" for wall in autumn] == ["30 00:30", "31 00:30", "01 01:30"]
