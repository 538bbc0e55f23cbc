"""`greenroom create-connector`: an installable package whose tests fail until it is implemented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connectors.conformance import rules
from connectors.registry import loader
from foundation.errors import BadInput, Conflict
from gate.policy import bundle, plugin_place_rules
from tests.fakes.installed_packages import EXAMPLE
from tests.gate.third_party_packages import ACME
from workers.cli.platforms import connector_scaffold
from workers.cli.platforms.commands import create_connector

ROOT = Path(__file__).parents[4]


def new(name: str, folder: Path) -> str:
    app = typer.Typer()
    app.command()(create_connector)
    result = CliRunner().invoke(app, [name, "--folder", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def suite(folder: Path) -> str:
    """Return pytest's output for the package, run as its author runs it."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        "-n",
        "0",
        str(folder),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def ruff(*more: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "ruff",
        *more,
        "--config",
        str(ROOT / "pyproject.toml"),
        "--no-cache",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["acme", "zeta", "tube_of_9"])
def test_generated_files_follow_the_code_style(tmp_path: Path, name: str) -> None:
    new(name, tmp_path / "package")
    for done in (
        ruff("check", str(tmp_path), "--extend-ignore", "S101"),
        ruff("format", "--check", str(tmp_path)),
    ):
        assert done.returncode == 0, done.stdout + done.stderr


def test_generated_tests_fail_until_implemented(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    said = new("acme", folder)
    assert str(folder) in said
    failing = suite(folder)
    # an empty connector passes the rules on optional features, because it has none of them
    kept = 17
    told = f"{len(rules.ALL_RULES) - kept} failed, {kept} passed in"
    assert told in failing, failing
    assert "NotImplementedError: next_step: which request follows these responses" in failing
    assert "ImportError" not in failing
    place = "acme_greenroom/connector.py"
    (folder / place).write_text((EXAMPLE / place).read_text("utf-8"), "utf-8")
    assert re.search(rf"^{len(rules.ALL_RULES)} passed", suite(folder), re.MULTILINE)


def test_generated_rules_need_a_reading_date(tmp_path: Path) -> None:
    rows = connector_scaffold.scaffold_files("acme")["rows.yaml"]
    with pytest.raises(plugin_place_rules.InvalidThirdPartyRules, match="incomplete"):
        plugin_place_rules.verify_rules(
            plugin_place_rules.sign_rules("acme", rows, ACME), bundle.shipped_bundle()
        )
    read = rows.replace("checked_on:", "checked_on: 2026-11-20").replace(
        "review_by:", "review_by: 2027-02-18"
    )
    assert (
        plugin_place_rules.verify_rules(
            plugin_place_rules.sign_rules("acme", read, ACME), bundle.shipped_bundle()
        ).row_of_place("acme.post")
        is not None
    )


@pytest.mark.parametrize(
    "name",
    ["x", "own_page", "x_pages", "Acme", "a-b", "../up", "", "9lives", "a" * 32, "acme_auth"],
)
def test_reserved_or_invalid_name_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        connector_scaffold.write_scaffold(name, tmp_path / "package")
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(Conflict):
            connector_scaffold.write_scaffold("acme", folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    connector_scaffold.write_scaffold("acme", tmp_path / "empty")


def test_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput):
        connector_scaffold.write_scaffold("acme", tmp_path / "file/inside")


def test_default_folder_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    connector_scaffold.write_scaffold("two_words", None)
    assert (tmp_path / "connector-two-words/two_words_greenroom/connector.py").is_file()


def test_templates_are_installed_with_the_package() -> None:
    assert all(
        (connector_scaffold.SCAFFOLD_FILES / source).is_file()
        for source in connector_scaffold.SCAFFOLD_PATHS.values()
        if source
    )
    assert set(loader.load_builtin_connectors()).isdisjoint({"acme"})
