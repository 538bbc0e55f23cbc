"""The places on this machine that an installation must be able to write, and their free space."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from foundation.ops.settings import Settings

PROBE_BYTES = 64 * 1024
"""More than the rest of the last page, which a full disk may still accept."""

WARN_PERCENT = 10
CRITICAL_PERCENT = 5
"""Percentages of free space below which a disk needs attention, and is nearly full."""


@dataclass(frozen=True)
class FreeSpace:
    """The free space of the disk of a place."""

    place: str
    percent: int

    @property
    def is_critical(self) -> bool:
        """True if the disk is nearly full."""
        return self.percent < CRITICAL_PERCENT


def writable_places(settings: Settings) -> dict[str, Path]:
    """Return the folder of each place that must be writable and is on this machine, by name.

    Services that are not embedded, and the buckets of an S3 server, have no folder here.
    """
    home = settings.home
    places = {
        "database": home / "pg",
        "valkey": home / "redis",
        "objects": settings.objects_folder,
        "pages": settings.page_files_folder,
        "archive": settings.archive_folder,
        "logs": home / "logs",
        "state": home / "run",
    }
    return {name: folder for name, folder in places.items() if folder.is_dir()}


def place_label(name: str) -> str:
    """Return the message code of a place, which is rendered in the reader's language also as the
    parameter of another message."""
    return f"disk.place.{name}"


def find_unwritable_places(settings: Settings) -> tuple[str, ...]:
    """Return the names of the places in which a file cannot be written now, for example because the
    disk is full."""
    places = writable_places(settings)
    return tuple(name for name, folder in places.items() if not _is_writable(folder))


def find_low_space(settings: Settings) -> tuple[FreeSpace, ...]:
    """Return the places with less than `WARN_PERCENT` of free space, the fullest first."""
    found = [FreeSpace(name, _free_percent(at)) for name, at in writable_places(settings).items()]
    low = [one for one in found if one.percent < WARN_PERCENT]
    return tuple(sorted(low, key=lambda one: one.percent))


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            return probe.write(b"\0" * PROBE_BYTES) == PROBE_BYTES
    except OSError:
        return False


def _free_percent(folder: Path) -> int:
    usage = shutil.disk_usage(folder)
    return 100 * usage.free // max(usage.total, 1)
