"""`greenroom doctor`: of each part, whether it is real, reachable and safe, and what to do about it."""

import base64
import binascii
import json
import platform
import stat
import sys
from collections.abc import Iterator

from connectors import registry as connectors
from foundation import settings as house
from foundation.errors import GreenroomError
from foundation.settings import Settings
from generators import ffmpeg, registry
from generators.contract import Label, Placed, Served, Stocked
from workers import doctor_intake, doctor_keeping, doctor_people, doctor_services, ports
from workers import home as places
from workers.findings import Finding, Verdict, bad, fine, warn
from workers.home import Home
from workers.report import read
from workers.terminal import sentence

MARKS = {Verdict.FINE: "✓", Verdict.WARN: "!", Verdict.BAD: "✗"}
NOT_WELL = 3


def examine(*, as_json: bool) -> int:
    """Print a finding per part; 0 when nothing is bad."""
    settings = house.load()
    found = list(findings(settings))
    if as_json:
        shape = [{"part": f.part, "verdict": f.verdict, "says": sentence(f.says)} for f in found]
        print(json.dumps(shape, indent=2, ensure_ascii=False))
    else:
        for finding in found:
            print(f"  {MARKS[finding.verdict]} {finding.part:<12} {sentence(finding.says)}")
    return NOT_WELL if any(finding.verdict is Verdict.BAD for finding in found) else 0


def findings(settings: Settings) -> Iterator[Finding]:
    """Every finding, the machine first, then the folder, the services, the engines, the processes."""
    home = Home(settings.home)
    runs = read(home).phase == "up"
    yield _machine()
    yield from _folder(home)
    if home.env.exists():
        yield from _keys(settings)
    yield from doctor_services.database(settings)
    yield from doctor_people.people(settings)
    yield from doctor_keeping.rows(settings)
    yield from doctor_intake.removals(settings)
    yield from doctor_services.redis(settings)
    yield doctor_services.store(settings)
    yield _mail(settings)
    if not runs:
        yield _ports(settings)
    yield from _images(settings)
    yield _texts(settings)
    yield _seeing(settings)
    yield from _cutouts(settings)
    yield from _larger(settings)
    yield _films()
    yield _moving(settings)
    yield from _voices(settings)
    yield _eyes(settings)
    yield from brought()
    yield from _processes(home, runs=runs)


def _machine() -> Finding:
    system, version = f"{platform.system()} {platform.machine()}", platform.python_version()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return warn("machine", "doctor.machine_untested", system=system)
    if not (3, 11) <= sys.version_info[:2] < (3, 13):
        return bad("machine", "doctor.python_unsupported", version=version)
    return fine("machine", "doctor.machine", system=system, version=version)


def _folder(home: Home) -> Iterator[Finding]:
    if not home.folder.is_dir():
        yield warn("folder", "doctor.no_folder", folder=str(home.folder))
        return
    open_to_others = [
        path.name for path in (home.folder, home.env) if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o066
    ]
    if open_to_others:
        yield bad("folder", "doctor.folder_open", names=", ".join(open_to_others), folder=str(home.folder))
    else:
        yield fine("folder", "doctor.folder", folder=str(home.folder))
    free = places.free_mib(home.folder)
    verdict = bad if free < places.LATER_START_MIB else warn if free < places.FIRST_START_MIB else fine
    yield verdict("disk", "doctor.disk", free=free)


def _keys(settings: Settings) -> Iterator[Finding]:
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
        yield fine(part, "doctor.key") if whole else bad(part, "doctor.key_missing")


def _mail(settings: Settings) -> Finding:
    """Only what is set: whether a server takes mail is known once one is written."""
    missing = settings.mail.missing
    if missing:
        return fine("mail", "doctor.mail_off", names=", ".join(missing))
    if settings.mail.security == "none":
        return warn("mail", "doctor.mail_clear", host=settings.mail.host)
    return fine("mail", "doctor.mail", host=settings.mail.host)


def _ports(settings: Settings) -> Finding:
    busy = [
        f"{listener.name} {listener.port(settings)} ({ports.user_of(listener.port(settings))})"
        for listener in ports.LISTENERS
        if not ports.is_free(listener.host(settings), listener.port(settings))
    ]
    return warn("ports", "doctor.ports_busy", busy=", ".join(busy)) if busy else fine("ports", "doctor.ports")


def _images(settings: Settings) -> Iterator[Finding]:
    """Each engine for pictures that is set up, the usual one first."""
    usual = registry.usual(settings.generators)
    for name in dict.fromkeys((usual, *registry.configured(settings.generators))):
        yield from _image_engine(settings, name, "images" if name == usual else f"images {name}")


def _image_engine(settings: Settings, name: str, part: str) -> Iterator[Finding]:
    try:
        engine = registry.image_engine(settings.generators, name)
        if isinstance(engine, Served):
            engine.check()
        place = engine.where() if isinstance(engine, Placed) else None
    except GreenroomError as error:
        yield Finding(part, Verdict.BAD, error.message)
        return
    if engine.name == "placeholder":
        yield warn(part, "doctor.images_drawn")
        return
    yield fine(part, "doctor.engine", engine=engine.name, model=engine.model)
    if place is not None:
        yield Finding("device", Verdict.FINE, place)
    if isinstance(engine, Stocked):
        yield from _stock(engine)


def _stock(engine: Stocked) -> Iterator[Finding]:
    """What recipes may name beside the engine's own model, and files that are none of it."""
    if names := engine.stock()[0]:
        yield fine("models", "doctor.models", models=", ".join(names)[:400])
    for flaw in engine.flaws():
        yield Finding("models", Verdict.WARN, flaw)


def _texts(settings: Settings) -> Finding:
    try:
        engine = registry.text_engine(settings.generators)
    except GreenroomError as error:
        return Finding("texts", Verdict.BAD, error.message)
    names: dict[str, str | int] = {"engine": engine.name, "model": str(getattr(engine, "model", "-"))}
    return (
        fine("texts", "doctor.engine", **names)
        if engine.name == "ollama"
        else warn("texts", "doctor.texts_small", **names)
    )


def _seeing(settings: Settings) -> Finding:
    """Whether a model proposes alternative texts, and whether adult pictures may be shown to it."""
    try:
        engine = registry.seeing_engine(settings.generators)
    except GreenroomError as error:
        named = bool(settings.generators.ollama_vision_model)
        return Finding("alt texts", Verdict.WARN if named else Verdict.FINE, error.message)
    if engine.hosted:
        return warn("alt texts", "doctor.seeing_hosted", model=engine.model)
    return fine("alt texts", "doctor.engine", engine=engine.name, model=engine.model)


def _eyes(settings: Settings) -> Finding:
    """Whether something looks at pictures beside people, and whether what it says counts."""
    try:
        classifier = registry.classifier(settings.generators)
        if classifier is None:
            return fine("pictures", "doctor.people_look")
        source = classifier.about()
    except GreenroomError as error:
        return Finding("pictures", Verdict.WARN, error.message)
    if not classifier.knows(source):
        return warn("pictures", "engine.classifier_unknown", version=source.partition(":")[2])
    return fine("pictures", "doctor.classifier", version=source.partition(":")[2])


def _cutouts(settings: Settings) -> Iterator[Finding]:
    """Whether backgrounds can be told, where a model is set for that."""
    try:
        if (cutter := registry.cutter(settings.generators)) is not None:
            cutter.check()
            yield fine("backgrounds", "doctor.cutouts", family=settings.generators.cutout_family)
    except GreenroomError as error:
        yield Finding("backgrounds", Verdict.BAD, error.message)


def _larger(settings: Settings) -> Iterator[Finding]:
    """Whether copies can be made larger, where a model is set for that; loads it."""
    try:
        if (upscaler := registry.upscaler(settings.generators)) is not None:
            yield fine("larger copies", "doctor.larger", model=upscaler.name, factor=upscaler.factor)
    except GreenroomError as error:
        yield Finding("larger copies", Verdict.BAD, error.message)


def _films() -> Finding:
    return fine("films", "doctor.ffmpeg") if ffmpeg.there() else warn("films", "doctor.no_ffmpeg")


def _moving(settings: Settings) -> Finding:
    """Which models make pictures move, and on what, or why none can."""
    if not settings.generators.film_models:
        return fine("moving", "engine.film_none")
    try:
        engine = registry.film_engine(settings.generators)
        return Finding("moving", Verdict.FINE, engine.where())
    except GreenroomError as error:
        return Finding("moving", Verdict.BAD, error.message)


def _voices(settings: Settings) -> Iterator[Finding]:
    """Which engines of speech are there, how many voices each has, and whether one of them is a real one."""
    try:
        engines = registry.speech_engines(settings.generators)
    except GreenroomError as error:
        yield Finding("voices", Verdict.BAD, error.message)
        return
    if not engines:
        yield warn("voices", "doctor.no_voices")
    for engine in engines:
        try:
            count = len(engine.voices())
        except GreenroomError as error:
            yield Finding("voices", Verdict.BAD, error.message)
            continue
        if engine.label is Label.PLACEHOLDER:
            yield warn("voices", "doctor.voices_marked", engine=engine.name, count=count)
        else:
            yield fine("voices", "doctor.voices", engine=engine.name, count=count)


def brought() -> Iterator[Finding]:
    """What installed packages bring beside our own connectors, and what of it is not used."""
    found = connectors.brought()
    for name, package in found.packages.items():
        yield fine("connectors", "cli.brought.used", package=package, platform=name)
    for one in found.left_out:
        yield Finding("connectors", Verdict.WARN, one.why)


def _processes(home: Home, *, runs: bool) -> Iterator[Finding]:
    if not runs:
        yield warn("processes", "cli.not_running")
        return
    late = [process.name for process in read(home).processes if not process.ready]
    yield (
        bad("processes", "doctor.processes_late", names=", ".join(late))
        if late
        else fine("processes", "doctor.processes")
    )
