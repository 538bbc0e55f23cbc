"""A simulation of months of an agency in minutes: the real code, a clock that jumps, and a platform
in memory that fails.

A seed determines the plan, the actions of users, the failure of each request, every ID and every
retry delay. The same seed repeats the same simulation step by step (`seeded_system.py`), and each
step is checked (`invariants.py`).
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime
from schedules.approvals import decisions
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, dry_run_state
from schedules.recurrence import detached_occurrences, occurrences, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.rescheduling import account_failover, bulk_moves, pauses
from schedules.rescheduling.bulk_moves import MoveSelection, PlannedMove, TimeOffset
from tenants.agencies import agencies
from tests.schedules.simulated_year.agency import SimulatedAgency
from tests.schedules.simulated_year.simulated_platform import ExpectedPost, list_clock_changes

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/St_Johns",
    "UTC",
)

BEYOND = 5
"""Days after the last one for which series are promised, because they continue during the final
lookups."""

MORNING = "Good morning, the little shop by the river is open again today."


def _note(number: int) -> str:
    """Return a different sentence for each number, without digits, which could be read as an age."""
    things = ("garden", "river", "window", "kitchen", "harbour", "mountain", "bakery", "library")
    kinds = ("quiet", "sunny", "old", "green", "narrow", "bright", "distant", "warm")
    thing, kind = things[number % len(things)], kinds[number // len(things) % len(kinds)]
    return f"A few new pictures of the {kind} {thing} are waiting for you this week."


@dataclass
class SimulatedCreator:
    """A creator with an account and its promised posts."""

    id: UUID
    number: int
    zone: str
    account: str
    channel: UUID
    asks: bool
    """True if posts of the creator need approval."""
    repeat: Recurrence
    promises: list[ExpectedPost] = field(default_factory=list)
    away: datetime | None = None
    """The end of the current pause, or None."""
    accounts: int = 1

    def ahead(self, after: datetime) -> list[ExpectedPost]:
        return [one for one in self.promises if not one.off and one.due > after]


@dataclass
class Scenario:
    """A plan for some creators over some days."""

    agency: SimulatedAgency
    seed: int
    creators: int
    days: int
    settled: list[SimulatedCreator] = field(default_factory=list)
    rehearsed: UUID | None = None
    """The channel in a dry run, or None."""

    @property
    def promises(self) -> list[ExpectedPost]:
        return [one for each in self.settled for one in each.promises]

    def plan(self) -> None:
        """Give each creator a series and some single posts, and the platform its outages."""
        drawn, start = random.Random(self.seed), self.agency.now()
        for number in range(self.creators):
            zone = ZONES[number % len(ZONES)]
            first = start.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)
            clock, every = (
                time(drawn.choice((2, 9, 21)), drawn.choice((15, 30))),
                drawn.choice((1, 3, 7)),
            )
            repeat = Recurrence(RecurrenceRule(RecurrenceUnit.DAY, None, every), first, clock, zone)
            creator = self._settle(number, repeat)
            self._series(creator)
            singles = [
                first + timedelta(days=drawn.randrange(self.days - 1))
                for _ in range(max(1, self.days // 10))
            ]
            for single, day in enumerate([*list_clock_changes(zone, first, self.days), *singles]):
                clock = time(drawn.choice((2, 2, 3, 10, 18, 23)), drawn.choice((0, 30)))
                clock = clock if day in singles else time(2, 30)
                self._single(creator, _note(single), day, clock, refused=drawn.random() < 0.2)
        for begins in range(2, self.days, 9):
            at = start + timedelta(days=begins, hours=drawn.randrange(24))
            self.agency.judge.world.outages.append(
                (at, at + timedelta(minutes=drawn.choice((3, 20, 180))))
            )

    def _settle(self, number: int, repeat: Recurrence) -> SimulatedCreator:
        account = f"c{number}-{str(self.agency.tenant_id)[-6:]}" + ("+key" if number % 2 else "")
        asks = number % 5 == 4
        with self.agency.scope() as scope:
            creator_id = agencies.add_creator(
                scope,
                slug=f"c{number}",
                name=f"C{number}",
                kind="virtual",
                zone=repeat.zone,
                languages=["en"],
                approval_tiers=int(asks),
            )
        channel = self._connect(creator_id, account, repeat.zone)
        self.settled.append(
            SimulatedCreator(creator_id, number, repeat.zone, account, channel, asks, repeat)
        )
        return self.settled[-1]

    def _connect(self, creator_id: UUID, account: str, zone: str) -> UUID:
        where = {
            "platform": "sandbox",
            "surface": "sandbox.post",
            "account": account,
            "name": account,
        }
        token = self.agency.services.seal(self.agency.tenant_id, "token")
        with self.agency.scope() as scope:
            base_url = "https://world.example"
            return lifecycle.connect_account(
                scope, creator_id=creator_id, **where, base_url=base_url, token=token, zone=zone
            )

    def _series(self, creator: SimulatedCreator) -> None:
        author = f"member:{self.agency.author}"
        draft = Draft(creator.id, "", MORNING, (), (creator.channel,))
        with self.agency.scope(author) as scope:
            planned = series.plan_series(
                scope, draft, creator.repeat, key=uuid7(), author=author, confirmed=True
            )
        self._approve(creator, planned.post_id)
        with self.agency.scope() as scope:
            ids = {one.series_id for one in deliveries.deliveries_of_post(scope, planned.post_id)}
        every, clock = creator.repeat.rule.interval, creator.repeat.clock
        for ahead in range(0, self.days + BEYOND, every):
            day = creator.repeat.starts_on + timedelta(days=ahead)
            where = (
                creator.account,
                MORNING,
                day,
                clock,
                creator.zone,
                creator.channel,
                planned.post_id,
            )
            self._promise(creator, ExpectedPost(*where, series=next(iter(ids))))

    def _single(
        self, creator: SimulatedCreator, text: str, day: date, clock: time, *, refused: bool
    ) -> None:
        author = f"member:{self.agency.author}"
        with self.agency.scope(author) as scope:
            draft = Draft(creator.id, "", text, (), (creator.channel,))
            at = WallTime(day, clock, creator.zone)
            planned = drafts.plan_draft(scope, draft, key=uuid7(), at=at, author=author)
            delivery = deliveries.deliveries_of_post(scope, planned.post_id)[0].id
        where = (creator.account, text, day, clock, creator.zone, creator.channel, planned.post_id)
        promise = ExpectedPost(*where, delivery=delivery, off=refused and creator.asks)
        self._promise(creator, promise)
        if not promise.off:
            self._approve(creator, planned.post_id)

    def _approve(self, creator: SimulatedCreator, post_id: UUID) -> None:
        if creator.asks:
            self.agency.act(decisions.approve_post, post_id, member_id=self.agency.manager)

    def _promise(self, creator: SimulatedCreator, promise: ExpectedPost) -> None:
        creator.promises.append(promise)
        self.agency.judge.expect(promise)

    def live(self) -> None:
        """Simulate day after day: first the actions of users, then everything that is due."""
        names = ("people", "rehearsals", "gestures", "accounts", "words")
        drawn = {name: random.Random(f"{self.seed} {name}") for name in names}
        for day in range(self.days):
            self._whim(drawn["people"])
            self._rehearse(drawn["rehearsals"])
            self._shift(drawn["gestures"])
            self._pause(drawn["gestures"])
            self._lose(drawn["accounts"])
            self._reword(drawn["words"])
            self._keep_quiet(drawn["words"])
            self.agency.live(days=1)
            self.agency.judge.at_rest()
            if day % 5 == 4:
                self.agency.outside.tidy()
        self.agency.live(days=2)
        self.agency.judge.at_rest()
        self.agency.judge.at_last(self.promises)

    def _whim(self, drawn: random.Random) -> None:
        soon = self.agency.now() + timedelta(hours=1)
        ahead = [one for each in self.settled for one in each.ahead(soon)]
        if not ahead:
            return
        chosen, whim = drawn.choice(ahead), drawn.random()
        if chosen.series is not None:
            if whim < 0.3 and not chosen.moved:
                self.agency.act(series.skip_occurrence, chosen.series, chosen.day)
                chosen.off = True
            elif whim < 0.6 and not chosen.moved:
                self._set_apart(chosen)
        elif whim < 0.3 and chosen.delivery is not None:
            self.agency.act(deliveries.cancel_delivery, chosen.delivery)
            chosen.off = True
        elif whim < 0.6 and chosen.delivery is not None:
            chosen.day += timedelta(days=1)
            at = WallTime(chosen.day, chosen.clock, chosen.zone)
            self.agency.act(reschedule_delivery, chosen.delivery, at=at)

    def _set_apart(self, chosen: ExpectedPost) -> None:
        """Detach an occurrence of a series. Its text stays the same."""
        creator = next(each for each in self.settled if chosen in each.promises)
        author = f"member:{self.agency.author}"
        post_id = self.agency.act(
            detached_occurrences.detach_occurrence, chosen.series, chosen.day, author=author
        )
        self._approve(creator, post_id)
        with self.agency.scope() as scope:
            (row,) = deliveries.deliveries_of_post(scope, post_id)
        chosen.series, chosen.post, chosen.delivery = None, post_id, row.id

    def _rehearse(self, drawn: random.Random) -> None:
        """Sometimes start a dry run of an account for a day or two."""
        if self.rehearsed is not None and drawn.random() < 0.6:
            self.agency.act(dry_run_state.end_dry_run, self.rehearsed)
            self.rehearsed = None
        elif self.rehearsed is None and drawn.random() < 0.2:
            self.rehearsed = drawn.choice(self.settled).channel
            self.agency.act(dry_run_state.start_dry_run, "channel", self.rehearsed)

    def _shift(self, drawn: random.Random) -> None:
        """Sometimes move the posts of the next days by some minutes or a day, and sometimes undo
        it."""
        creator, by = (
            drawn.choice(self.settled),
            drawn.choice((TimeOffset(minutes=45), TimeOffset(days=1), TimeOffset(minutes=-20))),
        )
        if drawn.random() > 0.3:
            return
        start = self.agency.now() + timedelta(hours=1)
        chosen = MoveSelection(creator.id, None, start, start + timedelta(days=3))
        seen = self.agency.act(bulk_moves.preview_bulk_move, chosen, by).seen_versions
        done = self.agency.act(bulk_moves.move_deliveries, chosen, by, seen=seen)
        if drawn.random() < 0.3:
            self.agency.act(bulk_moves.undo_bulk_move, done.shift_id)
            return
        for one in done.moved:
            self._goes(creator, one, timedelta(days=by.days, minutes=by.minutes))

    def _pause(self, drawn: random.Random) -> None:
        """Sometimes start a pause of a creator: single posts move, occurrences of series are
        skipped. Some pauses are cancelled."""
        creator, luck = drawn.choice(self.settled), drawn.random()
        ahead, days = drawn.choice((1, 2)), drawn.choice((1, 2, 3))
        now = self.agency.now()
        if luck > 0.25 or (creator.away or now) > now:
            return
        first = now.astimezone(ZoneInfo(creator.zone)).date() + timedelta(days=ahead)
        window = _window(creator, first, days)
        wanted = pauses.PostingPause(
            creator.id, None, first, first + timedelta(days=days - 1), creator.zone, "Away for days"
        )
        seen = self.agency.act(pauses.preview_pause, wanted).seen_versions
        pause_id, done = self.agency.act(pauses.start_pause, wanted, seen=seen)
        if luck < 0.05:
            assert self.agency.act(pauses.cancel_pause, pause_id).left == ()
            return
        creator.away = window[1]
        for one in done.moved:
            self._goes(creator, one, timedelta(days=days))
        for promise in creator.ahead(now):
            if promise.series is not None and window[0] <= promise.due < window[1]:
                promise.off = True
        assert [one for one in creator.ahead(now) if window[0] <= one.due < window[1]] == []

    def _goes(self, creator: SimulatedCreator, one: PlannedMove, by: timedelta) -> None:
        """Move the promise of a moved delivery by the same offset of wall time."""
        here = creator.promises
        single = next((each for each in here if each.delivery == one.delivery_id), None)
        promise = single or next(
            each
            for each in here
            if each.series is not None and not each.off and each.day == one.before.day
        )
        later = datetime.combine(promise.day, promise.clock, tzinfo=UTC) + by
        promise.day, promise.clock, promise.moved = later.date(), later.time(), True
        self.agency.judge.earlier()

    def _lose(self, drawn: random.Random) -> None:
        """Sometimes suspend an account. Once a notice reports it, move its deliveries to a spare
        account."""
        creator, luck = drawn.choice(self.settled), drawn.random()
        world = self.agency.judge.world
        if lost := [one for one in self.settled if one.account in world.gone]:
            told = " ".join(self.agency.notices())
            for one in lost:
                if str(one.channel) in told:
                    self._spare(one)
        if luck < 0.1:
            world.gone.add(creator.account)

    def _spare(self, creator: SimulatedCreator) -> None:
        """Connect a spare account for the creator and move everything pending to it."""
        lost, world = creator.channel, self.agency.judge.world
        creator.accounts += 1
        account = f"c{creator.number}.{creator.accounts}-{str(self.agency.tenant_id)[-6:]}"
        account += "+key" if creator.number % 2 else ""
        channel = self._connect(creator.id, account, creator.zone)
        seen = self.agency.act(account_failover.preview_failover, lost, channel).seen_versions
        done = self.agency.act(account_failover.move_to_spare_account, lost, channel, seen=seen)
        stays = {one.delivery_id for one in done.left}
        creator.account, creator.channel = account, channel
        with self.agency.scope() as scope:
            for one in creator.promises:
                if one.kept or one.off or one.delivery in stays:
                    continue
                world.promises[one.account].remove(one)
                world.promises.setdefault(account, []).append(one)
                one.account, one.channel = account, channel
                if one.delivery is not None:
                    here = [
                        each
                        for each in deliveries.deliveries_of_post(scope, one.post)
                        if each.channel_id == channel
                    ]
                    one.delivery = here[0].id if here else one.delivery

    def _reword(self, drawn: random.Random) -> None:
        """Sometimes change the text of a series from one of its dates on, with a new approval."""
        creator, luck, number = drawn.choice(self.settled), drawn.random(), drawn.randrange(64)
        soon = self.agency.now() + timedelta(days=2)
        ahead = sorted(
            (one for one in creator.ahead(soon) if one.series is not None), key=lambda one: one.due
        )
        if luck > 0.15 or not ahead or any(one.moved for one in ahead):
            return
        day, text = (
            ahead[0].day,
            _note(number).replace("A few new pictures", "Each week new pictures"),
        )
        author = f"member:{self.agency.author}"
        with self.agency.scope(author) as scope:
            of = ahead[0].series
            assert of is not None
            change = series.SeriesUpdate(
                occurrences.recurrence_of_series(series.get_series(scope, of)).recurrence_from(day),
                Draft(creator.id, "", text, (), (creator.channel,)),
            )
            post_id = series.change_following_occurrences(
                scope, of, day, change, author=author, confirmed=True
            )
            ids = {one.series_id for one in deliveries.deliveries_of_post(scope, post_id)}
        self._approve(creator, post_id)
        for one in ahead:
            one.text, one.post, one.series = text, post_id, next(iter(ids), of)

    def _keep_quiet(self, drawn: random.Random) -> None:
        """Sometimes add quiet days: occurrences of series are skipped, single posts stay."""
        creator, luck = drawn.choice(self.settled), drawn.random()
        ahead, days = drawn.randrange(3, 30), drawn.choice((1, 2))
        if luck > 0.15:
            return
        first = self.agency.now().astimezone(ZoneInfo(creator.zone)).date() + timedelta(days=ahead)
        last, window = first + timedelta(days=days - 1), _window(creator, first, days)
        more = {"label": "Holidays", "zone": creator.zone, "first": first, "last": last}
        self.agency.act(quiet_periods.add_quiet_days, creator.id, None, **more)
        for one in creator.promises:
            if one.series is not None and not one.moved and window[0] <= one.due < window[1]:
                one.off = True


def _window(creator: SimulatedCreator, first: date, days: int) -> tuple[datetime, datetime]:
    """Return the instants at which the local days of a creator begin and end."""
    midnight = ExpectedPost("", "", first, time(0), creator.zone, creator.channel, creator.channel)
    return midnight.due, replace(midnight, day=first + timedelta(days=days)).due
