"""`greenroom run-day`: one creator's day from a brief, with a timeline of its events."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from babel.dates import format_date

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from foundation.errors import BadInput, Refused
from foundation.i18n.translation import Message
from foundation.ops import settings
from foundation.ops.clock import wall_now
from foundation.ops.wall_time import WallTime, load_zone, local_day
from insights.reports import daily_report
from insights.reports.daily_report import DailyReport
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from studio.ingest.pipeline import PreparedAsset
from tenants.agencies.queries import Creator
from workers.creator_day import scripted_fans
from workers.creator_day.day_brief import Brief, read_brief
from workers.creator_day.morning import GENERATION_TIME, MorningWork
from workers.creator_day.photos import read_photos
from workers.creator_day.scripted_fans import FAN_VISITS
from workers.creator_day.shiftable_clock import ShiftableClock
from workers.creator_day.timeline import DAY_ACTOR, Timeline
from workers.installation.folder import InstallationFolder
from workers.terminal.lookup import create_reports_folder, find_creator, parse_day_argument
from workers.terminal.output import print_progress, terminal_language
from workers.terminal.session import connect_installation, exclusive_lock
from workers.wiring import Services

GENERATION = time(6, 0)
PLANNING = time(8, 0)
FIRST_POST_LEAD = timedelta(minutes=15)
"""Minimum time from the plan to the first post: an early first post starts the morning earlier."""


REPORT_DELAY = timedelta(minutes=30)
"""Time from the last post to the report."""

UNCERTAIN_WAIT = timedelta(hours=26)
"""Time to wait for uncertain deliveries before the report; their look-ups end after 24 h."""

MAX_DAYS_AHEAD = 31
"""Maximum number of days ahead that can be requested."""

SILENT_WAIT = timedelta(minutes=1)
"""Longest wait that the timeline does not mention."""

UNFINISHED_STATES = {
    DeliveryState.SCHEDULED,
    DeliveryState.PUBLISHING,
    DeliveryState.PROCESSING,
    DeliveryState.UNCERTAIN,
}
UNFINISHED_STATES |= {DeliveryState.PARTLY}


@dataclass(frozen=True)
class DaySummary:
    """The result of a day: deliveries by state, packs sold to scripted fans, the reconciliation,
    and the report."""

    published_count: int
    planned_count: int
    sold_count: int
    is_balanced: bool
    report: Path

    @property
    def is_complete(self) -> bool:
        """True if every scheduled delivery was published and the money is reconciled."""
        return self.published_count == self.planned_count and self.is_balanced


@dataclass(frozen=True)
class DaySchedule:
    """The instants of one day's work, UTC-aware."""

    generation_at: datetime
    planning_at: datetime
    first_post_at: datetime
    last_post_at: datetime


class DayRunner:
    """One run of a day."""

    def __init__(
        self,
        services: Services,
        tenant_id: UUID,
        creator: Creator,
        brief: Brief,
        photos: Sequence[PreparedAsset] = (),
        *,
        fast: bool,
        language: str,
        out: Callable[[str], None],
    ) -> None:
        self._s = services
        self._tenant_id = tenant_id
        self._creator = creator
        self._brief = brief
        self._timeline = Timeline(services.tenant, tenant_id, creator, language=language, out=out)
        self._clock = ShiftableClock(services.tenant, fast, self._timeline.print_new_events)
        self._fast = fast
        self._language = language
        self._work = MorningWork(
            services, tenant_id, creator, brief, photos, clock=self._clock, timeline=self._timeline
        )

    def run(self, asked: date | None = None) -> DaySummary:
        """Run the whole day. The brief is checked first, so that an error leaves nothing
        half done."""
        self._work.check_brief()
        now = self._clock.now()
        day = self._pick_day(asked, now)
        hours = self._build_schedule(day)
        title = (
            f"{self._creator.name} · {format_date(day, 'full', self._language)} · "
            f"{self._creator.zone}"
        )
        self._timeline.print_title(title)
        # Posts that are published before the generation belong to another day.
        self._timeline.start_from(max(now, hours.generation_at))
        self._timeline.print_section("day.part_morning")
        if self._work.has_begun(day):
            over = now > hours.last_post_at + REPORT_DELAY
            following = (day + timedelta(days=1)).isoformat()
            self._timeline.print_line(now, "day.lived" if over else "day.goes_on", next=following)
        self._wait_until(hours.generation_at)
        pictures = self._work.generate_pictures(day)
        posts = self._work.write_posts(day, pictures)
        self._timeline.print_section("day.part_plan")
        self._wait_until(hours.planning_at)
        self._work.approve_and_schedule(day, posts)
        self._timeline.print_section("day.part_live")
        sold = self._run_hours(day, hours)
        return self._write_report(day, sold)

    def _pick_day(self, asked: date | None, now: datetime) -> date:
        """Return the requested day; else today, if it has started or can still be scheduled; else
        tomorrow.

        Raises BadInput for a day whose first post is past, or that is too far ahead.
        """
        today = local_day(now, self._creator.zone)
        if asked is not None:
            if now > self._build_schedule(asked).first_post_at and not self._work.has_begun(asked):
                raise BadInput("day.over", day=asked.isoformat())
            if asked > today + timedelta(days=MAX_DAYS_AHEAD):
                raise BadInput("day.too_far", most=MAX_DAYS_AHEAD)
            return asked
        hours = self._build_schedule(today)
        latest = hours.planning_at if self._fast else hours.first_post_at - FIRST_POST_LEAD
        return today if now <= latest or self._work.has_begun(today) else today + timedelta(days=1)

    def _build_schedule(self, day: date) -> DaySchedule:
        clocks = [slot.local_time for slot in self._brief.slots]
        first = self._instant_at(day, min(clocks))
        last = self._instant_at(day, max(clocks))
        planning = min(self._instant_at(day, PLANNING), first - FIRST_POST_LEAD)
        return DaySchedule(
            min(self._instant_at(day, GENERATION), planning - GENERATION_TIME),
            planning,
            first,
            last,
        )

    def _instant_at(self, day: date, clock: time) -> datetime:
        return WallTime(day, clock, self._creator.zone).instant()

    def _wait_until(self, until: datetime) -> None:
        """Wait for an instant of the day; in real time, the timeline shows the wait."""
        now = self._clock.now()
        if not self._fast and until - now > SILENT_WAIT:
            self._timeline.print_line(
                now, "day.waits", until=f"{until.astimezone(load_zone(self._creator.zone)):%H:%M}"
            )
        self._clock.wait_until(until)

    def _run_hours(self, day: date, hours: DaySchedule) -> int:
        """Run the hours of the day: the installation publishes, scripted fans write. Ends when
        every delivery is settled; returns the number of packs sold."""
        sold = 0
        for at, name in FAN_VISITS:
            self._clock.wait_until(self._instant_at(day, at))
            sold += self._play_fan(day, name)
        self._clock.wait_until(hours.last_post_at + REPORT_DELAY)
        self._clock.wait_for(lambda: self._has_finished(day), at_most=UNCERTAIN_WAIT)
        return sold

    def _play_fan(self, day: date, name: str) -> bool:
        stage = self._find_sandbox_chat()
        if stage is None:
            return False
        fan = scripted_fans.fan_for_day(name, day)
        language = self._brief.languages[0]
        return scripted_fans.play_fan(
            self._s, stage, fan, language, clock=self._clock, timeline=self._timeline
        )

    def _find_sandbox_chat(self) -> Channel | None:
        """Return the creator's chat on the test network of this installation, or None if there is
        none. Only the test network has scripted fans."""
        home = f"127.0.0.1:{self._s.settings.sandbox.port}"
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            mine = queries.list_creator_channels(scope, self._creator.id)
        active = [one for one in mine if one.chat_surface and one.state == ChannelState.ACTIVE]
        return next((one for one in active if one.base_url.endswith(home)), None)

    def _has_finished(self, day: date) -> bool:
        return not any(entry.state in UNFINISHED_STATES for entry in self._work.posts_of_day(day))

    def _write_report(self, day: date, sold: int) -> DaySummary:
        with self._s.tenant(self._tenant_id, DAY_ACTOR) as scope:
            report = daily_report.rebuild_daily_report(scope, self._creator.id, day)
        folder = create_reports_folder(self._s.settings, self._tenant_id, self._creator)
        page = daily_report.write_daily_report(report, folder, self._language)
        entries = self._work.posts_of_day(day)
        published = sum(entry.state is DeliveryState.PUBLISHED for entry in entries)
        told = DaySummary(published, len(entries), sold, report.balanced, page)
        self._sum_up(told, report, entries)
        return told

    def _sum_up(
        self, told: DaySummary, report: DailyReport, entries: Sequence[DeliveryEntry]
    ) -> None:
        now = self._clock.now()
        say = self._timeline.print_line
        self._timeline.print_section("day.part_evening")
        whole = told.published_count == told.planned_count
        say(
            now,
            "day.all_posted" if whole else "day.not_all_posted",
            count=told.planned_count,
            published=told.published_count,
        )
        for row in report.sales:
            say(now, "day.money", net=str(row.net), orders=row.orders)
        if not report.sales:
            say(now, "day.no_sales")
        say(now, "day.balanced" if report.balanced else "day.unbalanced")
        for account, url in {entry.channel: entry.url for entry in entries if entry.url}.items():
            say(now, "day.see", account=account, address=url)
        say(now, "day.report", file=str(told.report))
        ahead = int((now - wall_now()) / timedelta(hours=1))
        if ahead:
            say(now, "day.clock_ahead", hours=ahead)


def run_day(
    creator: str, brief: Path, *, photos: Path | None, fast: bool, agency: str, day: str = ""
) -> DaySummary:
    """Check the arguments and the brief, then run the day of a creator of the running installation.
    Raises BadInput, NotFound, Refused, Conflict and Unavailable."""
    house = settings.load_settings()
    asked = parse_day_argument(day)
    if fast and house.environment == "production":
        raise Refused("clock.not_here")
    whole = read_brief(brief)
    prepared = read_photos(photos) if photos is not None else []
    with ExitStack() as stack:
        services = stack.enter_context(connect_installation("run-day", pool_size=2))
        tenant_id, found = find_creator(services, creator, agency)
        home = InstallationFolder(services.settings.home)
        stack.enter_context(
            exclusive_lock(
                home, f"day-{found.id}", Message("day.runs_already", {"creator": found.name})
            )
        )
        if fast:
            stack.enter_context(exclusive_lock(home, "day-fast", Message("day.fast_already")))
        lived = DayRunner(
            services,
            tenant_id,
            found,
            whole,
            prepared,
            fast=fast,
            language=terminal_language(),
            out=_print_line,
        )
        try:
            return lived.run(asked)
        except KeyboardInterrupt:
            print(flush=True)
            print_progress(Message("day.interrupted"))
            raise


def _print_line(line: str) -> None:
    print(line, flush=True)
