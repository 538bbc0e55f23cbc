"""Commands in texts: `foundation/command_lines` writes each as it must be typed, and members who
may not use the server's terminal see none."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.main import get_command

from foundation.i18n.translation import LANGUAGES
from tests.architecture.tree import ROOT, Source, product
from workers.cli import main

TERMINAL_CATALOGUES = frozenset(
    {"benchmarks", "demo_agency", "demo_day", "foundation", "workers_cli", "workers_doctor"}
)
"""Catalogues of messages that only commands print."""

TERMINAL_CODES = frozenset({"setup.has_owner", "tour.in_dashboard"})
"""Messages of other catalogues that only commands print."""

DOCUMENTS = frozenset({"benchmarks/measurement.py", "workers/cli/platforms/capability_table.py"})
"""Modules whose literals are pages of the documentation."""

NO_COMMANDS = frozenset({"greenroom policy"})
"""Literals that are no command: the kind of a signed file."""

PAGES = ("*.html", "*.js", "*.xml", "*.txt")


@cache
def bare_command() -> re.Pattern[str]:
    """Return the pattern of a command that begins with the program's name and nothing else."""
    main.load_commands()
    names = "|".join(sorted(getattr(get_command(main.app), "commands", {})))
    return re.compile(rf"(?<![\w./{{-])greenroom (?:{names})\b(?!-)")


def printed_commands(files: Iterable[Source]) -> Iterator[str]:
    """Yield each string with a bare command, except docstrings."""
    for source in files:
        for node in source.strings():
            found = bare_command().search(str(node.value))
            if found and node.value not in NO_COMMANDS:
                yield f"{source.path}:{node.lineno}: {found[0]}"


def entries(language: str) -> Iterator[tuple[str, str, str]]:
    """Yield the catalogue, code and text of every message."""
    for path in sorted((ROOT / "foundation/locale").glob(f"*.{language}.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale=language):
                if entry.id:
                    yield path.name.split(".")[0], str(entry.id), str(entry.string)


def test_no_string_prints_a_bare_command() -> None:
    files = [source for source in product() if source.path not in DOCUMENTS]
    assert list(printed_commands(files)) == []


def test_no_page_prints_a_bare_command() -> None:
    folders = {source.path.split("/")[0] for source in product()}
    pages = [path for name in folders for kind in PAGES for path in (ROOT / name).rglob(kind)]
    assert pages
    found = [str(path) for path in pages if bare_command().search(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_bare_command(language: str) -> None:
    assert [code for _, code, text in entries(language) if bare_command().search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_terminal_shows_commands(language: str) -> None:
    """The signed-out page told members to run a command on the server."""
    shown = {
        code
        for catalogue, code, text in entries(language)
        if "{greenroom" in text and catalogue not in TERMINAL_CATALOGUES
    }
    assert shown == TERMINAL_CODES


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_in_texts_exist(language: str) -> None:
    """A renamed command remained in texts."""
    known = _known_commands()
    shown = {
        name
        for _, _, text in entries(language)
        for name in re.findall(r"\{greenroom ([^}]*)\}", text)
    }
    assert shown
    assert shown - known == set()


def _known_commands() -> set[str]:
    main.load_commands()
    top = getattr(get_command(main.app), "commands", {})
    children = {
        f"{name} {child}" for name, one in top.items() for child in getattr(one, "commands", {})
    }
    return set(top) | children


@pytest.mark.parametrize("text", ["Run greenroom status.", "`greenroom creators add NAME`"])
def test_planted_command_is_found(tmp_path: Path, text: str) -> None:
    planted = Source("workers/planted.py", f'"""Docs: greenroom up."""\n\nSTOP = {text!r}\n')
    assert len(list(printed_commands([planted]))) == 1
    named = Source("workers/planted.py", 'STOP = "{greenroom status} .venv/bin/greenroom up"\n')
    assert list(printed_commands([named])) == []
