"""A post as somebody writes it, and putting it on the calendar."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from connectors.options import Chosen
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from schedules import (
    approvals,
    downtimes,
    labels,
    lateness,
    linking,
    objections,
    overrides,
    planning,
    prints,
    reads,
    threads,
    yeses,
)
from schedules.calendar import WallTime
from schedules.lateness import Late
from schedules.linking import NO_WISH, Rule, Wanted
from schedules.moving import delivery, move
from schedules.overrides import Content, Override
from schedules.planning import LATE_OK, deliveries_of, digest_now, post, wake
from schedules.reads import Written
from schedules.states import CANCELLABLE, DeliveryState
from schedules.threads import Piece
from studio import library
from tenants import reads as tenant_reads
from tenants.reads import Member
from tenants.roles import Right, may

ORIGIN, OF_SERIES = "dashboard", "series"
"""Where posts come from: somebody who writes, and what takes the place of a series on some of its dates."""
S = DeliveryState


@dataclass(frozen=True)
class Draft:
    """What somebody wants to say, and where; nothing of it is written yet."""

    creator_id: UUID
    title: str
    body: str
    media: tuple[UUID, ...]
    channels: tuple[UUID, ...]
    text_ai: str = "none"
    parts: tuple[Piece, ...] = ()
    """What follows as a thread, and the first comment at last."""
    others: tuple[Override, ...] = ()
    """What single places say otherwise."""
    links: Wanted = NO_WISH
    """What is said of its addresses."""
    late: Late | None = None
    """How late it may still leave, where somebody chose; rewriting does not change it."""
    labels: tuple[UUID, ...] | None = None
    """The labels it is to have, all of them; None leaves a post those it has."""
    post_id: UUID | None = None
    """The post it is of, where that is written already."""

    @property
    def said(self) -> Content:
        """What it says where no place says otherwise."""
        return Content(self.title, self.body, self.media, self.parts)

    @property
    def assets(self) -> list[UUID]:
        """Every picture of it, in whatever place."""
        return overrides.every_asset(self.media, self.parts, self.others)

    @property
    def content(self) -> "Draft":
        """What it says alone: where it goes, its lateness and its labels change without it."""
        return replace(self, channels=(), late=None, labels=None, post_id=None)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.body.strip() or self.title.strip() or self.media)


@dataclass(frozen=True)
class Planned:
    """What became of a post that was planned: `waiting` names who may approve it, nobody where none is asked for."""

    post_id: UUID
    at: WallTime
    waiting: tuple[str, ...]
    left: bool
    """Whether it is on the calendar, to leave by itself."""


def plan(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    at: WallTime,
    author: str,
    late_ok: timedelta | None = LATE_OK,
    origin: str = ORIGIN,
    priority: int = planning.PRIORITY,
) -> Planned:
    """Write a post and put it on the calendar, once per `key`; where a yes is asked for, it waits for one.

    Raises BadInput for a draft without words, pictures or accounts, and for a time that has passed; NotFound.
    """
    allowed = late_ok if draft.late is None else lateness.span(draft.late)
    late = lateness.until(allowed, at.instant(), at.zone, until_midnight=draft.late is Late.DAY)
    if late is not None and late < scope.now:
        raise BadInput("delivery.time_passed")
    need_account(draft)
    post_id = write(scope, draft, key=key, author=author, late_ok=late_ok, origin=origin, priority=priority)
    for channel_id in draft.channels:
        planning.add_delivery(scope, post_id, channel_id, at=at)
    return Planned(post_id, at, approvers(scope, post_id), settle(scope, post_id))


def write(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    author: str,
    late_ok: timedelta | None = LATE_OK,
    until_midnight: bool = False,
    origin: str = ORIGIN,
    priority: int = planning.PRIORITY,
) -> UUID:
    """Write the post of a draft, once per `key`; it has no time yet. People's `priority` is 1 (first) to 9.

    What the draft says of its lateness counts before `late_ok` and `until_midnight`. One of a post that was put aside
    goes on with that one.

    Raises BadInput for a draft without words and pictures, NotFound, and Conflict for a post that goes anywhere by now.
    """
    if draft.empty:
        raise BadInput("compose.empty")
    if draft.post_id is not None:
        return _go_on(scope, draft.post_id, draft, author=author, priority=max(priority, 1))
    known = reads.written(scope, origin, str(key)) if draft.labels else {}
    post_id = planning.write_post(
        scope,
        creator_id=draft.creator_id,
        title=draft.title,
        body=draft.body,
        media=draft.media,
        origin=origin,
        origin_key=str(key),
        author=author,
        text_ai=draft.text_ai,
        late_ok=late_ok if draft.late is None else lateness.span(draft.late),
        until_midnight=until_midnight if draft.late is None else draft.late is Late.DAY,
        parts=draft.parts,
        others=draft.others,
        priority=max(priority, 1),
        links=draft.links,
    )
    if draft.labels and str(key) not in known:  # a repeat gives none anew that was taken off meanwhile
        labels.put(scope, post_id, draft.labels)
    return post_id


def _go_on(scope: Scope, post_id: UUID, draft: Draft, *, author: str, priority: int) -> UUID:
    row = post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})
    if row.creator_id != draft.creator_id:
        raise NotFound("post.unknown")
    if deliveries_of(scope, post_id):
        raise Conflict("post.changed_meanwhile")
    rewrite(scope, post_id, draft, author=author)
    row.priority = priority
    if draft.late is not None:
        row.late_ok, row.until_midnight = lateness.span(draft.late), draft.late is Late.DAY
    scope.add(row)
    return post_id


def need_account(draft: Draft) -> None:
    """Raise BadInput for a draft that names no account."""
    if not draft.channels:
        raise BadInput("compose.no_account")


def settle(scope: Scope, post_id: UUID) -> bool:
    """Where nobody has to say yes (any more), what was wished goes onto the calendar; whether any of it did."""
    rows = approvals.release_without_approval(scope, post_id)
    planning.plan_approved(scope, rows)
    return any(row.state == S.SCHEDULED for row in rows)


def is_free(scope: Scope, post_id: UUID) -> bool:
    """Whether nobody's yes is missing: where its creator's rule asks for none, a draft waits for a press alone."""
    return not approvals.is_awaited(scope, post(scope, post_id), scope.now)


def is_half(scope: Scope, post_id: UUID) -> bool:
    """Whether a post has one yes of two."""
    since = approvals.asked_since(scope, post_id)
    return approvals.lacking(scope, post(scope, post_id), scope.now, since=since) == yeses.HALF


def approvers(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """The names of those who may approve a post."""
    return tuple(one.name for one in able(scope, post_id))


def able(scope: Scope, post_id: UUID) -> tuple[Member, ...]:
    """Who may approve a post, by name: neither its author nor who has said yes; nobody where its creator's rule asks
    for no yes, or all have been said."""
    row = post(scope, post_id)
    creator = tenant_reads.creator(scope, row.creator_id)
    if not approvals.is_awaited(scope, row, scope.now):
        return ()
    said = yeses.of_posts(scope, {post_id: row}).get(post_id, ())
    counted = yeses.counting(said, approvals.asked_since(scope, post_id))
    return tuple(
        member
        for member in tenant_reads.members(scope)
        if may(member.role, Right.APPROVE)
        and member.principal_id != row.author_principal
        and (not member.creators or creator.slug in member.creators)
        and yeses.tier_for(member.principal_id, *counted, creator.approval_tiers) is not None
    )


def rewrite(
    scope: Scope, post_id: UUID, draft: Draft, *, author: str, seen: Draft | None = None, rule: Rule | None = None
) -> bool:
    """Change the words and pictures of a post of which nothing is outside; whether it is on the calendar again.
    `rule`: what becomes of its addresses, as its creator has it now where nobody says.

    What was approved was another content: it waits for a yes again, and its time is kept as a wish. Raises BadInput
    for an empty one, NotFound for a picture that is not hers, Conflict when a part has left meanwhile, or where it says
    something else by now than what its author has `seen`.
    """
    if draft.empty:
        raise BadInput("compose.empty")
    overrides.check(draft.said, draft.others)
    row = post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})  # two writers at once: each makes its own version
    if seen is not None:
        unchanged(scope, post_id, seen)
    library.check_owner(scope, row.creator_id, draft.assets)
    rows = deliveries_of(scope, post_id, lock=True)  # before what wakes them, as whoever takes one off
    known = [one for one in rows if one.state != S.CANCELLED]
    if (rows and not known) or any(one.state not in CANCELLABLE for one in known):
        raise Conflict("post.left_already")
    row.title, row.body, row.media = draft.title, draft.body, [str(asset) for asset in draft.media]
    row.parts, row.overrides = threads.stored(draft.parts), overrides.stored(draft.others)
    row.links = linking.stored(rule or linking.rule_of(scope, row.creator_id), draft.links)
    row.text_ai = draft.text_ai
    row.author, row.author_principal = author, planning.principal_of(scope, author)
    row.version += 1
    before, row.digest = row.digest, digest_now(scope, row)
    if row.digest != before:
        objections.answered(scope, post_id)
    scope.add(row)
    prints.keep(scope, row)
    if draft.labels is not None:
        labels.put(scope, post_id, draft.labels)
    for one in known:
        if downtimes.stays_held(scope, one):
            continue
        if one.state != S.DRAFT:
            move(scope, one, S.DRAFT)
        wake(scope, one)
    return settle(scope, post_id)


def leaves_at_once(scope: Scope, post_id: UUID) -> bool:
    """Whether a post whose words change leaves once nobody's yes is missing: its hour is over, not its lateness."""
    rows = [row for row in deliveries_of(scope, post_id) if row.state in CANCELLABLE]
    rows = [row for row in rows if row.due_at <= scope.now and not downtimes.stays_held(scope, row)]
    return any(row.late_until is None or scope.now <= row.late_until for row in rows)


def unchanged(scope: Scope, post_id: UUID, seen: Draft) -> None:
    """Raise Conflict for a post that says something else by now than what was seen of it."""
    if as_written(reads.written_post(scope, post_id)).content != seen.content:
        raise Conflict("post.changed_meanwhile")


def choose(scope: Scope, post_id: UUID, channel_id: UUID, options: Chosen, *, author: str) -> bool | None:
    """Change what a post chooses on one account beside its words, and nothing else of it; None where that is as it was,
    else whether it is on the calendar again.

    It is content: what was approved was another. Raises as `rewrite` does, and NotFound for an account that it does not
    go to.
    """
    row = post(scope, post_id)
    scope.session.refresh(row, with_for_update={"key_share": True})  # what somebody else wrote just now is kept
    channels = _goes_to(scope, post_id)
    others = overrides.choosing(row, list(channels.values()), place_of(scope, post_id, channel_id), options)
    if overrides.stored(others) == row.overrides:
        return None
    written = replace(as_written(reads.written_of(row)), others=others)
    return rewrite(scope, post_id, written, author=author, rule=linking.read(row).rule)


def _goes_to(scope: Scope, post_id: UUID) -> dict[UUID, Channel]:
    live = dict.fromkeys(one.channel_id for one in deliveries_of(scope, post_id) if one.state != S.CANCELLED)
    return {one: channel_reads.channel(scope, one) for one in live}


def place_of(scope: Scope, post_id: UUID, channel_id: UUID) -> Channel:
    """An account that a post goes to. Raises NotFound for any other."""
    found = _goes_to(scope, post_id).get(channel_id)
    if found is None:
        raise NotFound("channel.unknown")
    return found


def as_written(of: Written, channels: tuple[UUID, ...] = ()) -> Draft:
    """A post as it stands, as a draft of itself for these accounts."""
    words = (of.title, of.body, of.media, channels, of.text_ai, of.parts, of.others, of.links)
    return Draft(of.creator_id, *words, late=of.late, post_id=of.id)


def skip(scope: Scope, delivery_id: UUID) -> None:
    """Take one account off a post. Raises Conflict once it is on its way or outside: removal is another act."""
    planning.cancel(scope, delivery_id)


def again(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Try a refused or held delivery again now, or the rest of one that was broken off.

    Raises Conflict for any other, and as `now`.
    """
    if delivery(scope, delivery_id).state not in (S.HELD, S.FAILED, S.BROKEN_OFF):
        raise Conflict("delivery.not_movable")
    now(scope, delivery_id, version=version)


def now(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """A member's or a program's "now": as `planning.send_now`, and Conflict for what would only be put on hold for want
    of a yes; of what stands in part that is asked when its rest leaves."""
    row = delivery(scope, delivery_id)
    if row.state != S.BROKEN_OFF and not approvals.stands_for(scope, post(scope, row.post_id), row, scope.now):
        raise Conflict("delivery.needs_yes")
    planning.send_now(scope, delivery_id, version=version)
