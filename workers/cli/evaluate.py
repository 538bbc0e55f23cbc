"""`greenroom evaluate`: score a prediction method on a file of data."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workers.cli.options import JsonOutput


def evaluate_task(
    task: Annotated[
        str, typer.Argument(help="Prediction to score, such as forecast, repeat or churn.")
    ],
    data: Annotated[Path, typer.Option(help="CSV file with the columns of the task.")],
    limit: Annotated[
        int, typer.Option(min=0, help="Largest number of series to score. Default: 300.")
    ] = 0,
    horizon: Annotated[
        int, typer.Option(min=0, max=365, help="Days to predict. Default: depends on the task.")
    ] = 0,
    as_json: JsonOutput = False,
) -> None:
    """Score a prediction method on a CSV file."""
    from foundation.i18n.translation import Message
    from foundation.ops.settings import installation_folder
    from insights.predictions.evaluations import evaluate_file
    from workers.terminal.output import print_progress
    from workers.terminal.tables import format_json

    def report(installed: int, total: int, name: str) -> None:
        if name:
            values: dict[str, str | int] = {"n": installed + 1, "total": total, "package": name}
            print_progress(Message("cli.evaluate.installing", values))

    found = evaluate_file(
        task,
        data,
        home=installation_folder(),
        limit=limit,
        horizon=horizon,
        report=report,
    )
    typer.echo(format_json(found) if as_json else _format_scores(found))


def _format_scores(found: dict[str, Any]) -> str:
    """Return the scores as an aligned table of method and baseline."""
    from foundation.i18n.translation import Message
    from workers.terminal.output import translate
    from workers.terminal.tables import format_table

    metrics = found["metrics"]
    names = [
        name
        for name, value in metrics["method"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    scores = [metrics["method"], metrics["baseline"]]
    rows = [[name, *(_format_score(each.get(name)) for each in scores)] for name in names]
    table = format_table(("score", "method", "baseline"), rows)
    interval = metrics["interval"]
    said: dict[str, str | int] = {
        "method": str(metrics["method"].get("name", "-")),
        "baseline": str(metrics["baseline"].get("name", "-")),
        "n": int(found["n"]),
        "seconds": str(found["seconds"]),
    }
    lines = [table, translate(Message("cli.evaluate.summary", said))]
    if interval.get("coverage") is not None:
        shares: dict[str, str | int] = {
            "level": round(100 * interval["level"]),
            "coverage": round(100 * interval["coverage"]),
        }
        lines.append(translate(Message("cli.evaluate.interval", shares)))
    return "\n".join(lines)


def _format_score(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value if value is not None else "-")
