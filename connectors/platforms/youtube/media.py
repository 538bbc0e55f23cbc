"""Uploads to YouTube: a private video in a resumable session, and its cover.

An upload first queries the received bytes, so it continues a session of an earlier attempt. Source:
https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol

The cover is set while the video is private. Setting it is idempotent, since a new cover replaces
the last one. Only channels with a verified phone number may set covers, and Shorts do not show
them. It costs 50 units of the application's quota. Source:
https://developers.google.com/youtube/v3/docs/thumbnails/set
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.connector import FileRef, Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.platforms.youtube.account import (
    FORBIDDEN,
    error_reason,
    list_items,
    outcome_of_failure,
    resource_part,
)
from connectors.shared import http_responses
from connectors.shared.http_responses import json_body, quote_segment, restage_uploads
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Medium, Unit

COVER = "stage:cover:"
"""Prefix of the name of the step that sets a cover. The video's ID follows, because a new upload of
the video needs its cover again."""

MIMES = ("image/jpeg", "image/png")
MAX_BYTES = 2 * 1024 * 1024
TOO_MANY_FOR = timedelta(hours=1)
"""Delay after YouTube refused a cover because too many were set. YouTube does not document how long
this limit applies."""


def video_of(unit: Unit) -> Medium | None:
    """Return the video of a unit."""
    return next((one for one in unit.media if one.mime not in MIMES), None)


def cover_of(unit: Unit) -> Medium | None:
    """Return the cover of a unit, or None if YouTube selects a frame."""
    return next((one for one in unit.media if one.mime in MIMES), None)


def cover_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit's media are not a single video with at most one valid cover, or
    None."""
    covers = [one for one in unit.media if one.mime in MIMES]
    if len(covers) > 1 or len(unit.media) - len(covers) > 1:
        return Message("youtube.cover_alone")
    heavy = next((one for one in covers if one.size > MAX_BYTES), None)
    return (
        Message("youtube.cover_heavy", {"size": heavy.size, "most": MAX_BYTES})
        if heavy is not None
        else None
    )


def next_turn(unit: Unit, number: str, answers: tuple[StepResult, ...]) -> Send | None:
    """Return the request that sets the cover of video `number`, or None if none is needed."""
    cover = cover_of(unit)
    name = f"{COVER}{number}"
    if cover is None or any(
        one.step == name and isinstance(one, Response) and one.is_success for one in answers
    ):
        return None
    path = (
        f"/upload/youtube/v3/thumbnails/set?videoId={http_responses.quote_segment(number)}"
        "&uploadType=media"
    )
    file = FileRef(cover.sha256, cover.mime)
    return Send(WireStep(name, StepKind.STAGE, "POST", path, file=file, deadline=60.0))


def cover_refusal_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a refused cover. The whole post waits, since the video is still
    private."""
    word = error_reason(answer)
    if word == "videoNotFound":
        return http_responses.restage_uploads()
    if word == "uploadRateExceeded":
        return Retry(TOO_MANY_FOR, "account", Message("connectors.rate_limited"))
    if word == FORBIDDEN:
        return Rejected(Message("youtube.cover_forbidden"), permanent=False)
    return outcome_of_failure(answer, creates=False)


OPEN = "stage:open"
ASK = "stage:ask"
PUT = "stage:put:"
POLL = "poll"
CHUNK = 8 * 1024 * 1024
"""Size of a chunk in bytes, a multiple of 256 KiB as YouTube requires."""

SESSIONS = ("googleapis.com",)
"""Allowed domains of the session URL."""

POLLS = 2
AGAIN = timedelta(seconds=20)
"""Delay before the next attempt if a video is still being processed after `POLLS` status queries.
"""

GOES_ON = 308
GONE = (404, 410)
_VIDEO = re.compile(r"[\w-]{6,20}", re.ASCII)
_HAS = re.compile(r"bytes=0-(\d{1,12})", re.ASCII)


class Upload:
    """The state of a video upload, derived from the answers so far."""

    def __init__(
        self, film: Medium, said: Mapping[str, Any], answers: tuple[StepResult, ...]
    ) -> None:
        self._film = film
        self._said = said
        self._answers = answers
        opened = [one for one in answers if one.step == OPEN and isinstance(one, Response)]
        self._session = opened[-1].sealed.get("location") if opened else None
        self._last = _last_answer(answers)
        self.id = uploaded_video_id(answers)

    def next(self) -> Send | Outcome | None:
        """Return the next request, a Retry, or a failure. Return None if the video is ready."""
        if self.id:
            return self._poll_processing()
        if self._session is None:
            return (
                restage_uploads()
                if any(one.step == OPEN for one in self._answers)
                else Send(self._build_open_step())
            )
        if self._last is None:
            return Send(self._build_part_step(ASK, self._session, f"bytes */{self._film.size}"))
        if self._last.status != GOES_ON:  # complete, but the video's ID is unreadable
            return restage_uploads()
        found = _HAS.fullmatch(self._last.headers.get("range", ""))
        start = int(found[1]) + 1 if found else 0
        if start >= self._film.size:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        if self._last.step == f"{PUT}{start}":  # nothing of the last chunk was received
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        end = min(start + CHUNK, self._film.size)
        span = f"bytes {start}-{end - 1}/{self._film.size}"
        return Send(
            self._build_part_step(
                f"{PUT}{start}",
                self._session,
                span,
                FileRef(self._film.sha256, self._film.mime, part=(start, end)),
            )
        )

    def _build_open_step(self) -> WireStep:
        """Return the request that opens a session. Its response contains the session URL, which
        permits uploads without a credential."""
        size = {
            "x-upload-content-length": str(self._film.size),
            "x-upload-content-type": self._film.mime,
        }
        return WireStep(
            OPEN,
            StepKind.STAGE,
            "POST",
            f"/upload/youtube/v3/videos?uploadType=resumable&part={','.join(self._said)}",
            self._said,
            headers=size,
            secret_headers=("location",),
            text_as="receipt",
        )

    def _build_part_step(
        self, name: str, session: Sealed, span: str, file: FileRef | None = None
    ) -> WireStep:
        return WireStep(
            name,
            StepKind.STAGE,
            "PUT",
            "/",
            file=file,
            headers={"content-range": span},
            token="none",
            deadline=180.0,
            address=session,
            within=SESSIONS,
        )

    def _poll_processing(self) -> Send | Outcome | None:
        told = [one for one in self._answers if one.step == POLL]
        found = list_items(told[-1]) if told else None
        status = resource_part(found[0], "status") if found else {}
        match status.get("uploadStatus"):
            case "processed":
                return None
            case "rejected" | "failed" | "deleted":
                word = status.get("rejectionReason", status.get("failureReason", "?"))
                return Rejected(
                    Message("youtube.film_refused", {"code": re.sub(r"\W", "", str(word))[:60]}),
                    True,
                )
        if told and found == []:  # the owner has deleted the video
            return restage_uploads()
        if len(told) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        path = f"/youtube/v3/videos?part=status,processingDetails&id={quote_segment(self.id)}"
        return Send(WireStep(POLL, StepKind.CONTROL, "GET", path, action="look"))


def _last_answer(answers: tuple[StepResult, ...]) -> Response | None:
    """Return the last response about the progress of the upload."""
    told = [one for one in answers if isinstance(one, Response) and one.step.startswith((ASK, PUT))]
    return told[-1] if told else None


def uploaded_video_id(answers: tuple[StepResult, ...]) -> str:
    """Return the ID of the video that was uploaded last, or "" while it is incomplete."""
    last = _last_answer(answers)
    told = json_body(last).get("id") if last is not None and last.is_success else ""
    return told if isinstance(told, str) and _VIDEO.fullmatch(told) else ""


def is_unfinished(answer: StepResult) -> bool:
    """Return True if the upload continues after an answer: a chunk was received, or the progress
    was queried."""
    return isinstance(answer, Response) and (
        answer.is_success or (answer.status == GOES_ON and answer.step != OPEN)
    )


def is_session_lost(answer: StepResult) -> bool:
    """Return True if the session has expired."""
    return (
        isinstance(answer, Response)
        and answer.step.startswith((ASK, PUT))
        and answer.status in GONE
    )
