"""The engine without any model: sentences of ours, chosen by rules and by the seed. It invents nothing.

Captions come from the place and hour of the scene; chat answers from what the fan plainly asked and from the closed
list of offers. It says of itself how sure it is, and hands over to a person what it does not understand.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from foundation.settings import GeneratorsSettings
from generators import schemas
from generators.contract import AnswerUnusable, CaptionBrief, ChatBrief, Label, TextEngine, TextJob, Written
from generators.drawing.setting import named, words
from generators.engines.phrases import ASK, HOUR, PLACE, PLAIN, REPLY
from generators.engines.signs import SIGNS

Handoff = Literal["asked", "upset", "unsure", "unsafe"]
_OFFER_FROM_TURN = 3
"""A fan who did not ask is told of one offer, at the third message and not before."""


@dataclass(frozen=True)
class Reply:
    """A chat answer before it is JSON; `confidence` runs from 0 to 1."""

    kind: str
    confidence: float
    offer_id: str | None = None
    title: str = ""
    handoff: Handoff | None = None


_TO_A_PERSON: dict[str, Handoff] = {"unsafe": "unsafe", "asked": "asked", "upset": "upset"}
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in SIGNS)
_SURE = {
    "truth": 0.98,
    "greeting": 0.9,
    "thanks": 0.9,
    "compliment": 0.85,
    "offer": 0.88,
    "question": 0.45,
    "small_talk": 0.5,
}


def offer(_settings: GeneratorsSettings, _start: Callable[[], None] | None = None) -> TextEngine:
    """The engine; it is always there."""
    return Templates()


class Templates:
    """Chooses sentences. The same job gives the same text on every machine."""

    name = "templates"
    languages = frozenset({"fr", "en"})
    converses = True
    model = "phrases-1"

    def write(self, job: TextJob) -> Written:
        """The text, from the job's brief. Raises AnswerUnusable without one, or when the schema wants more."""
        language = job.language if job.language in REPLY else "en"
        rng = np.random.default_rng([job.seed, 4])
        match job.brief:
            case ChatBrief() as brief:
                answer = _chat(brief, language, rng)
            case CaptionBrief() as brief:
                answer = {"caption": caption(brief, language, rng), "language": language}
            case _:
                raise AnswerUnusable("engine.no_phrase", engine=self.name)
        text = str(answer.get("text") or answer.get("caption"))
        if job.schema is not None:
            answer = _shaped(answer, job.schema)
            text = json.dumps(answer, ensure_ascii=False)
        return Written(
            text=text,
            engine=self.name,
            model=self.model,
            label=Label.TEMPLATE,
            seed=job.seed,
            prompt_digest=job.digest(),
            tokens_in=0,
            tokens_out=0,
            answer=answer if job.schema is not None else {},
        )


def _shaped(answer: dict[str, object], schema: Mapping[str, object]) -> dict[str, object]:
    """The fields the schema knows. Raises AnswerUnusable when that is not what it wants."""
    known = schema.get("properties")
    kept = {name: value for name, value in answer.items() if isinstance(known, Mapping) and name in known}
    if schemas.faults(kept, schema):
        raise AnswerUnusable("engine.no_phrase", engine=Templates.name)
    return kept


def _one(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def caption(brief: CaptionBrief, language: str, rng: np.random.Generator) -> str:
    """Two or three sentences for a picture of the scene, in "fr" or "en"."""
    place, hour = named(brief.scene)  # of what nobody named nothing is said: a cat has no waves
    parts = [_one(PLACE[language][place] if place is not None else PLAIN[language], rng)]
    if hour is not None:
        parts.append(_one(HOUR[language][hour], rng))
    if rng.random() < 0.5:
        parts.append(_one(ASK[language], rng))
    return " ".join(parts)


def read_fan(brief: ChatBrief) -> Reply:
    """What the fan plainly wants, by the first sign that fits; nothing fits: small talk, and not sure of it."""
    said = " ".join(brief.said.casefold().split())
    plain = said.translate(str.maketrans("àâäçéèêëîïôöùûü", "aaaceeeeiioouuu"))
    kind = next((kind for kind, pattern in _PATTERNS if pattern.search(plain)), "small_talk")
    if kind in _TO_A_PERSON:
        return Reply(kind, 0.95, handoff=_TO_A_PERSON[kind])
    if kind == "offer" and not brief.offers:
        return Reply("no_offer", 0.7)
    if kind == "offer":
        chosen = max(brief.offers, key=lambda line: len(set(words(line.title)) & set(words(plain))))
        return Reply("offer", _SURE[kind], chosen.id, chosen.title)
    if brief.offers and brief.turn == _OFFER_FROM_TURN and kind in ("small_talk", "thanks", "compliment"):
        return Reply("offer_soft", 0.82, brief.offers[0].id, brief.offers[0].title)
    return Reply(kind, _SURE[kind], handoff="unsure" if _SURE[kind] < 0.5 else None)


def _chat(brief: ChatBrief, language: str, rng: np.random.Generator) -> dict[str, object]:
    reply = read_fan(brief)
    kind = "truth_human" if reply.kind == "truth" and not brief.virtual else reply.kind
    return {
        "text": _one(REPLY[language][kind], rng).format(name=brief.persona, title=reply.title),
        "offer_id": reply.offer_id,
        "handoff": reply.handoff,
        "language": language,
        "confidence": reply.confidence,
    }
