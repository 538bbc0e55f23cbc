"""Ask a model for texts that must obey our rules: at most twice, the second time with the rule that
it broke.

An answer is one JSON object. This module has the parts that the questions of all kinds share.
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
"""The texts of an answer by field, and what is wrong with them."""

DEFAULT_TONE = "plain, warm"
_NAMED = 400
"""Characters of words that are never used, as the question names them; all of them are looked for
afterwards."""


@dataclass(frozen=True)
class ModelTexts:
    """Texts that break no rule, by field; `label` is what their engine says of its own quality."""

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
    """The sentence of a question that names words which are never used; nothing where there are
    none."""
    return f"Never use these words: {', '.join(words)[:_NAMED]}. " if words else ""


def quote_material(text: str) -> str:
    """Words of somebody, between the marks that a question calls material: they cannot close
    them."""
    return f"<idea>{text.replace('<', '‹')}</idea>"


def can_write_language(engine: TextEngine, language: str) -> bool:
    """Whether an engine may be asked to write in this language at all."""
    return language in engine.languages or engine.converses


def request_texts(engine: TextEngine, job: TextJob, read: ReadTexts) -> ModelTexts | Message:
    """The texts of an answer that breaks no rule, asked for at most twice; else why there are
    none."""
    if not can_write_language(engine, job.language):
        return Message("kit.no_model")
    try:
        written = engine.write(job)
        texts, why = _parse_generated_text(written, read)
        if why is not None and written.label != OriginLabel.TEMPLATE:
            written = engine.write(_build_retry_job(job, written, why))
            texts, why = _parse_generated_text(written, read)
    except EngineError as error:
        return (
            error.message if error.message.code != "engine.no_phrase" else Message("kit.no_model")
        )
    return ModelTexts(texts, written.label) if why is None else why


def _parse_generated_text(
    written: GeneratedText, read: ReadTexts
) -> tuple[TextsByField, Message | None]:
    """What an answer holds; a sentence of ours is no model's text."""
    if written.label == OriginLabel.TEMPLATE:
        return {}, Message("kit.no_model")
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
    """The second question: what was wrong is told; a text that must never be written is not shown
    again."""
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
