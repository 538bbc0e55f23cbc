"""How every text engine that is a model is asked: once, and once more when the answer cannot be
used."""

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
"""Rules a repair names; a small model mends a short list, and a hostile answer may break
hundreds."""
_PATH = 80
"""Characters kept of one: its path carries names which the model made up."""


@dataclass(frozen=True)
class RawAnswer:
    """What a model answered; `cut` says that it ran into the end of its room. Counts are the
    server's."""

    text: str = field(repr=False)
    cut: bool = False
    tokens_in: int = 0
    tokens_out: int = 0


CallModel = Callable[[TextJob], RawAnswer]


@dataclass(frozen=True)
class ModelProfile:
    """Who speaks, and how many tokens question and answer may have together."""

    engine: str
    model: str
    label: OriginLabel
    room: int


IMAGE_TOKENS = 2900
"""What a picture of at most 1024 pixels counts at most: LLaVA 1.6 reads five tiles of 576 tokens,
Qwen2.5-VL one for 28 pixels square, Gemma 3 256 in all (https://ollama.com/search?c=vision)."""


def max_tokens_of(job: TextJob) -> int:
    """What no tokenizer should exceed: characters / 2.5, one per wide character, and a sixth on
    top; and pictures."""
    texts = [job.system, *(turn.text for turn in job.turns)]
    count = sum(1.0 if ord(c) >= 0x2E80 else 0.4 for text in texts for c in text)
    return (
        round(count * 1.15)
        + 8 * len(texts)
        + IMAGE_TOKENS * sum(len(turn.images) for turn in job.turns)
    )


def ask_model(job: TextJob, call: CallModel, voice: ModelProfile) -> GeneratedText:
    """Ask the model; one repair at temperature 0: told what was wrong, or with twice the room when
    it was cut.

    Raises JobTooLarge before anything is sent when the question does not fit (some servers cut it
    silently), AnswerUnusable when the second answer is no better, and what `call` raises.
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
    """One request, of which the job's tally is told before it leaves and after. Raises what `call`
    raises."""
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
    """The second question. It shows the bad answer and its faults where both fit beside an answer
    as long as asked."""
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
    """The parsed answer ({} for plain text), or None. Plain text that was cut is still text; its
    caller tidies it."""
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
