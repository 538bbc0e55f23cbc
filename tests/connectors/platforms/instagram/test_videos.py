"""Videos on Instagram: a reel on its own or a carousel item, with longer polling."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.connector import StepKind
from connectors.contract.outcomes import Rejected, Retry
from connectors.platforms.instagram.publisher import AI, POLL_INTERVAL
from connectors.platforms.meta.errors import MEDIA_REJECTED_CODES
from connectors.transport import references, required_marks
from gate.contract.units import Medium, Unit
from tests.connectors.platforms.instagram.test_publisher import ONE, POST, asked, ok, said

FILM = Medium("f" * 64, "video/mp4", 150 * 2**20, alt="waves", width=720, height=1280)
REEL = replace(POST, media=(FILM,), flags=(AI,))
ALBUM = replace(POST, media=(FILM, ONE), flags=(AI,))
MADE, ITEM = ok(f"stage:{'f' * 24}", id="201"), ok(f"stage:{'a' * 24}", id="101")
WORKING = ok("poll:201", status_code="IN_PROGRESS")


def test_single_video_is_a_reel_shared_to_the_feed() -> None:
    first = asked(REEL)
    assert (first.kind, first.path, dict(first.fetched).keys()) == (
        StepKind.STAGE,
        "/{account}/media",
        {"video_url"},
    )
    assert (first.fetched["video_url"].sha256, first.fetched["video_url"].mime) == (
        FILM.sha256,
        "video/mp4",
    )
    assert first.json == {
        "media_type": "REELS",
        "share_to_feed": True,
        "caption": "my day",
        "is_ai_generated": True,
    }
    assert asked(REEL, MADE, ok("poll:201", status_code="FINISHED")).json == {"creation_id": "201"}


def test_video_in_a_carousel_is_an_item() -> None:
    first, second = asked(ALBUM), asked(ALBUM, MADE)
    assert first.json == {"media_type": "VIDEO", "is_carousel_item": True}
    assert second.json == {"is_carousel_item": True, "alt_text": "a beach"}
    ready = (
        MADE,
        ITEM,
        ok("poll:201", status_code="FINISHED"),
        ok("poll:101", status_code="FINISHED"),
    )
    outer = asked(ALBUM, *ready).json or {}
    assert (outer["media_type"], outer["children"], outer["is_ai_generated"]) == (
        "CAROUSEL",
        "201,101",
        True,
    )


def test_reel_has_its_marks_and_no_foreign_reference() -> None:
    reel, item = asked(REEL), asked(ALBUM)
    assert required_marks.needs_marks(reel, "instagram")
    assert not required_marks.needs_marks(item, "instagram")
    assert required_marks.first_missing_mark(reel, (AI,)) == ""
    assert required_marks.first_missing_mark(asked(replace(REEL, flags=())), (AI,)) == AI
    for step in (reel, item):
        assert references.stray_reference(step, "instagram", ()) == ""
    elsewhere = replace(
        reel, json={**(reel.json or {}), "video_url": "https://elsewhere.test/a.mp4"}, fetched={}
    )
    assert references.stray_reference(elsewhere, "instagram", ()) == "egress.remote_reference"


@pytest.mark.parametrize("unit", [REEL, ALBUM])
def test_processing_video_is_polled_every_20_seconds(unit: Unit) -> None:
    item = (ITEM, ok("poll:101", status_code="FINISHED")) if unit is ALBUM else ()
    later = said(unit, MADE, *item, WORKING)
    assert isinstance(later, Retry)
    assert (later.after, later.reason.code, later.uploads_gone) == (
        timedelta(seconds=20),
        "instagram.preparing",
        False,
    )
    picture = said(POST, ITEM, ok("poll:101", status_code="IN_PROGRESS"))
    assert isinstance(picture, Retry)
    assert picture.after == POLL_INTERVAL


@pytest.mark.parametrize(
    "told", ["Error: Media upload has failed with error code 2207026", "2207026"]
)
def test_rejected_video_is_not_retried(told: str) -> None:
    refused = said(REEL, MADE, ok("poll:201", status_code="ERROR", status=told))
    assert isinstance(refused, Rejected)
    assert (refused.reason.code, refused.reason.params, refused.permanent) == (
        "instagram.file_refused",
        {"code": 2207026},
        False,
    )


@pytest.mark.parametrize(
    "status",
    [
        "Error: Media upload has failed with error code 2207003",
        "2207082",
        "",
        None,
        7,
        ["2207026x"],
    ],
)
def test_undownloaded_video_is_uploaded_again(status: object) -> None:
    """The error code is one that does not concern the file, or is missing."""
    again = said(REEL, MADE, ok("poll:201", status_code="ERROR", status=status))
    assert isinstance(again, Retry)
    assert again.uploads_gone
    assert 2207003 not in MEDIA_REJECTED_CODES


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"media": (replace(FILM, size=200 * 2**20 + 1),)}, "connectors.medium_unfit"),
        ({"media": (replace(FILM, mime="video/quicktime"),)}, "connectors.medium_unfit"),
        ({"media": (FILM, replace(ONE, size=8 * 2**20 + 1))}, "connectors.medium_unfit"),
        ({"media": (FILM, replace(ONE, width=100, height=200))}, "instagram.shape"),
    ],
)
def test_video_and_picture_limits_differ(changes: dict[str, Any], code: str) -> None:
    outcome = said(replace(POST, **changes))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == code
