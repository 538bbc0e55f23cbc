"""Checks of the machine: the installation folder, keys, mail, ports and processes."""

import base64
import binascii
import platform
import stat
import sys
from collections.abc import Iterator

from foundation.ops.settings import Settings
from foundation.ops.writable_places import find_low_space, find_unwritable_places, place_label
from workers.doctor.findings import Finding, finding_error, finding_ok, finding_warning
from workers.installation import ports
from workers.installation.folder import (
    FIRST_START_MIB,
    LATER_START_MIB,
    InstallationFolder,
    free_mib,
)
from workers.installation.state_file import InstallationStatus


def _check_machine() -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    version = platform.python_version()
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
        yield finding_error(
            "folder", "doctor.folder_open", names=", ".join(open_to_others), folder=str(home.folder)
        )
    else:
        yield finding_ok("folder", "doctor.folder", folder=str(home.folder))
    free = free_mib(home.folder)
    if free < LATER_START_MIB:
        yield finding_error("disk", "doctor.disk", free=free)
    elif free < FIRST_START_MIB:
        yield finding_warning("disk", "doctor.disk", free=free)
    else:
        yield finding_ok("disk", "doctor.disk", free=free)


def _check_places(settings: Settings) -> Iterator[Finding]:
    """Report each place that cannot be written, and each disk that is nearly full."""
    for name in find_unwritable_places(settings):
        yield finding_error(name, "doctor.unwritable", place=place_label(name))
    for low in find_low_space(settings):
        level = finding_error if low.is_critical else finding_warning
        yield level(
            low.place, "doctor.low_space", place=place_label(low.place), percent=low.percent
        )


def _check_keys(settings: Settings) -> Iterator[Finding]:
    keys = {
        "vault": settings.tenants.master_key,
        "door": settings.tenants.door_key,
        "signature": settings.gate.signing_key,
    }
    if settings.in_containers:
        # Each container has only the keys that its process uses.
        keys = {part: key for part, key in keys.items() if key.get_secret_value()}
    for part, key in keys.items():
        try:
            whole = len(base64.b64decode(key.get_secret_value(), validate=True)) == 32
        except binascii.Error:
            whole = False
        yield finding_ok(part, "doctor.key") if whole else finding_error(part, "doctor.key_missing")


def _check_mail(settings: Settings) -> Finding:
    """Check the mail settings; no mail is sent."""
    missing = settings.mail.missing_settings
    if missing:
        return finding_ok("mail", "doctor.mail_off", names=", ".join(missing))
    if settings.mail.security == "none":
        return finding_warning("mail", "doctor.mail_clear", host=settings.mail.host)
    return finding_ok("mail", "doctor.mail", host=settings.mail.host)


def _check_ports(settings: Settings) -> Finding:
    busy = [
        f"{listener.name} {listener.port(settings)} "
        f"({ports.program_listening_on(listener.port(settings))})"
        for listener in ports.present_ports(settings)
        if not ports.is_free(listener.host(settings), listener.port(settings))
    ]
    return (
        finding_warning("ports", "doctor.ports_busy", busy=", ".join(busy))
        if busy
        else finding_ok("ports", "doctor.ports")
    )


def _check_processes(settings: Settings, status: InstallationStatus) -> Finding:
    if status.phase != "up":
        code = "doctor.containers_stopped" if settings.in_containers else "cli.not_running"
        return finding_warning("processes", code)
    late = ", ".join(status.unready_processes)
    if not late:
        return finding_ok("processes", "doctor.processes")
    code = "doctor.containers_late" if settings.in_containers else "doctor.processes_late"
    return finding_error("processes", code, names=late)
