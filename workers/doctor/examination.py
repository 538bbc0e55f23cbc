"""`greenroom doctor`: of each part, whether it is real, reachable and safe, and what to do about it."""

import base64
import binascii
import json
import platform
import stat
import sys
from collections.abc import Iterator

from connectors.registry import loader as connectors
from foundation.errors import GreenroomError
from foundation.ops import settings as house
from foundation.ops.settings import Settings
from generators import registry
from generators.contract.engines import LocalEngine, OriginLabel, ServedEngine, SupportsModelList
from generators.media import ffmpeg
from workers.doctor import data_stores, duty_coverage, removal_form, retention_backlog
from workers.doctor.findings import Finding, FindingLevel, finding_error, finding_ok, finding_warning
from workers.installation import folder as places
from workers.installation import ports
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status
from workers.terminal.output import translate

VERDICT_MARKS = {FindingLevel.OK: "✓", FindingLevel.WARN: "!", FindingLevel.ERROR: "✗"}
EXIT_NOT_HEALTHY = 3


def run_doctor(*, as_json: bool) -> int:
    """Print a finding per part; 0 when nothing is bad."""
    settings = house.load_settings()
    found = list(collect_findings(settings))
    if as_json:
        shape = [{"part": f.part, "verdict": f.level, "says": translate(f.message)} for f in found]
        print(json.dumps(shape, indent=2, ensure_ascii=False))
    else:
        for finding in found:
            print(f"  {VERDICT_MARKS[finding.level]} {finding.part:<12} {translate(finding.message)}")
    return EXIT_NOT_HEALTHY if any(finding.level is FindingLevel.ERROR for finding in found) else 0


def collect_findings(settings: Settings) -> Iterator[Finding]:
    """Every finding, the machine first, then the folder, the services, the engines, the processes."""
    home = InstallationFolder(settings.home)
    runs = read_status(home).phase == "up"
    yield _check_machine()
    yield from _check_folder(home)
    if home.env_file.exists():
        yield from _check_keys(settings)
    yield from data_stores.check_database(settings)
    yield from duty_coverage.check_duty_coverage(settings)
    yield from retention_backlog.check_retention_backlog(settings)
    yield from removal_form.check_removal_form(settings)
    yield from data_stores.check_redis(settings)
    yield data_stores.check_object_store(settings)
    yield _check_mail(settings)
    if not runs:
        yield _check_ports(settings)
    yield from _check_image_engines(settings)
    yield _check_text_engine(settings)
    yield _check_vision_engine(settings)
    yield from _check_background_remover(settings)
    yield from _check_upscaler(settings)
    yield _check_ffmpeg()
    yield _check_video_engine(settings)
    yield from _check_speech_engines(settings)
    yield _check_classifier(settings)
    yield from check_connector_packages()
    yield from _check_processes(home, runs=runs)


def _check_machine() -> Finding:
    system, version = f"{platform.system()} {platform.machine()}", platform.python_version()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return finding_warning("machine", "doctor.machine_untested", system=system)
    if not (3, 11) <= sys.version_info[:2] < (3, 13):
        return finding_error("machine", "doctor.python_unsupported", version=version)
    return finding_ok("machine", "doctor.machine", system=system, version=version)


def _check_folder(home: InstallationFolder) -> Iterator[Finding]:
    if not home.folder.is_dir():
        yield finding_warning("folder", "doctor.no_folder", folder=str(home.folder))
        return
    open_to_others = [
        path.name
        for path in (home.folder, home.env_file)
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o066
    ]
    if open_to_others:
        yield finding_error("folder", "doctor.folder_open", names=", ".join(open_to_others), folder=str(home.folder))
    else:
        yield finding_ok("folder", "doctor.folder", folder=str(home.folder))
    free = places.free_mib(home.folder)
    verdict = (
        finding_error
        if free < places.LATER_START_MIB
        else finding_warning
        if free < places.FIRST_START_MIB
        else finding_ok
    )
    yield verdict("disk", "doctor.disk", free=free)


def _check_keys(settings: Settings) -> Iterator[Finding]:
    keys = {
        "vault": settings.tenants.master_key,
        "door": settings.tenants.door_key,
        "signature": settings.gate.signing_key,
    }
    for part, key in keys.items():
        try:
            whole = len(base64.b64decode(key.get_secret_value(), validate=True)) == 32
        except binascii.Error:
            whole = False
        yield finding_ok(part, "doctor.key") if whole else finding_error(part, "doctor.key_missing")


def _check_mail(settings: Settings) -> Finding:
    """Only what is set: whether a server takes mail is known once one is written."""
    missing = settings.mail.missing_settings
    if missing:
        return finding_ok("mail", "doctor.mail_off", names=", ".join(missing))
    if settings.mail.security == "none":
        return finding_warning("mail", "doctor.mail_clear", host=settings.mail.host)
    return finding_ok("mail", "doctor.mail", host=settings.mail.host)


def _check_ports(settings: Settings) -> Finding:
    busy = [
        f"{listener.name} {listener.port(settings)} ({ports.program_listening_on(listener.port(settings))})"
        for listener in ports.PORT_SETTINGS
        if not ports.is_free(listener.host(settings), listener.port(settings))
    ]
    return (
        finding_warning("ports", "doctor.ports_busy", busy=", ".join(busy))
        if busy
        else finding_ok("ports", "doctor.ports")
    )


def _check_image_engines(settings: Settings) -> Iterator[Finding]:
    """Each engine for pictures that is set up, the usual one first."""
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
    """What recipes may name beside the engine's own model, and files that are none of it."""
    if names := engine.list_models()[0]:
        yield finding_ok("models", "doctor.models", models=", ".join(names)[:400])
    for flaw in engine.model_problems():
        yield Finding("models", FindingLevel.WARN, flaw)


def _check_text_engine(settings: Settings) -> Finding:
    try:
        engine = registry.load_text_engine(settings.generators)
    except GreenroomError as error:
        return Finding("texts", FindingLevel.ERROR, error.message)
    names: dict[str, str | int] = {"engine": engine.name, "model": str(getattr(engine, "model", "-"))}
    return (
        finding_ok("texts", "doctor.engine", **names)
        if engine.name == "ollama"
        else finding_warning("texts", "doctor.texts_small", **names)
    )


def _check_vision_engine(settings: Settings) -> Finding:
    """Whether a model proposes alternative texts, and whether adult pictures may be shown to it."""
    try:
        engine = registry.load_vision_engine(settings.generators)
    except GreenroomError as error:
        named = bool(settings.generators.ollama_vision_model)
        return Finding("alt texts", FindingLevel.WARN if named else FindingLevel.OK, error.message)
    if engine.hosted:
        return finding_warning("alt texts", "doctor.seeing_hosted", model=engine.model)
    return finding_ok("alt texts", "doctor.engine", engine=engine.name, model=engine.model)


def _check_classifier(settings: Settings) -> Finding:
    """Whether something looks at pictures beside people, and whether what it says counts."""
    try:
        classifier = registry.load_classifier(settings.generators)
        if classifier is None:
            return finding_ok("pictures", "doctor.people_look")
        source = classifier.describe_source()
    except GreenroomError as error:
        return Finding("pictures", FindingLevel.WARN, error.message)
    if not classifier.is_known_source(source):
        return finding_warning("pictures", "engine.classifier_unknown", version=source.partition(":")[2])
    return finding_ok("pictures", "doctor.classifier", version=source.partition(":")[2])


def _check_background_remover(settings: Settings) -> Iterator[Finding]:
    """Whether backgrounds can be told, where a model is set for that."""
    try:
        if (cutter := registry.load_background_remover(settings.generators)) is not None:
            cutter.check()
            yield finding_ok("backgrounds", "doctor.cutouts", family=settings.generators.cutout_family)
    except GreenroomError as error:
        yield Finding("backgrounds", FindingLevel.ERROR, error.message)


def _check_upscaler(settings: Settings) -> Iterator[Finding]:
    """Whether copies can be made larger, where a model is set for that; loads it."""
    try:
        if (upscaler := registry.load_upscaler(settings.generators)) is not None:
            yield finding_ok("larger copies", "doctor.larger", model=upscaler.name, factor=upscaler.scale_factor)
    except GreenroomError as error:
        yield Finding("larger copies", FindingLevel.ERROR, error.message)


def _check_ffmpeg() -> Finding:
    return (
        finding_ok("films", "doctor.ffmpeg") if ffmpeg.is_available() else finding_warning("films", "doctor.no_ffmpeg")
    )


def _check_video_engine(settings: Settings) -> Finding:
    """Which models make pictures move, and on what, or why none can."""
    if not settings.generators.film_models:
        return finding_ok("moving", "engine.film_none")
    try:
        engine = registry.load_video_engine(settings.generators)
        return Finding("moving", FindingLevel.OK, engine.device_message())
    except GreenroomError as error:
        return Finding("moving", FindingLevel.ERROR, error.message)


def _check_speech_engines(settings: Settings) -> Iterator[Finding]:
    """Which engines of speech are there, how many voices each has, and whether one of them is a real one."""
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


def check_connector_packages() -> Iterator[Finding]:
    """What installed packages bring beside our own connectors, and what of it is not used."""
    found = connectors.load_plugin_connectors()
    for name, package in found.packages.items():
        yield finding_ok("connectors", "cli.brought.used", package=package, platform=name)
    for one in found.left_out:
        yield Finding("connectors", FindingLevel.WARN, one.why)


def _check_processes(home: InstallationFolder, *, runs: bool) -> Iterator[Finding]:
    if not runs:
        yield finding_warning("processes", "cli.not_running")
        return
    late = [process.name for process in read_status(home).processes if not process.is_ready]
    yield (
        finding_error("processes", "doctor.processes_late", names=", ".join(late))
        if late
        else finding_ok("processes", "doctor.processes")
    )
