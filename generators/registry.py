"""Selection of engines: the first engine of each list that is configured and usable. Importing this
module loads no engine.

A new engine is one module in `engines/` and one line here. The selected engine does the whole job
and is named in the result; there is no fallback in the middle of a job.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import SecretStr

from foundation.ops.settings import GeneratorsSettings
from generators.contract.classifier import Classifier
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    ImageEngine,
    ServedEngine,
    TextEngine,
    VisionEngine,
)
from generators.contract.picture_checks import PictureChecks
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
"""Image engines that recipes may name, and the setting that each requires."""

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
    "generators.engines.speech.pico:load_engine",
    "generators.engines.speech.espeak:load_engine",
)
VIDEO_ENGINES = ("generators.engines.video.diffusion_video:load_engine",)
CLASSIFIERS = ("generators.engines.vision.http_classifier:load_engine",)
PICTURE_CHECKS = ("generators.engines.vision.bundled_checks:load_engine",)
PICTURE_CHECK_MODELS = "generators.engines.vision.bundled_checks:describe_models"
BACKGROUND_REMOVERS = ("generators.engines.vision.background_masks:load_engine",)
UPSCALERS = ("generators.engines.vision.upscalers:load_engine",)
StartProcess = Callable[[], None]


@dataclass(frozen=True)
class EngineSetting:
    """An engine for display: what it makes, and the setting that enables it."""

    makes: Literal["text", "images", "speech"]
    setting: str

    @property
    def variable(self) -> str:
        """Return the name of the setting in the environment."""
        return f"GREENROOM_GENERATORS__{self.setting.upper()}"


ENGINES: Mapping[str, EngineSetting] = {
    "ollama": EngineSetting("text", "ollama_url"),
    "embedded": EngineSetting("text", "embedded_gguf"),
    **{name: EngineSetting("images", setting) for name, setting in ENGINE_SETTINGS.items()},
    "piper": EngineSetting("speech", "piper_voices"),
    "espeak-ng": EngineSetting("speech", "espeak_program"),
    "elevenlabs": EngineSetting("speech", "elevenlabs_key"),
}
"""The engines that a member can check, by name."""


def resolve_path(path: str) -> object:
    """Return the object that a "module:attribute" string names."""
    module, attribute = path.split(":")
    return getattr(importlib.import_module(module), attribute)


def is_hosted(name: str) -> bool:
    """Return True if the engine is a paid service of a third party."""
    return name in _HOSTED


def configured_image_engines(settings: GeneratorsSettings) -> tuple[str, ...]:
    """Return the names of the configured image engines, the default first; empty if there are only
    drawings.

    If one of them cannot be used, `load_image_engine` raises an error with the reason.
    """
    there = [name for name, needed in ENGINE_SETTINGS.items() if getattr(settings, needed)]
    first = settings.image_engine
    return tuple(sorted(there, key=lambda name: name != first))


def default_image_engine(settings: GeneratorsSettings) -> str:
    """Return the name of the engine for recipes that name none."""
    return settings.image_engine or next(iter(configured_image_engines(settings)), _DRAWN)


def list_device_models(settings: GeneratorsSettings) -> tuple[str, ...]:
    """Return what the device of this machine can run: the names of its image engines, of the models
    that fit into its memory, and of its LoRAs, with "" for the default engine and model. Empty if
    there are only placeholder pictures.

    Loads neither an engine nor torch.
    """
    engines = [name for name in configured_image_engines(settings) if not is_hosted(name)]
    if not engines:
        return ()
    others = {*engines} if engines[0] == "diffusion" else {"", *engines}
    if "diffusion" not in engines:
        return tuple(sorted(others))
    list_models = cast(
        Callable[[GeneratorsSettings], tuple[str, ...]],
        resolve_path("generators.local_models.model_folders:list_fitting_models"),
    )
    return tuple(sorted({*others, *list_models(settings)}))


def load_image_engine(settings: GeneratorsSettings, name: str = "") -> ImageEngine:
    """Return the image engine of this name, or the default: the one in `image_engine`, else the
    first configured of Replicate, Stability, ComfyUI and diffusion, else placeholder drawings.

    Raises EngineMissing if the engine is not configured or not usable, because a fallback would
    hide that.
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


def is_engine_configured(settings: GeneratorsSettings, name: str) -> bool:
    """Return True if the setting of an engine is present. No request is sent."""
    value = getattr(settings, ENGINES[name].setting)
    # Without a file of its own, the embedded engine uses the model of the package.
    return name == "embedded" or bool(
        value.get_secret_value() if isinstance(value, SecretStr) else value
    )


def check_engine(settings: GeneratorsSettings, name: str) -> str:
    """Check that an engine can be used and return its model, or its number of voices. No prompt is
    sent and nothing is billed.

    Raises EngineMissing if it is not configured or not installed, and the errors of the engine.
    """
    match ENGINES[name].makes:
        case "images":
            engine = load_image_engine(settings, name)
            if isinstance(engine, ServedEngine):
                engine.check()
            return engine.model
        case "text":
            path = next(one for one in TEXT_ENGINES if f".{name}:" in one)
            offer = cast(
                Callable[[GeneratorsSettings, StartProcess | None], TextEngine | None],
                resolve_path(path),
            )
            if (found := offer(settings, None)) is None:
                raise EngineUnreachable("engine.not_here", engine=name)
            return str(getattr(found, "model", name))
        case _:
            voices = next((one for one in load_speech_engines(settings) if one.name == name), None)
            if voices is None:
                raise EngineMissing("engine.not_here", engine=name)
            return str(len(voices.list_voices()))


def load_text_engine(
    settings: GeneratorsSettings, *, start: StartProcess | None = None
) -> TextEngine:
    """Return the text engine: Ollama if it responds and has the model, else the embedded model,
    else templates.

    `start` starts the process of the embedded model. Waits up to 2 s for Ollama. Raises
    EngineMissing if the configured model file does not exist.
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
    """Return the engine for conversations: the text engine if it can converse, else templates.
    Raises the errors of `load_text_engine`."""
    engine = load_text_engine(settings, start=start)
    return engine if engine.converses else template_engine()


def load_vision_engine(settings: GeneratorsSettings) -> VisionEngine:
    """Return the engine that describes pictures. Waits up to 2 s for its server.

    Raises EngineMissing if none is configured, or its model is not installed or does not accept
    pictures, and EngineUnreachable.
    """
    for path in VISION_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], VisionEngine | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.seeing_none")


def load_speech_engines(settings: GeneratorsSettings) -> tuple[SpeechEngine, ...]:
    """Return the usable speech engines, real voices before the placeholder voices. No request is
    sent.

    Raises EngineMissing if a configured folder of voices cannot be used.
    """
    offers = (
        cast(Callable[[GeneratorsSettings], SpeechEngine | None], resolve_path(path))
        for path in SPEECH_ENGINES
    )
    return tuple(engine for offer in offers if (engine := offer(settings)) is not None)


def load_video_engine(settings: GeneratorsSettings) -> VideoEngine:
    """Return the engine that animates pictures. Raises EngineMissing if none is configured and
    usable."""
    for path in VIDEO_ENGINES:
        offer = cast(Callable[[GeneratorsSettings], VideoEngine | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    raise EngineMissing("engine.film_none")


def load_classifier(settings: GeneratorsSettings) -> Classifier | None:
    """Return the classifier of pictures, or None if none is configured."""
    for path in CLASSIFIERS:
        offer = cast(Callable[[GeneratorsSettings], Classifier | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def describe_picture_checks() -> Mapping[str, bool]:
    """Return the packages of the bundled models that check pictures, with True for those that are
    installed unchanged."""
    describe = resolve_path(PICTURE_CHECK_MODELS)
    return cast(Callable[[], Mapping[str, bool]], describe)()


def load_picture_checks(settings: GeneratorsSettings) -> PictureChecks | None:
    """Return the bundled models that check pictures, or None if none is installed."""
    for path in PICTURE_CHECKS:
        offer = cast(Callable[[GeneratorsSettings], PictureChecks | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def load_background_remover(settings: GeneratorsSettings) -> BackgroundRemover | None:
    """Return the model that separates subjects from backgrounds, or None if none is configured."""
    for path in BACKGROUND_REMOVERS:
        offer = cast(Callable[[GeneratorsSettings], BackgroundRemover | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def load_upscaler(settings: GeneratorsSettings) -> Upscaler | None:
    """Return the upscaler, or None if none is configured. Raises EngineMissing for an unusable
    file."""
    for path in UPSCALERS:
        offer = cast(Callable[[GeneratorsSettings], Upscaler | None], resolve_path(path))
        if (found := offer(settings)) is not None:
            return found
    return None


def template_engine() -> TextEngine:
    """Return the template engine, which is always available and replaces unusable output of a
    model."""
    return cast(
        TextEngine,
        cast(
            Callable[[], object], resolve_path("generators.engines.text.templates:TemplateEngine")
        )(),
    )
