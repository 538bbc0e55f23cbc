"""The YouTube connector: resumable uploads, rejections, and the disclosure of synthetic media."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.destination import MarkReport
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.youtube.account import SURFACE, until_quota_reset
from connectors.platforms.youtube.media import ASK, CHUNK, OPEN, POLL, PUT
from connectors.platforms.youtube.publisher import AI, PUBLISH, YouTube
from connectors.shared.http_responses import is_app_wide_limit
from connectors.transport import references, required_marks
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.units import IS_FIRST_COMMENT, Medium, Subject, Text, Unit

PLATFORM = YouTube()
DATE = {"date": "Sun, 22 Nov 2026 12:00:00 GMT"}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FILM = Medium("a" * 64, "video/mp4", CHUNK + 1000, alt="waves")
VIDEO, CHANNEL = "dQw4w9WgXcQ", "UC" + "x" * 22
SESSION = Sealed(b"https://www.googleapis.com/upload/youtube/v3/videos?upload_id=secret")
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="youtube",
    surface=SURFACE,
    channel_id=uuid7(),
    account=CHANNEL,
    audience="public",
    texts=(Text("title", "A lake"), Text("body", "at dawn")),
    media=(FILM,),
    native_key="key-1",
)
COPY = PlatformCopy(VIDEO, CHANNEL)
SOUGHT = LookupQuery("key-1", "at dawn", NOW, CHANNEL, title="A lake")


def said(
    step: str,
    status: int,
    body: Any = None,
    sealed: dict[str, Sealed] | None = None,
    **headers: str,
) -> Response:
    return Response(step, status, DATE | headers, body, sealed or {})


OPENED = said(OPEN, 200, {}, {"location": SESSION})
ASKED = said(ASK, 308)
HALF = said(f"{PUT}0", 308, None, None, range=f"bytes=0-{CHUNK - 1}")
DONE = said(f"{PUT}{CHUNK}", 201, {"id": VIDEO, "status": {"uploadStatus": "uploaded"}})


def polled(status: str, **more: str) -> Response:
    return said(POLL, 200, {"items": [{"id": VIDEO, "status": {"uploadStatus": status, **more}}]})


def no(reason: str, status: int = 403, step: str = PUBLISH) -> Response:
    return said(
        step, status, {"error": {"code": status, "message": "…", "errors": [{"reason": reason}]}}
    )


def step_of(turn: object) -> Any:
    assert isinstance(turn, Send)
    return turn.step


def test_video_is_uploaded_private_and_published_when_processed() -> None:
    unit = replace(UNIT, flags=(AI,))
    known: tuple[StepResult, ...] = ()
    steps = []
    for answer in (OPENED, ASKED, HALF, DONE, polled("uploaded"), polled("processed")):
        steps.append(step_of(PLATFORM.next_step(unit, known)))
        known = (*known, answer)
    last = step_of(PLATFORM.next_step(unit, known))
    kinds = [StepKind.STAGE] * 4 + [StepKind.CONTROL] * 2
    assert [one.kind for one in steps] == kinds
    opened, asked, first, second = steps[:4]
    assert opened.json["snippet"] == {
        "title": "A lake",
        "description": "at dawn",
        "categoryId": "22",
    }
    assert (opened.json["status"]["privacyStatus"], opened.secret_headers) == (
        "private",
        ("location",),
    )
    assert (asked.file, asked.address, asked.token, asked.headers["content-range"]) == (
        None,
        SESSION,
        "none",
        f"bytes */{FILM.size}",
    )
    assert (first.file.part, second.file.part) == ((0, CHUNK), (CHUNK, FILM.size))
    assert second.headers["content-range"] == f"bytes {CHUNK}-{FILM.size - 1}/{FILM.size}"
    assert (last.kind, last.json["id"], last.json["status"]["privacyStatus"]) == (
        StepKind.PUBLISH,
        VIDEO,
        "public",
    )
    assert (
        required_marks.first_missing_mark(last, required_marks.marks_due(last, "youtube", (AI,)))
        == ""
    )
    assert references.uploaded_references(last, "youtube", known) == (VIDEO,)
    assert references.stray_reference(last, "youtube", ()) == "egress.remote_reference"
    assert len({one.wire_digest() for one in steps[:4]}) == 4


def test_upload_resumes_at_the_received_range() -> None:
    """A new attempt knows the session but none of its parts, so it first requests the received
    range."""
    stands = said(ASK, 308, None, None, range=f"bytes=0-{CHUNK - 1}")
    assert step_of(PLATFORM.next_step(UNIT, (OPENED, stands))).file.part == (CHUNK, FILM.size)
    whole = said(ASK, 200, {"id": VIDEO})
    assert step_of(PLATFORM.next_step(UNIT, (OPENED, whole))).name == POLL
    assert step_of(PLATFORM.next_step(UNIT, (OPENED, DONE))).name == POLL
    wrong = said(ASK, 308, None, None, range="bytes=7-9")
    assert step_of(PLATFORM.next_step(UNIT, (OPENED, wrong))).file.part == (0, CHUNK)
    full = said(ASK, 308, None, None, range=f"bytes=0-{FILM.size - 1}")
    assert isinstance(PLATFORM.next_step(UNIT, (OPENED, full)), Retry)


@pytest.mark.parametrize(
    ("answers", "meant", "anew"),
    [
        ((said(OPEN, 200, {}),), Retry, True),
        ((said(OPEN, 308),), Retry, False),
        ((StepAnswerLost(OPEN, "ReadTimeout"),), Retry, False),
        ((OPENED, said(ASK, 404)), Retry, True),
        ((OPENED, ASKED, said(f"{PUT}0", 410)), Retry, True),
        ((OPENED, ASKED, said(f"{PUT}0", 308)), Retry, False),
        ((OPENED, ASKED, said(f"{PUT}0", 503)), Retry, False),
        ((OPENED, ASKED, StepAnswerLost(f"{PUT}0", "ReadTimeout")), Retry, False),
        ((OPENED, said(ASK, 200, {"id": "../1"})), Retry, True),
        ((OPENED, DONE, polled("rejected", rejectionReason="duplicate")), Rejected, False),
        ((OPENED, DONE, polled("failed", failureReason="codec")), Rejected, False),
        ((OPENED, DONE, polled("uploaded"), polled("uploaded")), Retry, False),
        ((OPENED, DONE, said(POLL, 200, {"items": []})), Retry, True),
        ((OPENED, DONE, said(POLL, 503)), Retry, False),
    ],
)
def test_failed_upload_is_never_uncertain(
    answers: tuple[StepResult, ...], meant: type[Outcome], anew: bool
) -> None:
    outcome = PLATFORM.next_step(UNIT, answers)
    assert isinstance(outcome, meant)
    assert getattr(outcome, "uploads_gone", False) is anew


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"media": ()}, "connectors.film_missing"),
        ({"media": (FILM, FILM)}, "youtube.cover_alone"),
        ({"media": (replace(FILM, mime="image/png", size=1000),)}, "connectors.film_missing"),
        ({"media": (replace(FILM, mime="image/webp"),)}, "connectors.medium_unfit"),
        ({"texts": ()}, "youtube.no_title"),
        ({"texts": (Text("body", "x" * 101),)}, "youtube.title_too_long"),
        ({"texts": (Text("title", "x"), Text("body", "é" * 2501))}, "connectors.text_too_heavy"),
        ({"texts": (Text("title", "x"), Text("body", "y" * 5001))}, "connectors.text_too_long"),
        ({"texts": (Text("title", "a <b>"),)}, "youtube.signs"),
        ({"flags": ("nsfw=true",)}, "connectors.mark_untold"),
    ],
)
def test_unit_over_the_limits_is_rejected(more: dict[str, Any], why: str) -> None:
    refused = PLATFORM.next_step(replace(UNIT, **more), ())
    assert isinstance(refused, Rejected)
    assert refused.reason.code == why


def test_description_counts_bytes_without_its_title_line() -> None:
    assert PLATFORM.count_text(replace(UNIT, texts=(Text("title", "x"), Text("body", "été")))) == (
        5,
        5000,
    )
    assert PLATFORM.count_text(replace(UNIT, texts=(Text("body", "été\nété"),))) == (5, 5000)
    comment = replace(UNIT, texts=(Text("body", "été"),), comment=IS_FIRST_COMMENT, reply_to=VIDEO)
    assert PLATFORM.count_text(comment) == (3, 10_000)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(PUBLISH, 200, {"id": VIDEO, "status": {"privacyStatus": "public"}}), Published),
        (said(PUBLISH, 200, {"id": VIDEO, "status": {"privacyStatus": "private"}}), Rejected),
        (said(PUBLISH, 200, {"id": VIDEO}), Uncertain),
        (said(PUBLISH, 200, None), Uncertain),
        (said(PUBLISH, 503), Uncertain),
        (StepAnswerLost(PUBLISH, "ReadTimeout"), Uncertain),
        (StepNotSent(PUBLISH, "ConnectError"), Retry),
        (no("videoNotFound", 404), Retry),
        (no("quotaExceeded"), Retry),
        (no("rateLimitExceeded"), Retry),
        (no("uploadLimitExceeded", 400), Retry),
        (no("insufficientPermissions"), Reauthorize),
        (no("forbidden"), Reauthorize),
        (no("authenticatedUserAccountSuspended"), Disconnected),
        (no("authenticatedUserAccountClosed"), Disconnected),
        (no("authError", 401), Reauthorize),
        (no("channelSuspended"), Disconnected),
        (no("youtubeSignupRequired", 401), Disconnected),
        (no("invalidTitle", 400), Rejected),
        (no("backendError", 500), Uncertain),
    ],
)
def test_publish_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.next_step(UNIT, (OPENED, DONE, polled("processed"), answer)), meant)


def test_daily_quota_resets_at_midnight_in_los_angeles() -> None:
    assert until_quota_reset(NOW) == timedelta(hours=20)
    assert until_quota_reset(datetime(2026, 3, 8, 9, 0, tzinfo=UTC)) == timedelta(
        hours=22
    )  # daylight saving time starts on this day
    assert until_quota_reset(None) == timedelta(hours=1)
    waits = PLATFORM.next_step(UNIT, (no("quotaExceeded", step=OPEN),))
    assert isinstance(waits, Retry)
    assert (waits.after, waits.scope) == (timedelta(hours=20), "app")
    assert is_app_wide_limit(no("quotaExceeded"))
    assert not is_app_wide_limit(no("uploadLimitExceeded"))


def stands(**status: str) -> Response:
    return said("look", 200, {"items": [{"id": VIDEO, "status": status}]})


def test_lookup_requests_the_uploaded_video() -> None:
    """A text proves nothing: a channel may repeat a title every month, and older videos were
    uploaded manually."""
    sought = replace(SOUGHT, told=(OPENED, HALF, DONE))
    asked = step_of(PLATFORM.look_up(sought, ()))
    assert (asked.kind, asked.method, asked.path) == (
        StepKind.CONTROL,
        "GET",
        f"/youtube/v3/videos?part=id,status&id={VIDEO}",
    )
    for privacy in ("public", "unlisted"):
        found = PLATFORM.look_up(sought, (stands(privacyStatus=privacy),))
        assert found == Found(VIDEO, f"https://www.youtube.com/watch?v={VIDEO}")
    assert isinstance(PLATFORM.look_up(sought, (stands(privacyStatus="private"),)), Absent), (
        "the video is not public yet"
    )
    assert isinstance(PLATFORM.look_up(sought, (said("look", 200, {"items": []}),)), Absent), (
        "deleted on the platform"
    )
    assert isinstance(PLATFORM.look_up(sought, (said("look", 200, {"items": "x"}),)), Unknown)
    assert isinstance(PLATFORM.look_up(sought, (no("forbidden", step="look"),)), Unknown)
    for told in ((), (OPENED,), (OPENED, HALF), (DONE, HALF)):
        assert isinstance(PLATFORM.look_up(replace(SOUGHT, told=told), ()), Unknown), (
            "the video ID is unknown"
        )


def test_metrics_are_parsed_from_strings() -> None:
    told = {"viewCount": "12", "likeCount": "3", "commentCount": "x"}
    assert PLATFORM.read_metrics(
        COPY, (said("metrics", 200, {"items": [{"statistics": told}]}),)
    ) == {
        "views": 12,
        "likes": 3,
    }
    assert PLATFORM.read_metrics(COPY, (said("metrics", 200, {"items": []}),)) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"privacyStatus": "public", "containsSyntheticMedia": True}, MarkReport()),
        ({"privacyStatus": "public"}, MarkReport((AI,))),
        ({"privacyStatus": "unlisted", "containsSyntheticMedia": True}, MarkReport()),
        ({"privacyStatus": "unlisted"}, MarkReport((AI,))),
        ({"privacyStatus": "private"}, MarkReport((), there=False)),
    ],
)
def test_marks_are_read_back(status: dict[str, Any], expected: MarkReport) -> None:
    assert PLATFORM.read_marks(COPY, (), ()) == MarkReport()
    assert isinstance(PLATFORM.read_marks(COPY, (AI,), ()), Send)
    assert (
        PLATFORM.read_marks(COPY, (AI,), (said("look", 200, {"items": [{"status": status}]}),))
        == expected
    )


def test_unreadable_marks_are_not_missing() -> None:
    assert isinstance(PLATFORM.read_marks(COPY, (AI,), (said("look", 503),)), Retry)
    assert isinstance(PLATFORM.read_marks(COPY, (AI,), (said("look", 200, {}),)), Rejected)
    assert PLATFORM.read_marks(COPY, (AI,), (said("look", 200, {"items": []}),)) == MarkReport(
        (), there=False
    )


def test_deleted_or_missing_video_counts_as_removed() -> None:
    assert step_of(PLATFORM.remove(COPY, ())).method == "DELETE"
    assert PLATFORM.remove(COPY, (said("delete", 204),)) == Published(VIDEO)
    assert PLATFORM.remove(COPY, (no("videoNotFound", 404, "delete"),)) == Published(VIDEO)
    assert isinstance(PLATFORM.remove(COPY, (said("delete", 404),)), Rejected)
    assert isinstance(PLATFORM.remove(COPY, (said("delete", 503),)), Retry)
