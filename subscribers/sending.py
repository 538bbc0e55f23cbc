"""A draft leaves: claimed in one transaction, carried with none open, settled in one more."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import assert_never
from uuid import UUID

from channels import abilities, budgets, carrying, reconciling
from channels import reads as channel_reads
from channels.carrying import Armed, Staged
from channels.reads import Channel
from connectors.answers import READER_GONE
from connectors.contract import Connector
from connectors.outcomes import (
    Disconnected,
    Found,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
)
from foundation import outbox, telemetry
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.money import Money
from foundation.words import Message, say
from gate import minting
from gate.permit import Permit
from gate.units import Button, Invoice, Medium, Subject, Text, Unit, Verdict
from subscribers import directory, drafts, locked, orderbook, remark_rows, replying, talks, under_way
from subscribers.events import ChatReconcile, ChatTurn
from subscribers.models import Conversation, Draft
from subscribers.states import ORDER_STATES, DraftState, OrderState
from subscribers.under_way import MARGIN, SOON
from tenants import notices

ACT, ACT_WITH_FILES = timedelta(seconds=30), timedelta(seconds=60)
"""How long a message may take to leave."""

Mint = Callable[..., Permit]
"""`gate.minting.mint` with the key bound; the claim adds whose words it carries, since nobody reviews their own."""

STOPPED_AGAIN = timedelta(seconds=30)


class NotClaimable(Exception):
    """The claim was not made; `again` when the row should come back by itself."""

    def __init__(self, again: timedelta | None = None) -> None:
        self.again = again
        super().__init__(f"again in {again}" if again else "not now")


def subject(draft_id: UUID) -> Subject:
    """What is carried."""
    return Subject("draft", draft_id)


def compose(scope: Scope, row: Draft, channel: Channel) -> Unit:
    """The message as its one reader will see it, or everybody what answers a remark. Raises NotFound."""
    if row.remark_id is not None:
        remark, by = remark_rows.read(scope, row.remark_id), remark_rows.made_by(row.text, row.original_text)
        return remark_rows.unit_of(scope, subject(row.id), row.text, remark, language=row.language, text_ai=by)
    talk = scope.run(
        "SELECT fan_id FROM conversations WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=row.conversation_id,
    ).one_or_none()
    if talk is None:
        raise NotFound("conversation.unknown")
    fan = directory.identity_on(scope, talk.fan_id, channel.id)
    return unit_for(
        scope,
        channel,
        fan,
        subject(row.id),
        text=row.text,
        media=tuple(Medium(**medium) for medium in row.media),
        buttons=tuple(Button(**button) for button in row.buttons),
        invoice=Invoice(**row.invoice) if row.invoice else None,
        service=row.service,
        text_ai="generated" if row.origin == "bot" else "none",
        price=locked.price(scope, row),
    )


def unit_for(
    scope: Scope,
    channel: Channel,
    fan: directory.Identity,
    what: Subject,
    *,
    text: str,
    media: tuple[Medium, ...] = (),
    buttons: tuple[Button, ...] = (),
    invoice: Invoice | None = None,
    service: str = "",
    text_ai: str = "none",
    price: Money | None = None,
) -> Unit:
    """A message to one fan on one account, with the marks its platform must be given."""
    unit = Unit(
        tenant_id=scope.tenant_id,
        creator_id=fan.creator_id,
        subject=what,
        platform=channel.platform,
        surface=channel.chat_surface,
        channel_id=channel.id,
        account=channel.account,
        audience="viewer",
        texts=(Text("body", text),) if text else (),
        media=media,
        buttons=buttons,
        invoice=invoice,
        viewer=fan.native_id,
        service=service,
        text_ai=text_ai,
        price=price,
        native_key=carrying.native_key(what),
    )
    return minting.marked(scope, unit, line=lambda: say(Message("chat.made_with_ai"), fan.language))


def judged(scope: Scope, row: Draft) -> minting.Decision:
    """What the safety check says of a message now; its author is kept with the decision."""
    unit = compose(scope, row, channel_reads.channel(scope, row.channel_id))
    return minting.judge(scope, unit, author=row.written_by or scope.actor)


def claim(scope: Scope, draft_id: UUID, *, mint: Mint, connectors: Mapping[str, Connector]) -> Armed | Outcome | Staged:
    """Take a message that may leave, in the lock order of the house: epochs, account, conversation, draft, permit.

    Raises NotClaimable, and the gate's Denied; both undo everything.
    """
    row = drafts.read(scope, draft_id)
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        raise NotClaimable
    channel = channel_reads.channel(scope, row.channel_id)
    unit = compose(scope, row, channel)
    minting.lock_epochs(scope, unit)
    blocked = budgets.take(scope, channel)
    if blocked is not None:
        raise NotClaimable(max(blocked.until - scope.now, SOON))
    if locked.refusal(scope, row) is not None:
        raise NotClaimable
    act = ACT_WITH_FILES if row.media else ACT
    deadline = scope.now + act
    if not _take(scope, row, deadline=deadline):
        raise NotClaimable
    talk = talks.read(scope, row.conversation_id)
    if (over := replying.over(scope, talk, abilities.of(connectors, channel).capabilities)) is not None:
        return Rejected(over, permanent=False)
    outbox.put(scope, ChatReconcile(scope.tenant_id, draft_id, "draft"), at=deadline + MARGIN)
    by = partial(mint, author=row.written_by) if row.written_by else mint
    return carrying.arm(scope, channel=channel, unit=unit, kind="send", act=act, mint=by, connectors=connectors)


_CLAIM = """
UPDATE drafts d SET state = 'sending', attempt = attempt + 1, deadline_at = :deadline, updated_at = house_now()
FROM conversations c, fans f
WHERE d.tenant_id = :tenant AND d.id = :id AND d.state IN ('approved', 'auto') AND d.expires_at > :now
  AND c.tenant_id = d.tenant_id AND c.id = d.conversation_id AND f.tenant_id = c.tenant_id AND f.id = c.fan_id
  AND (d.service <> '' OR f.status = 'active' AND f.opt_out <> 'all' AND (
    NOT c.safety_hold OR d.offer_id IS NULL AND d.kind NOT IN ('invoice', 'pack', 'locked')) AND (
    d.origin = 'auto' OR d.epoch = c.epoch AND (d.origin = 'bot' AND c.owner = 'bot' AND f.disclosed_at IS NOT NULL
      OR d.origin = 'member' AND c.owner = 'human')))
"""


def _take(scope: Scope, row: Draft, **params: object) -> bool:
    """C2 in one statement, under a lock on the conversation: what another epoch or owner wrote does not leave."""
    scope.run(
        "SELECT 1 FROM conversations WHERE tenant_id = :tenant AND id = :id FOR SHARE",
        tenant=scope.tenant_id,
        id=row.conversation_id,
    )
    done = scope.run(_CLAIM, tenant=scope.tenant_id, id=row.id, now=scope.now, **params)
    scope.session.expire(row)
    return bool(done.rowcount)


def put_off(scope: Scope, draft_id: UUID, again: timedelta | None) -> timedelta | None:
    """Why a draft could not be claimed, written down; how long to wait when that may pass, None when it ended."""
    talk = talks.locked(scope, drafts.read(scope, draft_id).conversation_id)
    row = drafts.read(scope, draft_id, lock=True)
    if row.state == DraftState.SENDING:
        return under_way.again(scope, row.deadline_at)
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        return None
    if row.expires_at <= scope.now:
        _expire(scope, talk, row)
        return None
    if again is not None:
        return again
    fan = directory.identity_on(scope, talk.fan_id, row.channel_id)
    owed = row.origin == "bot" and row.epoch == talk.epoch and talk.owner == "bot" and fan.status == "active"
    if owed and fan.opt_out != "all" and not (talk.safety_hold and row.offer_id is not None):
        # it stays as it is, out of the way of the notice, which sends it on when it has arrived, or has just done so
        return None if fan.disclosed_at is None else SOON
    over = locked.refusal(scope, row)
    drafts.move(scope, row, DraftState.CANCELLED, over or Message("draft.superseded"))
    if over is not None:
        _tell(scope, talk, row, over)
    return None


def _expire(scope: Scope, talk: Conversation, row: Draft) -> None:
    """What was written has outlived its moment. A fan who still waits is answered anew, or a person is told."""
    reason = Message("draft.too_late")
    drafts.move(scope, row, DraftState.EXPIRED, reason)
    bot_speaks = row.origin == "bot" and talk.owner == "bot" and row.epoch == talk.epoch
    if bot_speaks and talk.last_in_at is not None and scope.now - talk.last_in_at < talks.SESSION:
        outbox.put(scope, ChatTurn(scope.tenant_id, talk.id), lane=talks.turn_lane(talk.id), holds_lane=True)
    elif bot_speaks or row.origin != "bot":
        _tell(scope, talk, row, reason)


def deny(scope: Scope, draft_id: UUID, decision: minting.Decision) -> timedelta | None:
    """The safety check says no: a stop waits, a hold waits for a person, a block ends the draft. The wait, or None."""
    talk = talks.locked(scope, drafts.read(scope, draft_id).conversation_id)
    row = drafts.read(scope, draft_id, lock=True)
    if row.state == DraftState.SENDING:  # denied between two steps: nothing became visible
        drafts.move(scope, row, _before(row))
        carrying.close(scope, subject(draft_id), Rejected(Message("draft.denied"), permanent=False))
    if row.state not in (DraftState.APPROVED, DraftState.AUTO):
        return None
    if (decision.stopped or decision.stale) and row.expires_at > scope.now:  # anew: what protects a fan may pass it
        drafts.send(scope, row, at=scope.now + (STOPPED_AGAIN if decision.stopped else SOON))
        return None
    reason = refusal(decision)
    held = decision.verdict is Verdict.H and row.origin != "auto"
    drafts.move(scope, row, DraftState.DRAFT if held else DraftState.FAILED, reason)
    _tell(scope, talk, row, reason)
    return None


def refusal(decision: minting.Decision) -> Message:
    """Why the safety check keeps it back, as its own sentence."""
    return decision.why if decision.reasons else Message("draft.denied")


def _before(row: Draft) -> DraftState:
    return DraftState.APPROVED if row.approved_by else DraftState.AUTO


def settle(scope: Scope, draft_id: UUID, outcome: Outcome) -> timedelta | None:
    """Write what became of a message; how long to wait before it may be tried again, None when it ended."""
    talk = talks.locked(scope, drafts.read(scope, draft_id).conversation_id)
    row = drafts.read(scope, draft_id, lock=True)
    wait = _settle(scope, talk, row, outcome) if row.state in (DraftState.SENDING, DraftState.UNCERTAIN) else None
    carrying.close(scope, subject(draft_id), outcome, note_copy=minting.note_copy)
    return wait


def _settle(scope: Scope, talk: Conversation, row: Draft, outcome: Outcome) -> timedelta | None:
    match outcome:
        case Published(native_id=native_id):
            _sent(scope, talk, row, native_id)
        case Retry(after=after, reason=reason):
            drafts.move(scope, row, _before(row), reason)
            return after
        case Rejected(reason=reason) if reason.code == READER_GONE:
            drafts.move(scope, row, DraftState.FAILED, reason)
            directory.unreachable(scope, talk.fan_id, row.channel_id)
        case Rejected(reason=reason) | Reauthorize(reason=reason) | Disconnected(reason=reason):
            drafts.move(scope, row, DraftState.FAILED, reason)
            _tell(scope, talk, row, reason)
        case Uncertain(reason=reason):
            _doubt(scope, row, reason)
        case Processing():
            _doubt(scope, row, Message("draft.unsure"))
        case _:
            assert_never(outcome)
    return None


def _doubt(scope: Scope, row: Draft, reason: Message) -> None:
    """The message may have arrived: look, never send again blindly."""
    if row.state == DraftState.SENDING:
        drafts.move(scope, row, DraftState.UNCERTAIN, reason)
    at = reconciling.next_look_at(scope, subject(row.id)) or scope.now + MARGIN
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    outbox.put(scope, ChatReconcile(scope.tenant_id, row.id, "draft"), at=at)


def _sent(scope: Scope, talk: Conversation, row: Draft, native_id: str) -> None:
    row.native_id = native_id
    drafts.move(scope, row, DraftState.SENT)
    author = "system" if row.origin == "auto" else "bot" if row.origin == "bot" else "member"
    if author != "system":
        _count(scope, talk, author)
        talk.unanswered_since, talk.redone = None, 0
    talks.spoke(
        scope,
        talk,
        author=author,
        native_id=native_id,
        kind=row.kind,
        body=row.text,
        draft_id=row.id,
        media=tuple(medium["sha256"] for medium in row.media),
    )
    remark_rows.answered(scope, talk, row)
    locked.sent(scope, row)
    if row.kind == "notice":
        directory.disclosed(scope, talk.fan_id, row.service)
        drafts.send_waiting(scope, talk.id)
    scope.add(talk)
    outbox.cancel(scope, ChatReconcile.kind, row.id)
    directory.rebuild_facts(scope, talk.fan_id)


def _count(scope: Scope, talk: Conversation, author: str) -> None:
    if talk.unanswered_since is not None:
        waited = (scope.now - talk.unanswered_since).total_seconds()
        scope.once_committed(partial(telemetry.FIRST_ANSWERS.labels(author).observe, max(waited, 0.0)))


def _tell(scope: Scope, talk: Conversation, row: Draft, reason: Message) -> None:
    """A message that a fan waits for did not leave: a person takes over, or both are told."""
    if row.origin == "bot":
        talks.ask_for_person(scope, talk, Message("chat.answer_not_sent"))
        return
    notices.put(scope, reason, cause=f"draft:{row.id}:failed", creator_id=row.creator_id)
    waits = row.state == DraftState.DRAFT  # for a person, who may send it yet
    if row.kind in ("invoice", locked.KIND) and row.order_id is not None and not waits:
        order = orderbook.find(scope, row.order_id, lock=True)
        if ORDER_STATES.allows(OrderState(order.state), OrderState.REFUSED):
            orderbook.move(scope, order, OrderState.REFUSED, reason)
    if row.kind in ("invoice", "pack"):
        drafts.say_service(scope, talk, Message(f"service.{row.kind}_not_sent"))


def doubtful(scope: Scope, draft_id: UUID) -> bool:
    """Whether the draft's answer is missing; one left alone past its deadline becomes uncertain here."""
    row = drafts.read(scope, draft_id, lock=True)
    if row.state == DraftState.SENDING and row.deadline_at is not None and row.deadline_at < scope.now:
        drafts.move(scope, row, DraftState.UNCERTAIN, Message("draft.unsure"))
    return row.state == DraftState.UNCERTAIN


def settle_sighting(scope: Scope, draft_id: UUID, sighting: Sighting) -> None:
    """Bring a message out of doubt by what was seen: sent, or surely absent and sent again, or looked for once more."""
    if isinstance(sighting, Found):
        settle(scope, draft_id, Published(sighting.native_id, sighting.url, sighting.at))
        return
    if locked.is_bought(scope, drafts.read(scope, draft_id)):
        arrived(scope, draft_id)
        return
    row = drafts.read(scope, draft_id, lock=True)
    if row.state != DraftState.UNCERTAIN:
        return
    if not reconciling.was_armed(scope, subject(draft_id)) or reconciling.surely_absent(scope, subject(draft_id)):
        reconciling.absolve(scope, subject(draft_id))
        drafts.move(scope, row, _before(row))
        drafts.send(scope, row)
        return
    at = reconciling.next_look_at(scope, subject(draft_id))
    if at is None:
        reason = Message("draft.still_unsure")
        notices.put(scope, reason, cause=f"draft:{draft_id}:unsure", creator_id=row.creator_id)
        return
    outbox.put(scope, ChatReconcile(scope.tenant_id, draft_id, "draft"), at=at)


def arrived(scope: Scope, draft_id: UUID) -> None:
    """A message in doubt lies before its reader, as something else proves; its number was never told."""
    notices.settle(scope, f"draft:{draft_id}:unsure")
    settle(scope, draft_id, Published(f"seen:{draft_id}", "", scope.now))


def settle_by_word(scope: Scope, draft_id: UUID, *, arrived: bool) -> None:
    """A member looked at the conversation: the message stands there, or it does not and may go again.

    Nothing to do where the doubt ended meanwhile. Raises Conflict while the attempt is still under way.
    """
    talk = talks.locked(scope, drafts.read(scope, draft_id).conversation_id)
    row = drafts.read(scope, draft_id, lock=True)
    if row.state != DraftState.UNCERTAIN:
        return
    notices.settle(scope, f"draft:{draft_id}:unsure")
    if arrived:
        native_id = f"seen:{draft_id}"  # nobody reads the platform's own number off a screen
        _sent(scope, talk, row, native_id)
        carrying.close(scope, subject(draft_id), Published(native_id, "", scope.now), note_copy=minting.note_copy)
        return
    reconciling.absolve(scope, subject(draft_id))
    drafts.move(scope, row, _before(row))
    row.expires_at = scope.now + drafts.LIFE
    scope.add(row)
    drafts.send(scope, row)
