"""Former names of commands and options still work; no help text shows them, no document names
them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.commands import demo_app
from workers.cli import main as command_line
from workers.cli.gate.commands import gate_app, policy_app, removal_requests_app
from workers.cli.old_names import OLD_COMMANDS, replace_old_command
from workers.cli.studio.commands import generation_app

ROOT = Path(__file__).parents[3]
NOTE = "Former names still work: "
TEXT_FILES = (
    ".md",
    ".po",
    ".py",
    ".yml",
    ".yaml",
    ".sh",
    ".txt",
    ".html",
    "Makefile",
    "Dockerfile",
)
KEEP_FORMER_NAMES = ("workers/cli/old_names.py", "tests/workers/cli/test_old_names.py")
OLD_OPTIONS = {
    "day": (command_line.app, "run-day"),
    "everybody": (generation_app, "save-wildcard"),
    "because": (removal_requests_app, "reject"),
    "on": (policy_app, "explain"),
    "pictures": (demo_app, "tour"),
    "why": (gate_app, "emergency-stop"),
    **dict.fromkeys(
        ("answer", "anew", "begin", "key", "part", "posture", "weight"), (generation_app, "start")
    ),
}
"""Old option, without dashes -> one command that accepts it."""


def print_help(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Return what the command line prints for `greenroom WORDS --help`."""
    monkeypatch.setattr("sys.argv", ["greenroom", *words, "--help"])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def listed_commands(text: str) -> set[str]:
    """Return the names under "Commands:" of a help text."""
    return set(re.findall(r"^  ([a-z-]+)  ", text.partition("Commands:")[2], re.MULTILINE))


@pytest.mark.parametrize("old", OLD_COMMANDS)
def test_old_name_runs_the_same_command_and_is_hidden(
    old: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    former, current = old.split(), OLD_COMMANDS[old].split()
    shown = print_help(current, monkeypatch, capsys)
    assert f"Usage: greenroom {' '.join(current)} " in shown
    assert print_help(former, monkeypatch, capsys) == shown
    visible = listed_commands(print_help(current[:-1], monkeypatch, capsys))
    assert current[-1] in visible
    if former[:-1] == current[:-1]:
        assert former[-1] not in visible
    else:
        assert former[0] not in listed_commands(print_help([], monkeypatch, capsys))


def test_arguments_after_an_old_name_are_kept() -> None:
    assert replace_old_command(["connect", "x", "--dry-run"]) == [
        "channels",
        "connect",
        "x",
        "--dry-run",
    ]
    assert replace_old_command(["complaints", "leave", "7"]) == ["removal-requests", "reject", "7"]
    assert replace_old_command(["make", "start", "day"]) == ["generation", "start", "day"]
    assert replace_old_command(["text-to-speech", "day"]) == ["text-to-speech", "day"]
    assert replace_old_command(["--help"]) == ["--help"]
    assert replace_old_command([]) == []


@pytest.mark.parametrize("old", OLD_OPTIONS)
def test_an_old_option_is_accepted_and_hidden(old: str) -> None:
    app, command = OLD_OPTIONS[old]
    assert not re.search(rf"--{old}\b", CliRunner().invoke(app, [command, "--help"]).output)
    ran = CliRunner().invoke(app, [command, f"--{old}", "1", "--never-an-option"])
    assert "No such option: --never-an-option" in ran.output, ran.output


def read_texts() -> Iterator[tuple[str, str]]:
    """Yield path and text of each tracked file, except the documents' list of former names."""
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for path in listing.stdout.splitlines():
        if path.endswith(TEXT_FILES) and path not in KEEP_FORMER_NAMES and (ROOT / path).is_file():
            lines = (ROOT / path).read_text("utf-8").splitlines()
            yield path, "\n".join(line for line in lines if not line.startswith(NOTE))


def test_no_document_names_an_old_command() -> None:
    either = "|".join(sorted(OLD_COMMANDS, key=len, reverse=True))
    several = "|".join(old for old in OLD_COMMANDS if " " in old)
    named = re.compile(rf"greenroom\"? (?:{either})(?![\w-])|`(?:{several})(?![\w-])")
    found = {path: named.findall(text) for path, text in read_texts()}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_readme_names_every_old_command() -> None:
    lines = (ROOT / "docs/command-line.md").read_text("utf-8").splitlines()
    (note,) = [line for line in lines if line.startswith(NOTE)]
    words = set(re.findall(r"[a-z-]+", note))
    assert {old for old in OLD_COMMANDS if not set(old.split()) <= words} == set()
