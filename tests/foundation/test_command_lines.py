"""Commands are shown as they must be typed: with a path, by name, or through Docker Compose."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation import command_lines
from foundation.command_lines import command_line, is_command
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ops.settings import load_settings_of

COMMANDS = ("status", "gate resume", "channels connect telegram --creator mia", "invite EMAIL")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    command_lines.use_containers(in_containers=False)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the program of an installation whose folder has a space in its name."""
    made = tmp_path / "my agency" / ".venv" / "bin" / "greenroom"
    made.parent.mkdir(parents=True)
    made.write_text('#!/bin/sh\necho "ran $@"\n')
    made.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(made.with_name("python")))
    monkeypatch.setenv("PATH", os.defpath)
    return made


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("folder", ["checkout", "elsewhere"])
def test_shell_runs_the_command_as_shown(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, folder: str
) -> None:
    monkeypatch.chdir(program.parents[2] if folder == "checkout" else tmp_path.parent)
    shown = command_line(command)
    if folder == "checkout":
        assert shown == f".venv/bin/greenroom {command}"
    ran = subprocess.run(shown, shell=True, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"ran {command}"


@pytest.mark.parametrize("own", [True, False])
def test_name_is_enough_if_a_shell_finds_this_program(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    monkeypatch.chdir(program.parents[2])
    folder = program.parent
    if not own:  # another installation of the program is on PATH
        folder = tmp_path / "other"
        folder.mkdir()
        (folder / "greenroom").write_bytes(program.read_bytes())
        (folder / "greenroom").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert command_line("up") == ("greenroom up" if own else ".venv/bin/greenroom up")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("up", "docker compose up --detach --wait"),
        ("down", "docker compose down"),
        ("logs make", "docker compose logs make"),
        *((command, f"docker compose exec make greenroom {command}") for command in COMMANDS),
    ],
)
def test_containers_show_the_commands_of_compose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, shown: str
) -> None:
    monkeypatch.setenv("GREENROOM_DEPLOYMENT", "containers")
    load_settings_of(tmp_path)
    assert command_line(command) == command_line(f"greenroom {command}") == shown
    monkeypatch.delenv("GREENROOM_DEPLOYMENT")
    load_settings_of(tmp_path)
    assert "docker" not in command_line(command)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_with_a_command_shows_the_installed_one(
    program: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.chdir(program.parents[2])
    codes = [code for code, text in load_catalogue(language).items() if "{greenroom " in text]
    assert len(codes) > 20

    class Anything(dict[str, str | int]):
        def items(self):  # type: ignore[no-untyped-def]  # only iterated
            return {name: "x" for name in _PARAMETERS}.items()

    for code in codes:
        text = render_message(Message(code, Anything()), language)
        assert ".venv/bin/greenroom " in text, code
        assert "{" not in text, code


_PARAMETERS = (
    "account", "address", "busy", "count", "detail", "emails", "folder", "kind", "module", "name",
    "names", "pid", "place", "platform", "port", "recipe", "setting", "wait", "zone",
)  # fmt: skip


def test_only_the_program_is_a_command() -> None:
    assert is_command("greenroom up")
    assert not is_command("greenrooms")
    with pytest.raises(KeyError):
        render_message(Message("dashboard.trouble"), "en")
