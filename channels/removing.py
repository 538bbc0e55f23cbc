"""Taking copies away. A copy is a consumed permit; it is gone when the platform says so."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NoReturn

from channels import (
    abilities,
    addressing,
    asking,
    attempts,
    budgets,
    carrying,
    handing,
    pacing,
    reads,
    reconciling,
    refreshing,
    replacing,
    storing,
)
from channels.attempts import Attempt
from channels.events import CopyRemoved, TakedownRemove
from channels.reads import Channel
from channels.replacing import Mint, Outside
from channels.states import ChannelState
from connectors import contract
from connectors.contract import Answer, Connector, Send
from connectors.locking import KEPT
from connectors.outcomes import Found, Outcome, Processing, Published, Reauthorize, Rejected, Retry, Unknown
from connectors.transport import Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate import copies
from gate.copies import Copy
from gate.permit import RESTRICT_ACTIONS, Authority, ControlOrder, RemovalOrder
from tenants import notices

PATIENCE = timedelta(hours=24)
"""So long a removal may come to nothing before the members are told; what must go is told after `handing.CLOCK`."""

SECONDS = 240
"""All of one run at most: a deletion that hangs, then every picture of an album replaced."""

ACT = timedelta(seconds=60)
AGAIN = timedelta(hours=1)
"""Between two tries of a removal the platform refuses: the owner may connect the account again, or remove by hand."""


def ask(scope: Scope, copy: Copy) -> None:
    """Have one copy taken away as soon as possible; asked twice it is done once."""
    event = TakedownRemove(scope.tenant_id, copy.jti, at=scope.now)
    outbox.put(scope, event, lane=f"remove:{copy.channel_id}", priority=0, dedupe=f"remove:{copy.jti}")


def remove(
    event: TakedownRemove,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    mint: Mint,
) -> None:
    """Take the copy of a permit away and put the fact `CopyRemoved`; a copy that is gone already stays gone.

    Comes back (`outbox.Later`) until it is proven gone: by the platform, or by a member who says so to the gate.
    What the platform refuses to take away is replaced where that can be. Never stopped by an emergency stop or by the
    brake.
    """
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        copy = copies.copy(scope, event.subject_id)
        if copy is None or copy.gone_at is not None:
            return
        if handing.signed(scope, copy.jti):  # by somebody's name, whatever the platform says
            prove(scope, copy, attempts.ABSENT)
            return
        waits, now = budgets.limit(scope, copy.channel_id, brake=False), scope.now
        channel = reads.channel(scope, copy.channel_id)
        alarm = _alarm(scope, event, copy, channel)
    if waits is not None:
        raise outbox.Later(min(waits.until - now, alarm))
    outside = Outside(event.tenant_id, tenant, transport, connectors, mint)
    native_ids = copy.native_ids or _sought(copy, channel, outside)
    for native_id in native_ids:
        outcome = _taken_away(copy, channel, native_id, outside)
        if copy.recalled_at is None and isinstance(outcome, Rejected) and outcome.reason.code == KEPT:
            return  # withdrawn too late: somebody paid for it, and it stays theirs
        if not isinstance(outcome, Published):
            _come_back(copy, channel, outcome, native_ids, outside, alarm=alarm)
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        prove(scope, copy, f"deleted:{','.join(native_ids)}" if native_ids else attempts.ABSENT)


def _sought(copy: Copy, channel: Channel, outside: Outside) -> tuple[str, ...]:
    """Where a copy lies that nobody could confirm; nothing when it is proven that there is none."""
    with outside.scope() as scope:
        rows = attempts.of(scope, copy.subject, None)
        row = next((each for each in rows if attempts.publish_permit(each) == copy.jti), None)
        stands = attempts.standing(row) if row is not None else None
    if isinstance(stands, Published):
        return (stands.native_id,)
    if isinstance(stands, Processing) and stands.by_hand:
        return (f"task:{stands.poll_token}",)
    if row is None or not (attempts.in_doubt(row) or _somebody_denied(row)):  # an upload, or surely nothing
        return ()
    sighting = reconciling.look(
        outside.tenant_id,
        copy.subject,
        tenant=outside.tenant,
        transport=outside.transport,
        connectors=outside.connectors,
        part=row.part,
        attempt=row.id,
    )
    with outside.scope() as scope:
        if isinstance(sighting, Found):
            notices.settle(scope, _sought_for(copy))
            found = Published(sighting.native_id, sighting.url, sighting.at)
            if _somebody_denied(row):
                copies.note_copy(scope, copy.jti, found.native_id, found.at or scope.now)
            else:
                carrying.close(scope, copy.subject, found, part=row.part)
            return (found.native_id,)
        if reconciling.surely_absent(scope, copy.subject, row.part, attempt=row.id):
            return ()
        if _somebody_denied(row) and isinstance(sighting, Unknown) and sighting.reason.code == reconciling.NO_LOOKUP:
            return ()  # their word stands where nobody else can say
        again = reconciling.next_look_at(scope, copy.subject, row.part, attempt=row.id)
        wait = again - scope.now if again is not None else AGAIN
    _tell(copy, Message("copy.maybe_there", {"account": channel.name}), outside, cause=_sought_for(copy))
    raise outbox.Later(wait)


def _somebody_denied(row: Attempt) -> bool:
    """Whether a person said that nothing is there: a permit of which that was proven is no copy any more."""
    return bool(row.resolution.get("outcome") == attempts.ABSENT)


def _taken_away(copy: Copy, channel: Channel, native_id: str, outside: Outside) -> Outcome:
    """Ask the platform to take the copy away; each try is an attempt on record."""
    with outside.scope() as scope:
        attempt_id = attempts.begin(
            scope, channel_id=channel.id, subject=copy.subject, kind="remove", deadline=scope.now + ACT
        )
    connector, place = abilities.of(outside.connectors, channel), contract.Copy(native_id, copy.account, copy.viewer)

    def question(answers: tuple[Answer, ...]) -> Send | Outcome:
        if channel.state == ChannelState.DISCONNECTED:  # it is somebody's task, and ours once it is connected again
            return Reauthorize(Message("channel.is_disconnected", {"account": channel.name}))
        return connector.remove(place, answers)

    def order(action: str) -> Authority:
        if action in RESTRICT_ACTIONS:
            return RemovalOrder(outside.tenant_id, channel.id, action, copy.jti)
        return ControlOrder(outside.tenant_id, channel.id, action)  # a look whether it is gone

    answers = asking.gather(
        channel, question, order, tenant=outside.tenant, transport=outside.transport, attempt_id=attempt_id
    )
    end = question(answers)
    outcome = Retry(ACT, "account", Message("attempt.not_proven")) if isinstance(end, Send) else end
    with outside.scope() as scope:
        outcome = refreshing.weigh(scope, channel, outcome, shown=channel.generation)
        name, result = storing.outcome_name(outcome), storing.outcome_to_json(outcome)
        attempts.finish(scope, attempt_id, name, result, storing.reason_of(outcome))
    return outcome


def _alarm(scope: Scope, event: TakedownRemove, copy: Copy, channel: Channel) -> timedelta:
    """Tell the members once, when a copy is still there so long after it was to go, and make it somebody's task: a
    platform that only ever says "later" would tell nobody. How long until then; `AGAIN` once it is done.
    """
    tried = [row.armed_at for row in attempts.of(scope, copy.subject, None, ("remove",))]
    since = copy.recalled_at or event.at or min(tried, default=scope.now)
    most = handing.CLOCK if copy.recalled_at is not None else PATIENCE
    left = since + most - scope.now
    if left > timedelta():
        return left
    if not notices.known(scope, _late(copy)):
        handing.escalate(scope, channel, copy, addressing.address_of(scope, copy))
        hours = int(most.total_seconds() // 3600)
        told = Message("copy.still_there", {"account": channel.name, "hours": hours})
        notices.put(scope, told, cause=_late(copy), urgent=True, creator_id=copy.creator_id)
    return AGAIN


def _sought_for(copy: Copy) -> str:
    """The cause of the notice that a copy may be there: its post's, where it is one, since no task is anybody's yet."""
    return f"delivery:{copy.subject.id}:sought" if copy.subject.kind == "delivery" else f"copy:{copy.jti}"


def _late(copy: Copy) -> str:
    """The cause of the notice that a copy is there for too long."""
    return f"copy:{copy.jti}:late"


def _come_back(
    copy: Copy, channel: Channel, outcome: Outcome, native_ids: Sequence[str], outside: Outside, *, alarm: timedelta
) -> NoReturn:
    """The platform did not take it away: try again, before the `alarm`; a refusal is for a person to know."""
    if isinstance(outcome, Retry):
        with outside.scope() as scope:
            tries = pacing.in_vain(attempts.of(scope, copy.subject, None, ("remove",))) - 1
        raise outbox.Later(min(pacing.later(outcome.after, tries, copy.jti), alarm))
    if not isinstance(outcome, Rejected):
        _tell(copy, Message("copy.cannot_remove", {"account": channel.name}), outside)
        raise outbox.Later(AGAIN)
    with outside.scope() as scope:  # first of all, so that it is somebody's whatever becomes of the rest
        handing.escalate(scope, channel, copy, addressing.address_of(scope, copy))
    instead = replacing.replace(copy, channel, native_ids, outside)
    code = _told_as(copy, instead)
    if isinstance(instead, Published):
        with outside.scope() as scope:
            handing.replaced(scope, copy.jti)
    _tell(copy, Message(code, {"account": channel.name}), outside)
    raise outbox.Later(min(instead.after, AGAIN) if isinstance(instead, Retry) else AGAIN)


def _told_as(copy: Copy, instead: Outcome | None) -> str:
    """What members read of a copy that is not deleted: whether it still shows what it did, and who can end that."""
    if not isinstance(instead, Published):
        return "copy.cannot_remove"
    return "copy.replaced_in_chat" if copy.viewer else "copy.replaced"


def _tell(copy: Copy, message: Message, outside: Outside, *, cause: str = "") -> None:
    with outside.scope() as scope:
        notices.put(scope, message, cause=cause or f"copy:{copy.jti}", urgent=True, creator_id=copy.creator_id)


def prove(scope: Scope, copy: Copy, proof: str) -> None:
    """A copy that was to be taken away is gone: what was asked of people about it is over, and the fact is put."""
    copies.gone(scope, copy.jti, handing.signed(scope, copy.jti) or proof)
    handing.proven(scope, copy.jti)
    notices.settle_all(scope, [f"copy:{copy.jti}", _sought_for(copy), _late(copy)])
    fact = CopyRemoved(scope.tenant_id, copy.jti, copy.subject.kind, copy.subject.id, copy.channel_id)
    outbox.put(scope, fact, dedupe=f"removed:{copy.jti}")
