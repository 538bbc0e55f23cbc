"""Metrics of Instagram posts and stories. The metrics of a story are available for the 24 hours
that it is visible.

Source: https://developers.facebook.com/docs/instagram-platform/reference/instagram-media and
/insights, "Story media metrics" and "Post metrics"
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
_OF_STORIES = {"views": "views", "shares": "shares"}
_OF_POSTS = {"reach": "reach", "saved": "saves", "shares": "shares"}
"""Insights that exist for images, carousels and reels alike. One unknown metric fails the whole
request."""


def read_metrics(
    copy: PlatformCopy, answers: tuple[StepResult, ...]
) -> Send | Mapping[str, int] | None:
    """Return likes, comments and views, and the insights of a post or story, which Instagram
    withholds from accounts without the permission and from stories with few viewers."""
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
    insights = _OF_STORIES if told.get("media_product_type") == "STORY" else _OF_POSTS
    if len(answers) == 1:
        return Send(
            _build_read_step(
                f"/{quote_segment(copy.native_id)}/insights?metric={','.join(insights)}"
            )
        )
    return numbers | _parse_insights(_parse_body(answers[1]), insights)


def _parse_insights(told: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, int]:
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
            name in wanted and isinstance(value, int) and value >= 0
        ):  # -1 if Instagram withholds the value
            found[wanted[name]] = value
    return found


def _parse_body(answer: StepResult) -> Mapping[str, Any]:
    return json_body(answer) if isinstance(answer, Response) and answer.is_success else {}


def _build_read_step(path: str) -> WireStep:
    return WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics")
