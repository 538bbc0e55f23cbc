"""A post as somebody writes it: what each account would show, what would be refused, and putting it on the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from channels import carrying
from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import derived
from foundation.words import Message
from gate import inforce, minting
from gate.bundle import Bundle
from gate.minting import Decision
from gate.reasons import Reason
from gate.units import Medium, Rating, Subject, Unit, Verdict
from schedules import approvals, planning, threads
from schedules.calendar import WallTime
from schedules.claiming import ai_line, compose, compose_parts, placed, reason_of, subject
from schedules.models import Delivery, Post
from schedules.moving import delivery, move
from schedules.planning import LATE_OK, deliveries_of, digest_now, post, wake
from schedules.states import DeliveryState
from schedules.threads import Piece
from studio import library
from tenants import reads as tenant_reads
from tenants.roles import Right, may

ORIGIN = "dashboard"
S = DeliveryState
REWRITABLE = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED, S.HELD, S.FAILED})
"""States in which nothing is outside, so that the words may still change."""


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

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.body.strip() or self.title.strip() or self.media)


@dataclass(frozen=True)
class Said:
    """One rule of a place: its name, whose sentence is `place.<name>`, and its verdict for each rating."""

    name: str
    verdicts: tuple[tuple[Rating, Verdict], ...]


@dataclass(frozen=True)
class Rule:
    """What a place allows: the rules it is judged by, none of an unknown one, and the day they were read."""

    said: tuple[Said, ...]
    read_on: date


@dataclass(frozen=True)
class PartPreview:
    """A further part as one account would show it; `length` as of the whole preview."""

    number: int
    body: str
    media: tuple[Medium, ...]
    length: int
    comment: bool


@dataclass(frozen=True)
class Preview:
    """What one account would show, out of the very unit that would leave, and what would keep it back.

    `length` and `most` are characters of the text as it leaves, the marks of the place included. `reasons` are
    sentences: the platform's limits first, then the safety check's. Without reasons it may leave.
    """

    channel_id: UUID
    account: str
    title: str
    body: str
    media: tuple[Medium, ...]
    flags: tuple[str, ...]
    length: int
    most: int
    most_media: int
    reasons: tuple[Message, ...]
    rule: Rule
    parts: tuple[PartPreview, ...] = ()
    """What follows the post; nothing where the place shows all of it as one."""
    joined: bool = False
    """Whether what follows was put under the post's own words, since the place shows it so."""

    @property
    def all_media(self) -> tuple[Medium, ...]:
        """Every picture of the post, in the order shown."""
        return (*self.media, *(medium for part in self.parts for medium in part.media))

    @property
    def unrated(self) -> bool:
        """Whether somebody has to rate a picture first."""
        return any(one.code == f"gate.{Reason.RATING_MISSING}" for one in self.reasons)


@dataclass(frozen=True)
class Planned:
    """What became of a post that was planned: `waiting` names who may approve it, nobody where none is asked for."""

    post_id: UUID
    at: WallTime
    waiting: tuple[str, ...]
    left: bool
    """Whether it is on the calendar, to leave by itself."""


def previews(
    scope: Scope, draft: Draft, *, author: str, connectors: Mapping[str, Connector], most: int = 12
) -> list[Preview]:
    """What each chosen account would show of a draft. Raises NotFound for a picture or account that is not hers."""
    library.check_owner(scope, draft.creator_id, threads.assets(draft.media, draft.parts))
    mine = {one.id: one for one in channel_reads.channels_of(scope, draft.creator_id)}
    if not mine.keys() >= set(draft.channels):
        raise NotFound("channel.unknown")
    chosen = [mine[one] for one in draft.channels[:most]]
    shown = _shown(scope, draft, chosen, author=author, connectors=connectors)
    rules, on = inforce.rules(scope), scope.now.date()
    found = []
    for channel in chosen:
        rule = rule_of(rules, channel.platform, channel.surface, on)
        units, decision = shown[channel.id]
        connector = connectors.get(channel.platform)
        reasons = () if draft.empty else _reasons(channel, units, connector, decision, scope.now)
        found.append(replace(_preview(draft, channel, units, connector, rule), reasons=reasons))
    return found


def _shown(
    scope: Scope, draft: Draft, chosen: Sequence[Channel], *, author: str, connectors: Mapping[str, Connector]
) -> dict[UUID, tuple[list[Unit], Decision]]:
    """The parts of a draft on each account, marked, and what would be said of all of them together."""
    raw = {}
    for channel in chosen:
        first = placed(scope, _first(scope, draft, channel), channel, _about(draft, channel))
        connector = connectors.get(channel.platform)
        can = connector.capabilities if connector is not None else None
        raw[channel.id] = compose_parts(scope, first, _post(scope, draft), channel, can) if can else (first,)
    found: dict[UUID, tuple[list[Unit], Decision]] = {}
    for alike in _alike(raw):  # what is read of them at once is the same
        for number in range(len(raw[alike[0]])):
            above = [threads.above(found[one][0]) if one in found else () for one in alike]
            units = [replace(raw[one][number], before=shown) for one, shown in zip(alike, above, strict=True)]
            judged = minting.previews(scope, units, author=author, line=lambda: ai_line(scope, draft.creator_id))
            for one, (unit, decision) in zip(alike, judged, strict=True):
                found[one] = ([*found[one][0], unit] if one in found else [unit], decision)
    return found


def _alike(raw: Mapping[UUID, tuple[Unit, ...]]) -> list[list[UUID]]:
    """Accounts by how many parts a post has there."""
    sizes = sorted({len(units) for units in raw.values()})
    return [[one for one, units in raw.items() if len(units) == size] for size in sizes]


def _about(draft: Draft, channel: Channel) -> Subject:
    return subject(derived(draft.creator_id, "draft", channel.id))


def _preview(draft: Draft, channel: Channel, units: Sequence[Unit], connector: Connector | None, rule: Rule) -> Preview:
    unit = units[0]
    most = connector.capabilities.size(channel.surface) if connector is not None else (planning.MAX_BODY, 0)
    return Preview(
        channel_id=channel.id,
        account=channel.name,
        title=unit.text("title"),
        body=unit.text("body"),
        media=unit.media,
        flags=tuple(sorted({flag for one in units for flag in one.flags})),
        length=len(unit.text("body")),
        most=most[0],
        most_media=most[1],
        reasons=(),
        rule=rule,
        parts=tuple(
            PartPreview(number, one.text("body"), one.media, len(one.text("body")), piece.comment)
            for number, (one, piece) in enumerate(zip(units[1:], draft.parts, strict=False), start=2)
        ),
        joined=bool(draft.parts) and len(units) == 1,
    )


def _post(scope: Scope, draft: Draft) -> Post:
    return Post(
        tenant_id=scope.tenant_id,
        creator_id=draft.creator_id,
        id=derived(draft.creator_id, "draft"),
        title=draft.title,
        body=draft.body,
        media=[str(asset) for asset in draft.media],
        parts=threads.stored(draft.parts),
        origin=ORIGIN,
        origin_key="",
        author=scope.actor,
        text_ai=draft.text_ai,
        late_ok=None,
        digest="",
    )


def _first(scope: Scope, draft: Draft, channel: Channel) -> Unit:
    """The unit of a post that is not written: the same function makes the one that leaves."""
    owner = _post(scope, draft)
    row = Delivery(
        tenant_id=scope.tenant_id,
        creator_id=draft.creator_id,
        id=derived(owner.id, channel.id),
        post_id=owner.id,
        channel_id=channel.id,
        wall_time="",
        zone=channel.zone,
        due_at=scope.now,
    )
    return compose(scope, row, owner, channel)


def rule_of(rules: Bundle, platform: str, surface: str, on: date) -> Rule:
    """The rule of a place as it stands on a day."""
    ratings = [rating for rating in Rating if rating is not Rating.X]
    said = (
        Said(name, tuple((rating, row.verdict(rating)) for rating in ratings))
        for name, row in rules.sources(platform, surface, on=on)
    )
    return Rule(tuple(said), rules.read_on)


def _reasons(
    channel: Channel, units: Sequence[Unit], connector: Connector | None, decision: Decision, now: datetime
) -> tuple[Message, ...]:
    found = []
    if channel.state != ChannelState.ACTIVE:
        found.append(Message("delivery.channel_not_ready", {"account": channel.name}))
    if connector is not None:
        unfit = (carrying.unfit(one, connector, now) for one in units)
        found += [reason for reason in unfit if reason is not None]
    if not decision.allowed and not (decision.unseen and channel.can_be_seen):  # it is looked at just before
        found += [Message(f"gate.{reason}") for reason in decision.reasons] or [reason_of(decision)]
    return tuple(one for place, one in enumerate(found) if one not in found[:place])


def plan(
    scope: Scope,
    draft: Draft,
    *,
    key: UUID,
    at: WallTime,
    author: str,
    late_ok: timedelta | None = LATE_OK,
    priority: int = planning.PRIORITY,
) -> Planned:
    """Write a post and put it on the calendar, once per `key`; where a yes is asked for, it waits for one.

    Raises BadInput for a draft without words, pictures or accounts, and for a time that has passed; NotFound.
    """
    if late_ok is not None and at.instant() + late_ok < scope.now:
        raise BadInput("delivery.time_passed")
    post_id = write(scope, draft, key=key, author=author, late_ok=late_ok, priority=priority)
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
    priority: int = planning.PRIORITY,
) -> UUID:
    """Write the post of a draft, once per `key`; it has no time yet. People's `priority` is 1 (first) to 9.

    Raises BadInput for a draft without words, pictures or accounts, and NotFound.
    """
    if draft.empty:
        raise BadInput("compose.empty")
    if not draft.channels:
        raise BadInput("compose.no_account")
    return planning.write_post(
        scope,
        creator_id=draft.creator_id,
        title=draft.title,
        body=draft.body,
        media=draft.media,
        origin=ORIGIN,
        origin_key=str(key),
        author=author,
        text_ai=draft.text_ai,
        late_ok=late_ok,
        parts=draft.parts,
        priority=max(priority, 1),
    )


def settle(scope: Scope, post_id: UUID) -> bool:
    """Where nobody has to say yes (any more), what was wished goes onto the calendar; whether any of it did."""
    approvals.release_without_approval(scope, post_id)
    if not planning.has_approved(scope, post_id):
        return any(row.state == S.SCHEDULED for row in deliveries_of(scope, post_id))
    planning.plan_post(scope, post_id)
    return True


def approvers(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """Who may approve a post, by name; nobody where its creator's rule asks for no yes, or all have been said."""
    row = post(scope, post_id)
    creator = tenant_reads.creator(scope, row.creator_id)
    if approvals.is_approved(scope, row, scope.now):
        return ()
    return tuple(
        member.name
        for member in tenant_reads.members(scope)
        if may(member.role, Right.APPROVE)
        and member.principal_id != row.author_principal
        and (not member.creators or creator.slug in member.creators)
    )


def rewrite(scope: Scope, post_id: UUID, draft: Draft, *, author: str) -> bool:
    """Change the words and pictures of a post of which nothing is outside; whether it is on the calendar again.

    What was approved was another content: it waits for a yes again, and its time is kept as a wish. Raises BadInput
    for an empty one, NotFound for a picture that is not hers, Conflict when a part has left meanwhile.
    """
    if draft.empty:
        raise BadInput("compose.empty")
    if len(draft.body) > planning.MAX_BODY or len(draft.title) > planning.MAX_TITLE:
        raise BadInput("post.too_long", most=planning.MAX_BODY)
    if "\x00" in draft.title + draft.body:
        raise BadInput("post.unwritable")
    row = post(scope, post_id)
    threads.check(draft.parts)
    library.check_owner(scope, row.creator_id, threads.assets(draft.media, draft.parts))
    known = [one for one in deliveries_of(scope, post_id) if one.state != S.CANCELLED]
    if not known or any(one.state not in REWRITABLE for one in known):
        raise Conflict("post.left_already")
    row.title, row.body, row.media = draft.title, draft.body, [str(asset) for asset in draft.media]
    row.parts = threads.stored(draft.parts)
    row.author, row.author_principal = author, planning.principal_of(scope, author)
    row.version += 1
    row.digest = digest_now(scope, row)
    scope.add(row)
    for one in known:
        if one.state != S.DRAFT:
            move(scope, one, S.DRAFT)
        wake(scope, one)
    return settle(scope, post_id)


def skip(scope: Scope, delivery_id: UUID) -> None:
    """Take one account off a post. Raises Conflict once it is on its way or outside: removal is another act."""
    planning.cancel(scope, delivery_id)


def again(scope: Scope, delivery_id: UUID, *, version: int | None = None) -> None:
    """Try a refused or held delivery again now, or the rest of one that was broken off.

    Raises Conflict for any other, and when it was changed meanwhile.
    """
    row = delivery(scope, delivery_id)
    if row.state not in (S.HELD, S.FAILED, S.BROKEN_OFF):
        raise Conflict("delivery.not_movable")
    planning.send_now(scope, delivery_id, version=version)
