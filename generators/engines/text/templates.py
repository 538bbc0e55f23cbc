"""The text engine without a model: prepared sentences, chosen by rules and the seed. It invents
nothing.

Captions depend on the place and time of the scene. Chat replies depend on the fan's intent and the
closed list of offers. The engine reports its confidence and passes messages that match no rule to a
member.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    CaptionBrief,
    ChatBrief,
    GeneratedText,
    OriginLabel,
    PostBrief,
    TextEngine,
    TextJob,
    UnusableAnswer,
)
from generators.drawing.scene_prompt import place_and_time, prompt_words
from generators.engines.text.fan_intents import INTENT_PATTERNS
from generators.engines.text.post_templates import write_post_texts
from generators.engines.text.template_phrases import (
    CHAT_REPLIES,
    CLOSING_QUESTIONS,
    HOUR_CAPTIONS,
    LAST_ITEM,
    MEMORY_PHRASES,
    PLACE_CAPTIONS,
    PLAIN_CAPTIONS,
)
from generators.text import json_answers

HandoffReason = Literal["asked", "upset", "unsure", "unsafe"]
_OFFER_FROM_TURN = 3
"""Number of the message at which a fan who did not ask receives one offer."""


@dataclass(frozen=True)
class TemplateReply:
    """A chat reply before it is converted to JSON. `confidence` is from 0 to 1."""

    kind: str
    confidence: float
    offer_id: str | None = None
    title: str = ""
    handoff: HandoffReason | None = None


_TO_A_PERSON: dict[str, HandoffReason] = {"unsafe": "unsafe", "asked": "asked", "upset": "upset"}
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in INTENT_PATTERNS)
_SURE = {
    "truth": 0.98,
    "memory": 0.9,
    "introduction": 0.85,
    "greeting": 0.9,
    "thanks": 0.9,
    "compliment": 0.85,
    "offer": 0.88,
    "question": 0.45,
    "small_talk": 0.5,
}


def load_engine(
    _settings: GeneratorsSettings, _start: Callable[[], None] | None = None
) -> TextEngine:
    """Return the engine, which is always available."""
    return TemplateEngine()


class TemplateEngine:
    """The engine that chooses prepared sentences. The same job gives the same text on every
    machine."""

    name = "templates"
    languages = frozenset({"fr", "en"})
    converses = True
    model = "phrases-1"

    def write(self, job: TextJob) -> GeneratedText:
        """Return the text for the job's brief. Raises UnusableAnswer without a brief, or if the
        schema requires other fields."""
        language = job.language if job.language in CHAT_REPLIES else "en"
        rng = np.random.default_rng([job.seed, 4])
        match job.brief:
            case ChatBrief() as brief:
                answer = _build_chat_reply(brief, language, rng)
            case CaptionBrief() as brief:
                answer = {
                    "caption": caption_from_template(brief, language, rng),
                    "language": language,
                }
            case PostBrief() as brief:
                answer = write_post_texts(brief, language)
            case _:
                raise UnusableAnswer("engine.no_phrase", engine=self.name)
        text = str(answer.get("text") or answer.get("caption"))
        if job.schema is not None:
            answer = _match_schema(answer, job.schema)
            text = json.dumps(answer, ensure_ascii=False)
        return GeneratedText(
            text=text,
            engine=self.name,
            model=self.model,
            label=OriginLabel.TEMPLATE,
            seed=job.seed,
            prompt_digest=job.digest(),
            tokens_in=0,
            tokens_out=0,
            answer=answer if job.schema is not None else {},
        )


def _match_schema(answer: dict[str, object], schema: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that the schema contains. Raises UnusableAnswer if they do not
    satisfy it."""
    known = schema.get("properties")
    kept = {
        name: value
        for name, value in answer.items()
        if isinstance(known, Mapping) and name in known
    }
    if json_answers.schema_errors(kept, schema):
        raise UnusableAnswer("engine.no_phrase", engine=TemplateEngine.name)
    return kept


def _choose_option(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def caption_from_template(brief: CaptionBrief, language: str, rng: np.random.Generator) -> str:
    """Return one to three sentences for a picture of the scene, in "fr" or "en"."""
    # Only named places count: a picture of a cat must not get a caption about waves.
    place, hour = place_and_time(brief.scene)
    parts = [
        _choose_option(
            PLACE_CAPTIONS[language][place] if place is not None else PLAIN_CAPTIONS[language], rng
        )
    ]
    if hour is not None:
        parts.append(_choose_option(HOUR_CAPTIONS[language][hour], rng))
    if rng.random() < 0.5:
        parts.append(_choose_option(CLOSING_QUESTIONS[language], rng))
    return " ".join(parts)


def classify_fan_message(brief: ChatBrief) -> TemplateReply:
    """Return the fan's intent by the first matching pattern. Without a match, the intent is small
    talk with low confidence."""
    said = " ".join(brief.said.casefold().split())
    plain = said.translate(str.maketrans("àâäçéèêëîïôöùûü’", "aaaceeeeiioouuu'"))
    kind = next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), "small_talk")
    if kind in _TO_A_PERSON:
        return TemplateReply(kind, 0.95, handoff=_TO_A_PERSON[kind])
    if kind == "offer" and not brief.offers:
        return TemplateReply("no_offer", 0.7)
    if kind == "offer":
        chosen = max(
            brief.offers,
            key=lambda line: len(set(prompt_words(line.title)) & set(prompt_words(plain))),
        )
        return TemplateReply("offer", _SURE[kind], chosen.id, chosen.title)
    if (
        brief.offers
        and brief.turn == _OFFER_FROM_TURN
        and kind in ("small_talk", "thanks", "compliment")
    ):
        return TemplateReply("offer_soft", 0.82, brief.offers[0].id, brief.offers[0].title)
    return TemplateReply(kind, _SURE[kind], handoff="unsure" if _SURE[kind] < 0.5 else None)


def describe_memories(memories: tuple[tuple[str, str], ...], language: str) -> str:
    """Return what a fan stated as sentences, or an empty text. Every value appears once."""
    phrases = MEMORY_PHRASES[language]
    found = []
    for kind in ("name", "like", "dislike", "pet", "work", "birthday", "date"):
        values = [value for about, value in memories if about == kind]
        if values:
            found.append(phrases[kind].format(values=join_values(values, language)))
    return " ".join(found)


def join_values(values: list[str], language: str) -> str:
    """Return values as an enumeration: `a, b and c`."""
    *first, last = values
    return f"{', '.join(first)} {LAST_ITEM[language]} {last}" if first else last


def _build_chat_reply(
    brief: ChatBrief, language: str, rng: np.random.Generator
) -> dict[str, object]:
    reply = classify_fan_message(brief)
    kind = "truth_human" if reply.kind == "truth" and not brief.virtual else reply.kind
    fan = next((value for about, value in brief.memories if about == "name"), "")
    remembered = ""
    if kind == "memory":
        remembered = describe_memories(brief.memories, language)
        kind = "memory" if remembered else "memory_none"
    elif kind == "introduction" and not fan:
        kind = "small_talk"
    return {
        "text": _choose_option(CHAT_REPLIES[language][kind], rng).format(
            name=brief.persona, title=reply.title, fan=fan, remembered=remembered
        ),
        "offer_id": reply.offer_id,
        "handoff": reply.handoff,
        "language": language,
        "confidence": reply.confidence,
    }
