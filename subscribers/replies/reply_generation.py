"""Generation of replies: inputs are loaded in one transaction, the model is called outside any, and
its output is judged in another."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.i18n import language_detection
from foundation.i18n.translation import Message
from gate.contract.units import Rating, Verdict
from generators.contract.engines import EngineError, GeneratedText, JobTooLarge, TextJob
from generators.engines.text.fan_intents import has_buying_intent
from subscribers.catalog import offers
from subscribers.catalog.offers import OfferCandidate
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import ChatMessage, Conversation, Draft
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.delivery import message_delivery
from subscribers.fans import directory
from subscribers.memory import facts, recall
from subscribers.rails.contract import Rails
from subscribers.rails.price_text import format_price
from subscribers.replies import (
    autonomy,
    handoff_notices,
    persona,
    prompt,
    reply_checks,
    script_tests,
    speaker_notices,
    team_answers,
)
from subscribers.replies.autonomy import AutonomyLevel, ReplyFindings
from subscribers.replies.persona import PersonaVersion
from subscribers.replies.prompt import PromptLine, PromptMemory, PromptOffer, TurnInputs
from tenants.agencies.queries import get_creator
from tenants.notices import notices

WriteText = Callable[[TextJob], GeneratedText]

HISTORY = 40
"""Number of messages loaded for a reply; the prompt includes the newest that fit."""

UNSURE = 0.5
VERY_UNSURE = 0.3
"""Confidence below which two consecutive replies (`UNSURE`), or a single one (`VERY_UNSURE`),
escalate to a member."""

FIRST_DELAY = timedelta(seconds=1.2)
PER_CHARACTER = timedelta(milliseconds=35)
MIN_DELAY = timedelta(seconds=1)
MAX_DELAY = timedelta(seconds=8)
"""Maximum delay of a reply. The delay grows with the length of the text, and the first reply has
none. It is reading time, not an imitation of a person."""

RATING_CEILINGS = {Rating.G: "General", Rating.S: "Suggestive"}

REFUSED = ("improper", "unsafe")
"""Results of the model that count as refused drafts."""

Trouble = Literal[
    "asked", "upset", "unsure", "unsafe", "other", "budget", "engine", "unreadable", "improper"
]


@dataclass(frozen=True)
class ReplyTurn:
    """A reply in progress with all its inputs."""

    draft_id: UUID
    creator_id: UUID
    conversation_id: UUID
    epoch: int
    inputs: TurnInputs
    candidates: tuple[OfferCandidate, ...]
    rail: str
    level: AutonomyLevel
    first: bool

    @property
    def nonce(self) -> str:
        """A nonce for the prompt's fences, new for each turn and unpredictable for the fan."""
        return hashlib.sha256(self.draft_id.bytes).hexdigest()[:12]


@dataclass(frozen=True)
class TurnResult:
    """The result of a model call: a reply, or the problem that requires a member."""

    reply: reply_checks.ModelReply | None
    trouble: Trouble | None = None
    digest: str = ""
    model: str = ""
    tokens: int = 0


def begin_reply_turn(scope: Scope, conversation_id: UUID, *, rails: Rails) -> ReplyTurn | None:
    """Load the inputs of a reply and create its draft. Return None if the model has nothing to
    answer."""
    talk = conversation_rows.lock_conversation(scope, conversation_id)
    # Messages to an inactive creator are stored; a member can answer them after the reactivation.
    if not get_creator(scope, talk.creator_id).is_active:
        return None
    if OwnerState(talk.owner) is OwnerState.PENDING_HUMAN:
        _go_on(scope, talk)
        return None
    if OwnerState(talk.owner) is not OwnerState.BOT:
        return None
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    lines = _list_recent_lines(scope, talk)
    fresh = _select_unanswered(scope, talk, lines)
    if fan.status != "active" or fan.opt_out == "all" or not fresh:
        return None
    speaker = script_tests.speaker_of_fan(scope, talk.creator_id, talk.fan_id)
    if speaker is None:
        conversation_rows.escalate_to_member(scope, talk, Message("chat.no_persona"))
        return None
    if speaker.level == "off":
        conversation_rows.escalate_to_member(scope, talk, Message("chat.bot_off"))
        return None
    if speaker_notices.knows_team_only(scope, talk):  # The persona was activated since.
        speaker_notices.send_speaker_notice(scope, talk, is_new_session=False)
    conversation_rows.cancel_bot_drafts(scope, talk.id, Message("draft.superseded"), ("pending",))
    channel = queries.get_channel(scope, talk.channel_id)
    rail = rails.get(channel.platform)
    sells = rail is not None and may_offer(speaker, [line.body for line in fresh])
    listed = (
        offers.list_offers(scope, fan, talk, channel=channel, rail=rail)
        if rail is not None and sells
        else ()
    )
    draft = outgoing_messages.create_draft(
        scope, talk, origin="bot", kind="text", state=DraftState.PENDING
    )
    inputs = replace(
        _build_inputs(scope, talk, speaker, lines, fresh),
        offers=_build_prompt_offers(listed),
        facts=(
            *_list_fan_facts(scope, fan),
            *_list_team_facts(scope, talk, sells=rail is not None),
        ),
        memories=_build_prompt_memories(scope, talk, fresh),
        summary=recall.load_summary(scope, talk.id),
    )
    reviewed = not inputs.foreign and not speaker.speaks(talk.language)
    if reviewed:
        speaker_notices.announce_reviewed_language(scope, talk)
    level: AutonomyLevel = "copilot" if inputs.foreign or reviewed else speaker.level
    first = all(line.direction == "in" or line.author == "system" for line in lines)
    named = rail.name if rail else ""
    return ReplyTurn(
        draft.id, talk.creator_id, talk.id, talk.epoch, inputs, listed, named, level, first
    )


def may_offer(speaker: PersonaVersion, said: Sequence[str]) -> bool:
    """Return True if the persona's sales style allows an offer in the reply to these messages."""
    if speaker.sales_style == "on_request":
        return any(has_buying_intent(text) for text in said)
    return speaker.sales_style == "active"


def _go_on(scope: Scope, talk: Conversation) -> None:
    """Return the conversation to the bot after no member answered in time, with one notice to the
    fan. Without an AI that replies, it keeps waiting for a member."""
    if (
        talk.safety_hold
        or talk.reason is None
        or talk.reason["code"] not in conversation_rows.NON_URGENT_REASONS
        or not speaker_notices.replies_with_ai(persona.active_persona(scope, talk.creator_id))
    ):
        return
    conversation_rows.change_owner(scope, talk, OwnerState.BOT, Message("chat.nobody_came"))
    outgoing_messages.send_automated_message(scope, talk, Message("service.nobody_free"))
    talk.unanswered_since = None
    scope.add(talk)


def _list_recent_lines(scope: Scope, talk: Conversation) -> list[ChatMessage]:
    found = scope.session.exec(
        select(ChatMessage)
        .where(ChatMessage.tenant_id == scope.tenant_id, ChatMessage.conversation_id == talk.id)
        .order_by(ChatMessage.seq.desc())  # type: ignore[attr-defined]  # a column, not an int
        .limit(HISTORY)
        .execution_options(populate_existing=True)
    )
    return list(reversed(list(found)))


def _select_unanswered(
    scope: Scope, talk: Conversation, lines: list[ChatMessage]
) -> list[ChatMessage]:
    """Return the fan's unanswered text messages; those handled by code are not included."""
    seen = conversation_rows.last_answered_seq(scope, talk)
    return [
        line for line in lines if line.direction == "in" and line.kind == "text" and line.seq > seen
    ]


def _build_inputs(
    scope: Scope,
    talk: Conversation,
    speaker: PersonaVersion,
    lines: list[ChatMessage],
    fresh: list[ChatMessage],
) -> TurnInputs:
    creator = get_creator(scope, talk.creator_id)
    ceiling = min(Rating(creator.rating_ceiling), Rating.S, key=lambda rating: rating.rank)
    new = {line.seq for line in fresh}
    said = [line for line in lines if line.kind == "text"]
    return TurnInputs(
        persona=speaker,
        language=talk.language,
        ceiling=RATING_CEILINGS[ceiling],
        local_time=scope.now.astimezone(ZoneInfo(creator.zone)).strftime("%H:%M"),
        now=tuple(line.body for line in fresh),
        turn=sum(line.direction == "in" for line in said),
        foreign=_writes_other_language(said),
        history=tuple(
            PromptLine("fan" if line.direction == "in" else "us", line.body)
            for line in said
            if line.seq not in new
        ),
    )


def _writes_other_language(lines: list[ChatMessage]) -> bool:
    """Return True if the fan's latest message with a recognizable language is in an unsupported
    one.

    A member must then approve the reply: a fan who writes Spanish must not get a French answer.
    """
    for words in [line.body for line in reversed(lines) if line.direction == "in"]:
        if language_detection.detect_language(words) is not None:
            return False
        if language_detection.is_other_language(words):
            return True
    return False


def _build_prompt_offers(candidates: tuple[OfferCandidate, ...]) -> tuple[PromptOffer, ...]:
    return tuple(
        PromptOffer(f"o{number}", one.title, one.description, format_price(one.price))
        for number, one in enumerate(candidates, start=1)
    )


def _list_fan_facts(scope: Scope, fan: directory.FanIdentityView) -> tuple[str, ...]:
    row = scope.run(
        "SELECT buys FROM fan_facts WHERE tenant_id = :tenant AND fan_id = :fan",
        tenant=scope.tenant_id,
        fan=fan.fan_id,
    ).one_or_none()
    bought = row.buys if row is not None else 0
    # untrusted text of the fan
    name = outgoing_messages.template_value(prompt.strip_invisible(fan.display_name))
    return (f'They call themselves "{name}".', f"Packs they bought: {bought}.")


def _list_team_facts(scope: Scope, talk: Conversation, *, sells: bool) -> tuple[str, ...]:
    """Return the team's answers to questions about delivery, discounts and support; the defaults
    only where the bot `sells`."""
    written = team_answers.list_team_answers(scope, talk.creator_id)
    bodies = (
        written.get((topic, talk.language))
        or (team_answers.default_answer(topic, talk.language) if sells else "")
        for topic in team_answers.TOPICS
    )
    return tuple(" ".join(body.split()) for body in bodies if body)


def _build_prompt_memories(
    scope: Scope, talk: Conversation, fresh: list[ChatMessage]
) -> tuple[PromptMemory, ...]:
    found = recall.recall_facts(scope, talk.fan_id, [line.body for line in fresh])
    return tuple(
        PromptMemory(
            str(one.key),
            facts.fact_value_text(one.key, one.value, talk.language),
            facts.fact_text(one, talk.language),
        )
        for one in found
    )


def request_reply(begun: ReplyTurn, write: WriteText) -> TurnResult:
    """Call the model outside any transaction. An improper reply is generated again once; after
    that, a member takes over."""
    job = prompt.build_reply_job(begun.inputs, nonce=begun.nonce, seed=begun.draft_id.int % 2**31)
    if job is None:
        return TurnResult(None, "budget")
    first = _request_reply(job, begun, write)
    if first.trouble != "improper":
        return first
    return _request_reply(replace(job, seed=job.seed + 1, temperature=0.0), begun, write)


def _request_reply(job: TextJob, begun: ReplyTurn, write: WriteText) -> TurnResult:
    try:
        written = write(job)
    except JobTooLarge:
        return TurnResult(None, "budget", job.digest())
    except EngineError:
        return TurnResult(None, "engine", job.digest())
    reply = reply_checks.parse_reply(written.answer, [listed.id for listed in begun.inputs.offers])
    spoken = TurnResult(
        reply,
        None,
        written.prompt_digest,
        f"{written.engine}/{written.model}",
        written.tokens_in + written.tokens_out,
    )
    if reply is None:
        return replace(spoken, trouble="unreadable")
    if (
        reply_checks.find_reply_fault(
            reply.text, instructions=prompt.SAFETY_PROMPT + prompt.REPLY_CONTRACT
        )
        is not None
    ):
        return replace(spoken, reply=None, trouble="improper")
    return replace(spoken, trouble=reply.handoff)


def finish_reply_turn(scope: Scope, begun: ReplyTurn, spoken: TurnResult) -> bool:
    """Turn the model's reply into a draft that is sent, waits for approval, or escalates to a
    member. Return True if the reply is used.

    A turn of an older epoch, or one superseded by a new message, is discarded: another turn is
    scheduled.
    """
    talk = conversation_rows.lock_conversation(scope, begun.conversation_id)
    draft = outgoing_messages.get_draft(scope, begun.draft_id, lock=True)
    if (
        draft.state != DraftState.PENDING
        or talk.epoch != begun.epoch
        or talk.owner != OwnerState.BOT
    ):
        if draft.state == DraftState.PENDING:
            outgoing_messages.transition_draft(
                scope, draft, DraftState.CANCELLED, Message("draft.superseded")
            )
        return False
    draft.prompt_digest = spoken.digest
    draft.model = spoken.model
    draft.tokens = spoken.tokens
    draft.refused = spoken.trouble in REFUSED
    trouble = _find_trouble(talk, spoken)
    if trouble is not None or spoken.reply is None:
        outgoing_messages.transition_draft(
            scope, draft, DraftState.CANCELLED, Message("draft.handed_over")
        )
        handoff_notices.send_handoff_notice(scope, talk)
        conversation_rows.escalate_to_member(
            scope, talk, Message(f"chat.handoff_{trouble or 'other'}")
        )
        return False
    _apply_reply(scope, talk, draft, begun, spoken.reply)
    return True


def _find_trouble(talk: Conversation, spoken: TurnResult) -> Trouble | None:
    """Return the reason for a member to answer: the model's own, or low confidence twice in a row,
    or very low confidence once."""
    if spoken.reply is None or spoken.trouble not in (None, "unsure"):
        return spoken.trouble or "other"
    confidence = spoken.reply.confidence
    talk.unsure = talk.unsure + 1 if confidence < UNSURE or spoken.trouble else 0
    return "unsure" if confidence < VERY_UNSURE or talk.unsure > 1 else None


def _apply_reply(
    scope: Scope, talk: Conversation, draft: Draft, begun: ReplyTurn, reply: reply_checks.ModelReply
) -> None:
    draft.text = reply.text
    draft.language = talk.language
    draft.confidence_pct = round(reply.confidence * 100)
    if reply.offer_id is not None:
        chosen = begun.candidates[int(reply.offer_id[1:]) - 1]
        draft.offer_id = offers.create_offer(scope, talk, chosen, begun.rail)
        draft.buttons = [vars(offers.offer_card(chosen, draft.offer_id, talk.language))]
    draft.expires_at = scope.now + outgoing_messages.DRAFT_LIFETIME
    scope.add(talk, draft)
    decision = message_delivery.judge_message(scope, draft)
    found = ReplyFindings(
        reply.confidence,
        draft.offer_id is not None,
        decision.rating,
        decision.verdict is Verdict.H,
    )
    waits = autonomy.waiting_reason(_level_now(scope, begun, draft), found)
    draft.refused = waits in ("rating", "check")
    if waits is not None:
        outgoing_messages.transition_draft(scope, draft, DraftState.DRAFT)
        notices.put(
            scope,
            Message("chat.draft_waiting"),
            cause=f"draft:{draft.id}:waiting",
            creator_id=talk.creator_id,
        )
        return
    outgoing_messages.transition_draft(scope, draft, DraftState.AUTO)
    outgoing_messages.schedule_message_draft(
        scope, draft, at=scope.now + (timedelta() if begun.first else reply_delay(reply.text))
    )


def _level_now(scope: Scope, begun: ReplyTurn, draft: Draft) -> AutonomyLevel:
    """Return the level under which a reply is sent: a level lowered while the model wrote counts,
    a raised one does not."""
    scope.session.flush()
    now = autonomy.apply_fallback(
        scope, begun.creator_id, model=draft.model, draft_id=begun.draft_id
    )
    return autonomy.lower_of(begun.level, now if now is not None else "copilot")


def reply_delay(text: str) -> timedelta:
    """Return the delay before a reply of this length is sent."""
    return min(max(FIRST_DELAY + PER_CHARACTER * len(text), MIN_DELAY), MAX_DELAY)
