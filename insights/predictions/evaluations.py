"""Tasks of `greenroom evaluate`: each scores a method and its baseline on a file of data.

To add a task, add a line to `EVALUATIONS`. The function receives `file`, `limit` and `horizon` (0
if not given) and returns `metrics` (`method`, `baseline`, `interval`), `n` and `split`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foundation.errors import BadInput
from foundation.ops.clock import monotonic
from insights.predictions.analysis_packages import ReportProgress, ignore_progress
from insights.predictions.child_process import run_in_child

MAX_SECONDS = 3600.0
"""Maximum duration of an evaluation."""


@dataclass(frozen=True)
class Evaluation:
    """A task: the function ("module:attr") that scores a file, and the columns that it reads."""

    function: str
    columns: tuple[str, ...]


EVALUATIONS: Mapping[str, Evaluation] = {
    "forecast": Evaluation(
        "insights.predictions.methods.forecast_scores:evaluate_forecasts",
        ("unique_id", "ds", "y"),
    ),
    "repeat": Evaluation(
        "insights.predictions.methods.purchase_scores:evaluate_purchases",
        ("customer_id", "date", "value"),
    ),
    "churn": Evaluation(
        "insights.predictions.methods.churn_scores:evaluate_churn",
        ("churned",),
    ),
    "virality": Evaluation(
        "insights.predictions.methods.post_scores:evaluate_virality",
        ("published_at", "value", "text", "value_3h"),
    ),
    "timing": Evaluation(
        "insights.predictions.methods.post_scores:evaluate_timing", ("published_at", "value")
    ),
    "sentiment": Evaluation(
        "insights.predictions.methods.text_scores:evaluate_sentiment",
        ("text", "label"),
    ),
    "toxicity": Evaluation(
        "insights.predictions.methods.text_scores:evaluate_toxicity",
        ("text", "label"),
    ),
    "recommendation": Evaluation(
        "insights.predictions.methods.recommendation_scores:evaluate_recommendations",
        ("user_id", "item_id"),
    ),
}


def evaluate_file(
    task: str,
    file: Path,
    *,
    home: Path,
    limit: int = 0,
    horizon: int = 0,
    report: ReportProgress = ignore_progress,
) -> dict[str, Any]:
    """Return the scores of a task on a file: `task`, `metrics`, `n`, `seconds` and `split`.

    Raises BadInput for an unknown task or an unusable file, Unavailable if the packages cannot be
    installed or the computation takes longer than `MAX_SECONDS`.
    """
    found = EVALUATIONS.get(task)
    if found is None:
        raise BadInput("evaluate.unknown_task", tasks=", ".join(EVALUATIONS))
    began = monotonic()
    payload = {"file": str(file.resolve()), "limit": limit, "horizon": horizon}
    result = run_in_child(found.function, payload, home=home, seconds=MAX_SECONDS, report=report)
    return {
        "task": task,
        "metrics": result["metrics"],
        "n": result["n"],
        "seconds": round(monotonic() - began, 2),
        "split": result["split"],
    }
