"""Asking a text model for texts that must obey our rules: once, and once more after it was told which it broke."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from foundation.words import Message
from generators.contract import EngineError, Label, TextEngine, TextJob, Turn, Written

Texts = dict[str, str]
Read = Callable[[Mapping[str, object]], tuple[Texts, Message | None]]
"""The texts of an answer by field, and what is wrong with them."""

_NAMED = 400
"""Characters of words that are never used, as the question names them; all of them are looked for afterwards."""


@dataclass(frozen=True)
class Said:
    """Texts that break no rule, by field; `label` is what their engine says of its own quality."""

    texts: Texts
    label: Label


def never_used(words: tuple[str, ...]) -> str:
    """The sentence of a question that names words which are never used; nothing where there are none."""
    return f"Never use these words: {', '.join(words)[:_NAMED]}. " if words else ""


def material(text: str) -> str:
    """Words of somebody, between the marks that a question calls material: they cannot close them."""
    return f"<idea>{text.replace('<', '‹')}</idea>"


def writes(engine: TextEngine, language: str) -> bool:
    """Whether an engine may be asked to write in this language at all."""
    return language in engine.languages or engine.converses


def ask(engine: TextEngine, job: TextJob, language: str, read: Read) -> Said | Message:
    """The texts of an answer that breaks no rule, asked for at most twice; else why there are none."""
    if not writes(engine, language):
        return Message("kit.no_model")
    try:
        written = engine.write(job)
        texts, why = _read(written, read)
        if why is not None and written.label != Label.TEMPLATE:
            written = engine.write(_again(job, written, why))
            texts, why = _read(written, read)
    except EngineError as error:
        return error.message if error.message.code != "engine.no_phrase" else Message("kit.no_model")
    return Said(texts, written.label) if why is None else why


def _read(written: Written, read: Read) -> tuple[Texts, Message | None]:
    """What an answer holds; a sentence of ours is no model's text."""
    if written.label == Label.TEMPLATE:
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


def _again(job: TextJob, written: Written, why: Message) -> TextJob:
    """The second question: what was wrong is told; a text that must never be written is not shown again."""
    other = replace(job, seed=job.seed + 1)
    if why.code not in _TOLD:
        return other
    answer = Turn("assistant", json.dumps(dict(written.answer), ensure_ascii=False))
    return replace(other, turns=(*job.turns, answer, Turn("user", f"Not usable: {_TOLD[why.code]}. Answer again.")))
