"""From a scheduled delivery to an armed step: the unit as it will be seen, and the claim in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import and_, bindparam, literal, text, tuple_
from sqlmodel import col, func, select

from channels import abilities, attempts, budgets, carrying, charging, phones, sharing
from channels import reads as channel_reads
from channels.budgets import Blocked
from channels.carrying import Armed, Staged
from channels.reads import Channel
from channels.states import LOST
from connectors.allowances import PUBLISH
from connectors.contract import Connector
from connectors.outcomes import Outcome, Rejected
from foundation import outbox
from foundation.database import PLAN_ONCE, Scope
from foundation.errors import Conflict, GreenroomError, NotFound
from foundation.words import Message
from gate import minting
from gate.minting import Denied
from gate.permit import Permit
from gate.units import Unit, together
from schedules import blocked, distance, downtimes, ending, linking, overrides, passing, rehearsing, repeats, threads
from schedules.approvals import lacking, stands_for, stands_until
from schedules.blocked import Why
from schedules.composing import compose, compose_parts, marked_parts, matter
from schedules.events import ReconcileDue
from schedules.linking import AS_IT_STANDS, Linked
from schedules.lost import ACCOUNT_LOST
from schedules.models import Delivery, Post
from schedules.moving import delivery, move
from schedules.planning import content_digest, digest_now, part_print, post, print_of
from schedules.spacing import DOWNTIME, GAP, free_at, free_for_missed
from schedules.states import ACT, MARGIN, STAGE, DeliveryState
from schedules.yeses import MISSING

Mint = Callable[..., Permit]
"""`gate.minting.mint` with the key bound; the claim adds who wrote the post, since nobody reviews their own work."""

GIVEN_AWAY = Message("price.given_away")
TOO_LATE = Message("delivery.too_late")

S = DeliveryState


class NotClaimable(GreenroomError):
    """The claim was not made. `hold` is why a person must decide; `again` when the row should come back, and `turn`
    what people are told of that; `drop` why it does not leave at all."""

    def __init__(
        self,
        code: str,
        *,
        hold: Message | None = None,
        again: timedelta | None = None,
        turn: distance.Turn | None = None,
        drop: Message | None = None,
    ) -> None:
        super().__init__(code)
        self.hold, self.again, self.turn, self.drop = hold, again, turn, drop


def is_outlived(scope: Scope, row: Delivery, refusal: NotClaimable | Denied) -> bool:
    """Whether somebody gave a delivery another time, or its yes, since its claim was refused: that no is over."""
    hold, given = refusal.hold if isinstance(refusal, NotClaimable) else None, False
    if hold is not None and hold.code in MISSING:  # who says yes waits for this lock and lifts it, or was seen just now
        scope.session.refresh(row, with_for_update={"key_share": True})
        waits = row.state in (S.APPROVED, S.SCHEDULED, S.PARTLY)
        given = waits and stands_for(scope, post(scope, row.post_id), row, scope.now)
    in_time = row.late_until is None or scope.now <= row.late_until
    moved = scope.now < row.due_at and (hold is not None or isinstance(refusal, Denied))
    return given or moved or (hold == TOO_LATE and in_time)


class OnlyRehearsed(NotClaimable):
    """Its time has come, and nothing of it may be sent. Nothing was written yet."""


class Missed(NotClaimable):
    """It is one of several that their account missed, and nothing was said yet of how they leave."""


def claim(
    scope: Scope, delivery_id: UUID, *, mint: Mint, connectors: Mapping[str, Connector]
) -> tuple[Armed | Outcome, int]:
    """Take a due delivery, in the lock order of the house: epochs, channel, delivery, permit.

    Returns the armed step, or at once an outcome where no request is needed to know it; and the number of the try.
    Raises NotClaimable, the gate's Denied, and Conflict when the delivery was changed meanwhile; each undoes all.
    """
    row, owner, dry = _due(scope, delivery_id)
    _check_time(scope, row, owner)
    _check_late(scope, row, connectors)
    if dry:
        raise OnlyRehearsed("delivery.rehearsing", hold=Message("delivery.rehearsing"))
    ready = made_ready(scope, row, owner, connectors)
    ready.keep_links(scope)
    channel, part, deadline = ready.channel, threads.part_of(row), scope.now + ACT
    brought = not ready.unit.media or attempts.was_staged(scope, ready.unit.subject)
    _take_units(scope, channel, PUBLISH, *(() if brought else sharing.begins(channel)))
    if part == 0:  # what has begun goes on
        _check_cap(scope, channel, ready)
    if row.state == S.APPROVED:  # its time came before anybody planned it: the wish is the plan
        move(scope, row, S.SCHEDULED)
    attempt, now = row.attempt + 1, scope.now
    lasts = ending.begin(scope, row, ready.unit, abilities.of(connectors, channel))
    move(scope, row, S.PUBLISHING, attempt=attempt, claimed_at=now, deadline_at=deadline, parts=ready.parts, **lasts)
    look_at(scope, row, deadline + MARGIN)
    if ready.unfit is not None:
        return Rejected(ready.unfit, permanent=False), row.attempt
    turn = carrying.arm(
        scope,
        channel=channel,
        unit=ready.unit,
        kind="send",
        act=ACT,
        mint=ready.minting(mint),
        connectors=connectors,
        part=part,
    )
    if isinstance(turn, Staged):  # only a staging ends before the publish step
        raise Conflict("delivery.moved_meanwhile")
    return turn, row.attempt


_DUE = (
    select(Delivery, Post, rehearsing.COVERED, text(PLAN_ONCE))
    .join(Post, and_(col(Post.tenant_id) == Delivery.tenant_id, col(Post.id) == Delivery.post_id))
    .where(Delivery.tenant_id == bindparam("tenant"), Delivery.id == bindparam("id"))
    .execution_options(populate_existing=True)
)


def _due(scope: Scope, delivery_id: UUID) -> tuple[Delivery, Post, bool]:
    """A delivery as it stands now, its post, and whether it is only rehearsed. Raises NotFound."""
    found = scope.session.execute(_DUE, {"tenant": scope.tenant_id, "id": delivery_id}).one_or_none()
    if found is None:
        raise NotFound("delivery.unknown")
    row, owner, covered, _ = found
    return row, owner, row.dry_run or covered


def stage(scope: Scope, delivery_id: UUID, *, mint: Mint, connectors: Mapping[str, Connector]) -> Armed | None:
    """Arm the uploads of a delivery ahead of its time; None where there is nothing to upload, or no more.

    The delivery stays where it is. Raises NotClaimable and the gate's Denied: its publication will say so to people.
    """
    row = delivery(scope, delivery_id)
    if row.state != S.SCHEDULED or rehearsing.is_dry(scope, row):
        return None
    ready = made_ready(scope, row, post(scope, row.post_id), connectors)
    if ready.unfit is not None:
        return None
    _take_units(scope, ready.channel, *sharing.begins(ready.channel))
    ready.keep_links(scope)
    by_author = ready.minting(mint)
    turn = carrying.arm(
        scope, channel=ready.channel, unit=ready.unit, kind="stage", act=STAGE, mint=by_author, connectors=connectors
    )
    return turn if isinstance(turn, Armed) else None


@dataclass(frozen=True)
class Ready:
    """What would leave now, marked and approved: one part of `parts`; `whole` is all of a thread that begins."""

    author: str
    channel: Channel
    unit: Unit
    parts: int
    whole: Unit | None = None
    unfit: Message | None = None
    """Why a later part could not leave there as it is: then none does."""
    linked: Linked = AS_IT_STANDS
    last: Unit | None = None
    """The last part, with all of the addresses."""

    def keep_links(self, scope: Scope) -> None:
        """Let its short addresses lead, before anybody sees one."""
        if self.last is not None:
            linking.keep(scope, self.linked, self.channel, self.last)

    def minting(self, mint: Mint) -> Mint:
        """`mint` for who wrote it; of a thread that begins, all of it is judged with its first part."""
        return partial(mint, author=self.author, whole=self.whole) if self.whole else partial(mint, author=self.author)


def made_ready(scope: Scope, row: Delivery, owner: Post, connectors: Mapping[str, Connector]) -> Ready:
    """What would leave, with the epochs and the account locked in this order."""
    channel = channel_reads.channel(scope, row.channel_id)
    connector, part = abilities.of(connectors, channel), threads.part_of(row)
    raw = _parts(scope, row, owner, channel, connector)
    wanted = raw if part == 0 else raw[: part + 1]
    minting.lock_epochs(scope, together(wanted))
    _check_channel(scope, row, channel)
    _check_approval(scope, row, owner, raw)
    if part == 0:  # what has begun goes on
        _check_price(owner, channel)
        _check_repeats(scope, row, owner, channel, connector)
    units = marked_parts(scope, wanted)
    if part or len(raw) == 1:
        unit = replace(units[part], reply_to=threads.reply_to(row, overrides.content(owner, channel).parts))
        unfit = threads.unmarked(units, connector.capabilities)
        return Ready(owner.author, channel, unit, len(raw), None, unfit, linking.read(owner), raw[-1])
    unfit = next(filter(None, (carrying.unfit(one, connector, scope.now) for one in units)), None)
    unfit = unfit or threads.unmarked(units, connector.capabilities)
    return Ready(owner.author, channel, units[0], len(raw), units[-1], unfit, linking.read(owner), raw[-1])


def _take_units(scope: Scope, channel: Channel, *steps: str) -> None:
    """What it costs of its application is taken before the delivery is locked; a claim that fails gives it back."""
    short = sharing.take(scope, channel, steps)
    if short is not None:
        raise NotClaimable("delivery.channel_blocked", again=Blocked(*short).wait(scope.now))


def _check_cap(scope: Scope, channel: Channel, ready: Ready) -> None:
    """Of what its platform asks for a post, a thread for each part, enough is left of the agency's cap."""
    short = charging.short(scope, channel.platform, ready.unit.text("body"), parts=ready.parts)
    if short is not None:
        raise NotClaimable("delivery.channel_blocked", again=Blocked(*short).wait(scope.now))


def look_at(scope: Scope, row: Delivery, at: datetime) -> None:
    """One row that finds out what became of a delivery, in the place of those that waited."""
    outbox.put(scope, ReconcileDue(scope.tenant_id, row.id), at=at, instead_of=ReconcileDue)


def _check_time(scope: Scope, row: Delivery, owner: Post) -> None:
    if row.state not in (S.DRAFT, S.APPROVED, S.SCHEDULED, S.PARTLY):
        raise NotClaimable("delivery.not_scheduled")
    start = _start(row)
    if scope.now < start:
        raise NotClaimable("delivery.early", again=start - scope.now)
    if passing.overtaken(scope, row):
        raise NotClaimable("series.passed_over", drop=Message("series.passed_over"))
    if row.state == S.DRAFT:
        raise NotClaimable("delivery.unapproved", hold=lacking(scope, owner, scope.now, since=row.asks_since))
    if scope.now - start > DOWNTIME and downtimes.is_unsaid(scope, row):
        raise Missed("delivery.missed")


def _check_late(scope: Scope, row: Delivery, connectors: Mapping[str, Connector]) -> None:
    """Past its lateness, a person decides; but what stands still waits for its account, and is told with the others."""
    if row.late_until is None or scope.now <= row.late_until:
        return
    if row.state != S.PARTLY and not rehearsing.is_dry(scope, row):  # what has begun is broken off, and shown so
        _check_blocked(scope, row, connectors)
    raise NotClaimable("delivery.too_late", hold=TOO_LATE)


def _check_blocked(scope: Scope, row: Delivery, connectors: Mapping[str, Connector]) -> None:
    channel = channel_reads.channel(scope, row.channel_id)
    held = blocked.blocked(scope, channel)
    if held is not None and held.why is Why.LOST:
        raise NotClaimable("delivery.account_lost", hold=Message(ACCOUNT_LOST))
    if held is not None:
        raise NotClaimable("delivery.channel_blocked", again=held.again)
    if _is_stopped(scope, row, channel, connectors):
        raise NotClaimable("delivery.channel_blocked", again=blocked.STOPPED_FOR)


def _is_stopped(scope: Scope, row: Delivery, channel: Channel, connectors: Mapping[str, Connector]) -> bool:
    """Whether an emergency stop of what it shows, not of the account, keeps a delivery back."""
    owner = post(scope, row.post_id)
    try:
        units = marked_parts(scope, _parts(scope, row, owner, channel, abilities.of(connectors, channel)))
    except NotClaimable:
        return False
    return minting.preview(scope, units[-1], author=owner.author).stopped


def _parts(scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector) -> tuple[Unit, ...]:
    try:
        of = matter(scope, owner, [channel])
    except NotFound as missing:
        raise NotClaimable("delivery.media_missing", hold=Message("delivery.media_missing")) from missing
    return compose_parts(compose(scope, row, owner, channel, of), owner, channel, connector.capabilities, of)


def _check_channel(scope: Scope, row: Delivery, channel: Channel) -> None:
    held = budgets.take(scope, channel, posts=True)
    if held is not None and channel.state in LOST:
        raise NotClaimable("delivery.account_lost", hold=Message(ACCOUNT_LOST))
    if held is not None:
        raise NotClaimable("delivery.channel_blocked", again=held.wait(scope.now))
    alone = phones.nobody(scope, channel)
    if alone is not None:
        raise NotClaimable("delivery.channel_blocked", hold=alone)
    overdue = scope.now - row.due_at > DOWNTIME + channel.min_gap
    if row.part_ids or not (overdue or channel.min_gap):  # an account that asks for no room costs no question
        return
    if row.at_once and not overdue:  # somebody meant now
        return
    if distance.binds(channel):
        _check_distance(scope, row, channel)
    elif overdue:
        _check_turn(scope, row, channel)
    else:
        _check_gap(scope, row, gap=channel.min_gap)


def _check_gap(scope: Scope, row: Delivery, *, gap: timedelta) -> None:
    """One that is on time waits until the account has had its room, unless it would be too late by then: its author's
    word on lateness weighs more than the distance, which they were warned of when they planned."""
    free = free_at(scope, row.channel_id, gap)
    if free > scope.now and (row.late_until is None or free <= row.late_until):
        raise NotClaimable("delivery.one_by_one", again=free - scope.now)


def _check_distance(scope: Scope, row: Delivery, channel: Channel) -> None:
    """What has no room in time is for a person; what was missed leaves further apart. Uploads wait for nobody."""
    if scope.now < _start(row):
        return
    late = scope.now - _start(row) > DOWNTIME and not distance.is_kept(row)
    missed = late or row.downtime_id is not None
    turn = distance.turn(scope, row, channel, gap=max(channel.min_gap, GAP) if missed else channel.min_gap)
    if turn is not None and turn.at is None:
        raise NotClaimable(distance.TOO_LATE, hold=turn.said)
    if turn is not None and turn.at is not None:
        raise NotClaimable(distance.WAITS, again=turn.at - scope.now, turn=turn)


def _start(row: Delivery) -> datetime:
    """From when on a delivery may leave."""
    return max(row.due_at, row.not_before or row.due_at)


def _check_turn(scope: Scope, row: Delivery, channel: Channel) -> None:
    """Overdue deliveries of an account leave apart, by priority, then by their time."""
    here = (Delivery.tenant_id == scope.tenant_id, Delivery.channel_id == row.channel_id)
    free = free_for_missed(scope, channel)
    if free <= scope.now:
        return
    before = tuple_(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id)) < tuple_(
        literal(row.priority), literal(row.due_at), literal(row.id)
    )
    ahead = scope.session.exec(select(func.count()).where(*here, col(Delivery.state) == str(S.SCHEDULED), before)).one()
    raise NotClaimable("delivery.one_by_one", again=free - scope.now + ahead * timedelta(seconds=1))


def _check_approval(scope: Scope, row: Delivery, owner: Post, raw: Sequence[Unit]) -> datetime:
    """What was approved is byte for byte what leaves, with every part that follows. Until when it is approved."""
    if _digest(scope, owner, raw) != owner.digest:
        raise NotClaimable("delivery.changed", hold=Message("delivery.changed"))
    until = stands_until(scope, owner, scope.now, since=row.asks_since)
    if until is None:
        raise NotClaimable("delivery.unapproved", hold=lacking(scope, owner, scope.now, since=row.asks_since))
    return until


def _check_price(owner: Post, channel: Channel) -> None:
    """What is sold in one place is shown for nothing in no other, wherever a post was moved or came back."""
    if overrides.given_away(owner, channel):
        raise NotClaimable("price.given_away", hold=GIVEN_AWAY)


def _check_repeats(scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector) -> None:
    """What its account has said already waits for a person's word."""
    like = repeats.in_the_way(scope, row, owner, channel, connector)
    if like is not None:
        raise NotClaimable(like.message.code, hold=like.message)


def _digest(scope: Scope, owner: Post, raw: Sequence[Unit]) -> str:
    """The digest of a post whose parts on an account were just put together."""
    if owner.overrides:  # what other places say was approved with it
        try:
            return digest_now(scope, owner)
        except NotFound as missing:
            raise NotClaimable("delivery.media_missing", hold=Message("delivery.media_missing")) from missing
    media = [medium for one in raw for medium in one.media]  # in the order of the post, joined or not
    shown = iter(media)
    prints = [print_of(asset, next(shown)) for asset in owner.media]
    parts = [part_print(piece, [next(shown) for _ in piece.media]) for piece in threads.pieces(owner.parts)]
    return content_digest(owner.title, owner.body, prints, owner.text_ai, parts, links=owner.links)


def shown(
    scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector
) -> tuple[tuple[Unit, ...], datetime]:
    """All parts of a delivery as they would leave, checked as a claim checks them, with nothing locked or written; and
    until when they are approved (UTC-aware).

    Raises NotClaimable with the reason for which it would be held.
    """
    raw = _parts(scope, row, owner, channel, connector)
    until = _check_approval(scope, row, owner, raw)
    _check_price(owner, channel)
    _check_repeats(scope, row, owner, channel, connector)
    return marked_parts(scope, raw), until
