"""What a fan does, and who answers: stored first, safety next, then code, a person or the model."""

from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import assert_never
from uuid import UUID

from channels import connecting, counted, roles
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Update
from connectors.roles import LETS_IN
from foundation import outbox
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate import inforce, viewers
from gate import text as gate_text
from gate.evidence import TEST_METHOD
from subscribers import (
    commands,
    directory,
    drafts,
    edits,
    ending,
    fulfilling,
    heard,
    joining,
    offers,
    orders,
    proofs,
    refunding,
    safety,
    signals,
    speakers,
    subscriptions,
    talks,
    unlocking,
)
from subscribers.events import ChatTurn
from subscribers.models import Conversation
from subscribers.rails.contract import MonthlyRail, PaymentRail, Rails, Till
from subscribers.replies import folded
from subscribers.states import OwnerState

SILENCE, PATIENCE = timedelta(seconds=2.5), timedelta(seconds=8)
"""A burst is joined: so much silence ends it, and no answer waits longer than that."""

NOTICE_AGAIN = timedelta(hours=3)
"""The notice is repeated after so long of a continuing session, and at the start of each new one."""

REDONE_MOST = 2
"""Turns thrown away in a row because the fan wrote on; the next one answers all it has seen."""

OVER_18 = "over_18"
"""What a test network says of a fan who proved to be an adult."""


def receive(scope: Scope, channel: Channel, update: Update, *, rails: Rails, environment: str, pages: str = "") -> None:
    """Take in one thing that happened on a chat account; the same thing a second time changes nothing.

    A checkout is not answered here: the listening process asks `orders.can_pay` while the platform waits.
    `environment` is the settings': a test network's proof of age counts in demo and test alone. `pages` is the address
    of our own pages, where an age is proven.
    """
    update = replace(update, text=talks.kept(update.text), handle=talks.kept(update.handle), ref=talks.kept(update.ref))
    match update.kind:
        case "payment":
            rail = rails[channel.platform]
            orders.record_payment(scope, rail.verify(update, till(channel), now=scope.now))
        case "refund":
            rail = rails[channel.platform]
            refunding.noted(scope, rail=rail.name, account=channel.account, charge_id=update.charge_id)
        case "checkout":
            return
        case "counted":
            counted.hear(scope, channel, update)
        case "unlocked":
            unlocking.soon(scope, channel, update.fan, update.payload)
        case "blocked":
            directory.blocked_us(scope, channel.id, update.fan)
        case "lost" | "back":
            if update.ref == channel.destination:
                connecting.turned(scope, channel.id, back=update.kind == "back")
        case "edited":
            edits.hear(scope, channel, update)
        case "join":
            joining.asked(scope, channel, update, notice=_notice)
        case "message" | "button" | "age" | "stop" | "unsupported":
            _hear(scope, channel, update, rails=rails, environment=environment, pages=pages)
        case _:
            assert_never(update.kind)


def till(channel: Channel) -> Till:
    """Where the money of an account lands."""
    return Till(channel.tenant_id, channel.id, channel.creator_id, channel.account)


def _hear(scope: Scope, channel: Channel, update: Update, *, rails: Rails, environment: str, pages: str) -> None:
    words = update.kind in talks.WORDS
    fan = directory.find_or_add(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
        said=update.text if words else "",
    )
    native_id = update.native_id if words and update.native_id else f"update:{update.key}"
    if talks.seq_of(scope, fan, channel, native_id) is not None:
        edits.hear(scope, channel, update)  # a list that is read again may show it in other words
        return
    # before the conversation is locked: the reader's epoch comes first
    age = _age(scope, channel, fan, update, environment)
    talk = talks.opened(scope, fan, channel)
    session = talk.session_at
    kind = "text" if update.kind == "message" else update.shows or update.kind
    if not talks.heard(scope, talk, native_id=native_id, kind=kind, body=update.text or update.ref):
        return
    directory.rebuild_facts(scope, fan.fan_id)
    reports = _told_where(scope, talk, update, pages)
    crisis = words and signals.crisis(scope, update.text)
    if age is Age.MINOR:
        talks.reopen(scope, talk)
        if crisis:
            safety.crisis(scope, talk, update.text)
        safety.minor(scope, talk, fan, update.text)
        talks.mark(scope, talk, "minor")
        return
    if (fan.status != "active" or reports) and not crisis:
        return
    _try_role(scope, channel, fan, asks=_asks_age(update))
    talks.reopen(scope, talk)
    _notice(scope, talk, fan, talk.session_at != session)
    if crisis:
        safety.crisis(scope, talk, update.text)
        talks.mark(scope, talk, "crisis")
        return
    match update.kind:
        case "message" | "button" if _asks_age(update):
            drafts.say_service(scope, talk, proofs.offer(scope, talk, channel, fan, pages=pages))
        case "message":
            _answer(scope, talk, update.text, rails.get(channel.platform))
        case "button":
            _press(scope, talk, update.ref, rails.get(channel.platform))
        case "age":
            sentence = Message("service.age.thanks") if age is Age.PROVEN else Message("service.age.not_taken")
            drafts.say_service(scope, talk, sentence)
        case "stop":
            _stop(scope, talk, everything="all" in folded(update.text).split())
        case _:
            talks.ask_for_person(scope, talk, Message("chat.unreadable"))


def _try_role(scope: Scope, channel: Channel, fan: directory.Identity, *, asks: bool) -> None:
    """Whoever shows up may have come to where a role counts. Where people ask to be let in, that itself is told."""
    if asks or not channel.options.get(LETS_IN):
        roles.again(scope, channel.id, fan.native_id, anyway=asks)


def _told_where(scope: Scope, talk: Conversation, update: Update, pages: str) -> bool:
    """Tell who wants something gone where to ask for it; whether this was all they wanted. No stop holds it back.

    Answered to everybody, blocked readers and minors too, by code alone.
    """
    if update.kind != "message" or commands.given(update.text) != "report":
        return False
    drafts.say_service(scope, talk, Message("service.safety.report", {"report_page": f"{pages.rstrip('/')}/report"}))
    return True


def _asks_age(update: Update) -> bool:
    """Whether a fan wants to know how to prove their age."""
    if update.kind == "button":
        return update.ref.partition(":")[0] == "age"
    return commands.given(update.text) == "age"


def proof_told(scope: Scope, channel_id: UUID, user_id: str, state: str) -> None:
    """A check of age has its end: the fan who asked for it in this chat is told, once; a "no" is a minor's."""
    fan = directory.known_on(scope, channel_id, user_id)
    if fan is None or fan.status == "erased":
        return
    talk = talks.opened(scope, fan, channel_reads.channel(scope, channel_id))
    if state == "failed":
        safety.minor(scope, talk, fan, "")
    elif fan.status == "active" and state in proofs.ANSWERS:
        drafts.say_service(scope, talk, Message(proofs.ANSWERS[state]))


class Age(Enum):
    """What an update says of the fan's age."""

    NOTHING, MINOR, PROVEN, REFUSED = range(4)


def _age(scope: Scope, channel: Channel, fan: directory.Identity, update: Update, environment: str) -> Age:
    """What this says of the fan's age, told to the gate at once."""
    if update.kind in talks.WORDS:
        readings = heard.said_now(scope, fan, channel, update.text)
        return Age.MINOR if signals.minor(scope, channel.platform, update.fan, *readings) else Age.NOTHING
    if update.kind != "age":
        return Age.NOTHING
    if not viewers.level(scope, channel.platform, update.fan).welcome:
        return Age.REFUSED
    adult = update.ref == OVER_18
    try:
        viewers.record_assurance(
            scope,
            platform=channel.platform,
            user_id=update.fan,
            method=TEST_METHOD,
            assured_level="L4",
            over_18=adult,
            environment=environment,
        )
    except Refused:
        return Age.REFUSED
    return Age.PROVEN if adult else Age.MINOR


def _notice(scope: Scope, talk: Conversation, fan: directory.Identity, fresh: bool) -> None:
    """D1, D4: before anything else a fan reads that a machine answers; again in a new session, every three hours, and
    when it goes on after a person. While a person answers, it would not be true."""
    if OwnerState(talk.owner) is OwnerState.HUMAN:
        return
    told, waiting = scope.run(  # in one statement: between two, the notice may arrive and be missed by both
        "SELECT f.disclosed_at, EXISTS (SELECT 1 FROM drafts d WHERE d.tenant_id = :tenant"
        " AND d.conversation_id = :talk AND d.kind = 'notice' AND d.state IN ('auto', 'sending', 'uncertain'))"
        " FROM fans f WHERE f.tenant_id = :tenant AND f.id = :fan",
        tenant=scope.tenant_id,
        talk=talk.id,
        fan=fan.fan_id,
    ).one()
    due = told is None or fresh or scope.now - told > NOTICE_AGAIN or speakers.person_spoke_last(scope, talk)
    if due and not waiting:
        drafts.say_service(scope, talk, speakers.sentence(scope, talk, "notice"), kind="notice")


def _answer(scope: Scope, talk: Conversation, said: str, rail: PaymentRail | None) -> None:
    """A message: the truth about who speaks and commands are answered by code, the rest by the owner."""
    if gate_text.asks_if_bot(said, lexicon=inforce.rules(scope).lexicon):
        talks.mark(scope, talk, "truth")
        human = OwnerState(talk.owner) is OwnerState.HUMAN
        drafts.say_service(scope, talk, speakers.sentence(scope, talk, "truth_person" if human else "truth"))
        return
    match commands.given(said):
        case "stop":
            _stop(scope, talk, everything="all" in folded(said).split())
        case "purchases":
            fulfilling.purchases(scope, talk, None)
        case "subscription":
            subscriptions.show(scope, talk, sells=isinstance(rail, MonthlyRail))
        case "terms" | "privacy" as about:
            drafts.say_service(scope, talk, Message(f"service.about.{about}"))
        case "start":
            directory.opt_in(scope, talk.fan_id)
        case "paysupport":
            _hand_over(scope, talk, Message("chat.asks_money_back"))
        case "human" if not commands.MONEY_BACK.search(folded(said)):
            _hand_over(scope, talk, Message("chat.asks_person"))
        case _:
            _converse(scope, talk, folded(said))


def _converse(scope: Scope, talk: Conversation, plain: str) -> None:
    """Words that are no command: who asks for a person or for money back has one, the rest is its owner's to answer."""
    if commands.MONEY_BACK.search(plain):
        _hand_over(scope, talk, Message("chat.asks_money_back"))
    elif commands.PERSON.search(plain):
        _hand_over(scope, talk, Message("chat.asks_person"))
    elif OwnerState(talk.owner) is OwnerState.BOT:
        plan_turn(scope, talk)
    else:
        talks.ask_for_person(scope, talk, Message("chat.fan_waits"))


def _hand_over(scope: Scope, talk: Conversation, reason: Message) -> None:
    if OwnerState(talk.owner) is OwnerState.BOT:
        drafts.say_service(scope, talk, Message("service.handoff"))
    talks.ask_for_person(scope, talk, reason)


def plan_turn(scope: Scope, talk: Conversation) -> None:
    """Let the model answer soon; what it was about to say without this message is written anew, twice at most."""
    if talk.redone < REDONE_MOST and talks.supersede(
        scope, talk.id, Message("draft.superseded"), ("pending", "draft", "auto")
    ):
        talk.redone += 1
    outbox.cancel(scope, ChatTurn.kind, talk.id)
    first = talk.unanswered_since is None and talk.session_at == scope.now
    if talk.unanswered_since is None:
        talk.unanswered_since = scope.now
    at = scope.now if first else min(scope.now + SILENCE, max(talk.unanswered_since + PATIENCE, scope.now))
    outbox.put(scope, ChatTurn(scope.tenant_id, talk.id), at=at, lane=talks.turn_lane(talk.id), holds_lane=True)
    scope.add(talk)


def _press(scope: Scope, talk: Conversation, pressed: str, rail: PaymentRail | None) -> None:
    """A button under one of our messages: a closed list of words, and an id of ours."""
    action, _, ref = pressed.partition(":")
    match action:
        case "buy" if rail is not None and (offer_id := _id(ref)) is not None:
            _buy(scope, talk, offer_id, rail)
        case "decline" if (offer_id := _id(ref)) is not None:
            offers.decline(scope, offer_id, talk.fan_id)
        case "purchases":
            fulfilling.purchases(scope, talk, _id(ref))
        case "subscribe" if isinstance(rail, MonthlyRail) and (plan_id := _id(ref)) is not None:
            _subscribe(scope, talk, plan_id, rail)
        case "stop_renewal" if (subscription_id := _id(ref)) is not None:
            _stop_renewal(scope, talk, subscription_id)
        case _:
            return


def _subscribe(scope: Scope, talk: Conversation, plan_id: UUID, rail: MonthlyRail) -> None:
    try:
        offered = subscriptions.offer(scope, talk, plan_id, rail)
    except NotFound:
        drafts.say_service(scope, talk, Message("service.pay.expired"))
        return
    if offered is None:
        subscriptions.show(scope, talk, sells=False)


def _stop_renewal(scope: Scope, talk: Conversation, subscription_id: UUID) -> None:
    try:
        stopping = ending.ask_stop(scope, subscription_id, fan_id=talk.fan_id)
    except NotFound:
        return
    if not stopping:
        subscriptions.show(scope, talk, sells=False)


def _buy(scope: Scope, talk: Conversation, offer_id: UUID, rail: PaymentRail) -> None:
    try:
        orders.accept(scope, talk, offer_id, rail)
    except NotFound:
        drafts.say_service(scope, talk, Message("service.pay.expired"))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _stop(scope: Scope, talk: Conversation, *, everything: bool) -> None:
    """The fan wants peace: at once, confirmed once, never argued with."""
    new = directory.opt_out(scope, talk.fan_id, "all" if everything else "sales")
    if new:
        talks.silence(scope, talk.id, Message("draft.opted_out"))
        code = "service.stopped.all" if everything else "service.stopped.sales"
        drafts.say_service(scope, talk, Message(code))
    if everything and OwnerState(talk.owner) is not OwnerState.CLOSED:
        talks.give(scope, talk, OwnerState.CLOSED, Message("chat.opted_out"))


def take_over(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """A member answers from now on; what the bot had written is not sent. Raises NotFound, Conflict."""
    talks.give(scope, talks.locked(scope, conversation_id), OwnerState.HUMAN, None, member=member_id)


def give_back(scope: Scope, conversation_id: UUID) -> None:
    """The bot answers again, what the fan wrote last too, if nobody did. Raises NotFound, Conflict."""
    talk = talks.locked(scope, conversation_id)
    talks.give(scope, talk, OwnerState.BOT, None)
    talk.safety_hold = False
    scope.add(talk)
    if talk.last_in_at is None or scope.now - talk.last_in_at > talks.SESSION or not _is_owed(scope, talk):
        return
    _notice(scope, talk, directory.identity_on(scope, talk.fan_id, talk.channel_id), False)
    plan_turn(scope, talk)


def _is_owed(scope: Scope, talk: Conversation) -> bool:
    """Whether the last thing the fan did was to say something that no answer has seen."""
    said = scope.run(
        "SELECT body FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND direction = 'in'"
        " AND kind = 'text' AND seq = :last",
        tenant=scope.tenant_id,
        talk=talk.id,
        last=talk.last_in_seq,
    ).scalar()
    return said is not None and not commands.given(said) and talk.last_in_seq > talks.answered(scope, talk)


def close(scope: Scope, conversation_id: UUID, reason: Message) -> None:
    """Nobody answers until the fan writes again. Raises NotFound, Conflict."""
    talks.give(scope, talks.locked(scope, conversation_id), OwnerState.CLOSED, reason)
