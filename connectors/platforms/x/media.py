"""Chunked video uploads to X: initialize, append segments, finalize, wait for processing.

Source: https://docs.x.com/x-api/media/quickstart/media-upload-chunked
"""

from datetime import timedelta
from typing import Any

from connectors.contract.connector import FileRef, Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.platforms.x.account import id_from_answer, unwrap_success
from foundation.i18n.translation import Message
from gate.contract.units import Medium

MIME = "video/mp4"
SEGMENT = 4 * 1024 * 1024
"""Size of a segment in bytes; X accepts at most 5 MB."""

OPEN = "open:"
PART = "part:"
DONE = "done:"
POLL = "poll:"
POLLS = 3
AGAIN = timedelta(seconds=10)
"""Delay before the next attempt if a video is still being processed after `POLLS` status queries.
"""


class VideoUpload:
    """The state of a video upload, derived from the answers so far."""

    def __init__(self, medium: Medium, answers: tuple[StepResult, ...]) -> None:
        self._medium = medium
        self._name = medium.sha256[:24]
        self._answers = [one for one in answers if one.step.endswith(f":{self._name}")]
        self.id = next(
            (
                id_from_answer(one)
                for one in reversed(self._answers)
                if one.step.startswith(OPEN) and id_from_answer(one)
            ),
            "",
        )

    def next(self) -> Send | Outcome | None:
        """Return the next request, a Retry, or a failure. Return None if the video is ready."""
        if not self.id:
            return Send(self._build_open_step())
        sent = {one.step for one in self._answers if isinstance(one, Response) and one.is_success}
        for number, start in enumerate(range(0, self._medium.size, SEGMENT)):
            if f"{PART}{number}:{self._name}" not in sent:
                return Send(self._build_append_step(number, start))
        return (
            self._poll_processing()
            if f"{DONE}{self._name}" in sent
            else Send(self._build_finalize_step())
        )

    def _build_open_step(self) -> WireStep:
        body = {
            "media_type": MIME,
            "media_category": "tweet_video",
            "total_bytes": self._medium.size,
        }
        return WireStep(
            f"{OPEN}{self._name}", StepKind.STAGE, "POST", "/2/media/upload/initialize", body
        )

    def _build_append_step(self, number: int, start: int) -> WireStep:
        end = min(start + SEGMENT, self._medium.size)
        file = FileRef(self._medium.sha256, MIME, "film.mp4", part=(start, end))
        return WireStep(
            f"{PART}{number}:{self._name}",
            StepKind.STAGE,
            "POST",
            f"/2/media/upload/{self.id}/append",
            {"segment_index": number},
            files={"media": file},
            deadline=120.0,
            text_as="receipt",  # some responses have no body
        )

    def _build_finalize_step(self) -> WireStep:
        return WireStep(
            f"{DONE}{self._name}", StepKind.STAGE, "POST", f"/2/media/upload/{self.id}/finalize"
        )

    def _poll_processing(self) -> Send | Outcome | None:
        asked = [one for one in self._answers if one.step.startswith(POLL)]
        told = _parse_processing(asked[-1] if asked else self._final_answer())
        state = told.get("state", "succeeded")
        if state == "succeeded":
            return None
        if state == "failed":
            return Rejected(Message("x.film_failed"), permanent=False)
        if len(asked) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        path = f"/2/media/upload?command=STATUS&media_id={self.id}"
        return Send(WireStep(f"{POLL}{self._name}", StepKind.CONTROL, "GET", path, action="look"))

    def _final_answer(self) -> StepResult:
        return next(one for one in reversed(self._answers) if one.step.startswith(DONE))


def _parse_processing(answer: StepResult) -> dict[str, Any]:
    told = unwrap_success(answer).get("processing_info")
    return told if isinstance(told, dict) else {}
