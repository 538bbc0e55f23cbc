"""The table of platforms shows the connectors' capabilities, in the documentation as in the
terminal."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from connectors.platforms.sandbox.publisher import Sandbox
from connectors.registry.loader import (
    connectable_platforms,
    load_builtin_connectors,
    load_connectors,
)
from foundation.errors import NotFound
from workers.cli.platforms import capability_table
from workers.cli.platforms.commands import connectors

app = typer.Typer()
app.command()(connectors)
PAGE = Path(__file__).parents[4] / "docs" / "connectors.md"


def told(*options: str) -> str:
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    return result.output


def test_documentation_page_matches_the_command() -> None:
    assert PAGE.read_text("utf-8") == told("--markdown"), (
        "greenroom connectors --markdown > docs/connectors.md"
    )


def test_every_platform_is_listed() -> None:
    found = [line["platform"] for line in json.loads(told("--json"))]
    assert sorted(found) == sorted(load_connectors())
    assert [line.split()[0] for line in told().splitlines()[1:]] == found


def test_platforms_are_sorted_by_setup_effort() -> None:
    """By minutes, then by cost, then by the days of the platform's review."""
    known = load_builtin_connectors()
    minutes = {name: one.form.minutes for name, one in connectable_platforms(known).items()}
    assert list(minutes) == [
        line.platform
        for line in capability_table.capability_rows(known)
        if line.platform in minutes
    ]
    assert list(minutes.values()) == sorted(minutes.values())
    burdens: tuple[dict[str, Any], ...] = (
        {"cost": "monthly"},
        {"approval_days": 9},
        {"cost": "used"},
        {},
    )
    same = {name: Sandbox() for name in ("a", "b", "c", "d")}
    for (name, one), more in zip(same.items(), burdens, strict=True):
        one.capabilities = replace(Sandbox.capabilities, platform=name, **more)
    assert [line.platform for line in capability_table.capability_rows(same)] == [
        "d",
        "b",
        "c",
        "a",
    ]


@pytest.mark.parametrize(
    ("platform", "column", "value"),
    [
        ("byhand", "lost_answer", "manual check"),
        ("bluesky", "lost_answer", "safe to resend"),
        ("discord", "lost_answer", "in the list of posts"),
        ("instagram", "deletes", "–"),
        ("own_page", "connecting", "hosted here"),
        (
            "telegram",
            "tells",
            "destination check, webhooks, post replacement, followers, balance, paid posts",
        ),
        (
            "fanvue",
            "tells",
            "token refresh, webhooks, deletion detection, followers, earnings, paid posts",
        ),
        ("sandbox", "sells", "yes"),
        ("sandbox", "tells", "label check, followers"),
        ("x", "cost", "per request"),
        ("bluesky", "cost", "free"),
        ("mastodon", "review", "–"),
    ],
)
def test_capability_columns_match_the_connectors(platform: str, column: str, value: str) -> None:
    line = next(
        line
        for line in capability_table.capability_rows(load_connectors())
        if line.platform == platform
    )
    assert getattr(line, column) == value


@pytest.mark.parametrize("platform", sorted(load_connectors()))
def test_platform_guide_lists_its_form_fields(platform: str) -> None:
    said = told(platform)
    assert said.startswith(platform)
    form = getattr(load_connectors()[platform], "form", None)
    assert said.count("\n- ") == (len(form.all_fields) if form is not None else 0)


def test_unknown_platform_is_refused() -> None:
    with pytest.raises(NotFound):
        capability_table.platform_guide(load_connectors(), "myspace")


def test_guide_of_one_platform_shows_only_that_platform() -> None:
    asked = told("x")
    assert "Client ID" in asked
    assert "greenroom channels connect x" in asked
    assert [line["platform"] for line in json.loads(told("x", "--json"))] == ["x"]
