"""Small disks for a house to stand on, which can be full for real; none where this machine lets
nobody mount.

A disk is memory: it takes what is written to it and no more, and is gone with the run.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SIZES = {"": 4096, "logs": 128, "redis": 128}
"""MiB a house may fill in a run, by the folder in it; the empty one is the whole."""

TRIES = 50
"""A disk may be written to while it is measured."""


@dataclass(frozen=True)
class Disk:
    """One that is mounted."""

    folder: Path
    size: int
    """Bytes."""

    def fill(self) -> None:
        """From now on it has no page left; raises where it cannot be done, which is no finding."""
        for _ in range(TRIES):
            seen = os.statvfs(self.folder)
            used = (seen.f_blocks - seen.f_bfree) * seen.f_frsize
            if _mount("-o", f"remount,size={used}", str(self.folder)):
                return
        raise OSError(f"{self.folder} cannot be made smaller")

    def clear(self) -> None:
        """There is room again."""
        _mount("-o", f"remount,size={self.size}", str(self.folder))

    def remove(self) -> None:
        """Nothing of it stays, whoever still stands on it."""
        subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)


def mount_disks(home: Path) -> dict[str, Disk]:
    """The disks of a house that is to stand in this empty folder, by the folder in it; none without
    the right."""
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
