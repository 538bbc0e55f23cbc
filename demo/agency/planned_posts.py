"""Scheduled posts of the demo: posts of the first start, one a day for the coming weeks, and one
pending approval.

They are ordinary posts: written by the system, approved by the manager, sent by the processes with
a permit each. Each start schedules the days that have become due for it; existing posts are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from connectors.registry import loader
from demo.agency import phrases
from demo.agency.cast import MIA, NOVA, AgencyProfile, CreatorProfile
from demo.agency.channel_accounts import find_chat_channel, find_page_channel
from demo.agency.people import DEMO_ACTOR, creator_id_of, first_member_with_role
from foundation.db.database import OpenScope, Scope
from foundation.ops.wall_time import WallTime, day_bounds, local_day, parse_clock_time, to_wall_time
from gate.assets import label_lifts
from schedules.approvals import decisions
from schedules.drafts import duplicates
from schedules.posts.deliveries import (
    DEFAULT_LATE_OK,
    create_delivery,
    create_post,
    has_approved_deliveries,
    schedule_post,
)
from schedules.posts.queries import entries_between, post_ids_by_origin_key
from studio.library import assets
from tenants.agencies.rights import Role

ORIGIN = "demo"
FIRST_AHEAD = 2
"""Days from today to the first scheduled post: tomorrow is reserved for `greenroom run-day`, whose
report would count these posts too."""

PUBLISH_TIME = "18:30"
STARTING = timedelta(seconds=10)
"""Time from the last step of the seeding until the sending processes are running."""

PENDING_APPROVAL_TIME = "12:15"
PENDING_APPROVAL_DAYS = 3
"""Due date of the post that is pending approval, in days from the first start."""

APPROVAL_CREATOR = NOVA
"""The creator of the post that is pending approval."""

FIRST_POSTS_CREATOR = MIA
"""The creator whose first post goes to every account, including the manual one."""


@dataclass(frozen=True)
class PlannedPost:
    """A post to schedule."""

    key: str
    at: WallTime
    picture: tuple[str, UUID]
    channels: Sequence[Channel]
    late_tolerance: timedelta | None
    number: int


def schedule_coming_days(tenant: OpenScope, company: AgencyProfile, part: CreatorProfile) -> None:
    """Schedule one post a day, approved by the manager, on days without one; and request the
    owner's approval of another post."""
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        pictures = _list_postable_pictures(scope, part)
        for one in _build_planned_posts(scope, company, part, pictures):
            write_and_schedule(scope, part, one)
        if part is APPROVAL_CREATOR and not post_ids_by_origin_key(
            scope, ORIGIN, _pending_post_key(part)
        ):
            _create_pending_post(scope, company, part, pictures[0])


def schedule_first_posts(tenant: OpenScope, company: AgencyProfile, part: CreatorProfile) -> None:
    """Schedule the posts of the first start. This is the last step of a seeding, since they are due
    at once."""
    key = f"{part.slug}:opening:"
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        if not part.sales.opening or post_ids_by_origin_key(scope, ORIGIN, key):
            return
        usual = (find_page_channel(scope, company, part), find_chat_channel(scope, part))
        every = (
            queries.list_creator_channels(scope, creator_id_of(scope, part))
            if part is FIRST_POSTS_CREATOR
            else usual
        )
        now = _round_to_second(scope.now + STARTING, company.zone)
        pictures = _list_postable_pictures(scope, part)
    if part is FIRST_POSTS_CREATOR:
        allow_manual_post(tenant, company.tenant_id, pictures[0][1])
    with tenant(company.tenant_id, DEMO_ACTOR) as scope:
        for n in range(part.sales.opening):
            picture = pictures[n % len(pictures)]
            channels = usual if n else every
            write_and_schedule(
                scope, part, PlannedPost(f"{key}{n}", now, picture, channels, None, n)
            )


def allow_manual_post(tenant: OpenScope, tenant_id: UUID, picture: UUID) -> None:
    """Allow a drawn picture in a manual post, in the owner's name. Repeatable."""
    with tenant(tenant_id, DEMO_ACTOR) as scope:
        owner = first_member_with_role(scope, Role.OWNER).id
    label_lifts.handle_label_lift(
        label_lifts.LabelLiftRequested(
            tenant_id, picture, True, phrases.MANUAL_POST_REASON, f"member:{owner}"
        ),
        tenant=tenant,
    )


def _round_to_second(instant: datetime, zone: str) -> WallTime:
    """Return the whole second on the agency's clock."""
    return to_wall_time(instant.replace(microsecond=0), zone)


def _build_planned_posts(
    scope: Scope, company: AgencyProfile, part: CreatorProfile, pictures: Sequence[tuple[str, UUID]]
) -> list[PlannedPost]:
    """Return one post a day at `PUBLISH_TIME`. Days that have one, or had one that was removed, are
    skipped."""
    today = local_day(scope.now, company.zone)
    days = [today + timedelta(days=FIRST_AHEAD + n) for n in range(part.sales.ahead_days)]
    taken = _list_taken_days(scope, company, part, days)
    page = find_page_channel(scope, company, part) if days else None
    return [
        PlannedPost(
            f"{part.slug}:ahead:{day}",
            WallTime(day, parse_clock_time(PUBLISH_TIME), company.zone),
            pictures[day.toordinal() % len(pictures)],
            (page,),
            DEFAULT_LATE_OK,
            day.toordinal(),
        )
        for day in days
        if day not in taken and page is not None
    ]


def _list_taken_days(
    scope: Scope, company: AgencyProfile, part: CreatorProfile, days: Sequence[date]
) -> set[date]:
    if not days:
        return set()
    start = day_bounds(days[0], company.zone)[0]
    end = day_bounds(days[-1], company.zone)[1]
    planned = entries_between(scope, creator_id_of(scope, part), start, end)
    return {
        local_day(one.due_at, company.zone)
        for one in planned
        if one.wall_time.endswith(PUBLISH_TIME)
    }


def _list_postable_pictures(scope: Scope, part: CreatorProfile) -> list[tuple[str, UUID]]:
    """Return the pictures that may be posted, those of the packs, by key."""
    made = assets.assets_by_source(
        scope, creator_id_of(scope, part), [key for pack in part.packs for key in pack.shots]
    )
    return sorted(made.items())


def write_and_schedule(
    scope: Scope, part: CreatorProfile, one: PlannedPost, *, origin: str = ORIGIN
) -> dict[UUID, UUID]:
    """Write a post, approve it in the manager's name and schedule it; returns its deliveries by
    channel. Repeatable."""
    post_id, deliveries = _create_post(scope, part, one, author=DEMO_ACTOR, origin=origin)
    decisions.approve_post(scope, post_id, member_id=first_member_with_role(scope, Role.MANAGER).id)
    if has_approved_deliveries(scope, post_id):
        schedule_post(scope, post_id)
    return deliveries


def _create_pending_post(
    scope: Scope, company: AgencyProfile, part: CreatorProfile, picture: tuple[str, UUID]
) -> None:
    """Create a post of the manager, which another member must approve."""
    day = local_day(scope.now, company.zone) + timedelta(days=PENDING_APPROVAL_DAYS)
    at = WallTime(day, parse_clock_time(PENDING_APPROVAL_TIME), company.zone)
    one = PlannedPost(
        _pending_post_key(part),
        at,
        picture,
        (find_page_channel(scope, company, part),),
        None,
        PENDING_APPROVAL_DAYS,
    )
    _create_post(
        scope, part, one, author=f"member:{first_member_with_role(scope, Role.MANAGER).id}"
    )


def _pending_post_key(part: CreatorProfile) -> str:
    return f"{part.slug}:asked"


def _create_post(
    scope: Scope, part: CreatorProfile, one: PlannedPost, *, author: str, origin: str = ORIGIN
) -> tuple[UUID, dict[UUID, UUID]]:
    key, asset = one.picture
    title, body = phrases.caption_for(key, one.number)
    post_id = create_post(
        scope,
        creator_id=creator_id_of(scope, part),
        title=title,
        body=body,
        media=[asset],
        origin=origin,
        origin_key=one.key,
        author=author,
        late_ok=one.late_tolerance,
    )
    deliveries = {
        channel.id: create_delivery(scope, post_id, channel.id, at=one.at)
        for channel in one.channels
    }
    # The demo has few pictures and posts each of them often.
    duplicates.acknowledge_duplicates(scope, post_id, connectors=loader.load_connectors())
    return post_id, deliveries
