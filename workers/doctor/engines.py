"""Checks of the engines: models for pictures, text, vision, video and speech."""

from collections.abc import Iterator, Mapping

from foundation.errors import GreenroomError
from foundation.ops.settings import Settings
from generators import registry
from generators.contract.engines import LocalEngine, OriginLabel, ServedEngine, SupportsModelList
from generators.media import ffmpeg
from workers.doctor.findings import Finding, FindingLevel, finding_ok, finding_warning


def _check_image_engines(settings: Settings) -> Iterator[Finding]:
    """Check each configured image engine, the default first."""
    usual = registry.default_image_engine(settings.generators)
    for name in dict.fromkeys((usual, *registry.configured_image_engines(settings.generators))):
        yield from _image_engine(settings, name, "images" if name == usual else f"images {name}")


def _image_engine(settings: Settings, name: str, part: str) -> Iterator[Finding]:
    try:
        engine = registry.load_image_engine(settings.generators, name)
        if isinstance(engine, ServedEngine):
            engine.check()
        place = engine.device_message() if isinstance(engine, LocalEngine) else None
    except GreenroomError as error:
        yield Finding(part, FindingLevel.ERROR, error.message)
        return
    if engine.name == "placeholder":
        yield finding_warning(part, "doctor.images_drawn")
        return
    yield finding_ok(part, "doctor.engine", engine=engine.name, model=engine.model)
    if place is not None:
        yield Finding("device", FindingLevel.OK, place)
    if isinstance(engine, SupportsModelList):
        yield from _check_models(engine)


def _check_models(engine: SupportsModelList) -> Iterator[Finding]:
    """Yield the models that recipes may name besides the engine's default, and files that are not
    models."""
    if names := engine.list_models()[0]:
        yield finding_ok("models", "doctor.models", models=", ".join(names)[:400])
    for flaw in engine.model_problems():
        yield Finding("models", FindingLevel.WARN, flaw)


def _check_text_engine(settings: Settings) -> Finding:
    try:
        engine = registry.load_text_engine(settings.generators)
    except GreenroomError as error:
        return Finding("texts", FindingLevel.ERROR, error.message)
    names: dict[str, str | int] = {
        "engine": engine.name,
        "model": str(getattr(engine, "model", "-")),
    }
    return (
        finding_ok("texts", "doctor.engine", **names)
        if engine.name == "ollama"
        else finding_warning("texts", "doctor.texts_small", **names)
    )


def _check_vision_engine(settings: Settings) -> Finding:
    """Check the model that proposes alt texts, and warn if it is hosted by a third party."""
    try:
        engine = registry.load_vision_engine(settings.generators)
    except GreenroomError as error:
        named = bool(settings.generators.ollama_vision_model)
        return Finding("alt texts", FindingLevel.WARN if named else FindingLevel.OK, error.message)
    if engine.hosted:
        return finding_warning("alt texts", "doctor.seeing_hosted", model=engine.model)
    return finding_ok("alt texts", "doctor.engine", engine=engine.name, model=engine.model)


def _check_classifier(settings: Settings) -> Finding:
    """Check the image classifier, and warn if its ratings are not counted."""
    try:
        classifier = registry.load_classifier(settings.generators)
        if classifier is None:
            return finding_ok("pictures", "doctor.people_look")
        source = classifier.describe_source()
    except GreenroomError as error:
        return Finding("pictures", FindingLevel.WARN, error.message)
    if not classifier.is_known_source(source):
        return finding_warning(
            "pictures", "engine.classifier_unknown", version=source.partition(":")[2]
        )
    return finding_ok("pictures", "doctor.classifier", version=source.partition(":")[2])


def _check_picture_checks(known: Mapping[str, bool]) -> Finding:
    """Check that the bundled models, which contradict ratings and answers, are installed. `known`
    are their packages, with True for those that are installed unchanged."""
    missing = ", ".join(package for package, there in known.items() if not there)
    if missing:
        return finding_warning("picture checks", "doctor.picture_checks_missing", models=missing)
    return finding_ok("picture checks", "doctor.picture_checks", models=", ".join(known))


def _check_background_remover(settings: Settings) -> Iterator[Finding]:
    """Check background removal if a model is configured."""
    try:
        if (cutter := registry.load_background_remover(settings.generators)) is not None:
            cutter.check()
            yield finding_ok(
                "backgrounds", "doctor.cutouts", family=settings.generators.cutout_family
            )
    except GreenroomError as error:
        yield Finding("backgrounds", FindingLevel.ERROR, error.message)


def _check_upscaler(settings: Settings) -> Iterator[Finding]:
    """Load the upscaling model if one is configured."""
    try:
        if (upscaler := registry.load_upscaler(settings.generators)) is not None:
            yield finding_ok(
                "larger copies", "doctor.larger", model=upscaler.name, factor=upscaler.scale_factor
            )
    except GreenroomError as error:
        yield Finding("larger copies", FindingLevel.ERROR, error.message)


def _check_ffmpeg() -> Finding:
    return (
        finding_ok("films", "doctor.ffmpeg")
        if ffmpeg.is_available()
        else finding_warning("films", "doctor.no_ffmpeg")
    )


def _check_video_engine(settings: Settings) -> Finding:
    """Check the models for video generation and their device."""
    if not settings.generators.film_models:
        return finding_ok("moving", "engine.film_none")
    try:
        engine = registry.load_video_engine(settings.generators)
        return Finding("moving", FindingLevel.OK, engine.device_message())
    except GreenroomError as error:
        return Finding("moving", FindingLevel.ERROR, error.message)


def _check_speech_engines(settings: Settings) -> Iterator[Finding]:
    """Check each speech engine and count its voices; warn about placeholder voices."""
    try:
        engines = registry.load_speech_engines(settings.generators)
    except GreenroomError as error:
        yield Finding("voices", FindingLevel.ERROR, error.message)
        return
    if not engines:
        yield finding_warning("voices", "doctor.no_voices")
    for engine in engines:
        try:
            count = len(engine.list_voices())
        except GreenroomError as error:
            yield Finding("voices", FindingLevel.ERROR, error.message)
            continue
        if engine.label is OriginLabel.PLACEHOLDER:
            yield finding_warning("voices", "doctor.voices_marked", engine=engine.name, count=count)
        else:
            yield finding_ok("voices", "doctor.voices", engine=engine.name, count=count)
