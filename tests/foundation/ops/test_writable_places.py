"""Places that cannot be written, and disks that are nearly full, on a small disk of their own."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.i18n.translation import Message, render_message
from foundation.ops import writable_places
from foundation.ops.settings import Settings

MIB = 1 << 20
FOLDERS = {"database": "pg", "valkey": "redis", "objects": "objects", "logs": "logs"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in FOLDERS.values():
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """Mount a disk of 4 MiB at the logs."""
    folder = home / "logs"
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk; root could")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_every_place_of_a_healthy_installation_is_writable(home: Path) -> None:
    settings = Settings(home=home)
    assert set(FOLDERS) <= set(writable_places.writable_places(settings))
    assert writable_places.find_unwritable_places(settings) == ()
    assert all(not list((home / name).iterdir()) for name in FOLDERS.values()), "no file is left"


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", ["system.unwritable", "doctor.unwritable"])
def test_every_place_is_named_in_the_language_of_the_reader(
    home: Path, language: str, code: str
) -> None:
    for folder in ("objects", "page-files", "archive", "run"):
        (home / folder).mkdir(exist_ok=True)
    for name in writable_places.writable_places(Settings(home=home)):
        label = writable_places.place_label(name)
        text = render_message(Message(code, {"place": label}), language)
        assert render_message(Message(label), language) in text
        assert label not in text


def test_full_disk_is_named(home: Path, small_disk: Path) -> None:
    settings = Settings(home=home)
    (small_disk / "full").write_bytes(b"x" * (4 * MIB - 4096))
    assert writable_places.find_unwritable_places(settings) == ("logs",)
    (small_disk / "full").unlink()
    assert writable_places.find_unwritable_places(settings) == ()


@pytest.mark.parametrize(
    ("used", "critical"), [(0.8, None), (0.91, False), (0.94, False), (0.96, True)]
)
def test_low_space_is_reported(
    home: Path, small_disk: Path, used: float, critical: bool | None
) -> None:
    (small_disk / "used").write_bytes(b"x" * int(4 * MIB * used))
    found = {
        one.place: one.is_critical
        for one in writable_places.find_low_space(Settings(home=home))
        if one.place == "logs"
    }
    assert found == ({} if critical is None else {"logs": critical})


@pytest.mark.parametrize("place", FOLDERS)
def test_folder_that_cannot_be_created_in_is_named(home: Path, place: str) -> None:
    """A limit on the size of files refuses writes to every place, also without root."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from foundation.ops import writable_places; from foundation.ops.settings import Settings\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "print(*writable_places.find_unwritable_places(Settings(home=Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", script, str(home)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert place in found
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1024
