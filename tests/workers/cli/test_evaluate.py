"""`greenroom evaluate` prints the scores of a file as JSON or as a table."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from foundation.errors import BadInput
from insights.predictions.evaluations import EVALUATIONS, evaluate_file
from workers.cli.evaluate import evaluate_task


@pytest.fixture
def sales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    file = tmp_path / "sales.csv"
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(50)]
    rows = [f"A,{day},{10 + 3 * day.weekday() + day.day % 4}" for day in days]
    file.write_text("\n".join(["unique_id,ds,y", *rows]))
    return file


def test_scores_are_printed_as_json_and_as_a_table(sales: Path) -> None:
    app = typer.Typer()
    app.command()(evaluate_task)
    said = CliRunner().invoke(app, ["forecast", "--data", str(sales), "--json"])
    found = json.loads(said.stdout)
    assert {"task", "metrics", "n", "seconds"} <= set(found)
    assert set(found["metrics"]) == {"method", "baseline", "interval"}
    assert (found["task"], found["n"]) == ("forecast", 1)
    table = CliRunner().invoke(app, ["forecast", "--data", str(sales)]).stdout
    assert "mase" in table
    assert "80%" in table


def test_unknown_task_and_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        evaluate_file("weather", tmp_path / "no.csv", home=tmp_path)
    assert refused.value.message.params == {"tasks": ", ".join(EVALUATIONS)}
    with pytest.raises(BadInput) as refused:
        evaluate_file("repeat", tmp_path / "no.csv", home=tmp_path)
    assert refused.value.message.code == "evaluate.no_file"
