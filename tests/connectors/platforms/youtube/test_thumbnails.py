"""Covers of films on YouTube: set before anybody sees the film, and no reason to doubt."""

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
def test_the_picture_beside_a_film_is_set_as_its_cover_before_anybody_sees_it(
    media: tuple[Medium, ...],
) -> None:
    unit = replace(UNIT, media=media)
    cover = step_of(PLATFORM.next_step(unit, UNCOVERED))
    assert (cover.name, cover.kind, cover.method) == (NAME, StepKind.STAGE, "POST")
    assert cover.path == f"/upload/youtube/v3/thumbnails/set?videoId={VIDEO}&uploadType=media"
    assert cover.file == FileRef(PICTURE.sha256, PICTURE.mime)
    assert references.uploaded_references(cover, "youtube", UNCOVERED) == (VIDEO,)
    assert references.stray_reference(cover, "youtube", ()) == "egress.remote_reference", (
        "no film but its own"
    )
    done = said(NAME, 200, {"kind": "youtube#thumbnailSetResponse", "items": [{}]})
    assert step_of(PLATFORM.next_step(unit, (*UNCOVERED, done))).name == PUBLISH
    assert (
        step_of(PLATFORM.next_step(unit, (OPENED, DONE, done, polled("processed")))).name == PUBLISH
    ), "a later try"
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
def test_a_cover_is_never_in_doubt(answer: StepResult, meant: type[Outcome], code: str) -> None:
    outcome: Any = PLATFORM.next_step(replace(UNIT, media=(FILM, PICTURE)), (*UNCOVERED, answer))
    assert (type(outcome), outcome.reason.code) == (meant, code)


def test_a_film_has_one_cover_and_no_heavy_one() -> None:
    heavy = replace(PICTURE, size=MAX_BYTES + 1)
    told = Message("youtube.cover_heavy", {"size": heavy.size, "most": MAX_BYTES})
    assert PLATFORM.next_step(replace(UNIT, media=(FILM, heavy)), ()) == Rejected(
        told, permanent=False
    )
    two = PLATFORM.next_step(replace(UNIT, media=(PICTURE, replace(PICTURE, sha256="c" * 64))), ())
    assert two == Rejected(Message("connectors.film_missing"), permanent=False)


def test_a_cover_takes_its_units_of_the_day_and_the_pieces_of_a_film_none() -> None:
    """Source: https://developers.google.com/youtube/v3/determine_quota_cost, `thumbnails.set`."""
    films, units = rate_limits.rate_limits_of("youtube")
    assert [
        units.cost_of(step) for step in (f"{COVER}dQw4w9WgXcQ", "publish", "delete", "look")
    ] == [50, 50, 50, 1]
    assert [units.cost_of(step) for step in (OPEN, ASK, f"{PUT}0")] == [0, 0, 0]
    assert (films.cost_of(OPEN), films.cost_of(f"{COVER}dQw4w9WgXcQ")) == (1, 0)
