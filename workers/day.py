"""`greenroom day`: one creator's day from a brief, through the running house, told while it happens."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from babel.dates import format_date

from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from foundation import settings
from foundation.clock import wall_now
from foundation.errors import BadInput, NotFound, Refused
from foundation.settings import Settings
from foundation.words import Message
from insights import reports, rollups
from insights.reports import Report
from schedules.calendar import WallTime, local_day, zone_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio.ingesting import Prepared
from tenants import reads as tenant_reads
from tenants.reads import Creator
from tenants.scope import all_tenants
from workers import day_scene
from workers.brief import Brief
from workers.brief import read as read_brief
from workers.clockwork import Clockwork
from workers.day_photos import photos_in
from workers.day_work import MAKING, Work
from workers.home import Home
from workers.terminal import tell
from workers.timeline import WATCHING, Timeline
from workers.visiting import alone, at_home
from workers.wiring import Services

GENERATION, PLANNING = time(6, 0), time(8, 0)
LEAD = timedelta(minutes=15)
"""From the plan to the first post, at least: an early first post makes an early morning."""

SCENES = ((time(11, 30), "Léo"), (time(18, 0), "Inès"))
"""When fans of the sandbox write, and who they are."""

AFTER_LAST = timedelta(minutes=30)
"""From the last post to the report."""

SETTLING = timedelta(hours=26)
"""How long posts that are in doubt are waited for before the report says so (look-ups end after 24 h)."""

FURTHEST = 31
"""Days ahead that a day may be asked for."""

SHORT = timedelta(minutes=1)
"""A wait that needs no word."""

OPEN = {DeliveryState.SCHEDULED, DeliveryState.PUBLISHING, DeliveryState.PROCESSING, DeliveryState.UNCERTAIN}
OPEN |= {DeliveryState.PARTLY}


@dataclass(frozen=True)
class Told:
    """What the day came to: posts by state, packs sold by script, whether the money agrees, where the report lies."""

    published: int
    planned: int
    sold: int
    balanced: bool
    report: Path

    @property
    def complete(self) -> bool:
        """Whether everything planned stands outside and the money agrees."""
        return self.published == self.planned and self.balanced


@dataclass(frozen=True)
class Hours:
    """The instants of one day's work, UTC-aware."""

    generation: datetime
    planning: datetime
    first: datetime
    last: datetime


def find(services: Services, name: str, agency: str = "") -> tuple[UUID, Creator]:
    """The tenant and creator of a name. Raises NotFound, and BadInput when two agencies have one of that name."""
    found = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, WATCHING) as scope:
            if agency and tenant_reads.agency(scope).name.casefold() != agency.casefold():
                continue
            try:
                found.append((tenant_id, tenant_reads.creator(scope, name)))
            except NotFound:
                continue
    if not found:
        raise NotFound("creator.unknown", creator=name)
    if len(found) > 1:
        raise BadInput("day.which_agency", creator=name)
    return found[0]


def date_of(text: str) -> date | None:
    """The day somebody typed, ISO; None of nothing. Raises BadInput."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput("day.date_unreadable", day=text[:40]) from error


class Day:
    """One run of the command."""

    def __init__(
        self,
        services: Services,
        tenant_id: UUID,
        creator: Creator,
        brief: Brief,
        photos: Sequence[Prepared] = (),
        *,
        fast: bool,
        language: str,
        out: Callable[[str], None],
    ) -> None:
        self._s, self._tenant_id, self._creator, self._brief = services, tenant_id, creator, brief
        self._timeline = Timeline(services.tenant, tenant_id, creator, language=language, out=out)
        self._clock = Clockwork(services.tenant, fast, self._timeline.look)
        self._fast, self._language = fast, language
        self._work = Work(services, tenant_id, creator, brief, photos, clock=self._clock, timeline=self._timeline)

    def run(self, asked: date | None = None) -> Told:
        """The whole day. Everything the brief names was checked before; nothing is half done when it is wrong."""
        self._work.check()
        now = self._clock.now()
        day = self._pick_day(asked, now)
        hours = self._hours(day)
        title = f"{self._creator.name} · {format_date(day, 'full', self._language)} · {self._creator.zone}"
        self._timeline.head(title)
        self._timeline.begin(max(now, hours.generation))  # what leaves until then is another day's
        self._timeline.part("day.part_morning")
        if self._work.begun(day):
            over = now > hours.last + AFTER_LAST
            following = (day + timedelta(days=1)).isoformat()
            self._timeline.say(now, "day.lived" if over else "day.goes_on", next=following)
        self._wait(hours.generation)
        pictures = self._work.generate(day)
        posts = self._work.write(day, pictures)
        self._timeline.part("day.part_plan")
        self._wait(hours.planning)
        self._work.plan(day, posts)
        self._timeline.part("day.part_live")
        sold = self._live(day, hours)
        return self._report(day, sold)

    def _pick_day(self, asked: date | None, now: datetime) -> date:
        """The day that was asked for; else today, if it has begun or its plan can still be made; else tomorrow.

        Raises BadInput for a day that went by without us, or that is too far ahead.
        """
        today = local_day(now, self._creator.zone)
        if asked is not None:
            if now > self._hours(asked).first and not self._work.begun(asked):
                raise BadInput("day.over", day=asked.isoformat())
            if asked > today + timedelta(days=FURTHEST):
                raise BadInput("day.too_far", most=FURTHEST)
            return asked
        hours = self._hours(today)
        latest = hours.planning if self._fast else hours.first - LEAD
        return today if now <= latest or self._work.begun(today) else today + timedelta(days=1)

    def _hours(self, day: date) -> Hours:
        clocks = [slot.clock for slot in self._brief.slots]
        first, last = self._at(day, min(clocks)), self._at(day, max(clocks))
        planning = min(self._at(day, PLANNING), first - LEAD)
        return Hours(min(self._at(day, GENERATION), planning - MAKING), planning, first, last)

    def _at(self, day: date, clock: time) -> datetime:
        return WallTime(day, clock, self._creator.zone).instant()

    def _wait(self, until: datetime) -> None:
        """Until an hour of the day; a person who waits for real is told for what."""
        now = self._clock.now()
        if not self._fast and until - now > SHORT:
            self._timeline.say(now, "day.waits", until=f"{until.astimezone(zone_of(self._creator.zone)):%H:%M}")
        self._clock.wait_until(until)

    def _live(self, day: date, hours: Hours) -> int:
        """Through the hours: posts leave by themselves, fans write; until everything has its end."""
        sold = 0
        for at, name in SCENES:
            self._clock.wait_until(self._at(day, at))
            sold += self._scene(day, name)
        self._clock.wait_until(hours.last + AFTER_LAST)
        self._clock.wait_for(lambda: self._settled(day), at_most=SETTLING)
        return sold

    def _scene(self, day: date, name: str) -> bool:
        stage = self._stage()
        if stage is None:
            return False
        fan, language = day_scene.fan_of(name, day), self._brief.languages[0]
        return day_scene.play(self._s, stage, fan, language, clock=self._clock, timeline=self._timeline)

    def _stage(self) -> Channel | None:
        """The creator's chat on the sandbox of this house, where there is one: nobody else is played."""
        home = f"127.0.0.1:{self._s.settings.sandbox.port}"
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            mine = channel_reads.channels_of(scope, self._creator.id)
        active = [one for one in mine if one.chat_surface and one.state == ChannelState.ACTIVE]
        return next((one for one in active if one.base_url.endswith(home)), None)

    def _settled(self, day: date) -> bool:
        return not any(entry.state in OPEN for entry in self._work.entries(day))

    def _report(self, day: date, sold: int) -> Told:
        with self._s.tenant(self._tenant_id, WATCHING) as scope:
            rollups.refresh(scope, self._creator.id, day)
            report = reports.daily(scope, self._creator.id, day)
        folder = reports_folder(self._s.settings, self._tenant_id, self._creator)
        page = reports.write(report, folder, self._language)
        entries = self._work.entries(day)
        published = sum(entry.state is DeliveryState.PUBLISHED for entry in entries)
        told = Told(published, len(entries), sold, report.balanced, page)
        self._sum_up(told, report, entries)
        return told

    def _sum_up(self, told: Told, report: Report, entries: Sequence[Entry]) -> None:
        now, say = self._clock.now(), self._timeline.say
        self._timeline.part("day.part_evening")
        whole = told.published == told.planned
        say(now, "day.all_posted" if whole else "day.not_all_posted", count=told.planned, published=told.published)
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


def reports_folder(house: Settings, tenant_id: UUID, creator: Creator) -> Path:
    """Where the reports of a creator are kept."""
    return house.home / "reports" / str(tenant_id) / creator.slug


def run(creator: str, brief: Path, *, photos: Path | None, fast: bool, agency: str, day: str = "") -> Told:
    """The command: check everything, then live the day of a creator of the running house. Raises what is wrong."""
    house, asked = settings.load(), date_of(day)
    if fast and house.environment == "production":
        raise Refused("clock.not_here")
    whole = read_brief(brief)
    prepared = photos_in(photos) if photos is not None else []
    with ExitStack() as stack:
        services = stack.enter_context(at_home("day", pool_size=2))
        tenant_id, found = find(services, creator, agency)
        home = Home(services.settings.home)
        stack.enter_context(alone(home, f"day-{found.id}", Message("day.runs_already", {"creator": found.name})))
        if fast:
            stack.enter_context(alone(home, "day-fast", Message("day.fast_already")))
        lived = Day(services, tenant_id, found, whole, prepared, fast=fast, language=settings.language(), out=_print)
        try:
            return lived.run(asked)
        except KeyboardInterrupt:
            print()
            tell(Message("day.interrupted"))
            raise


def _print(line: str) -> None:
    print(line, flush=True)
