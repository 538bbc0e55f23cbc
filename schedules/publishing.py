"""What becomes of a delivery after its act: settle, put off, look, repair."""

from datetime import datetime, timedelta
from typing import Protocol, assert_never
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, or_, select, type_coerce

from channels import carrying, connecting, handing, phones, reconciling, seeing
from channels import reads as channel_reads
from channels.carrying import Armed
from channels.events import DeliveryVerify
from connectors.outcomes import (
    Absent,
    Disconnected,
    Failed,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Sighting,
    Unknown,
)
from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict
from foundation.words import Message
from gate import minting
from gate.minting import Denied
from gate.permit import Permit
from gate.reasons import Reason
from gate.units import Subject
from schedules import downtimes, passing, removal, waiting_apart
from schedules.blocked import STOPPED_FOR
from schedules.claiming import Missed, NotClaimable, is_outlived, look_at
from schedules.composing import subject
from schedules.events import DeliveryPublished, ReconcileDue
from schedules.lost import ACCOUNT_LOST
from schedules.models import Delivery
from schedules.moving import delivery, fewer_files, move
from schedules.planning import wake
from schedules.settling import Settlement, settlement, waits
from schedules.states import HANDED_OVER, MARGIN, DeliveryState
from schedules.threads import part_of
from tenants import notices

S = DeliveryState

LINKED_ELSEWHERE = "delivery.linked_elsewhere"
"""Why a post in doubt is not tied to an address: another one is."""

AT_ONCE = timedelta(milliseconds=200)
"""What changed under a claim is read again so soon; not sooner, or two that meet would spin."""

UNSEEN = f"gate.{Reason.DESTINATION_PROBE_STALE}"
"""The reason of a hold that ends when the place can be seen again."""


class Recorded(Protocol):
    """What the answer to the last step of a part meant, where one was kept: `channels.carrying.recorded`."""

    def __call__(self, scope: Scope, subject: Subject, *, part: int) -> Outcome | None: ...


def settle(
    scope: Scope, delivery_id: UUID, outcome: Outcome, *, armed: Armed | None = None, attempt: int | None = None
) -> None:
    """Write what the act came to, in the lock order of the house: channel, delivery, the permit's copy.

    `armed` is the step that was carried, and `attempt` the claim it belongs to; without them, the last ones. If
    reconcile was faster, or a later claim is under way, the outcome stays in the attempts alone; but what stands
    outside is known as published.
    """
    row = delivery(scope, delivery_id)
    same, part = attempt is None or row.attempt == attempt, part_of(row)
    if same and (row.state == S.PUBLISHING or (row.state == S.UNCERTAIN and isinstance(outcome, Published))):
        match outcome:
            case Reauthorize(reason=reason):
                connecting.reauthorize(scope, row.channel_id, reason)
            case Disconnected(reason=reason):
                connecting.gone(scope, row.channel_id, reason)
            case _:
                pass
        _apply(scope, row, _settlement(scope, row, outcome), plain=_plain(armed))
        if isinstance(outcome, Published) and outcome.fewer:
            _tell_fewer(scope, row)
    carrying.close(scope, armed or subject(delivery_id), outcome, part=part, note_copy=minting.note_copy)


def _tell_fewer(scope: Scope, row: Delivery) -> None:
    """It stands, and not as it was sent: whether it may stay so is for a person to say."""
    told = Message("delivery.fewer_files", {"account": channel_reads.channel(scope, row.channel_id).name})
    notices.put(scope, told, cause=fewer_files(row), urgent=True, creator_id=row.creator_id)


def _plain(armed: Armed | None) -> bool:
    """Whether nothing of what left would have to be read back; what is not known is not plain."""
    return armed is not None and isinstance(armed.authority, Permit) and armed.authority.plain


def _settlement(scope: Scope, row: Delivery, outcome: Outcome) -> Settlement:
    return settlement(outcome, now=scope.now, done=row.part_ids, parts=row.parts)


def _apply(scope: Scope, row: Delivery, after: Settlement, *, plain: bool = False) -> None:
    """`plain`: what left asked nothing of the platform that would have to be read back."""
    late = row.late_until is not None and after.again_at is not None and after.again_at > row.late_until
    if late:
        # the graph leads from publishing to held directly: waiting any longer would break the author's word
        part_ids = after.changes.get("part_ids", row.part_ids)
        stands = {"part_ids": part_ids, **after.changes} if part_ids else {}
        move(scope, row, S.BROKEN_OFF if part_ids else S.HELD, reason=Message("delivery.too_late"), **stands)
    else:
        move(scope, row, after.state, reason=after.reason, **after.changes)
    if after.look_at is not None:
        look_at(scope, row, after.look_at)
        if handed_over(row):
            handing.begin(scope, subject(row.id), due_at=row.due_at, late_until=row.late_until)
        return
    if row.state == S.PUBLISHED:
        fact = DeliveryPublished(scope.tenant_id, row.id)
        outbox.put(scope, fact, dedupe=f"published:{row.id}", instead_of=ReconcileDue)
    else:
        outbox.cancel(scope, ReconcileDue.kind, row.id)
    unseen = not plain or not row.url  # some platforms tell only later where people find it
    if row.part_ids or (row.state == S.PUBLISHED and unseen):  # parts: nobody knows when the rest will stand
        there = f"verify:{row.id}:{len(row.part_ids)}"
        outbox.put(scope, DeliveryVerify(scope.tenant_id, row.id), dedupe=there)
    if row.state in (S.SCHEDULED, S.PARTLY):
        wake(scope, row, at=after.again_at)


def handed_over(row: Delivery) -> bool:
    """Whether a person posts it."""
    return row.reason is not None and row.reason["code"] == HANDED_OVER


def put_off(scope: Scope, delivery_id: UUID, refusal: NotClaimable | Denied) -> timedelta | None:
    """A claim was not made: hold the delivery where a person must decide; else say when its row should come back.

    It comes back no later than its lateness ends, so that a person learns of it then.
    """
    row = delivery(scope, delivery_id)
    if isinstance(refusal, Missed):
        downtimes.note(scope, row.channel_id)
        return AT_ONCE  # where another noted it: the rows of those that were laid out are new ones
    if is_outlived(scope, row, refusal):
        return AT_ONCE
    if isinstance(refusal, NotClaimable) and refusal.drop is not None:
        passing.pass_over(scope, row, refusal.drop)
        return None
    hold, again = (refusal.hold, refusal.again) if isinstance(refusal, NotClaimable) else _denied(scope, row, refusal)
    if hold is not None and row.state == S.PARTLY and isinstance(refusal, Denied) and hold.code != UNSEEN:
        removal.call_back(scope, row)
    elif hold is not None:
        _hold(scope, row, hold)
    elif isinstance(refusal, NotClaimable) and refusal.turn is not None:
        waiting_apart.keep(scope, row, refusal.turn)
    if again is None or row.late_until is None or row.late_until < scope.now:
        return again
    return min(again, row.late_until - scope.now + timedelta(milliseconds=1))


def _denied(scope: Scope, row: Delivery, denied: Denied) -> tuple[Message | None, timedelta | None]:
    """Why a person must decide, or how soon the same may be asked again."""
    decision = denied.decision
    if decision.stopped or decision.stale:
        return None, STOPPED_FOR if decision.stopped else AT_ONCE
    if decision.unseen and seeing.ask(scope, row.channel_id):
        again = seeing.due_in(scope, row.channel_id)
        if again is not None:
            return None, again
    minting.record_denial(scope, denied)
    return decision.why, None


def _hold(scope: Scope, row: Delivery, reason: Message) -> None:
    if row.state == S.APPROVED:
        move(scope, row, S.SCHEDULED)
    if row.state in (S.DRAFT, S.SCHEDULED):
        move(scope, row, S.HELD, reason=reason)
    elif row.state == S.PARTLY:
        move(scope, row, S.BROKEN_OFF, reason=reason)


def hold_unsent(scope: Scope, delivery_id: UUID, reason: Message) -> None:
    """The request was refused before its first byte, and would be again: nothing is visible, a person decides.

    Where the record does not say so, something may be visible: that is for reconcile to find out.
    """
    row = delivery(scope, delivery_id)
    part = part_of(row)
    if reconciling.was_armed(scope, subject(delivery_id), part):
        return
    if row.state == S.PUBLISHING:
        outbox.cancel(scope, ReconcileDue.kind, row.id)
        move(scope, row, S.BROKEN_OFF if part else S.HELD, reason=reason)
    unsent = Retry(AT_ONCE, "account", reason)
    carrying.close(scope, subject(delivery_id), unsent, part=part, note_copy=minting.note_copy)


def hold_broken(scope: Scope, delivery_id: UUID) -> None:
    """A fault of ours stopped the delivery: it waits for a person, never for a row that will not come."""
    _hold(scope, delivery(scope, delivery_id), Message("delivery.bug"))


def doubt(scope: Scope, delivery_id: UUID, *, recorded: Recorded) -> int | None:
    """Bring a delivery whose act ended without a settle into its true state; the part that must now be looked for.

    Raises `outbox.Later` while the act may still be under way.
    """
    row = delivery(scope, delivery_id)
    if row.state == S.PROCESSING and handed_over(row):
        until = (row.claimed_at or row.due_at) + handing.LIFE
        if scope.now < until:
            raise outbox.Later(until - scope.now)
        move(scope, row, S.UNCERTAIN, reason=Message("delivery.was_it_posted"), uncertain_since=scope.now)
    if row.state == S.PUBLISHING:
        if row.deadline_at is not None and scope.now < row.deadline_at + MARGIN:
            raise outbox.Later(row.deadline_at + MARGIN - scope.now)
        part = part_of(row)
        outcome = recorded(scope, subject(delivery_id), part=part)
        if outcome is not None:  # the answer was kept, and nobody lived to settle it
            settle(scope, delivery_id, outcome)
        elif reconciling.was_armed(scope, subject(delivery_id), part):
            move(scope, row, S.UNCERTAIN, reason=Message("delivery.no_answer"), uncertain_since=scope.now)
        else:  # proof that nothing visible was ever asked for
            _apply(scope, row, Settlement(waits(row.part_ids), again_at=scope.now))
            reconciling.absolve(scope, subject(delivery_id), part)
    return part_of(row) if row.state in (S.UNCERTAIN, S.PROCESSING) else None


def settle_sighting(scope: Scope, delivery_id: UUID, sighting: Sighting) -> None:
    """Found: published. Refused after all: failed. Surely absent: send again with the same key. Neither: look later,
    and a person may decide."""
    row = delivery(scope, delivery_id)
    if row.state not in (S.UNCERTAIN, S.PROCESSING):
        return
    match sighting:
        case Found(native_id=native_id, url=url, at=at):
            _stand(scope, row, Published(native_id, url, at))
        case Failed(reason=reason, again=timedelta() as again) if _may_wait(scope, row, again):
            _once_more(scope, row, reason, scope.now + again)
        case Failed(reason=reason):
            _apply(scope, row, _settlement(scope, row, Rejected(reason, permanent=False)))
            reconciling.absolve(scope, subject(row.id), part_of(row))
        case Absent() if row.state == S.UNCERTAIN and _absent(scope, row):
            _send_again(scope, row)
        case Absent() | Unknown():
            next_at = reconciling.next_look_at(scope, subject(row.id), part_of(row))
            if next_at is not None:
                look_at(scope, row, next_at)
            elif row.state == S.PROCESSING:  # accepted, and nowhere to be seen: somebody is told
                move(scope, row, S.UNCERTAIN, reason=Message("delivery.never_seen"), uncertain_since=scope.now)
        case _:
            assert_never(sighting)


def _may_wait(scope: Scope, row: Delivery, again: timedelta) -> bool:
    """Whether a try after a fault of the platform's is the first such, and still in time."""
    late = row.late_until is not None and scope.now + again > row.late_until
    return not late and not reconciling.failed_before(scope, subject(row.id), part_of(row))


def _once_more(scope: Scope, row: Delivery, reason: Message, at: datetime) -> None:
    """Nothing stands, by the platform's word: it leaves again then."""
    if row.state == S.PROCESSING:
        move(scope, row, S.UNCERTAIN, reason=reason, uncertain_since=scope.now)
    move(scope, row, waits(row.part_ids), reason=reason, not_before=at)
    outbox.cancel(scope, ReconcileDue.kind, row.id)
    reconciling.absolve(scope, subject(row.id), part_of(row))
    wake(scope, row, at=at)


def _absent(scope: Scope, row: Delivery) -> bool:
    return reconciling.surely_absent(scope, subject(row.id), part_of(row))


def _stand(scope: Scope, row: Delivery, published: Published) -> None:
    part = part_of(row)
    _apply(scope, row, _settlement(scope, row, published))
    carrying.close(scope, subject(row.id), published, part=part, note_copy=minting.note_copy)


def _send_again(scope: Scope, row: Delivery) -> None:
    move(scope, row, waits(row.part_ids))
    reconciling.absolve(scope, subject(row.id), part_of(row))
    wake(scope, row, at=scope.now)


def send_again(scope: Scope, delivery_id: UUID) -> None:
    """A person says it is not there. Leaves again with the same key under a new permit, if it is not too late.

    Raises Conflict unless the delivery is in doubt.
    """
    row = delivery(scope, delivery_id)
    if row.state != S.UNCERTAIN:
        raise Conflict("delivery.not_in_doubt")
    _send_again(scope, row)


def link(scope: Scope, delivery_id: UUID, *, native_id: str, url: str) -> None:
    """A person says it is there: published, with what they named.

    Raises Conflict unless the delivery is in doubt, or when the id is another delivery's already.
    """
    row = delivery(scope, delivery_id)
    if row.state not in (S.UNCERTAIN, S.PROCESSING):
        raise Conflict("delivery.not_in_doubt")
    _check_nobodys(scope, row.channel_id, or_(col(Delivery.native_id) == native_id, _names(native_id)))
    _stand(scope, row, Published(native_id, url))


def check_free(scope: Scope, channel_id: UUID, url: str) -> None:
    """Raise Conflict where another delivery of the account stands at this address: some platforms call one post by two
    names, before it was public and after."""
    _check_nobodys(scope, channel_id, col(Delivery.url) == url)


def _check_nobodys(scope: Scope, channel_id: UUID, known: ColumnElement[bool]) -> None:
    here = (col(Delivery.tenant_id) == scope.tenant_id, col(Delivery.channel_id) == channel_id)
    if scope.session.exec(select(Delivery.id).where(*here, known)).first() is not None:
        raise Conflict(LINKED_ELSEWHERE)


def _names(native_id: str) -> ColumnElement[bool]:
    """Whether a part of a thread stands under an id."""
    return type_coerce(Delivery.part_ids, JSONB).contains([native_id])


def account_back(scope: Scope, channel_id: UUID) -> int:
    """The account lets us in, or its place was seen, again: what was held for that is on the calendar; how many."""
    rows = scope.session.exec(
        select(Delivery).where(
            Delivery.tenant_id == scope.tenant_id,
            Delivery.channel_id == channel_id,
            col(Delivery.state).in_([str(S.HELD), str(S.BROKEN_OFF)]),
            col(Delivery.reason)["code"].astext.in_([ACCOUNT_LOST, UNSEEN, phones.NOBODY, phones.NOBODY_YET]),
        )
    ).all()
    for row in rows:
        move(scope, row, waits(row.part_ids))
        wake(scope, row)
    return len(rows)
