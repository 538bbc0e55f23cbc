"""A post that leaves again and again: made ahead from its rule, once each; left out, changed,
stopped, caught up."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day, parse_wall_time
from schedules.approvals import decisions
from schedules.approvals.time_changes import reschedule_delivery
from schedules.posts.events import ExtendDue
from schedules.posts.models import Series
from schedules.posts.states import DeliveryState
from schedules.recurrence import handlers, occurrences, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.recurrence.series import SeriesUpdate
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.series_builders import (
    DAILY,
    WEEKLY,
    allow_any_lateness,
    approve_and_release,
    build_draft,
    build_recurrence,
    get_series_id,
    list_active_dates,
    list_deliveries,
    list_series,
    local_time_ahead,
    start_series,
)
from workers.wiring import Services

# made ahead


def test_a_row_for_each_time_of_ninety_days_and_one_more_each_day(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea)
    post_id = start_series(lea, wanted)
    assert len(list_deliveries(lea, post_id)) == 1  # what one sees at once
    lea.run()
    made = [row.occurrence_key for row in list_deliveries(lea, post_id)]
    assert made == [
        str(wanted.occurrence_on(wanted.starts_on + timedelta(days=ahead))) for ahead in range(90)
    ]
    lea.pass_time(days=1)
    lea.run()
    assert len(list_deliveries(lea, post_id)) == 91


def test_what_one_more_of_it_asks_of_the_database_is_counted(lea: SandboxAgency) -> None:
    post_id, asked = start_series(lea, build_recurrence(lea)), list[str]()
    with lea.scope() as scope:
        connection = scope.session.info["connection"]
        event.listen(
            connection, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said)
        )
        assert series.extend_series(scope, get_series_id(lea, post_id)) == 89
    assert len(asked) < 89 * 4 + 25  # its account, itself, what looks ahead and what sends it
    assert sum(said.startswith("DELETE") for said in asked) == 0, (
        "what is new has nothing to take back"
    )


def test_one_more_date_asks_of_what_is_to_come_alone(
    services: Services, sandbox: RunningSandbox
) -> None:
    """Nobody has to say yes: it is made, on the calendar and carried, whatever has left and however
    much is ahead."""
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    post_id, asked = start_series(lea, build_recurrence(lea, WEEKLY)), list[str]()
    lea.run()
    lea.live(days=7)
    lea.pass_time(days=7)
    with lea.scope() as scope:
        connection = scope.session.info["connection"]
        event.listen(
            connection, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said)
        )
        assert series.extend_series(scope, get_series_id(lea, post_id)) == 1
    assert len(asked) <= 25, asked
    (locked,) = [
        said for said in asked if said.startswith("SELECT deliveries") and "FOR UPDATE" in said
    ]
    assert "NOT IN" in locked
    assert sum("DELETE" in said for said in asked) == 1, (
        "what waited for the series, and nothing of the new date"
    )


def test_one_that_is_there_is_found(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first, again = (lea.wish(post_id, after=after) for after in (60, 120))
    assert first == again
    assert len(lea.rows("delivery.publish")) == 1


def test_extending_twice_or_killed_half_way_changes_nothing(lea: SandboxAgency) -> None:
    lea.connect("other")
    post_id = start_series(lea, build_recurrence(lea, WEEKLY), "main", "other")
    at = 0
    while lea.crash(at):
        at += 1
    due = ExtendDue(lea.tenant_id, get_series_id(lea, post_id))
    for _ in range(2):
        handlers.handle_extend_due(due, tenant=lea.tenant)
    keys = [(row.channel_id, row.occurrence_key) for row in list_deliveries(lea, post_id)]
    assert len(keys) == len(set(keys)) == 2 * 13
    assert [row.available_at for row in lea.rows("series.extend")] == [
        list_series(lea, post_id)[0].next_extend_at
    ]


def test_one_yes_counts_for_all_of_it_and_what_is_made_later_leaves_too(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    approve_and_release(lea, post_id)
    assert {row.state for row in list_deliveries(lea, post_id)} == {DeliveryState.SCHEDULED}
    lea.live(hours=50)
    assert lea.texts() == ["again and again"] * 3
    assert {row.state for row in list_deliveries(lea, post_id)} == {
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    }


def test_nothing_more_is_made_while_somebody_says_no(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    lea.act(decisions.decline_post, post_id, member_id=lea.manager, note="never")
    lea.pass_time(days=2)
    lea.run()
    assert list_active_dates(lea, post_id) == []
    assert len(list_deliveries(lea, post_id)) == 90


@pytest.mark.parametrize("end", [3, "third"])
def test_it_ends_when_it_was_told_to(lea: SandboxAgency, end: int | str) -> None:
    day, clock = local_time_ahead(lea)
    last = end if isinstance(end, int) else day + timedelta(days=2)
    post_id = start_series(
        lea, Recurrence(RecurrenceRule(RecurrenceUnit.DAY, last), day, clock, "UTC")
    )
    lea.run()
    assert list_active_dates(lea, post_id) == [
        str(day + timedelta(days=ahead)) for ahead in range(3)
    ]
    (found,) = list_series(lea, post_id)
    assert (found.state, found.next_extend_at) == ("planned", None)
    assert not lea.rows("series.extend")


def test_a_first_time_beyond_ninety_days_stands_at_once(lea: SandboxAgency) -> None:
    post_id = start_series(
        lea, build_recurrence(lea, RecurrenceRule(RecurrenceUnit.MONTH, 3), hours=24 * 120)
    )
    lea.run()
    assert len(list_deliveries(lea, post_id)) == 1


def test_the_same_press_begins_one(lea: SandboxAgency) -> None:
    key, wanted = uuid7(), build_recurrence(lea)
    assert start_series(lea, wanted, key=key) == start_series(lea, wanted, key=key)
    lea.run()
    with lea.scope() as scope:
        assert (
            len(scope.session.exec(select(Series).where(Series.tenant_id == lea.tenant_id)).all())
            == 1
        )


# what is refused


def test_many_at_once_want_a_word(lea: SandboxAgency) -> None:
    with pytest.raises(BadInput) as told:
        start_series(lea, build_recurrence(lea), confirmed=False)
    assert (told.value.message.code, told.value.message.params) == ("series.many", {"count": 90})
    start_series(lea, build_recurrence(lea, WEEKLY), confirmed=False)


def test_two_series_keep_six_hours_apart_on_an_account(lea: SandboxAgency) -> None:
    lea.connect("other")
    day = local_time_ahead(lea, hours=48)[0]

    def at(hour: int, rule: RecurrenceRule = DAILY) -> Recurrence:
        return Recurrence(rule, day, time(hour), "UTC")

    start_series(lea, at(10, WEEKLY))
    with pytest.raises(BadInput) as told:
        start_series(lea, at(15))
    assert told.value.message.code == "series.too_close"
    start_series(lea, at(16))
    start_series(lea, at(15), "other")
    stopped = start_series(lea, at(3))
    with pytest.raises(BadInput):
        start_series(lea, at(2))
    lea.act(series.stop_series, get_series_id(lea, stopped))
    start_series(lea, at(2))


def test_a_series_without_a_time_to_come_is_refused(lea: SandboxAgency) -> None:
    day, clock = local_time_ahead(lea)
    for rule in (
        RecurrenceRule(RecurrenceUnit.DAY, day - timedelta(days=1)),
        RecurrenceRule(RecurrenceUnit.MONTH, None, 12, month_days=(30,)),
    ):
        with pytest.raises(BadInput) as told:
            start_series(lea, Recurrence(rule, date(day.year - 1, 2, 1), clock, "UTC"))
        assert told.value.message.code == "series.never"


def test_another_tenants_series_is_nobodys(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    other = create_sandbox_agency(services, sandbox)
    theirs = get_series_id(other, start_series(other, build_recurrence(other)))
    acts: list[Callable[[Scope], Any]] = [
        lambda scope: series.stop_series(scope, theirs),
        lambda scope: series.skip_occurrence(scope, theirs, date(2030, 1, 1)),
        lambda scope: series.extend_series(scope, theirs),
        lambda scope: series.change_following_occurrences(
            scope,
            theirs,
            date(2030, 1, 1),
            SeriesUpdate(build_recurrence(lea)),
            author=f"member:{lea.author}",
        ),
    ]
    for act in acts:
        with pytest.raises(NotFound), lea.scope() as scope:
            act(scope)
    with pytest.raises(NotFound), lea.scope() as scope:
        series.begin_series(
            scope, lea.write(), [other.channels["main"]], build_recurrence(lea), confirmed=True
        )


# one left out, one moved, the rest changed, all stopped


def test_one_is_left_out_for_good(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea)
    post_id = start_series(lea, wanted)
    lea.run()
    day, far = wanted.starts_on + timedelta(days=3), wanted.starts_on + timedelta(days=91)
    for one in (day, far, day):
        lea.act(series.skip_occurrence, get_series_id(lea, post_id), one)
    lea.pass_time(days=2.5)
    handlers.handle_extend_due(
        ExtendDue(lea.tenant_id, get_series_id(lea, post_id)), tenant=lea.tenant
    )
    there = list_active_dates(lea, post_id)
    assert str(day) not in there
    assert str(far) not in there
    (gone,) = [row for row in list_deliveries(lea, post_id) if row.state == DeliveryState.CANCELLED]
    assert gone.reason == {"code": "series.skipped", "params": {}}
    with pytest.raises(BadInput):
        lea.act(
            series.skip_occurrence,
            get_series_id(lea, post_id),
            wanted.starts_on - timedelta(days=1),
        )


def test_one_that_has_left_is_not_left_out(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    approve_and_release(lea, post_id)
    lea.live(hours=3)
    with pytest.raises(Conflict) as told:
        lea.act(series.skip_occurrence, get_series_id(lea, post_id), wanted.starts_on)
    assert told.value.message.code == "series.left_already"


def test_one_that_is_moved_is_not_made_again(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    lea.run()
    moved = list_deliveries(lea, post_id)[1]
    at = parse_wall_time(moved.wall_time, "UTC")
    lea.act(reschedule_delivery, moved.id, at=type(at)(at.day + timedelta(days=1), at.clock, "UTC"))
    handlers.handle_extend_due(
        ExtendDue(lea.tenant_id, get_series_id(lea, post_id)), tenant=lea.tenant
    )
    assert len(list_active_dates(lea, post_id)) == 13
    (found,) = [row for row in list_deliveries(lea, post_id) if row.id == moved.id]
    assert found.occurrence_key == str(at)
    assert found.wall_time[:10] == str(at.day + timedelta(days=1))


def test_another_hour_from_a_date_on_keeps_the_yes(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    lea.run()
    approve_and_release(lea, post_id)
    old, day = get_series_id(lea, post_id), wanted.starts_on + timedelta(days=21)
    lea.act(series.skip_occurrence, old, day + timedelta(days=14))
    later = SeriesUpdate(Recurrence(WEEKLY, day, time(4, 5), "UTC"))
    for _ in range(2):  # an impatient hand
        assert (
            lea.act(
                series.change_following_occurrences, old, day, later, author=f"member:{lea.author}"
            )
            == post_id
        )
    lea.run()
    there = [row for row in list_deliveries(lea, post_id) if row.state != DeliveryState.CANCELLED]
    assert {row.state for row in there} == {DeliveryState.SCHEDULED}
    clocks_of = {row.wall_time[:10]: row.wall_time[11:] for row in there}
    assert len(clocks_of) == len(there) == 12
    assert all((clock == "04:05") == (one >= str(day)) for one, clock in clocks_of.items())
    assert str(day + timedelta(days=14)) not in clocks_of
    assert [(one.nth, one.state) for one in list_series(lea, post_id)] == [
        (1, "planned"),
        (2, "running"),
    ]


def test_dates_before_a_change_are_made_though_nothing_was_made_yet(lea: SandboxAgency) -> None:
    """Whoever plans it and changes it at once is quicker than what makes its dates (found by a
    simulated year)."""
    wanted = build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 6))
    post_id = start_series(lea, wanted)
    old, day = get_series_id(lea, post_id), wanted.starts_on + timedelta(days=14)
    change = SeriesUpdate(wanted.recurrence_from(day), build_draft(lea, body="other words"))
    lea.act(series.change_following_occurrences, old, day, change, author=f"member:{lea.author}")
    lea.run()
    assert list_active_dates(lea, post_id) == [
        str(wanted.starts_on),
        str(wanted.starts_on + timedelta(days=7)),
    ]


def test_other_words_from_a_date_on_want_a_yes_of_their_own(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 6))
    post_id = start_series(lea, wanted)
    lea.run()
    approve_and_release(lea, post_id)
    old, day = get_series_id(lea, post_id), wanted.starts_on + timedelta(days=14)
    with lea.scope() as scope:
        rest = occurrences.recurrence_of_series(series.get_series(scope, old)).recurrence_from(day)
    change = SeriesUpdate(rest, build_draft(lea, body="other words"))
    new_post = lea.act(
        series.change_following_occurrences, old, day, change, author=f"member:{lea.author}"
    )
    assert (
        lea.act(
            series.change_following_occurrences, old, day, change, author=f"member:{lea.author}"
        )
        == new_post
        != post_id
    )
    lea.run()
    assert len(list_active_dates(lea, post_id)) == 2
    assert list_active_dates(lea, new_post) == [
        str(day + timedelta(days=7 * ahead)) for ahead in range(4)
    ]
    assert {row.state for row in list_deliveries(lea, new_post)} == {DeliveryState.DRAFT}


def test_other_accounts_from_a_date_on_and_an_added_one_asks(lea: SandboxAgency) -> None:
    kept, left, added = lea.channels["main"], lea.connect("left"), lea.connect("added")
    wanted = build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 6))
    post_id = start_series(lea, wanted, "main", "left")
    lea.run()
    approve_and_release(lea, post_id)
    old, day = get_series_id(lea, post_id), wanted.starts_on + timedelta(days=14)
    author = f"member:{lea.author}"
    for nobodys in (uuid7(), *create_sandbox_agency(lea.services, lea.network).channels.values()):
        change = SeriesUpdate(wanted.recurrence_from(day), channels=(kept, nobodys))
        with pytest.raises(NotFound):
            lea.act(series.change_following_occurrences, old, day, change, author=author)
    with pytest.raises(BadInput):
        lea.act(
            series.change_following_occurrences,
            old,
            day,
            SeriesUpdate(wanted.recurrence_from(day), channels=()),
            author=author,
        )
    assert len(list_active_dates(lea, post_id)) == 12, "refused, nothing of it changed"
    change = SeriesUpdate(wanted.recurrence_from(day), channels=(added, kept, added))
    for _ in range(2):
        assert (
            lea.act(series.change_following_occurrences, old, day, change, author=author) == post_id
        )
    lea.run()
    there = [row for row in list_deliveries(lea, post_id) if row.state != DeliveryState.CANCELLED]
    found = {one: [row for row in there if row.channel_id == one] for one in (kept, left, added)}
    assert {one: len(each) for one, each in found.items()} == {kept: 6, left: 2, added: 4}
    assert {row.state for row in (*found[kept], *found[left])} == {DeliveryState.SCHEDULED}, (
        "the yes that was said stands"
    )
    assert {row.state for row in found[added]} == {DeliveryState.DRAFT}, (
        "nobody said yes to it there"
    )
    approve_and_release(lea, post_id)
    assert {row.state for row in list_deliveries(lea, post_id)} - {DeliveryState.CANCELLED} == {
        DeliveryState.SCHEDULED
    }


def test_a_change_that_is_refused_changes_nothing(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    lea.run()
    before = list_active_dates(lea, post_id)
    day = wanted.starts_on + timedelta(days=7)
    for change in (
        SeriesUpdate(Recurrence(DAILY, day, wanted.clock, "UTC")),
        SeriesUpdate(build_recurrence(lea)),
    ):
        with pytest.raises(BadInput):
            lea.act(
                series.change_following_occurrences,
                get_series_id(lea, post_id),
                day,
                change,
                author=f"member:{lea.author}",
            )
    with pytest.raises(BadInput):
        lea.act(
            series.change_following_occurrences,
            get_series_id(lea, post_id),
            day + timedelta(days=1),
            SeriesUpdate(wanted.recurrence_from(day)),
            author="x",
        )
    assert list_active_dates(lea, post_id) == before
    assert [one.state for one in list_series(lea, post_id)] == ["running"]


def test_stopped_means_nothing_more_leaves(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    approve_and_release(lea, post_id)
    lea.live(hours=3)
    assert lea.act(series.stop_series, get_series_id(lea, post_id)) == 90
    assert lea.act(series.stop_series, get_series_id(lea, post_id)) == 0
    lea.live(days=3)
    assert len(lea.texts()) == 1
    assert not lea.rows("series.extend")
    assert not lea.rows("delivery.publish")
    with pytest.raises(Conflict):
        lea.act(
            series.skip_occurrence,
            get_series_id(lea, post_id),
            local_day(lea.now(), "UTC") + timedelta(days=5),
        )


def test_what_waited_for_a_yes_when_it_was_stopped_does_not_leave_by_one(
    lea: SandboxAgency,
) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    allow_any_lateness(lea, post_id)
    lea.live(hours=3)
    assert {row.state for row in list_deliveries(lea, post_id)} == {
        DeliveryState.DRAFT,
        DeliveryState.HELD,
    }
    lea.act(series.stop_series, get_series_id(lea, post_id))
    approve_and_release(lea, post_id)
    lea.live(hours=1)
    assert {row.state for row in list_deliveries(lea, post_id)} == {DeliveryState.CANCELLED}
    assert lea.texts() == []
