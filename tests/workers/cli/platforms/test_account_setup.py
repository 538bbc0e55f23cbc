"""The connect command as typed: options may follow the platform."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from connectors.contract.account_setup import FormField
from workers.cli.platforms.commands import _prompt_field


def typed(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "GREENROOM_HOME": str(home), "GREENROOM_LANGUAGE": "en"}
    return subprocess.run(
        [sys.executable, "-m", "workers.cli.main", *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.heavy
def test_options_may_follow_the_platform(tmp_path: Path) -> None:
    said = typed(tmp_path, "channels", "connect", "x", "--creator", "mia", "--dry-run")
    assert "Usage:" not in said.stderr, said.stderr
    assert "greenroom up" in said.stdout + said.stderr, "no installation runs here"
    assert said.returncode != 0
    listed = typed(tmp_path, "connectors", "x", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")


def test_prompt_repeats_after_an_invalid_choice() -> None:
    app, field = typer.Typer(), FormField("entry", choices=("any", "by_request"))

    @app.command()
    def ask() -> None:
        typer.echo(f"taken: {_prompt_field('Who gets in', field)}")

    said = CliRunner().invoke(app, input="everybody\nby_request\n")
    assert said.exit_code == 0, said.output
    assert "any, by_request." in said.output
    assert said.output.endswith("taken: by_request\n")
    assert CliRunner().invoke(app, input="\n").output.endswith("taken: any\n"), (
        "the default is the first choice, as on the page"
    )
