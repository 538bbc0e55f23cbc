"""A film on its way to YouTube: a session, its parts in order, then what YouTube makes of it. Nobody sees it yet. Pure.

What arrived is asked for before anything is sent: a session that another try began goes on where it stands.
Source: https://developers.google.com/youtube/v3/guides/using_resumable_upload_protocol
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.answers import body_of, segment, staged_anew
from connectors.contract import Answer, FileRef, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Rejected, Retry
from connectors.youtube_account import items, part
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import Medium

OPEN, ASK, PUT, POLL = "stage:open", "stage:ask", "stage:put:", "poll"
CHUNK = 8 * 1024 * 1024
"""A multiple of 256 KiB, as they ask for."""

SESSIONS = ("googleapis.com",)
"""Where the address of a session may lie."""

POLLS, AGAIN = 2, timedelta(seconds=20)
"""How often one try asks whether a film is ready, and how long the next try waits."""

GOES_ON, GONE = 308, (404, 410)
_VIDEO = re.compile(r"[\w-]{6,20}", re.ASCII)
_HAS = re.compile(r"bytes=0-(\d{1,12})", re.ASCII)


class Upload:
    """Where the upload of a film stands, by the answers so far."""

    def __init__(self, film: Medium, said: Mapping[str, Any], answers: tuple[Answer, ...]) -> None:
        self._film, self._said, self._answers = film, said, answers
        opened = [one for one in answers if one.step == OPEN and isinstance(one, Response)]
        self._session = opened[-1].sealed.get("location") if opened else None
        self._last, self.id = _last(answers), uploaded(answers)

    def next(self) -> Send | Outcome | None:
        """The next request of it, or why it waits; None when it can be shown."""
        if self.id:
            return self._ready()
        if self._session is None:
            return staged_anew() if any(one.step == OPEN for one in self._answers) else Send(self._open())
        if self._last is None:
            return Send(self._part(ASK, self._session, f"bytes */{self._film.size}"))
        if self._last.status != GOES_ON:  # it is whole, and nobody can read which film it is
            return staged_anew()
        found = _HAS.fullmatch(self._last.headers.get("range", ""))
        start = int(found[1]) + 1 if found else 0
        if start >= self._film.size:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        if self._last.step == f"{PUT}{start}":  # it took nothing of what was just sent
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        end = min(start + CHUNK, self._film.size)
        span = f"bytes {start}-{end - 1}/{self._film.size}"
        return Send(
            self._part(
                f"{PUT}{start}", self._session, span, FileRef(self._film.sha256, self._film.mime, part=(start, end))
            )
        )

    def _open(self) -> WireStep:
        """Its answer is an address: whoever has it may send there."""
        size = {"x-upload-content-length": str(self._film.size), "x-upload-content-type": self._film.mime}
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

    def _part(self, name: str, session: Sealed, span: str, file: FileRef | None = None) -> WireStep:
        return WireStep(
            name,
            StepKind.STAGE,
            "PUT",
            "/",
            file=file,
            headers={"content-range": span},
            token="none",  # noqa: S106  no secret
            deadline=180.0,
            address=session,
            within=SESSIONS,
        )

    def _ready(self) -> Send | Outcome | None:
        told = [one for one in self._answers if one.step == POLL]
        found = items(told[-1]) if told else None
        status = part(found[0], "status") if found else {}
        match status.get("uploadStatus"):
            case "processed":
                return None
            case "rejected" | "failed" | "deleted":
                word = status.get("rejectionReason", status.get("failureReason", "?"))
                return Rejected(Message("youtube.film_refused", {"code": re.sub(r"\W", "", str(word))[:60]}), True)
        if told and found == []:  # gone meanwhile: somebody deleted it there
            return staged_anew()
        if len(told) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        path = f"/youtube/v3/videos?part=status,processingDetails&id={segment(self.id)}"
        return Send(WireStep(POLL, StepKind.CONTROL, "GET", path, action="look"))


def _last(answers: tuple[Answer, ...]) -> Response | None:
    """What was told last of how an upload stands."""
    told = [one for one in answers if isinstance(one, Response) and one.step.startswith((ASK, PUT))]
    return told[-1] if told else None


def uploaded(answers: tuple[Answer, ...]) -> str:
    """The number of the film that was uploaded last; "" while it is not whole."""
    last = _last(answers)
    told = body_of(last).get("id") if last is not None and last.ok else ""
    return told if isinstance(told, str) and _VIDEO.fullmatch(told) else ""


def goes_on(answer: Answer) -> bool:
    """Whether an upload goes on after an answer: a part arrived, or was asked for."""
    return isinstance(answer, Response) and (answer.ok or (answer.status == GOES_ON and answer.step != OPEN))


def session_lost(answer: Answer) -> bool:
    """Whether a session is no more."""
    return isinstance(answer, Response) and answer.step.startswith((ASK, PUT)) and answer.status in GONE
