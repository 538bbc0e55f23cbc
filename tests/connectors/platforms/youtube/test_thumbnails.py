"""Thumbnails of YouTube videos: set before the video is public, and never a cause of uncertainty."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import FileRef, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Disconnected, Outcome, Rejected, Retry
from connectors.platforms.youtube.media import ASK, COVER, MAX_BYTES, OPEN, PUT
from connectors.platforms.youtube.publisher import PUBLISH
from connectors.shared import rate_limits
from connectors.transport import references
from foundation.i18n.translation import Message
from gate.contract.units import Medium
from tests.connectors.platforms.youtube.test_publisher import (
    DONE,
    FILM,
    OPENED,
    PLATFORM,
    UNIT,
    VIDEO,
    no,
    polled,
    said,
    step_of,
)

PICTURE = Medium("b" * 64, "image/jpeg", 1000, alt="a lake")
UNCOVERED: tuple[StepResult, ...] = (OPENED, DONE, polled("processed"))
NAME = f"{COVER}{VIDEO}"


@pytest.mark.parametrize("media", [(FILM, PICTURE), (PICTURE, FILM)])
def test_picture_of_a_video_is_set_as_thumbnail_before_publication(
    media: tuple[Medium, ...],
) -> None:
    unit = replace(UNIT, media=media)
    cover = step_of(PLATFORM.next_step(unit, UNCOVERED))
    assert (cover.name, cover.kind, cover.method) == (NAME, StepKind.STAGE, "POST")
    assert cover.path == f"/upload/youtube/v3/thumbnails/set?videoId={VIDEO}&uploadType=media"
    assert cover.file == FileRef(PICTURE.sha256, PICTURE.mime)
    assert references.uploaded_references(cover, "youtube", UNCOVERED) == (VIDEO,)
    assert references.stray_reference(cover, "youtube", ()) == "egress.remote_reference", (
        "only its own video"
    )
    done = said(NAME, 200, {"kind": "youtube#thumbnailSetResponse", "items": [{}]})
    assert step_of(PLATFORM.next_step(unit, (*UNCOVERED, done))).name == PUBLISH
    assert (
        step_of(PLATFORM.next_step(unit, (OPENED, DONE, done, polled("processed")))).name == PUBLISH
    ), "a later attempt"
    others = said(f"{COVER}another", 200, {})
    assert (
        step_of(PLATFORM.next_step(unit, (OPENED, DONE, others, polled("processed")))).name == NAME
    )
    assert step_of(PLATFORM.next_step(UNIT, UNCOVERED)).name == PUBLISH


@pytest.mark.parametrize(
    ("answer", "meant", "code"),
    [
        (no("forbidden", 403, NAME), Rejected, "youtube.cover_forbidden"),
        (no("invalidImage", 400, NAME), Rejected, "youtube.refused"),
        (no("uploadRateExceeded", 429, NAME), Retry, "connectors.rate_limited"),
        (no("quotaExceeded", 403, NAME), Retry, "youtube.quota"),
        (no("videoNotFound", 404, NAME), Retry, "connectors.uploads_gone"),
        (no("channelSuspended", 403, NAME), Disconnected, "connectors.account_gone"),
        (said(NAME, 503), Retry, "connectors.unclear_answer"),
        (StepAnswerLost(NAME, "ReadTimeout"), Retry, "connectors.answer_lost"),
    ],
)
def test_failed_thumbnail_is_never_uncertain(
    answer: StepResult, meant: type[Outcome], code: str
) -> None:
    outcome: Any = PLATFORM.next_step(replace(UNIT, media=(FILM, PICTURE)), (*UNCOVERED, answer))
    assert (type(outcome), outcome.reason.code) == (meant, code)


def test_video_has_one_thumbnail_within_the_size_limit() -> None:
    heavy = replace(PICTURE, size=MAX_BYTES + 1)
    told = Message("youtube.cover_heavy", {"size": heavy.size, "most": MAX_BYTES})
    assert PLATFORM.next_step(replace(UNIT, media=(FILM, heavy)), ()) == Rejected(
        told, permanent=False
    )
    two = PLATFORM.next_step(replace(UNIT, media=(PICTURE, replace(PICTURE, sha256="c" * 64))), ())
    assert two == Rejected(Message("connectors.film_missing"), permanent=False)


def test_thumbnail_uses_quota_and_upload_chunks_use_none() -> None:
    """Source: https://developers.google.com/youtube/v3/determine_quota_cost, `thumbnails.set`."""
    films, units = rate_limits.rate_limits_of("youtube")
    assert [
        units.cost_of(step) for step in (f"{COVER}dQw4w9WgXcQ", "publish", "delete", "look")
    ] == [50, 50, 50, 1]
    assert [units.cost_of(step) for step in (OPEN, ASK, f"{PUT}0")] == [0, 0, 0]
    assert (films.cost_of(OPEN), films.cost_of(f"{COVER}dQw4w9WgXcQ")) == (1, 0)
