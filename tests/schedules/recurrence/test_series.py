"""Series: occurrences are created in advance from a rule, once each; they can be skipped, changed,
stopped and caught up."""

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

# Creation in advance


def test_series_creates_ninety_days_of_deliveries_and_one_each_day(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea)
    post_id = start_series(lea, wanted)
    assert len(list_deliveries(lea, post_id)) == 1  # the first occurrence is visible at once
    lea.run()
    made = [row.occurrence_key for row in list_deliveries(lea, post_id)]
    assert made == [
        str(wanted.occurrence_on(wanted.starts_on + timedelta(days=ahead))) for ahead in range(90)
    ]
    lea.pass_time(days=1)
    lea.run()
    assert len(list_deliveries(lea, post_id)) == 91


def test_number_of_statements_to_extend_series_is_bounded(lea: SandboxAgency) -> None:
    post_id, asked = start_series(lea, build_recurrence(lea)), list[str]()
    with lea.scope() as scope:
        connection = scope.session.info["connection"]
        event.listen(
            connection, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said)
        )
        assert series.extend_series(scope, get_series_id(lea, post_id)) == 89
    assert len(asked) < 89 * 4 + 25  # its channel, the delivery, its preflight and its publish row
    assert sum(said.startswith("DELETE") for said in asked) == 0, (
        "new deliveries have no rows to delete"
    )


def test_cost_of_one_more_occurrence_is_constant(
    services: Services, sandbox: RunningSandbox
) -> None:
    """Without an approval policy, a new occurrence is created and scheduled at a constant cost,
    however many are published or scheduled."""
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
        "only the outbox row of the series is deleted"
    )


def test_existing_delivery_is_returned(lea: SandboxAgency) -> None:
    post_id = lea.write()
    first, again = (lea.wish(post_id, after=after) for after in (60, 120))
    assert first == again
    assert len(lea.rows("delivery.publish")) == 1


def test_extending_series_twice_or_after_crash_has_no_effect(lea: SandboxAgency) -> None:
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


def test_one_approval_covers_all_occurrences(lea: SandboxAgency) -> None:
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


def test_declined_series_creates_no_more_deliveries(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    lea.act(decisions.decline_post, post_id, member_id=lea.manager, note="never")
    lea.pass_time(days=2)
    lea.run()
    assert list_active_dates(lea, post_id) == []
    assert len(list_deliveries(lea, post_id)) == 90


@pytest.mark.parametrize("end", [3, "third"])
def test_series_ends_by_count_or_date(lea: SandboxAgency, end: int | str) -> None:
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


def test_first_occurrence_beyond_ninety_days_is_created_at_once(lea: SandboxAgency) -> None:
    post_id = start_series(
        lea, build_recurrence(lea, RecurrenceRule(RecurrenceUnit.MONTH, 3), hours=24 * 120)
    )
    lea.run()
    assert len(list_deliveries(lea, post_id)) == 1


def test_repeated_start_request_creates_one_series(lea: SandboxAgency) -> None:
    key, wanted = uuid7(), build_recurrence(lea)
    assert start_series(lea, wanted, key=key) == start_series(lea, wanted, key=key)
    lea.run()
    with lea.scope() as scope:
        assert (
            len(scope.session.exec(select(Series).where(Series.tenant_id == lea.tenant_id)).all())
            == 1
        )


# Refusals


def test_large_series_needs_confirmation(lea: SandboxAgency) -> None:
    with pytest.raises(BadInput) as told:
        start_series(lea, build_recurrence(lea), confirmed=False)
    assert (told.value.message.code, told.value.message.params) == ("series.many", {"count": 90})
    start_series(lea, build_recurrence(lea, WEEKLY), confirmed=False)


def test_series_on_one_account_are_six_hours_apart(lea: SandboxAgency) -> None:
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


def test_series_without_future_occurrence_is_refused(lea: SandboxAgency) -> None:
    day, clock = local_time_ahead(lea)
    for rule in (
        RecurrenceRule(RecurrenceUnit.DAY, day - timedelta(days=1)),
        RecurrenceRule(RecurrenceUnit.MONTH, None, 12, month_days=(30,)),
    ):
        with pytest.raises(BadInput) as told:
            start_series(lea, Recurrence(rule, date(day.year - 1, 2, 1), clock, "UTC"))
        assert told.value.message.code == "series.never"


def test_series_of_another_tenant_is_not_found(
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


# Skipped, rescheduled, changed and stopped occurrences


def test_skipped_occurrence_is_never_created(lea: SandboxAgency) -> None:
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


def test_published_occurrence_cannot_be_skipped(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    approve_and_release(lea, post_id)
    lea.live(hours=3)
    with pytest.raises(Conflict) as told:
        lea.act(series.skip_occurrence, get_series_id(lea, post_id), wanted.starts_on)
    assert told.value.message.code == "series.left_already"


def test_rescheduled_occurrence_is_not_created_again(lea: SandboxAgency) -> None:
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


def test_changed_time_of_series_keeps_approval(lea: SandboxAgency) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    lea.run()
    approve_and_release(lea, post_id)
    old, day = get_series_id(lea, post_id), wanted.starts_on + timedelta(days=21)
    lea.act(series.skip_occurrence, old, day + timedelta(days=14))
    later = SeriesUpdate(Recurrence(WEEKLY, day, time(4, 5), "UTC"))
    for _ in range(2):  # the request is repeated
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


def test_occurrences_before_change_are_created(lea: SandboxAgency) -> None:
    """A change right after the start precedes the creation of occurrences. Found by the simulated
    year."""
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


def test_changed_text_of_series_needs_approval(lea: SandboxAgency) -> None:
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


def test_account_added_to_series_needs_approval(lea: SandboxAgency) -> None:
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
    assert len(list_active_dates(lea, post_id)) == 12, "a refused change has no effect"
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
        "the approval is still valid"
    )
    assert {row.state for row in found[added]} == {DeliveryState.DRAFT}, (
        "the added channel is not approved"
    )
    approve_and_release(lea, post_id)
    assert {row.state for row in list_deliveries(lea, post_id)} - {DeliveryState.CANCELLED} == {
        DeliveryState.SCHEDULED
    }


def test_refused_change_of_series_has_no_effect(lea: SandboxAgency) -> None:
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


def test_stopped_series_publishes_nothing_more(lea: SandboxAgency) -> None:
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


def test_unapproved_occurrences_of_stopped_series_are_cancelled(
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
