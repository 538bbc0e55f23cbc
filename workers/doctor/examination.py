"""`greenroom doctor`: of each part, whether it is real, reachable and safe, and what to do about
it."""

import json
from collections.abc import Iterator

from connectors.registry import loader
from foundation.ops.settings import Settings, load_settings
from workers.doctor import data_stores, duty_coverage, removal_form, retention_backlog
from workers.doctor.engines import (
    _check_background_remover,
    _check_classifier,
    _check_ffmpeg,
    _check_image_engines,
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
    _check_ports,
    _check_processes,
)
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import read_status
from workers.terminal.output import translate

VERDICT_MARKS = {FindingLevel.OK: "✓", FindingLevel.WARN: "!", FindingLevel.ERROR: "✗"}
EXIT_NOT_HEALTHY = 3


def run_doctor(*, as_json: bool) -> int:
    """Print a finding per part; 0 when nothing is bad."""
    settings = load_settings()
    found = list(collect_findings(settings))
    if as_json:
        shape = [{"part": f.part, "verdict": f.level, "says": translate(f.message)} for f in found]
        print(json.dumps(shape, indent=2, ensure_ascii=False))
    else:
        for finding in found:
            print(
                f"  {VERDICT_MARKS[finding.level]} {finding.part:<12} {translate(finding.message)}"
            )
    return EXIT_NOT_HEALTHY if any(finding.level is FindingLevel.ERROR for finding in found) else 0


def collect_findings(settings: Settings) -> Iterator[Finding]:
    """Every finding, the machine first, then the folder, the services, the engines, the
    processes."""
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


def check_connector_packages() -> Iterator[Finding]:
    """What installed packages bring beside our own loader, and what of it is not used."""
    found = loader.load_plugin_connectors()
    for name, package in found.packages.items():
        yield finding_ok("connectors", "cli.brought.used", package=package, platform=name)
    for one in found.left_out:
        yield Finding("connectors", FindingLevel.WARN, one.why)
