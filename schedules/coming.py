"""What happens next to a delivery, when, and by whom: told on the page and to programs alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from channels import budgets, handing
from channels import reads as channel_reads
from connectors.contract import Connector
from foundation.database import Scope
from foundation.words import Message
from gate import copies
from gate.switches import Halt
from schedules import blocked, clients, drafting, lateness, preflights, reads, rehearsing, reviewing
from schedules.composing import subject
from schedules.reads import Entry
from schedules.spacing import DOWNTIME
from schedules.states import CANCELLABLE, TO_COME, DeliveryState
from schedules.yeses import CURED
from tenants import reads as tenant_reads

S = DeliveryState
TO_LEAVE = frozenset({S.APPROVED, S.SCHEDULED, S.PARTLY})
"""States of what is to leave by itself."""

MOMENT = timedelta(seconds=10)
"""How long after its hour a post may still be said to leave at it."""

STAYS = "calendar.next.stays"
"""What is said of what would be stopped at its time, and does not go away by itself until then."""


@dataclass(frozen=True)
class Against:
    """Who said no to a draft, or asked for a change (`verdict`); "" for somebody who has left."""

    who: str
    verdict: str


@dataclass(frozen=True)
class Standing:
    """What decides on what comes next. `free`: a draft that waits for nobody's yes; `approvers` could give one."""

    now: datetime
    stopped: bool
    dry: bool
    free: bool
    approvers: Sequence[str] = ()
    half: bool = False
    """Whether it has the first of two yeses."""
    sent_back: Against | None = None
    """Of a draft, whose word its author has to answer before anybody says yes."""
    in_the_way: Message | None = None
    """Why its account would let nothing leave at the hour of its next try."""
    trouble: Message | None = None
    """What would stop it at its time, as it is."""
    by_hand: bool = False
    """Whether somebody has to take it away by hand."""
    fixed: bool = False
    """Whether its post is edited no more, as some of it is outside."""


@dataclass(frozen=True)
class Next:
    """What happens next: the sentence `code`, which is handed the hour, and the names of who acts, where somebody
    must."""

    code: str
    who: str = ""
    why: Message | None = None
    """What must end first, or be put right, where it is not its hour that it waits for."""


def stopped(halt: Halt, entry: Entry) -> bool:
    """Whether a post would leave by itself, and an emergency stop keeps it back; pure."""
    return entry.state in (S.APPROVED, S.SCHEDULED) and halt.reaches(entry.creator_id, entry.channel_id)


def lacks_yes(entry: Entry) -> bool:
    """Whether it was put on hold for want of a yes, and leaves again by one; pure."""
    return entry.state is S.HELD and entry.reason is not None and entry.reason.code in CURED


def rewritable(states: Iterable[DeliveryState]) -> bool:
    """Whether a post that stands so may still be edited: nothing of it is outside, nor may be; pure."""
    live = [state for state in states if state is not S.CANCELLED]
    return bool(live) and all(state in CANCELLABLE for state in live)


def leaves_at(entry: Entry) -> datetime:
    """When it goes: its time, or that of its next try; pure."""
    return max(entry.due_at, entry.not_before or entry.due_at)


def following(entry: Entry, found: Standing) -> Next:
    """What happens next to a delivery; pure."""
    if found.stopped:
        return Next(_while_stopped(entry, found.now))
    if entry.state is S.DRAFT:
        return _of_draft(found)
    if found.dry and entry.state is S.SCHEDULED:
        return Next("calendar.next.dry")
    if found.in_the_way is not None:
        return Next("calendar.next.waits" if entry.late_until else "calendar.next.waits_on", why=found.in_the_way)
    if found.trouble is not None and entry.state in TO_LEAVE:
        return Next(STAYS, why=found.trouble)
    if entry.state is S.SCHEDULED and entry.not_before is not None and entry.not_before > found.now:
        return Next("calendar.next.retry")
    if entry.state is S.SCHEDULED and found.now - leaves_at(entry) > DOWNTIME:
        return Next("calendar.next.turn" if entry.late_until else "calendar.next.turn_on")
    if entry.state is S.SCHEDULED and found.now - leaves_at(entry) > MOMENT:
        return Next("calendar.next.overdue")
    if found.by_hand:
        return Next("calendar.next.removing_by_hand")
    if entry.ends_at is not None:
        return Next("calendar.next.ends" if found.now < entry.ends_at else "calendar.next.ended")
    if entry.state is S.FAILED and found.fixed:
        return Next("calendar.next.failed_fixed")
    return Next("calendar.next.held_yes" if lacks_yes(entry) else f"calendar.next.{entry.told}")


def _while_stopped(entry: Entry, now: datetime) -> str:
    """A stop ends no lateness: what has become too late under it does not leave at its end."""
    if entry.late_until is None:
        return "calendar.next.stopped"
    return "calendar.next.stopped_over" if lateness.is_over(entry.late_until, now) else "calendar.next.stopped_until"


def _of_draft(found: Standing) -> Next:
    if found.free:
        return Next("calendar.next.draft_free")
    if found.sent_back is not None:
        against = found.sent_back
        return Next(f"calendar.next.draft_{against.verdict if against.who else 'left'}", against.who)
    if not found.approvers:
        return Next("calendar.next.draft_no_second" if found.half else "calendar.next.draft_nobody")
    return Next("calendar.next.draft", ", ".join(found.approvers))


def approvers(scope: Scope, post_id: UUID) -> tuple[str, ...]:
    """The names of those whose yes a post waits for: members who may give it, and whoever a link asks."""
    return (*drafting.approvers(scope, post_id), *clients.asked(scope, post_id))


def sent_back(scope: Scope, creator_id: UUID, post_id: UUID) -> Against | None:
    """Whose word a post waits for its author to answer; None where nobody has anything against it."""
    said = reviewing.sent_back(scope, [post_id]).get(post_id)
    if said is None:
        return None
    members = {one.principal_id: one.name for one in tenant_reads.members(scope)}
    return Against((clients.names(scope, [creator_id]) | members).get(said[0], ""), said[1])


@dataclass(frozen=True)
class Ahead:
    """What comes next for one delivery, at which instant where it leaves by itself, and what would stop it then."""

    next: Next
    at: datetime | None
    troubles: tuple[Message, ...]


def of_delivery(scope: Scope, entry: Entry, connectors: Mapping[str, Connector]) -> Ahead:
    """What comes next for a delivery, as things stand."""
    draft = entry.state is S.DRAFT
    dry = entry.state in CANCELLABLE and (entry.dry or rehearsing.covers(scope, entry.post_id, entry.channel_id))
    judged = not dry and entry.state in TO_COME
    troubles = preflights.of_delivery(scope, entry.delivery_id, connectors) if judged else ()
    found = Standing(
        now=scope.now,
        stopped=stopped(blocked.halted(scope), entry),
        dry=dry,
        free=draft and drafting.is_free(scope, entry.post_id),
        approvers=approvers(scope, entry.post_id) if draft else (),
        half=draft and drafting.is_half(scope, entry.post_id),
        sent_back=sent_back(scope, entry.creator_id, entry.post_id) if draft else None,
        in_the_way=_in_the_way(scope, entry) if entry.state in TO_LEAVE and not dry else None,
        trouble=next(iter(troubles), None),
        by_hand=entry.state is S.REMOVING and _by_hand(scope, entry),
        fixed=entry.state is S.FAILED and not _rewritable(scope, entry.post_id),
    )
    leaving = draft or entry.state in TO_LEAVE
    return Ahead(following(entry, found), leaves_at(entry) if leaving else None, tuple(troubles))


def staying(scope: Scope, post_id: UUID, connectors: Mapping[str, Connector]) -> dict[UUID, str]:
    """The accounts on which a post would not leave as it is, by name; of what repeats, its first time there is judged.

    A missing yes is said elsewhere; so is a stop, and what an account waits for.
    """
    first: dict[UUID, Entry] = {}
    for one in reads.of_post(scope, post_id, names=channel_reads.names(scope)):
        if one.state in TO_COME:
            first.setdefault(one.channel_id, replace(one, state=S.SCHEDULED))
    return {key: one.channel for key, one in first.items() if of_delivery(scope, one, connectors).next.code == STAYS}


def _in_the_way(scope: Scope, entry: Entry) -> Message | None:
    held = budgets.limit(scope, entry.channel_id, brake=True, posts=True)
    return budgets.in_the_way(channel_reads.channel(scope, entry.channel_id), held, leaves_at(entry))


def _rewritable(scope: Scope, post_id: UUID) -> bool:
    return rewritable(one.state for one in reads.of_post(scope, post_id, names={}))


def _by_hand(scope: Scope, entry: Entry) -> bool:
    return bool(handing.awaited(scope, {one.jti for one in copies.traces(scope, subject(entry.delivery_id))}))
