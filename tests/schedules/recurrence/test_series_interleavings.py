"""Random orders of user actions, crashes and days on a series, compared with a model of its dates."""

import os
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import select

from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, parse_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.drafts import drafts
from schedules.posts.events import ExtendDue
from schedules.posts.models import Delivery, Series
from schedules.posts.states import DeliveryState
from schedules.recurrence import detached_occurrences, handlers, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.recurrence.series import SERIES_HORIZON, SeriesUpdate
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.wiring import Services

EXAMPLES = int(os.environ.get("GREENROOM_EXAMPLES", "8"))
RULES = st.sampled_from(
    [
        RecurrenceRule(RecurrenceUnit.DAY, None, 3),
        RecurrenceRule(RecurrenceUnit.DAY, 9, 2),
        RecurrenceRule(RecurrenceUnit.WEEK, None, weekdays=(0, 3)),
        RecurrenceRule(RecurrenceUnit.WEEK, None, 2),
        RecurrenceRule(RecurrenceUnit.MONTH, 4, month_days=(31,)),
        RecurrenceRule(RecurrenceUnit.MONTH, None, month_days=(31,), or_last=True),
    ]
)
CLOCKS = st.sampled_from([time(2, 30), time(10), time(23, 45)])


@dataclass
class Known:
    """A series in the model: its rule, and the dates that users took out."""

    id: UUID
    repeat: Recurrence
    begun: datetime
    without: set[date] = field(default_factory=set)
    stopped: bool = False


class House(RuleBasedStateMachine):
    """A state machine of one series and its successors. No post is approved, so that none is
    published and every date can be compared."""

    services: Services
    network: RunningSandbox

    @initialize(wanted=RULES, clock=CLOCKS, places=st.sets(st.integers(0, 8), max_size=3))
    def begin(self, wanted: RecurrenceRule, clock: time, places: set[int]) -> None:
        self.lea: SandboxAgency = create_sandbox_agency(self.services, self.network)
        self.by = f"member:{self.lea.author}"
        self.known: list[Known] = []
        self.apart: set[UUID] = set()
        now = self.lea.now()
        repeat = Recurrence(wanted, now.date(), clock, "Europe/Paris")
        draft = self._draft("first")
        with self.lea.scope(self.by) as scope:
            post_id = series.plan_series(
                scope, draft, repeat, key=uuid7(), author=self.by, confirmed=True
            ).post_id
        self.known.append(Known(self._of(post_id)[-1].id, repeat, now))
        self.lea.run()
        for place in sorted(places):
            self.skip(place)

    def _draft(self, body: str) -> drafts.Draft:
        return drafts.Draft(self.lea.creator_id, "", body, (), (self.lea.channels["main"],))

    def _of(self, post_id: UUID) -> list[Series]:
        with self.lea.scope() as scope:
            query = select(Series).where(
                Series.tenant_id == self.lea.tenant_id, Series.post_id == post_id
            )
            return sorted(scope.session.exec(query), key=lambda one: one.nth)

    def _rows(self) -> list[Delivery]:
        with self.lea.scope() as scope:
            return list(
                scope.session.exec(select(Delivery).where(Delivery.tenant_id == self.lea.tenant_id))
            )

    def _coming(self, place: int) -> WallTime | None:
        """Return one of the next twelve occurrences of the latest series, or None."""
        last = self.known[-1]
        walls = last.repeat.iterate_occurrences(self.lea.now(), 12, without=frozenset(last.without))
        return walls[place % len(walls)] if walls else None

    def _act(self, act: Any, *args: Any, **more: Any) -> Any:
        with self.lea.scope(self.by) as scope:
            return act(scope, *args, **more)

    # Users

    @rule(place=st.integers(0, 11))
    def skip(self, place: int) -> None:
        last, wall = self.known[-1], self._coming(place)
        if wall is None or last.stopped:
            return
        self._act(series.skip_occurrence, last.id, wall.day)
        last.without.add(wall.day)

    @rule(place=st.integers(0, 11))
    def set_apart(self, place: int) -> None:
        """Detach an occurrence, once however often it is requested."""
        last, wall = self.known[-1], self._coming(place)
        if wall is None or last.stopped:
            return
        try:
            made = [
                self._act(detached_occurrences.detach_occurrence, last.id, wall.day, author=self.by)
                for _ in range(2)
            ]
        except BadInput as refused:  # it was rescheduled to a time in the past
            if refused.message.code != "delivery.time_passed":
                raise
            return
        assert made[0] == made[1]
        last.without.add(wall.day)
        self.apart.add(made[0])

    @rule(place=st.integers(0, 10), hours=st.integers(1, 60))
    def move(self, place: int, hours: int) -> None:
        """Reschedule an occurrence. Its date stays taken."""
        waiting = [
            row
            for row in self._rows()
            if row.state == DeliveryState.DRAFT and row.due_at > self.lea.now()
        ]
        if waiting:
            row = waiting[place % len(waiting)]
            at = parse_wall_time(row.wall_time, row.zone)
            there = WallTime(at.day + timedelta(days=hours // 24), time(hours % 24), at.zone)
            if there.instant() > self.lea.now():
                self._act(reschedule_delivery, row.id, at=there)

    @rule(
        place=st.integers(0, 11),
        wanted=RULES,
        clock=CLOCKS,
        words=st.booleans(),
        same=st.booleans(),
    )
    def change(
        self, place: int, wanted: RecurrenceRule, clock: time, words: bool, same: bool
    ) -> None:
        last, wall = self.known[-1], self._coming(place)
        if wall is None:
            return
        repeat = (
            last.repeat.recurrence_from(wall.day)
            if same
            else Recurrence(wanted, wall.day, clock, "Europe/Paris")
        )
        change = SeriesUpdate(repeat, self._draft("other") if words else None)
        try:
            post_id = self._act(
                series.change_following_occurrences,
                last.id,
                wall.day,
                change,
                author=self.by,
                confirmed=True,
            )
        except Conflict:
            assert last.stopped
            return
        except BadInput as refused:  # a rule without future dates, or too close to another series
            if refused.message.code not in ("series.never", "series.too_close"):
                raise
            return
        new = self._of(post_id)[-1]
        assert new.id != last.id
        held = {one for one in last.without if one >= wall.day}
        last.repeat = last.repeat.dates_before(wall.day)
        self.known.append(Known(new.id, repeat, self.lea.now(), held))

    @rule(place=st.integers(0, 3), words=st.booleans())
    def skip_then_change(self, place: int, words: bool) -> None:
        """Skip an occurrence and change the series: the date stays skipped."""
        self.skip(place + 1)
        self.change(place, self.known[-1].repeat.rule, time(10), words, same=True)

    @rule(often=st.integers(0, 9))
    def stop(self, often: int) -> None:
        if often == 0:
            self._act(series.stop_series, self.known[-1].id)
            self.known[-1].stopped = True

    # Time and faults

    @rule(days=st.sampled_from([0.5, 1, 8, 40]))
    def days_pass(self, days: float) -> None:
        self.lea.pass_time(days=days)
        self.lea.run()

    @rule(at=st.integers(0, 12))
    def crash(self, at: int) -> None:
        self.lea.pass_time(days=1)
        self.lea.crash(at)
        self.lea.run()

    @rule()
    def repeat_message(self) -> None:
        for one in self.known:
            handlers.handle_extend_due(
                ExtendDue(self.lea.tenant_id, one.id), tenant=self.lea.tenant
            )

    # Invariant

    @precondition(lambda self: hasattr(self, "known"))
    @invariant()
    def one_for_each_date(self) -> None:
        """Check that each future date of the rule has one delivery, except skipped dates, and that
        none lies beyond the end."""
        self.lea.run()
        now, rows = self.lea.now(), self._rows()
        alone = [
            row.post_id
            for row in rows
            if row.post_id in self.apart and row.state != DeliveryState.CANCELLED
        ]
        assert sorted(alone) == sorted(self.apart), "each detached occurrence has one delivery"
        alive = [
            row
            for row in rows
            if row.state != DeliveryState.CANCELLED and row.post_id not in self.apart
        ]
        dates = [row.occurrence_key[:10] for row in alive]
        assert len(dates) == len(set(dates)), sorted(dates)
        for one in self.known:
            ours = [row for row in rows if row.series_id == one.id]
            walls = {
                str(wall)
                for wall in one.repeat.occurrences_between(one.begun, now + SERIES_HORIZON)
            }
            made = {row.occurrence_key.partition("~")[0] for row in ours}
            first = {
                str(wall)
                for wall in one.repeat.iterate_occurrences(
                    one.begun, 1, without=frozenset(one.without)
                )
            }
            there = {
                row.occurrence_key.partition("~")[0]
                for row in ours
                if row.state != DeliveryState.CANCELLED
            }
            coming = {
                str(wall)
                for wall in one.repeat.occurrences_between(now, now + SERIES_HORIZON)
                if wall.day not in one.without
            }
            assert there <= walls | first, (there - walls, one)
            assert not {wall[:10] for wall in there} & {str(day) for day in one.without}
            if one.stopped:
                assert not [row for row in ours if row.state in series.PENDING_STATES]
            else:
                assert coming <= there, (coming - there, one)
                assert made >= coming

    def teardown(self) -> None:
        if hasattr(self, "known"):
            self.network.clear()


def test_any_order_of_actions_keeps_one_delivery_per_date(
    services: Services, sandbox: RunningSandbox
) -> None:
    machine = type("Machine", (House,), {"services": services, "network": sandbox})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=16,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
