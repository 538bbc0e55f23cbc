"""`greenroom doctor`: the order of the checks and their output."""

from collections.abc import Iterator

from connectors.registry import loader
from foundation.i18n.translation import load_catalogue
from foundation.ops.settings import Settings, load_settings
from generators import registry
from workers.doctor import data_stores, duty_coverage, removal_form, retention_backlog
from workers.doctor.engines import (
    _check_background_remover,
    _check_classifier,
    _check_ffmpeg,
    _check_image_engines,
    _check_picture_checks,
    _check_speech_engines,
    _check_text_engine,
    _check_upscaler,
    _check_video_engine,
    _check_vision_engine,
)
from workers.doctor.findings import Finding, FindingLevel, finding_ok
from workers.doctor.machine import (
    _check_folder,
    _check_keys,
    _check_machine,
    _check_mail,
    _check_places,
    _check_ports,
    _check_processes,
)
from workers.installation.container_status import read_installation_status
from workers.installation.folder import InstallationFolder
from workers.terminal.exit_codes import ExitCode
from workers.terminal.output import terminal_language, translate
from workers.terminal.tables import format_json, format_table

LEVEL_MARKS = {FindingLevel.OK: "✓", FindingLevel.WARN: "!", FindingLevel.ERROR: "✗"}


def run_doctor(*, as_json: bool) -> int:
    """Check every part and print the findings. Returns UNAVAILABLE if a part fails, else OK."""
    settings = load_settings()
    found = list(collect_findings(settings))
    if as_json:
        shape = [{"part": f.part, "verdict": f.level, "says": translate(f.message)} for f in found]
        print(format_json(shape))
    else:
        rows = [
            (LEVEL_MARKS[one.level], part_name(one.part), translate(one.message)) for one in found
        ]
        print(format_table(("", "check", "result"), rows))
    failed = any(finding.level is FindingLevel.ERROR for finding in found)
    return ExitCode.UNAVAILABLE if failed else ExitCode.OK


def part_name(part: str) -> str:
    """Return the name of a part in the terminal's language; a suffix, such as the name of an
    agency, is not translated."""
    known = load_catalogue(terminal_language())
    code = f"doctor.part.{part.replace(' ', '_')}"
    if code in known:
        return known[code]
    kind, _, subject = part.partition(" ")
    name = known.get(f"doctor.part.{kind}", kind)
    return f"{name} ({subject})" if subject else name


def collect_findings(settings: Settings) -> Iterator[Finding]:
    """Yield every finding: of the machine, the folder, the services, the engines and the processes,
    in this order."""
    home = InstallationFolder(settings.home)
    status = read_installation_status(settings)
    yield _check_machine()
    yield from _check_folder(home)
    yield from _check_places(settings)
    if home.env_file.exists() or settings.in_containers:
        yield from _check_keys(settings)
    yield from data_stores.check_database(settings)
    yield from duty_coverage.check_duty_coverage(settings)
    yield from retention_backlog.check_retention_backlog(settings)
    yield from removal_form.check_removal_form(settings)
    yield from data_stores.check_redis(settings)
    yield data_stores.check_object_store(settings)
    yield _check_mail(settings)
    if status.phase != "up" and not settings.in_containers:
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
    yield _check_picture_checks(registry.describe_picture_checks())
    yield from check_connector_packages()
    yield _check_processes(settings, status)


def check_connector_packages() -> Iterator[Finding]:
    """Yield a finding for each installed connector package, used or not."""
    found = loader.load_plugin_connectors()
    for name, package in found.packages.items():
        yield finding_ok("connectors", "cli.brought.used", package=package, platform=name)
    for one in found.left_out:
        yield Finding("connectors", FindingLevel.WARN, one.why)
