"""Help of the command line: every command, group, argument and option has one plain line."""

import re
from collections.abc import Iterator
from typing import Annotated

import pytest
import typer
from typer.main import get_command

from foundation import errors
from tests.architecture.rules.vocabulary import banned_words
from workers.cli import main as command_line
from workers.terminal.exit_codes import EXIT_CODE_MEANINGS, ExitCode, exit_codes_help

MAX_LINE_CHARACTERS = 100
TERMINAL_WIDTH = 80
HELP_OPTION = "help"

HOMELY_WORD = re.compile(
    r"\b(of which|leaves|says?|tells?|told|asked|left out|as it is|for programs)\b", re.IGNORECASE
)
"""Words that are plain elsewhere and vague in the help of a command."""


def list_help(command: typer.Typer) -> Iterator[tuple[str, str]]:
    """Yield the name and the help of every command, group, argument and option."""
    yield from _walk(get_command(command), "greenroom")


def _walk(command: object, path: str) -> Iterator[tuple[str, str]]:
    yield path, (getattr(command, "help", "") or "").strip()
    for parameter in getattr(command, "params", []):
        if parameter.name != HELP_OPTION:
            yield f"{path} {parameter.opts[0]}", (getattr(parameter, "help", "") or "").strip()
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, f"{path} {name}")


def breaches(command: typer.Typer) -> list[str]:
    """Return the faults in the help of a command line."""
    found = []
    for name, text in list_help(command):
        if not text:
            found.append(f"{name}: no help")
        elif "\n" in text or len(text) > MAX_LINE_CHARACTERS:
            found.append(f"{name}: more than one line")
        elif not text.endswith("."):
            found.append(f"{name}: no full stop")
        found += [f"{name}: {word!r}" for word in banned_words(text)]
        found += [f"{name}: {match[0]!r}" for match in HOMELY_WORD.finditer(text)]
    return found


@pytest.fixture(scope="module")
def greenroom() -> typer.Typer:
    """The command line with all of its commands."""
    command_line.load_commands()
    return command_line.app


def test_every_command_and_option_has_one_line_of_help(greenroom: typer.Typer) -> None:
    found = breaches(greenroom)
    assert not found, "\n" + "\n".join(found)


def test_lists_of_commands_fit_into_a_terminal(
    greenroom: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A longer help would end in "..."."""
    monkeypatch.setenv("COLUMNS", str(TERMINAL_WIDTH))
    groups = [get_command(greenroom)]
    groups += getattr(groups[0], "commands", {}).values()
    cut = [
        line
        for group in groups
        if getattr(group, "commands", None)
        for line in group.get_help(
            group.make_context("greenroom", [], resilient_parsing=True)
        ).splitlines()
        if line.endswith("...") and not line.startswith("Usage:")
    ]
    assert not cut, "\n" + "\n".join(cut)


def test_commands_that_list_or_show_print_json(greenroom: typer.Typer) -> None:
    names = {name for name, _ in list_help(greenroom)}
    for command in (
        "api-keys list",
        "bench",
        "channels check",
        "connectors",
        "demo tour",
        "doctor",
        "dry-run",
        "gate explain",
        "gate report",
        "gate verify",
        "generation preview",
        "generation recipes",
        "generation status",
        "generation wildcards",
        "policy diff",
        "policy explain",
        "policy update",
        "removal-requests list",
        "removal-requests show-contact",
        "report",
        "status",
        "voices",
    ):
        assert f"greenroom {command} --json" in names, command


def test_planted_help_is_found() -> None:
    planted = typer.Typer(help="Planted commands.")

    @planted.command()
    def silent() -> None:
        pass

    @planted.command()
    def long(
        name: Annotated[str, typer.Argument(help="Name.")],
        other: Annotated[str, typer.Option()] = "",
    ) -> None:
        """Show one thing.

        And explain another.
        """

    @planted.command()
    def homely() -> None:
        """Print what somebody put aside."""

    assert breaches(planted) == [
        "greenroom silent: no help",
        "greenroom long: more than one line",
        "greenroom long --other: no help",
        "greenroom homely: 'somebody'",
        "greenroom homely: 'put aside'",
    ]


def test_exit_codes_are_those_of_the_errors() -> None:
    kinds = {
        errors.GreenroomError: ExitCode.FAILED,
        errors.BadInput: ExitCode.USAGE,
        errors.Unavailable: ExitCode.UNAVAILABLE,
        errors.NotFound: ExitCode.NOT_FOUND,
        errors.Refused: ExitCode.REFUSED,
        errors.Conflict: ExitCode.CONFLICT,
    }
    assert {kind: kind.exit_code for kind in kinds} == kinds


def test_help_lists_every_exit_code() -> None:
    assert set(EXIT_CODE_MEANINGS) == set(ExitCode)
    for code, meaning in EXIT_CODE_MEANINGS.items():
        assert re.search(rf"^ +{code}  {re.escape(meaning)}$", exit_codes_help(), re.MULTILINE)
