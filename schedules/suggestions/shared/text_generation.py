"""Request texts that satisfy the text rules, with one retry that names the violated rule.

An answer is one JSON object. This module contains the parts that the prompts of all kinds share.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from foundation.i18n.translation import Message
from generators.contract.engines import (
    EngineError,
    GeneratedText,
    OriginLabel,
    PromptMessage,
    TextEngine,
    TextJob,
)
from schedules.suggestions.shared.languages import LANGUAGE_NAMES

TextsByField = dict[str, str]
ReadTexts = Callable[[Mapping[str, object]], tuple[TextsByField, Message | None]]
"""Function that returns the texts of an answer by field, and the rule they violate or None."""

NO_MODEL = "kit.no_model"
"""Code of the reason that no model can write a text."""

DEFAULT_TONE = "plain, warm"
_NAMED = 400
"""Maximum number of characters of the forbidden words listed in a prompt; the answer is checked for
all of them."""


@dataclass(frozen=True)
class ModelTexts:
    """Texts that pass all checks, by field; `label` is the quality label of their engine."""

    texts: TextsByField
    label: OriginLabel


def format_instructions(
    template: str, *, language: str, forbidden: tuple[str, ...], creator: str = "", tone: str = ""
) -> str:
    """Fill in the fields of a system prompt: `creator`, `tone`, `language` and `never`."""
    return template.format(
        creator=creator,
        tone=tone or DEFAULT_TONE,
        language=LANGUAGE_NAMES[language],
        never=forbidden_words_sentence(forbidden),
    )


def text_field(most: int) -> dict[str, object]:
    """Return the schema of a text of one to `most` characters."""
    return {"type": "string", "minLength": 1, "maxLength": most}


def hashtags_field(most: int) -> dict[str, object]:
    """Return the schema of one to `most` hashtags."""
    return {"type": "array", "items": text_field(50), "minItems": 1, "maxItems": most}


def answer_schema(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the schema of an answer with these fields, all of them required."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def forbidden_words_sentence(words: tuple[str, ...]) -> str:
    """Return the prompt sentence that lists forbidden words, or "" if there are none."""
    return f"Never use these words: {', '.join(words)[:_NAMED]}. " if words else ""


def quote_material(text: str) -> str:
    """Wrap user text in the marks that a prompt declares as material; the text cannot close
    them."""
    return f"<idea>{text.replace('<', '‹')}</idea>"


def can_write_language(engine: TextEngine, language: str) -> bool:
    """Return True if an engine can write in a language."""
    return language in engine.languages or engine.converses


def request_texts(engine: TextEngine, job: TextJob, read: ReadTexts) -> ModelTexts | Message:
    """Return texts that pass all checks after at most two attempts, or the reason why there are
    none."""
    if not can_write_language(engine, job.language):
        return Message(NO_MODEL)
    try:
        written = engine.write(job)
        texts, why = _parse_generated_text(written, read)
        # A template means that no model wrote the text, so a retry would not help.
        if why is not None and written.label != OriginLabel.TEMPLATE:
            written = engine.write(_build_retry_job(job, written, why))
            texts, why = _parse_generated_text(written, read)
    except EngineError as error:
        return error.message if error.message.code != "engine.no_phrase" else Message(NO_MODEL)
    return ModelTexts(texts, written.label) if why is None else why


def _parse_generated_text(
    written: GeneratedText, read: ReadTexts
) -> tuple[TextsByField, Message | None]:
    """Return the texts of an answer. A text from the built-in template counts as no answer."""
    if written.label == OriginLabel.TEMPLATE:
        return {}, Message(NO_MODEL)
    return read(written.answer)


_TOLD = {
    "kit.wrote_language": "it is not in the language asked for",
    "kit.wrote_long": "it is too long",
    "kit.wrote_again": "nearly the same was posted lately, say something else",
    "kit.wrote_link": "it holds a link",
    "kit.wrote_tags": "a hashtag is no single word",
    "kit.wrote_loop": "it repeats itself",
    "kit.wrote_forbidden": "it uses a word that is never used",
    "idea.wrote_figure": "it holds a figure, write none",
    "idea.wrote_again": "this was proposed already, propose something else",
}


def _build_retry_job(job: TextJob, written: GeneratedText, why: Message) -> TextJob:
    """Return the second prompt, which names the violated rule.

    Prohibited text is not included in it.
    """
    other = replace(job, seed=job.seed + 1)
    if why.code not in _TOLD:
        return other
    answer = PromptMessage("assistant", json.dumps(dict(written.answer), ensure_ascii=False))
    return replace(
        other,
        turns=(
            *job.turns,
            answer,
            PromptMessage("user", f"Not usable: {_TOLD[why.code]}. Answer again."),
        ),
    )
