"""Which engine does the work here: the first of the list that is really there. Importing this loads none of them.

A new engine is one file in `engines/` and one line here. Whoever was chosen does the whole job; what it made
says so, and nothing is swapped in the middle.
"""

import importlib
from collections.abc import Callable
from typing import cast

from foundation.settings import GeneratorsSettings
from generators.animating import FilmEngine
from generators.classifying import Classifier
from generators.contract import EngineMissing, ImageEngine, TextEngine
from generators.cutouts import Cutter
from generators.speech import SpeechEngine

IMAGE_ENGINES = (
    "generators.engines.replicate:offer",
    "generators.engines.stability:offer",
    "generators.engines.comfyui:offer",
    "generators.engines.diffusion:offer",
    "generators.engines.placeholder:offer",
)
TEXT_ENGINES = (
    "generators.engines.ollama:offer",
    "generators.engines.embedded:offer",
    "generators.engines.templates:offer",
)
SPEECH_ENGINES = (
    "generators.engines.elevenlabs:offer",
    "generators.engines.piper:offer",
    "generators.engines.espeak:offer",
)
FILM_ENGINES = ("generators.engines.films:offer",)
CLASSIFIERS = ("generators.engines.eyes:offer",)
CUTTERS = ("generators.engines.masks:offer",)
Start = Callable[[], None]


def resolve(path: str) -> object:
    """What a "module:attribute" string names."""
    module, attribute = path.split(":")
    return getattr(importlib.import_module(module), attribute)


def image_engine(settings: GeneratorsSettings) -> ImageEngine:
    """The engine for pictures: Replicate or Stability where a model of theirs is set, ComfyUI where its address is,
    diffusion where a model folder is, else the marked drawings.

    Raises EngineMissing when what is set cannot be used: then drawings would hide the mistake.
    """
    for path in IMAGE_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], ImageEngine | None], resolve(path))
        if (engine := offer(settings)) is not None:
            return engine
    raise EngineMissing("engine.none", kind="image")


def text_engine(settings: GeneratorsSettings, *, start: Start | None = None) -> TextEngine:
    """The engine for texts: Ollama when it answers and has the model, else the embedded one, else templates.

    `start` runs the embedded model's process. Takes up to 2 s to ask Ollama. Raises EngineMissing when the
    settings name a model file that is not there.
    """
    for path in TEXT_ENGINES:
        offer = cast(Callable[[GeneratorsSettings, Start | None], TextEngine | None], resolve(path))
        if (engine := offer(settings, start)) is not None:
            return engine
    raise EngineMissing("engine.none", kind="text")


def chat_engine(settings: GeneratorsSettings, *, start: Start | None = None) -> TextEngine:
    """The engine for conversations: that of the texts where it can hold one, else our own sentences.

    Raises as `text_engine`.
    """
    engine = text_engine(settings, start=start)
    return engine if engine.converses else templates()


def speech_engines(settings: GeneratorsSettings) -> tuple[SpeechEngine, ...]:
    """The engines for speech that are there, real voices before the marked one; none where none is. Asks nobody.

    Raises EngineMissing when a folder of voices is set but cannot be used.
    """
    offers = (cast(Callable[[GeneratorsSettings], SpeechEngine | None], resolve(path)) for path in SPEECH_ENGINES)
    return tuple(engine for offer in offers if (engine := offer(settings)) is not None)


def film_engine(settings: GeneratorsSettings) -> FilmEngine:
    """The engine that makes pictures move. Raises EngineMissing where the settings name none that can be used."""
    for path in FILM_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], FilmEngine | None], resolve(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.film_none")


def classifier(settings: GeneratorsSettings) -> Classifier | None:
    """What looks at pictures beside people; None where the settings name nothing."""
    for path in CLASSIFIERS:
        offer = cast(Callable[[GeneratorsSettings], Classifier | None], resolve(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def cutter(settings: GeneratorsSettings) -> Cutter | None:
    """What tells subjects from backgrounds; None where the settings name nothing."""
    for path in CUTTERS:
        offer = cast(Callable[[GeneratorsSettings], Cutter | None], resolve(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def templates() -> TextEngine:
    """The engine of our own sentences, which is always there: it speaks where a model's words cannot be used."""
    return cast(TextEngine, cast(Callable[[], object], resolve("generators.engines.templates:Templates"))())
