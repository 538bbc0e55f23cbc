"""Videos on X: ordered segments, processing before the post, and one video per post."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import (
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.platforms.x.media import POLLS, SEGMENT
from connectors.platforms.x.publisher import ADULT, PUBLISH, X
from gate.contract.units import Medium, Unit
from tests.connectors.platforms.x.test_publisher import PICTURES, UNIT, problem, said

PLATFORM = X()
NAME = "f" * 24
FILM = Medium("f" * 64, "video/mp4", 2 * SEGMENT + 7, alt="waves on a beach")
POST = replace(UNIT, media=(FILM,))


def answer(step: WireStep, *, state: str = "succeeded") -> Response:
    """Return the successful response to a step; `state` is the processing state in status
    responses."""
    if step.name.startswith("part:"):
        return Response(step.name, 200, {}, {})
    told: dict[str, Any] = {"id": "71"}
    if step.name.startswith("done:"):
        told["processing_info"] = {"state": "pending", "check_after_secs": 1}
    if step.name.startswith("poll:"):
        told["processing_info"] = {"state": state}
    if step.name.startswith("told:"):
        told["associated_metadata"] = (step.json or {})["metadata"]
    return said(step.name, 200, {"data": told})


def story(unit: Unit, *, state: str = "succeeded") -> tuple[list[WireStep], Send | Outcome]:
    """Return the steps of a unit up to its post, and the last turn."""
    sent: list[WireStep] = []
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.next_step(unit, answers), Send):
        sent.append(turn.step)
        if turn.step.name == PUBLISH:
            break
        answers = (*answers, answer(turn.step, state=state))
    return sent, turn


def test_video_is_uploaded_in_segments_and_described_before_the_post() -> None:
    sent, _ = story(replace(POST, flags=(ADULT,)))
    assert [step.name for step in sent] == [
        f"open:{NAME}",
        *(f"part:{number}:{NAME}" for number in range(3)),
        f"done:{NAME}",
        f"poll:{NAME}",
        f"told:{NAME}",
        PUBLISH,
    ]
    parts = [step.files["media"].part for step in sent[1:4]]
    assert parts == [(0, SEGMENT), (SEGMENT, 2 * SEGMENT), (2 * SEGMENT, FILM.size)]
    assert [(step.json or {})["segment_index"] for step in sent[1:4]] == [0, 1, 2]
    assert len({step.wire_digest() for step in sent}) == len(sent)
    assert {step.kind for step in sent[:5]} == {StepKind.STAGE}
    assert (sent[0].json or {})["total_bytes"] == FILM.size
    assert (sent[-2].json or {})["metadata"]["sensitive_media_warning"] == {"adult_content": True}
    assert (sent[-1].json or {})["media"] == {"media_ids": ["71"]}


def test_interrupted_upload_resumes_at_the_missing_segment() -> None:
    sent, _ = story(POST)
    done = tuple(answer(step) for step in sent[:3])
    turn = PLATFORM.next_step(POST, done)
    assert isinstance(turn, Send)
    assert turn.step.name == f"part:2:{NAME}"


@pytest.mark.parametrize(
    ("at", "wrong", "anew"),
    [
        (0, problem(503, "oops", step=f"open:{NAME}"), False),
        (1, StepAnswerLost(f"part:0:{NAME}", "ReadTimeout"), False),
        (1, Response(f"part:0:{NAME}", 503, {}, None), False),
        (
            2,
            problem(
                404,
                "Not found",
                "https://api.x.com/2/problems/resource-not-found",
                f"part:1:{NAME}",
            ),
            True,
        ),
        (4, problem(400, "Your media IDs are invalid.", step=f"done:{NAME}"), True),
        (
            5,
            problem(
                404, "Not found", "https://api.x.com/2/problems/resource-not-found", f"poll:{NAME}"
            ),
            True,
        ),
    ],
)
def test_failed_upload_step_is_repeated(at: int, wrong: StepResult, anew: bool) -> None:
    sent, _ = story(POST)
    again = PLATFORM.next_step(POST, (*(answer(step) for step in sent[:at]), wrong))
    assert isinstance(again, Retry)
    assert again.uploads_gone is anew


def test_processing_video_is_polled_then_retried() -> None:
    sent, outcome = story(POST, state="in_progress")
    assert sum(step.name.startswith("poll:") for step in sent) == POLLS
    assert isinstance(outcome, Retry)
    _, failed = story(POST, state="failed")
    assert isinstance(failed, Rejected)
    assert failed.reason.code == "x.film_failed"


@pytest.mark.parametrize(
    ("media", "code"),
    [
        ((FILM, PICTURES[0]), "x.film_alone"),
        ((FILM, FILM), "x.film_alone"),
        ((replace(FILM, size=101 * 2**20),), "connectors.medium_unfit"),
        ((replace(PICTURES[0], size=5_000_001),), "connectors.medium_unfit"),
        ((replace(FILM, alt=" "),), "connectors.alt_missing"),
    ],
)
def test_unit_over_the_limits_is_rejected(media: tuple[Medium, ...], code: str) -> None:
    refused = PLATFORM.next_step(replace(UNIT, media=media), ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == code
