"""Metrics of Instagram posts and stories. The metrics of a story are available for the 24 hours
that it is visible.

Source: https://developers.facebook.com/docs/instagram-platform/reference/instagram-media and
/insights, "Story media metrics"
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.shared.http_responses import json_body, quote_segment

_NUMBERS = {"like_count": "likes", "comments_count": "comments", "view_count": "views"}
_OF_STORIES = ("views", "shares")


def read_metrics(
    copy: PlatformCopy, answers: tuple[StepResult, ...]
) -> Send | Mapping[str, int] | None:
    """Return likes, comments and views; for a story also its insights, which Instagram withholds if
    there are few viewers."""
    if not answers:
        return Send(
            _build_read_step(
                f"/{quote_segment(copy.native_id)}?fields=media_product_type,{','.join(_NUMBERS)}"
            )
        )
    told = _parse_body(answers[0])
    if not told:
        return None
    numbers = {
        name: told[field] for field, name in _NUMBERS.items() if isinstance(told.get(field), int)
    }
    if told.get("media_product_type") != "STORY":
        return numbers
    if len(answers) == 1:
        return Send(
            _build_read_step(
                f"/{quote_segment(copy.native_id)}/insights?metric={','.join(_OF_STORIES)}"
            )
        )
    return numbers | _parse_insights(_parse_body(answers[1]))


def _parse_insights(told: Mapping[str, Any]) -> dict[str, int]:
    """Return the values in an answer with insights: a list of names, each with the values of its
    periods."""
    found: dict[str, int] = {}
    for one in told["data"] if isinstance(told.get("data"), list) else []:
        try:
            name = one["name"]
            value = one["values"][0]["value"]
        except (TypeError, KeyError, IndexError):
            continue
        if (
            name in _OF_STORIES and isinstance(value, int) and value >= 0
        ):  # -1 if Instagram withholds the value
            found[name] = value
    return found


def _parse_body(answer: StepResult) -> Mapping[str, Any]:
    return json_body(answer) if isinstance(answer, Response) and answer.is_success else {}


def _build_read_step(path: str) -> WireStep:
    return WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics")
