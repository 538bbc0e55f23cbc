"""deploy/Dockerfile: pinned base, packages from the lock with digests, and an unprivileged user."""

import re
import tomllib
from fnmatch import fnmatch

from foundation.ops.settings import LOW_MEMORY_ENVIRONMENT
from tests.architecture.tree import PACKAGES
from tests.deploy.compose import ROOT, compose

LINES = (ROOT / "deploy/Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()


def lines(word: str) -> list[str]:
    return [line.removeprefix(f"{word} ").strip() for line in LINES if line.startswith(f"{word} ")]


def test_base_image_is_pinned_to_a_supported_python() -> None:
    bases = {line.split()[0] for line in lines("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.(11|12)\.\d+-slim-bookworm", bases.pop())


def test_packages_are_installed_from_the_lock_with_digests() -> None:
    installs = [line for line in lines("RUN") if "pip install" in line]
    assert all("--no-deps" in line for line in installs)
    assert (
        sum("--require-hashes" in line and "-r requirements.lock" in line for line in installs) == 1
    )
    assert len(installs) == 2
    assert not [line for line in lines("RUN") if "curl" in line or "wget" in line or "apt" in line]


def test_image_runs_as_unprivileged_user_with_one_entry_point() -> None:
    assert lines("USER") == ["10001:10001"]
    assert lines("ENTRYPOINT") == ['["python", "-m", "workers.run"]']
    assert LINES.index("USER 10001:10001") < LINES.index(
        'ENTRYPOINT ["python", "-m", "workers.run"]'
    )
    for service in compose().ours.values():
        assert service["build"]["dockerfile"] == "deploy/Dockerfile"


def test_image_has_the_low_memory_environment() -> None:
    told = " ".join(lines("ENV")).split()
    assert [each for each in told if each.startswith("MALLOC_")] == [
        f"{name}={value}" for name, value in LOW_MEMORY_ENVIRONMENT.items()
    ]


def test_image_says_that_it_runs_in_containers() -> None:
    assert "GREENROOM_DEPLOYMENT=containers" in " ".join(lines("ENV")).split()


def test_build_context_contains_only_needed_files() -> None:
    kept = [
        line
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line and line[0] != "#"
    ]
    assert kept[0] == "*"
    let_in = {line[1:] for line in kept if line.startswith("!")}
    assert set(PACKAGES) | {"migrations", "requirements.lock", "pyproject.toml"} <= let_in
    assert not {".env", ".greenroom", "tests", ".git"} & let_in
    assert all((ROOT / name).exists() for name in let_in)


def test_every_package_file_is_in_the_distribution() -> None:
    """A report's template was missing once: the page failed only in the container."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for package in (*PACKAGES, "migrations")
        for path in (ROOT / package).rglob("*")
        if path.is_file()
    ]
    left = [
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix not in {".py", ".pyc"}
        and not any(fnmatch(path.name, pattern.rpartition("/")[2]) for pattern in patterns)
    ]
    assert not left, left
