"""Small disks for an installation that can really be full; none without the right to mount.

A disk is a tmpfs of limited size that is unmounted after the run.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SIZES = {"": 4096, "logs": 128, "redis": 128}
"""MiB of each disk by folder; the empty name is the whole home."""

TRIES = 50
"""Attempts to fill a disk, which may be written to while it is measured."""


@dataclass(frozen=True)
class Disk:
    """A mounted disk."""

    folder: Path
    size: int
    """Bytes."""

    def fill(self) -> None:
        """Shrink the disk to its used size. Raises OSError if that fails, which is no finding."""
        for _ in range(TRIES):
            seen = os.statvfs(self.folder)
            used = (seen.f_blocks - seen.f_bfree) * seen.f_frsize
            if _mount("-o", f"remount,size={used}", str(self.folder)):
                return
        raise OSError(f"{self.folder} cannot be made smaller")

    def clear(self) -> None:
        """Restore the size of the disk."""
        _mount("-o", f"remount,size={self.size}", str(self.folder))

    def remove(self) -> None:
        """Unmount the disk, even if it is in use."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


def mount_disks(home: Path) -> dict[str, Disk]:
    """Mount the disks of an installation in an empty folder and return them by folder; none without
    the right to mount."""
    laid: dict[str, Disk] = {}
    if os.geteuid() != 0:
        return laid
    for name, mib in SIZES.items():
        folder = home / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _mount("-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "tmpfs", str(folder)):
            break
        laid[name] = Disk(folder, mib << 20)
    return laid


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], check=False, capture_output=True).returncode == 0
