"""First comments on platforms without threads: requests, meaning of responses, and the wait for a
new post."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.capabilities import Capabilities
from connectors.contract.connector import Connector, Response, Send, StepAnswerLost, StepResult
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry, Uncertain
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.instagram.publisher import AI, Instagram
from connectors.platforms.reddit.account import NSFW_MARK
from connectors.platforms.reddit.publisher import Reddit
from connectors.platforms.youtube.publisher import YouTube
from connectors.shared import unit_checks
from foundation.ids import uuid7
from gate.contract.units import IS_FIRST_COMMENT, Medium, Subject, Text, Unit

COMMENT = Unit(
    uuid7(), uuid7(), Subject("delivery", uuid7()), "x", "x.post", uuid7(), "17", "public",
    texts=(Text("body", "more below"),), parts=2, comment=IS_FIRST_COMMENT, reply_to="501", native_key="k",
)  # fmt: skip
EVERY: tuple[Connector, ...] = (Instagram(), Facebook(), Reddit(), YouTube())


def unit_for(one: Connector, **changes: Any) -> Unit:
    can = one.capabilities
    placed = replace(COMMENT, platform=can.platform, surface=f"{can.platform}.{can.surfaces[0]}")
    return replace(placed, **changes)


def graph(code: int, sub: int = 0, status: int = 400, step: str = "publish") -> Response:
    return Response(
        step, status, {}, {"error": {"code": code, "error_subcode": sub, "message": "no"}}
    )


def google(reason: str, status: int) -> Response:
    return Response(
        "publish", status, {}, {"error": {"code": status, "errors": [{"reason": reason}]}}
    )


def listing(*ids: str) -> Response:
    return Response("look", 200, {}, {"data": [{"id": one} for one in ids]})


UNREAD = graph(100, 33, step="open")
OPEN = Response("open", 200, {}, {"id": "501", "is_comment_enabled": True})
SAID = Response("publish", 200, {}, {"json": {"errors": [["THREAD_LOCKED", "no", "parent"]]}})
GONE = Response("there", 200, {}, {"kind": "youtube#videoListResponse", "items": []})
THERE = Response("there", 200, {}, {"kind": "youtube#videoListResponse", "items": [{"id": "501"}]})


@pytest.mark.parametrize(
    ("one", "answers", "kind", "code"),
    [
        (Instagram(), (UNREAD, listing("501", "500")), Retry, "connectors.post_unready"),
        (
            Instagram(),
            (UNREAD, graph(2, status=500, step="look")),
            Retry,
            "connectors.post_unready",
        ),
        (Instagram(), (UNREAD, listing("500")), Rejected, "connectors.comment_post_gone"),
        (
            Instagram(),
            (replace(OPEN, body={"is_comment_enabled": False}),),
            Rejected,
            "connectors.comments_off",
        ),
        (Instagram(), (OPEN, graph(100, 33)), Retry, "connectors.post_unready"),
        (Instagram(), (OPEN, graph(10)), Rejected, "instagram.no_comments"),
        (Instagram(), (OPEN, StepAnswerLost("publish", "x")), Uncertain, ""),
        (Instagram(), (OPEN, graph(4)), Uncertain, ""),
        (Facebook(), (graph(100, 33),), Rejected, "connectors.comment_post_gone"),
        (Facebook(), (graph(506),), Uncertain, "facebook.duplicate"),
        (Facebook(), (graph(2, status=500),), Uncertain, ""),
        (Reddit(), (SAID,), Rejected, "connectors.comments_off"),
        (YouTube(), (google("commentsDisabled", 403),), Rejected, "connectors.comments_off"),
        (YouTube(), (google("videoNotFound", 404), GONE), Rejected, "connectors.comment_post_gone"),
        (YouTube(), (google("processingFailure", 400), THERE), Retry, "connectors.post_unready"),
        (YouTube(), (google("quotaExceeded", 403),), Retry, ""),
        (YouTube(), (google("backendError", 503),), Uncertain, ""),
    ],
)
def test_comment_response_maps_to_outcome(
    one: Connector, answers: tuple[StepResult, ...], kind: type[Outcome], code: str
) -> None:
    end = one.next_step(unit_for(one), answers)
    assert isinstance(end, kind), end
    assert not isinstance(end, Published)
    assert not code or end.reason.code == code


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.capabilities.platform)
def test_first_comment_is_text_under_a_post_without_a_thread(one: Connector) -> None:
    def why(unit: Unit) -> str:
        end = one.next_step(unit, ())
        return end.reason.code if isinstance(end, Rejected) else ""

    assert isinstance(one.next_step(unit_for(one), ()), Send)
    assert (
        why(unit_for(one, media=(Medium("ab" * 32, "image/jpeg", 9),)))
        == "connectors.comment_words"
    )
    assert why(unit_for(one, flags=("strange=true",))) == "connectors.mark_untold"
    assert why(unit_for(one, comment="", parts=2)) == "connectors.comment_alone"
    assert why(unit_for(one, texts=(Text("body", "x" * 20_000),))) == "connectors.text_too_long"
    for borne in {"instagram": (AI,), "reddit": (NSFW_MARK,)}.get(one.capabilities.platform, ()):
        assert not why(unit_for(one, flags=(borne,)))  # the post carries the mark


def test_platform_without_comments_is_rejected() -> None:
    none = Capabilities("x", ("post",), 99, 0, (), 0, "none", False, False, False, False, False)
    wrong = unit_checks.unit_problem(replace(COMMENT), none, length=1)
    assert wrong is not None
    assert wrong.code == "connectors.no_threads"
