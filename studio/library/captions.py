"""Captions from a scene description, with a template as fallback for unusable generated text."""

from collections.abc import Sequence
from dataclasses import dataclass

from gate.surfaces.model_texts import TextJudge
from generators.contract.engines import (
    CaptionBrief,
    EngineError,
    GeneratedText,
    PromptMessage,
    TextEngine,
    TextJob,
)
from generators.text import output_checks

MAX_CAPTION_LENGTH = 240
"""Maximum number of characters, below the limit of the strictest platform for a single caption (X:
280 weighted)."""

_EXAMPLES = {
    "fr": (
        (
            "un café en terrasse, le matin, au printemps",
            "Premier café dehors de l'année. La terrasse avait attendu.",
        ),
        (
            "une plage au coucher du soleil, en été",
            "On est restés jusqu'à ce que la mer devienne orange.",
        ),
        (
            "un chemin de forêt sous la brume, en automne",
            "Le brouillard a gardé le sentier pour nous seuls.",
        ),
    ),
    "en": (
        (
            "a café terrace, in the morning, in spring",
            "First coffee outdoors this year. The terrace had been waiting.",
        ),
        ("a beach at sunset, in summer", "We stayed until the sea turned orange."),
        ("a forest path in the mist, in autumn", "The fog kept the trail just for us."),
    ),
}

_SYSTEM = {
    "fr": "Tu écris une légende d'une ou deux phrases pour la photo décrite. Ton : {tone}. Ni "
    "hashtag, ni prix.",
    "en": "You write a caption of one or two sentences for the picture described. Tone: {tone}. "
    "No hashtag, no price.",
}


@dataclass(frozen=True)
class CaptionStyle:
    """The style of a creator's captions; `language` is "fr" or "en"."""

    creator: str
    tone: str
    language: str
    virtual: bool


@dataclass(frozen=True)
class WrittenCaption:
    """A caption with its engine; `ai` is the AI level as in `Unit`."""

    text: str
    ai: str
    engine: str
    model: str
    prompt_digest: str


def write_caption(
    engine: TextEngine,
    fallback: TextEngine,
    *,
    voice: CaptionStyle,
    scene: str,
    seed: int,
    judge: TextJudge,
) -> WrittenCaption:
    """Write a caption for a scene with the engine, or with the fallback if the engine may not be
    asked or its text is unusable.

    The judge is that of `model.suggestion`. The result names the engine and model that wrote it.
    Raises EngineError only if the fallback fails too.
    """
    examples = _EXAMPLES[voice.language]
    job = _build_caption_job(voice, scene, seed, examples)
    sources = [job.system, scene, *(line for pair in examples for line in pair)]
    can_ask = voice.language in engine.languages and judge.judge_texts([scene]).is_allowed
    try:
        written = engine.write(job) if can_ask else None
    except EngineError:
        written = None
    fit = (
        output_checks.checked_text(written.text, sources, longest=MAX_CAPTION_LENGTH)
        if written is not None
        else None
    )
    if written is None or fit is None or not judge.judge_texts([fit]).is_allowed:
        written = fallback.write(job)
        fit = output_checks.tidy_text(written.text, longest=MAX_CAPTION_LENGTH)
    return _build_caption(fit, written, by_model=written.engine != fallback.name)


def _build_caption_job(
    voice: CaptionStyle, scene: str, seed: int, examples: Sequence[tuple[str, str]]
) -> TextJob:
    shown = [
        turn
        for asked, said in examples
        for turn in (PromptMessage("user", asked), PromptMessage("assistant", said))
    ]
    return TextJob(
        system=_SYSTEM[voice.language].format(tone=voice.tone),
        turns=(*shown, PromptMessage("user", scene)),
        seed=seed,
        language=voice.language,
        max_tokens=90,
        brief=CaptionBrief(creator=voice.creator, scene=scene, virtual=voice.virtual),
    )


def _build_caption(text: str, written: GeneratedText, *, by_model: bool) -> WrittenCaption:
    return WrittenCaption(
        text,
        "generated" if by_model else "template",
        written.engine,
        written.model,
        written.prompt_digest,
    )
