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
from generators.contract import EngineMissing, ImageEngine, SeeingEngine, TextEngine
from generators.cutouts import Cutter
from generators.speech import SpeechEngine
from generators.upscaling import Upscaler

REAL = {
    "replicate": "replicate_model",
    "stability": "stability_model",
    "comfyui": "comfyui_url",
    "diffusion": "diffusion_folder",
}
"""The engines for pictures that recipes may name, and the setting without which each is not there."""

IMAGE_ENGINES = {
    "replicate": "generators.engines.replicate:offer",
    "stability": "generators.engines.stability:offer",
    "comfyui": "generators.engines.comfyui:offer",
    "diffusion": "generators.engines.diffusion:offer",
    "placeholder": "generators.engines.placeholder:offer",
}
_HOSTED = frozenset({"replicate", "stability"})
_DRAWN = "placeholder"
TEXT_ENGINES = (
    "generators.engines.ollama:offer",
    "generators.engines.embedded:offer",
    "generators.engines.templates:offer",
)
SEEING_ENGINES = ("generators.engines.seeing:offer",)
SPEECH_ENGINES = (
    "generators.engines.elevenlabs:offer",
    "generators.engines.piper:offer",
    "generators.engines.espeak:offer",
)
FILM_ENGINES = ("generators.engines.films:offer",)
CLASSIFIERS = ("generators.engines.eyes:offer",)
CUTTERS = ("generators.engines.masks:offer",)
UPSCALERS = ("generators.engines.upscalers:offer",)
Start = Callable[[], None]


def resolve(path: str) -> object:
    """What a "module:attribute" string names."""
    module, attribute = path.split(":")
    return getattr(importlib.import_module(module), attribute)


def is_hosted(name: str) -> bool:
    """Whether the engine of this name is somebody else's, and asks money."""
    return name in _HOSTED


def configured(settings: GeneratorsSettings) -> tuple[str, ...]:
    """The names of the engines for pictures that are set up, the usual one first; none where only drawings are made.
    Whether each can be used, and why not, is said by `image_engine`."""
    there = [name for name, needed in REAL.items() if getattr(settings, needed)]
    first = settings.image_engine
    return tuple(sorted(there, key=lambda name: name != first))


def usual(settings: GeneratorsSettings) -> str:
    """The name of the engine that makes the pictures of recipes which name none."""
    return settings.image_engine or next(iter(configured(settings)), _DRAWN)


def image_engine(settings: GeneratorsSettings, name: str = "") -> ImageEngine:
    """The engine for pictures of this name; the usual one without: that of `image_engine`, else the first of Replicate,
    Stability, ComfyUI and diffusion that is set up, else the marked drawings.

    Raises EngineMissing when it is not set up, or cannot be used as it is: another one, or drawings, would hide that.
    """
    wanted = name or usual(settings)
    if wanted != _DRAWN and wanted not in configured(settings):
        raise EngineMissing("engine.not_here", engine=wanted)
    offer = cast(Callable[[GeneratorsSettings], ImageEngine | None], resolve(IMAGE_ENGINES[wanted]))
    if (engine := offer(settings)) is None:
        raise EngineMissing("engine.not_here", engine=wanted)
    return engine


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


def seeing_engine(settings: GeneratorsSettings) -> SeeingEngine:
    """The engine that is shown pictures. Takes up to 2 s to ask for its model.

    Raises EngineMissing where the settings name none, it is not installed or does not see, and EngineUnreachable.
    """
    for path in SEEING_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], SeeingEngine | None], resolve(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.seeing_none")


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


def upscaler(settings: GeneratorsSettings) -> Upscaler | None:
    """What makes copies larger; None where the settings name nothing. Raises EngineMissing for a file that is none."""
    for path in UPSCALERS:
        offer = cast(Callable[[GeneratorsSettings], Upscaler | None], resolve(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def templates() -> TextEngine:
    """The engine of our own sentences, which is always there: it speaks where a model's words cannot be used."""
    return cast(TextEngine, cast(Callable[[], object], resolve("generators.engines.templates:Templates"))())
