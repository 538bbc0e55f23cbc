"""Calls of text models: one request, and a second one if the answer is unusable."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from generators.contract.engines import (
    EngineError,
    EngineMissing,
    GeneratedText,
    JobTooLarge,
    OriginLabel,
    PromptMessage,
    RequestNotReceived,
    TextJob,
    UnusableAnswer,
)
from generators.text import json_answers, model_markup

MAX_ERRORS = 5
"""Maximum number of errors in a repair request: a small model can fix a short list, and a hostile
answer may violate hundreds of rules."""
_PATH = 80
"""Maximum number of characters of an error, because its path contains names invented by the model.
"""


@dataclass(frozen=True)
class RawAnswer:
    """A model's answer. `cut` is True if it reached the token limit; the token counts are those of
    the server."""

    text: str = field(repr=False)
    cut: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


CallModel = Callable[[TextJob], RawAnswer]


@dataclass(frozen=True)
class ModelProfile:
    """The engine and model of an answer, and the context size in tokens."""

    engine: str
    model: str
    label: OriginLabel
    room: int


IMAGE_TOKENS = 2900
"""Maximum number of tokens of a picture of at most 1024 pixels: LLaVA 1.6 uses five tiles of 576
tokens, Qwen2.5-VL one for each 28 × 28 pixels, Gemma 3 a total of 256
(https://ollama.com/search?c=vision)."""


def max_tokens_of(job: TextJob) -> int:
    """Return an upper estimate of a job's tokens: one for each wide character and 0.4 for any
    other, plus 15 %, and the tokens of its pictures."""
    texts = [job.system, *(turn.text for turn in job.turns)]
    count = sum(1.0 if ord(c) >= 0x2E80 else 0.4 for text in texts for c in text)
    return (
        round(count * 1.15)
        + 8 * len(texts)
        + IMAGE_TOKENS * sum(len(turn.images) for turn in job.turns)
    )


def ask_model(job: TextJob, call: CallModel, voice: ModelProfile) -> GeneratedText:
    """Call the model. If its answer is unusable, send one repair request at temperature 0: with the
    errors of the answer, or with twice the tokens if it was truncated.

    Raises JobTooLarge before any request if the prompt does not fit (some servers truncate it
    silently), UnusableAnswer if the second answer is unusable too, and the exceptions of `call`.
    """
    asked = max_tokens_of(job)
    if asked + job.max_tokens > voice.room:
        raise JobTooLarge("engine.context_full", tokens=asked + job.max_tokens, room=voice.room)
    raws = [raw := _call_and_count(job, call, voice)]
    answer = _parse_answer(job, raw)
    if answer is None:
        raws.append(raw := _call_and_count(_build_repair_job(job, raw, voice.room), call, voice))
        answer = _parse_answer(job, raw)
    if answer is None:
        raise UnusableAnswer(
            "engine.answer_cut" if raw.cut else "engine.answer_invalid", engine=voice.engine
        )
    return GeneratedText(
        text=raw.text,
        engine=voice.engine,
        model=voice.model,
        label=voice.label,
        seed=job.seed,
        prompt_digest=job.digest(),
        tokens_in=sum(one.tokens_in for one in raws),
        tokens_out=sum(one.tokens_out for one in raws),
        answer=answer,
    )


def _call_and_count(job: TextJob, call: CallModel, voice: ModelProfile) -> RawAnswer:
    """Send one request, and record it in the job's ledger before and after. Raises the exceptions
    of `call`."""
    job.tally.record_request(voice.engine, voice.model, max_tokens_of(job), job.max_tokens)
    try:
        raw = call(job)
    except (EngineMissing, RequestNotReceived, JobTooLarge):
        job.tally.record_not_received()
        raise
    except EngineError:
        job.tally.record_lost()
        raise
    job.tally.record_answer(raw.tokens_in, raw.tokens_out)
    text = json_answers.storable_text(raw.text)
    if job.schema is None:
        return replace(raw, text=model_markup.clean_model_text(text))
    return replace(raw, text=model_markup.drop_reasoning(text))


def _build_repair_job(job: TextJob, raw: RawAnswer, room: int) -> TextJob:
    """Return the repair request. It includes the unusable answer and its errors if both fit."""
    again = replace(job, temperature=0.0)
    if raw.cut:
        return replace(again, max_tokens=min(job.max_tokens * 2, room - max_tokens_of(job)))
    if job.schema is None or not raw.text.strip():
        return again
    told = PromptMessage(
        "user",
        f"Not valid: {_describe_faults(raw.text, job.schema)}. Answer again with the corrected "
        "JSON object only.",
    )
    shown = replace(again, turns=(*job.turns, PromptMessage("assistant", raw.text), told))
    return shown if max_tokens_of(shown) + job.max_tokens <= room else again


def _describe_faults(text: str, schema: Mapping[str, object]) -> str:
    value = json_answers.parse_json_object(text)
    if value is None:
        return "no complete JSON object"
    faults = json_answers.schema_errors(value, schema)[:MAX_ERRORS]
    return "; ".join(fault[-_PATH:] for fault in faults) or "a placeholder or a tag in a text"


def _parse_answer(job: TextJob, raw: RawAnswer) -> Mapping[str, object] | None:
    """Return the parsed answer ({} for plain text), or None if it is unusable. Truncated plain text
    is still usable; the caller tidies it."""
    if job.schema is None:
        return {} if raw.text.strip() and not model_markup.has_model_markup(raw.text) else None
    value = json_answers.parse_json_object(raw.text)
    if value is None:
        return None
    cleaned = {name: _clean_texts(one) for name, one in value.items()}
    usable = not json_answers.schema_errors(cleaned, job.schema) and not _has_markup(cleaned)
    return cleaned if usable else None


def _clean_texts(value: object) -> object:
    if isinstance(value, str):
        return model_markup.clean_model_text(value)
    if isinstance(value, list):
        return [_clean_texts(one) for one in value]
    if isinstance(value, dict):
        return {name: _clean_texts(one) for name, one in value.items()}
    return value


def _has_markup(value: object) -> bool:
    if isinstance(value, str):
        return model_markup.has_model_markup(value)
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(map(_has_markup, value))
