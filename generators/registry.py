"""Which engine does the work here: the first of the list that is really there. Importing this loads
none of them.

A new engine is one file in `engines/` and one line here. Whoever was chosen does the whole job;
what it made says so, and nothing is swapped in the middle.
"""

import importlib
from collections.abc import Callable
from typing import cast

from foundation.ops.settings import GeneratorsSettings
from generators.contract.classifier import Classifier
from generators.contract.engines import EngineMissing, ImageEngine, TextEngine, VisionEngine
from generators.contract.speech import SpeechEngine
from generators.contract.video import VideoEngine
from generators.retouch.backgrounds import BackgroundRemover
from generators.retouch.upscaler import Upscaler

ENGINE_SETTINGS = {
    "replicate": "replicate_model",
    "stability": "stability_model",
    "comfyui": "comfyui_url",
    "diffusion": "diffusion_folder",
}
"""The engines for pictures that recipes may name, and the setting without which each is not
there."""

IMAGE_ENGINES = {
    "replicate": "generators.engines.images.replicate:load_engine",
    "stability": "generators.engines.images.stability:load_engine",
    "comfyui": "generators.engines.images.comfyui:load_engine",
    "diffusion": "generators.engines.images.diffusion:load_engine",
    "placeholder": "generators.engines.images.placeholder:load_engine",
}
_HOSTED = frozenset({"replicate", "stability"})
_DRAWN = "placeholder"
TEXT_ENGINES = (
    "generators.engines.text.ollama:load_engine",
    "generators.engines.text.embedded:load_engine",
    "generators.engines.text.templates:load_engine",
)
VISION_ENGINES = ("generators.engines.vision.ollama_vision:load_engine",)
SPEECH_ENGINES = (
    "generators.engines.speech.elevenlabs:load_engine",
    "generators.engines.speech.piper:load_engine",
    "generators.engines.speech.espeak:load_engine",
)
VIDEO_ENGINES = ("generators.engines.video.diffusion_video:load_engine",)
CLASSIFIERS = ("generators.engines.vision.http_classifier:load_engine",)
BACKGROUND_REMOVERS = ("generators.engines.vision.background_masks:load_engine",)
UPSCALERS = ("generators.engines.vision.upscalers:load_engine",)
StartProcess = Callable[[], None]


def resolve_path(path: str) -> object:
    """What a "module:attribute" string names."""
    module, attribute = path.split(":")
    return getattr(importlib.import_module(module), attribute)


def is_hosted(name: str) -> bool:
    """Whether the engine of this name is somebody else's, and asks money."""
    return name in _HOSTED


def configured_image_engines(settings: GeneratorsSettings) -> tuple[str, ...]:
    """The names of the engines for pictures that are set up, the usual one first; none where only
    drawings are made. Whether each can be used, and why not, is said by `image_engine`."""
    there = [name for name, needed in ENGINE_SETTINGS.items() if getattr(settings, needed)]
    first = settings.image_engine
    return tuple(sorted(there, key=lambda name: name != first))


def default_image_engine(settings: GeneratorsSettings) -> str:
    """The name of the engine that makes the pictures of recipes which name none."""
    return settings.image_engine or next(iter(configured_image_engines(settings)), _DRAWN)


def load_image_engine(settings: GeneratorsSettings, name: str = "") -> ImageEngine:
    """The engine for pictures of this name; the usual one without: that of `image_engine`, else the
    first of Replicate, Stability, ComfyUI and diffusion that is set up, else the marked drawings.

    Raises EngineMissing when it is not set up, or cannot be used as it is: another one, or
    drawings, would hide that.
    """
    wanted = name or default_image_engine(settings)
    if wanted != _DRAWN and wanted not in configured_image_engines(settings):
        raise EngineMissing("engine.not_here", engine=wanted)
    offer = cast(
        Callable[[GeneratorsSettings], ImageEngine | None], resolve_path(IMAGE_ENGINES[wanted])
    )
    if (engine := offer(settings)) is None:
        raise EngineMissing("engine.not_here", engine=wanted)
    return engine


def load_text_engine(
    settings: GeneratorsSettings, *, start: StartProcess | None = None
) -> TextEngine:
    """The engine for texts: Ollama when it answers and has the model, else the embedded one, else
    templates.

    `start` runs the embedded model's process. Takes up to 2 s to ask Ollama. Raises EngineMissing
    when the settings name a model file that is not there.
    """
    for path in TEXT_ENGINES:
        offer = cast(
            Callable[[GeneratorsSettings, StartProcess | None], TextEngine | None],
            resolve_path(path),
        )
        if (engine := offer(settings, start)) is not None:
            return engine
    raise EngineMissing("engine.none", kind="text")


def load_chat_engine(
    settings: GeneratorsSettings, *, start: StartProcess | None = None
) -> TextEngine:
    """The engine for conversations: that of the texts where it can hold one, else our own
    sentences.

    Raises as `text_engine`.
    """
    engine = load_text_engine(settings, start=start)
    return engine if engine.converses else template_engine()


def load_vision_engine(settings: GeneratorsSettings) -> VisionEngine:
    """The engine that is shown pictures. Takes up to 2 s to ask for its model.

    Raises EngineMissing where the settings name none, it is not installed or does not see, and
    EngineUnreachable.
    """
    for path in VISION_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], VisionEngine | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.seeing_none")


def load_speech_engines(settings: GeneratorsSettings) -> tuple[SpeechEngine, ...]:
    """The engines for speech that are there, real voices before the marked one; none where none is.
    Asks nobody.

    Raises EngineMissing when a folder of voices is set but cannot be used.
    """
    offers = (
        cast(Callable[[GeneratorsSettings], SpeechEngine | None], resolve_path(path))
        for path in SPEECH_ENGINES
    )
    return tuple(engine for offer in offers if (engine := offer(settings)) is not None)


def load_video_engine(settings: GeneratorsSettings) -> VideoEngine:
    """The engine that makes pictures move. Raises EngineMissing where the settings name none that
    can be used."""
    for path in VIDEO_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], VideoEngine | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.film_none")


def load_classifier(settings: GeneratorsSettings) -> Classifier | None:
    """What looks at pictures beside people; None where the settings name nothing."""
    for path in CLASSIFIERS:
        offer = cast(Callable[[GeneratorsSettings], Classifier | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def load_background_remover(settings: GeneratorsSettings) -> BackgroundRemover | None:
    """What tells subjects from backgrounds; None where the settings name nothing."""
    for path in BACKGROUND_REMOVERS:
        offer = cast(Callable[[GeneratorsSettings], BackgroundRemover | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def load_upscaler(settings: GeneratorsSettings) -> Upscaler | None:
    """What makes copies larger; None where the settings name nothing. Raises EngineMissing for a
    file that is none."""
    for path in UPSCALERS:
        offer = cast(Callable[[GeneratorsSettings], Upscaler | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def template_engine() -> TextEngine:
    """The engine of our own sentences, which is always there: it speaks where a model's words
    cannot be used."""
    return cast(
        TextEngine,
        cast(
            Callable[[], object], resolve_path("generators.engines.text.templates:TemplateEngine")
        )(),
    )
