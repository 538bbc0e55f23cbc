"""What the demo's calendar holds: posts that leave with the first start, so that no page is empty, weeks ahead, one
that waits for a yes.

They are ordinary posts: written by the house, approved by the manager, sent by the processes, each with its permit.
Each start looks again, so that the weeks ahead are planned when they come; what stands already stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from connectors import registry
from foundation.database import OpenScope, Scope
from gate import labels
from schedules import approvals, planning, repeats
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, bounds, local_day, local_wall, parse_clock
from studio import library
from tenants.roles import Role
from workers import demo_texts as texts
from workers.demo_cast import MIA, NOVA
from workers.demo_channels import chat_account, page_account
from workers.demo_parts import Company, Part
from workers.demo_people import SEEDING, creator_id_of, member_with

ORIGIN = "demo"
FIRST_AHEAD = 2
"""Days from today: tomorrow is left to `greenroom day`, whose report would otherwise count these too."""

LEAVES_AT = "18:30"
STARTING = timedelta(seconds=10)
"""From the last act of the seeding to the processes that send."""

WAITS_AT = "12:15"
WAITING_DAYS = 3
"""When the post would leave that waits for a yes, in days from the first start."""

ASKS = NOVA
"""Whose post waits for a yes."""

SHOWN = MIA
"""Whose first post goes to every account, the one by hand among them."""


@dataclass(frozen=True)
class Plan:
    """One post to plan."""

    key: str
    at: WallTime
    picture: tuple[str, UUID]
    channels: Sequence[Channel]
    late_ok: timedelta | None
    number: int


def plan_ahead(tenant: OpenScope, company: Company, part: Part) -> None:
    """One post a day on the days that have none yet, approved by the manager; another one asked of the owner."""
    with tenant(company.tenant_id, SEEDING) as scope:
        pictures = _pictures(scope, part)
        for one in _ahead(scope, company, part, pictures):
            put(scope, part, one)
        if part is ASKS and not schedule_reads.written(scope, ORIGIN, _asked(part)):
            _ask(scope, company, part, pictures[0])


def open_day(tenant: OpenScope, company: Company, part: Part) -> None:
    """The posts that leave with the first start: the last act of a seeding, since they are due at once."""
    key = f"{part.slug}:opening:"
    with tenant(company.tenant_id, SEEDING) as scope:
        if not part.trade.opening or schedule_reads.written(scope, ORIGIN, key):
            return
        usual = (page_account(scope, company, part), chat_account(scope, part))
        every = channel_reads.channels_of(scope, creator_id_of(scope, part)) if part is SHOWN else usual
        now, pictures = _whole(scope.now + STARTING, company.zone), _pictures(scope, part)
    if part is SHOWN:
        let_out(tenant, company.tenant_id, pictures[0][1])
    with tenant(company.tenant_id, SEEDING) as scope:
        for n in range(part.trade.opening):
            picture, channels = pictures[n % len(pictures)], usual if n else every
            put(scope, part, Plan(f"{key}{n}", now, picture, channels, None, n))


def let_out(tenant: OpenScope, tenant_id: UUID, picture: UUID) -> None:
    """A picture of a post by hand may leave, though drawn: the owner says so, as in any agency. Repeatable."""
    with tenant(tenant_id, SEEDING) as scope:
        owner = member_with(scope, Role.OWNER).id
    labels.settle(labels.LabelSaid(tenant_id, picture, True, texts.LET_OUT, f"member:{owner}"), tenant=tenant)


def _whole(instant: datetime, zone: str) -> WallTime:
    """The whole second on the agency's clock."""
    return local_wall(instant.replace(microsecond=0), zone)


def _ahead(scope: Scope, company: Company, part: Part, pictures: Sequence[tuple[str, UUID]]) -> list[Plan]:
    """One post a day, at an hour of its own; a day that has one, or had one somebody took off, is left as it is."""
    today = local_day(scope.now, company.zone)
    days = [today + timedelta(days=FIRST_AHEAD + n) for n in range(part.trade.ahead_days)]
    taken = _taken(scope, company, part, days)
    page = page_account(scope, company, part) if days else None
    return [
        Plan(
            f"{part.slug}:ahead:{day}",
            WallTime(day, parse_clock(LEAVES_AT), company.zone),
            pictures[day.toordinal() % len(pictures)],
            (page,),
            planning.LATE_OK,
            day.toordinal(),
        )
        for day in days
        if day not in taken and page is not None
    ]


def _taken(scope: Scope, company: Company, part: Part, days: Sequence[date]) -> set[date]:
    if not days:
        return set()
    start, end = bounds(days[0], company.zone)[0], bounds(days[-1], company.zone)[1]
    planned = schedule_reads.between(scope, creator_id_of(scope, part), start, end)
    return {local_day(one.due_at, company.zone) for one in planned if one.wall_time.endswith(LEAVES_AT)}


def _pictures(scope: Scope, part: Part) -> list[tuple[str, UUID]]:
    """What may be posted: the pictures of the packs, by key."""
    made = library.made(scope, creator_id_of(scope, part), [key for pack in part.packs for key in pack.shots])
    return sorted(made.items())


def put(scope: Scope, part: Part, one: Plan, *, origin: str = ORIGIN) -> dict[UUID, UUID]:
    """Write a post for the house, have the manager approve it and plan it; its deliveries by account. Repeatable."""
    post_id, deliveries = _write(scope, part, one, author=SEEDING, origin=origin)
    approvals.approve(scope, post_id, member_id=member_with(scope, Role.MANAGER).id)
    if planning.has_approved(scope, post_id):
        planning.plan_post(scope, post_id)
    return deliveries


def _ask(scope: Scope, company: Company, part: Part, picture: tuple[str, UUID]) -> None:
    """A post of the manager's, which therefore somebody else must approve."""
    day = local_day(scope.now, company.zone) + timedelta(days=WAITING_DAYS)
    at = WallTime(day, parse_clock(WAITS_AT), company.zone)
    one = Plan(_asked(part), at, picture, (page_account(scope, company, part),), None, WAITING_DAYS)
    _write(scope, part, one, author=f"member:{member_with(scope, Role.MANAGER).id}")


def _asked(part: Part) -> str:
    return f"{part.slug}:asked"


def _write(scope: Scope, part: Part, one: Plan, *, author: str, origin: str = ORIGIN) -> tuple[UUID, dict[UUID, UUID]]:
    key, asset = one.picture
    title, body = texts.under(key, one.number)
    post_id = planning.write_post(
        scope,
        creator_id=creator_id_of(scope, part),
        title=title,
        body=body,
        media=[asset],
        origin=origin,
        origin_key=one.key,
        author=author,
        late_ok=one.late_ok,
    )
    deliveries = {channel.id: planning.add_delivery(scope, post_id, channel.id, at=one.at) for channel in one.channels}
    repeats.know(scope, post_id, connectors=registry.load())  # a demonstration has few pictures, and shows them often
    return post_id, deliveries
