"""Test chats: a member talks with a persona that need not be saved.

The reply is written with the same prompt, engine and checks as a reply to a fan. Nothing is sent,
and no fan, conversation or draft exists.
"""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.i18n import language_detection
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.policy import agency_lexicon
from gate.surfaces.decisions import judge_contents
from gate.surfaces.model_texts import model_content
from gate.text import text_rating
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from subscribers.replies import content_checks, reply_generation
from subscribers.replies.autonomy import ReplyFindings
from subscribers.replies.events import PersonaTrialDue
from subscribers.replies.models import PersonaTrial
from subscribers.replies.persona import PersonaVersion, persona_from_content
from subscribers.replies.prompt import PromptLine, TurnInputs, strip_invisible
from subscribers.replies.reply_generation import (
    RATING_CEILINGS,
    ReplyTurn,
    TurnResult,
    WriteText,
)
from tenants.agencies.queries import get_creator

TRYING = "system:chat"

MAX_LINES = 20
"""Lines of a test chat that are kept; a longer chat forgets its oldest lines."""
MAX_LINE_LENGTH = 1000

TrialState = Literal["waiting", "answered", "failed"]


@dataclass(frozen=True)
class TrialReply:
    """The result of a test chat's last message: a text with its findings, or the `trouble` for
    which a member would take over, or the `signal` that code answers."""

    text: str
    findings: ReplyFindings | None
    trouble: str = ""
    signal: str = ""
    model: str = ""


@dataclass(frozen=True)
class TrialChat:
    """A test chat: its lines, oldest first, and the result of the last message."""

    id: UUID
    state: TrialState
    lines: tuple[PromptLine, ...]
    reply: TrialReply | None


def say_in_trial(
    scope: Scope,
    creator_id: UUID,
    member_id: UUID,
    persona: PersonaVersion,
    said: str,
    *,
    key: UUID,
) -> None:
    """Add a message to the member's test chat with a creator's persona and request a reply, once
    for each `key`. Raises BadInput for an empty or too long message or a persona that cannot be
    saved, and Refused for a character that is not admissible."""
    text = strip_invisible(said).strip()
    if not text:
        raise BadInput("chat.nothing_said").about("text")
    if len(text) > MAX_LINE_LENGTH:
        raise BadInput("chat.too_long", most=MAX_LINE_LENGTH, count=len(text)).about("text")
    content_checks.check_persona_size(persona)
    content_checks.check_character(scope, persona)
    scope.lock(f"persona_trial:{creator_id}:{member_id}")
    if scope.session.get(PersonaTrial, (scope.tenant_id, key)) is not None:
        return
    before = load_trial(scope, creator_id, member_id)
    lines = (*(before.lines if before is not None else ()), PromptLine("fan", text))
    end_trial(scope, creator_id, member_id)
    scope.add(
        PersonaTrial(
            tenant_id=scope.tenant_id,
            id=key,
            creator_id=creator_id,
            member_id=member_id,
            persona=persona.content(),
            lines=[vars(line) for line in lines[-MAX_LINES:]],
            state="waiting",
        )
    )
    outbox.put(scope, PersonaTrialDue(scope.tenant_id, key))


def end_trial(scope: Scope, creator_id: UUID, member_id: UUID) -> None:
    """Delete the member's test chat with a creator's persona."""
    scope.run(
        "DELETE FROM persona_trials WHERE tenant_id = :tenant AND creator_id = :creator AND "
        "member_id = :member",
        tenant=scope.tenant_id,
        creator=creator_id,
        member=member_id,
    )


def load_trial(scope: Scope, creator_id: UUID, member_id: UUID) -> TrialChat | None:
    """Return the member's test chat with a creator's persona, or None."""
    row = scope.run(
        "SELECT id, state, lines, outcome FROM persona_trials WHERE tenant_id = :tenant AND "
        "creator_id = :creator AND member_id = :member ORDER BY id DESC LIMIT 1",
        tenant=scope.tenant_id,
        creator=creator_id,
        member=member_id,
    ).one_or_none()
    if row is None:
        return None
    lines = tuple(PromptLine(line["who"], line["text"]) for line in row.lines)
    return TrialChat(row.id, row.state, lines, _reply_from_outcome(row.outcome))


def answer_trial(
    event: PersonaTrialDue,
    *,
    tenant: OpenScope,
    write: WriteText,
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Write the reply of a test chat and store it. The model is called outside any transaction."""
    with tenant(event.tenant_id, TRYING) as scope:
        row = scope.session.get(PersonaTrial, (scope.tenant_id, event.subject_id))
        if row is None or row.state != "waiting":
            return
        signal = _find_signal(scope, row.lines[-1]["text"])
        begun = _build_turn(scope, row)
    if signal:
        _store(event, tenant, {"text": "", "signal": signal})
        return
    sitting = TextSession(
        tenant, event.tenant_id, begun.creator_id, TextPurpose.CHAT, event.subject_id, billing
    )
    spoken = reply_generation.request_reply(begun, sitting.counted_writer(write))
    with tenant(event.tenant_id, TRYING) as scope:
        outcome = _build_outcome(scope, spoken)
    _store(event, tenant, outcome)


def fail_trial(event: PersonaTrialDue, *, tenant: OpenScope) -> None:
    """Mark a test chat that no worker could answer."""
    with tenant(event.tenant_id, TRYING) as scope:
        row = scope.session.get(PersonaTrial, (scope.tenant_id, event.subject_id))
        if row is not None and row.state == "waiting":
            row.state = "failed"
            scope.add(row)


def _find_signal(scope: Scope, said: str) -> str:
    lexicon = agency_lexicon.current_lexicon(scope)
    if text_rating.is_crisis_message(said, lexicon=lexicon):
        return "crisis"
    return "bot_question" if text_rating.is_bot_question(said, lexicon=lexicon) else ""


def _build_turn(scope: Scope, row: PersonaTrial) -> ReplyTurn:
    creator = get_creator(scope, row.creator_id)
    speaker = persona_from_content(row.persona)
    lines = [PromptLine(line["who"], line["text"]) for line in row.lines]
    said = lines[-1].text
    ceiling = min(Rating(creator.rating_ceiling), Rating.S, key=lambda rating: rating.rank)
    inputs = TurnInputs(
        persona=speaker,
        language=language_detection.detect_language(said) or speaker.languages[0],
        ceiling=RATING_CEILINGS[ceiling],
        local_time=scope.now.astimezone(ZoneInfo(creator.zone)).strftime("%H:%M"),
        now=(said,),
        turn=sum(line.who == "fan" for line in lines),
        history=tuple(lines[:-1]),
        foreign=language_detection.is_other_language(said),
    )
    return ReplyTurn(
        row.id, row.creator_id, row.id, 1, inputs, (), "", "copilot", first=len(lines) == 1
    )


def _build_outcome(scope: Scope, spoken: TurnResult) -> dict[str, Any]:
    if spoken.reply is None:
        return {"text": "", "trouble": spoken.trouble or "other", "model": spoken.model}
    content = model_content("model.trial_chat", [spoken.reply.text])
    (decision,) = judge_contents(scope, [content])
    return {
        "text": spoken.reply.text,
        "trouble": spoken.trouble or "",
        "model": spoken.model,
        "confidence": spoken.reply.confidence,
        "rating": str(decision.rating),
        "held": not decision.is_allowed,
    }


def _store(event: PersonaTrialDue, tenant: OpenScope, outcome: dict[str, Any]) -> None:
    with tenant(event.tenant_id, TRYING) as scope:
        row = scope.session.get(PersonaTrial, (scope.tenant_id, event.subject_id))
        if row is None:
            return  # The member ended the chat or wrote another message in the meantime.
        row.outcome = outcome
        row.state = "answered"
        if outcome["text"]:
            row.lines = [*row.lines, {"who": "us", "text": outcome["text"]}]
        scope.add(row)


def _reply_from_outcome(outcome: dict[str, Any] | None) -> TrialReply | None:
    if outcome is None:
        return None
    findings = None
    if "rating" in outcome:
        findings = ReplyFindings(
            outcome["confidence"], False, Rating(outcome["rating"]), outcome["held"]
        )
    return TrialReply(
        outcome["text"],
        findings,
        outcome.get("trouble", ""),
        outcome.get("signal", ""),
        outcome.get("model", ""),
    )
