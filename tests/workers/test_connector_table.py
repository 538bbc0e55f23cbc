"""The table of platforms is what the connectors say of themselves, on the page as in the terminal."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connectors.registry import load
from foundation.errors import NotFound
from workers import connector_table
from workers.connector_commands import app

PAGE = Path(__file__).parents[2] / "docs/connectors.md"


def told(*options: str) -> str:
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text("utf-8") == told("--markdown"), "greenroom connectors --markdown > docs/connectors.md"


def test_every_platform_has_its_line() -> None:
    found = json.loads(told("--json"))
    assert [line["platform"] for line in found] == sorted(load())
    paragraphs = told().split("\n\n")
    assert [paragraph.splitlines()[0] for paragraph in paragraphs] == sorted(load())


@pytest.mark.parametrize(
    ("platform", "column", "value"),
    [
        ("byhand", "lost_answer", "a person says it"),
        ("bluesky", "lost_answer", "sent again, which changes nothing"),
        ("discord", "lost_answer", "in the list of posts"),
        ("instagram", "deletes", "–"),
        ("own_page", "connecting", "served here"),
        ("telegram", "tells", "settings of the place, webhooks, posts replaced"),
        ("sandbox", "sells", "yes"),
    ],
)
def test_a_line_says_what_is_so(platform: str, column: str, value: str) -> None:
    line = next(line for line in connector_table.lines(load()) if line.platform == platform)
    assert getattr(line, column) == value


@pytest.mark.parametrize("platform", sorted(load()))
def test_a_platform_says_what_connecting_takes(platform: str) -> None:
    said = told(platform)
    assert said.startswith(platform)
    form = getattr(load()[platform], "form", None)
    assert said.count("\n- ") == (len(form.fields) if form is not None else 0)


def test_a_platform_nobody_knows_is_told() -> None:
    with pytest.raises(NotFound):
        connector_table.guide(load(), "myspace")
