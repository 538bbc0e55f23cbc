"""Uploads of pictures and videos to Fanvue: open, send the parts, complete, wait until ready.

Each part has a separate upload URL. Source:
https://api.fanvue.com/docs/api-reference/reference/media/create-upload-session,
…/get-upload-part-url
"""

from dataclasses import replace
from datetime import timedelta

from connectors.contract.connector import FileRef, Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected, Retry
from connectors.platforms.fanvue.account import VERSION_HEADER, outcome_of_failure, uuid_of
from connectors.shared.http_responses import (
    SHORT_RETRY,
    quote_segment,
    restage_uploads,
    success_body,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Medium

VIDEO_MIME = "video/mp4"
OPEN = "stage:open:"
WHERE = "where:"
PUT = "stage:put:"
DONE = "stage:done:"
POLL = "poll:"
STORES = ("amazonaws.com", "cloudflarestorage.com", "fanvue.com")
"""Allowed hosts of upload URLs."""

PART = 8 * 1024 * 1024
"""Size of a part. Fanvue accepts 5 to 10 MB; the last part may be smaller."""

POLLS = 3
"""Status queries per attempt."""

AGAIN = timedelta(seconds=5)
FILM_AGAIN = timedelta(seconds=20)
"""Delay before the next attempt for a video; `AGAIN` is that for a picture."""


class MediaUpload:
    """The state of one file's upload, derived from the answers so far."""

    def __init__(self, medium: Medium, answers: tuple[StepResult, ...]) -> None:
        self._medium = medium
        self._name = medium.sha256[:24]
        self._answers = [one for one in answers if one.step.endswith(self._name)]
        opened = self._find_answer(OPEN)
        self.uuid = uuid_of(opened, "mediaUuid") if opened is not None else ""
        told = success_body(opened).get("uploadId") if opened is not None else None
        self._upload = quote_segment(told) if isinstance(told, str) and 0 < len(told) <= 500 else ""

    def _find_answer(self, kind: str) -> StepResult | None:
        return next(
            (one for one in reversed(self._answers) if one.step == f"{kind}{self._name}"), None
        )

    def next(self) -> Send | Outcome | None:
        """Return the next request or the reason for a delay. Return None if the file is ready."""
        if not self.uuid or not self._upload:
            unreadable = self._find_answer(OPEN) is not None
            return (
                Rejected(Message("connectors.unreadable"), permanent=False)
                if unreadable
                else Send(self._build_open_step())
            )
        if self._find_answer(DONE) is not None:
            return self._poll_processing()
        tags = []
        for number, start in enumerate(range(0, self._medium.size, PART), start=1):
            sent = self._find_answer(f"{PUT}{number}:")
            if not isinstance(sent, Response):
                return Send(self._build_part_step(number, start))
            tags.append(sent.headers.get("etag", ""))
        return Send(self._build_complete_step(tags))

    def _build_open_step(self) -> WireStep:
        """Open an upload. Its step name contains the file's digest, so that the uploads of two
        files cannot be confused."""
        kind, ending = self._medium.mime.split("/")
        body = {"name": self._name, "filename": f"{self._name}.{ending}", "mediaType": kind}
        return WireStep(
            f"{OPEN}{self._name}",
            StepKind.STAGE,
            "POST",
            "/media/uploads",
            body,
            headers=VERSION_HEADER,
        )

    def _build_part_step(self, number: int, start: int) -> WireStep:
        """Return the next request of a part: its upload URL, then its bytes."""
        where = self._find_answer(f"{WHERE}{number}:")
        told = where.sealed if isinstance(where, Response) else {}
        address = told.get("address", told.get("url"))
        return (
            self._build_put_step(number, start, address)
            if address is not None
            else self._build_part_url_step(number)
        )

    def _build_part_url_step(self, number: int) -> WireStep:
        """Request the upload URL of a part. It is returned as text, although the reference
        documents JSON."""
        path = f"/media/uploads/{self._upload}/parts/{number}/url"
        name = f"{WHERE}{number}:{self._name}"
        asked = WireStep(
            name,
            StepKind.CONTROL,
            "GET",
            path,
            headers=VERSION_HEADER,
            action="look",
            text_as="address",
        )
        return replace(asked, secret_fields=("url",))

    def _build_put_step(self, number: int, start: int, address: Sealed) -> WireStep:
        """Send a part. The upload URL needs no credential."""
        end = min(start + PART, self._medium.size)
        span = (start, end) if end - start < self._medium.size else None
        return WireStep(
            f"{PUT}{number}:{self._name}",
            StepKind.STAGE,
            "PUT",
            "/",
            file=FileRef(self._medium.sha256, self._medium.mime, part=span),
            token="none",
            deadline=120.0,
            address=address,
            within=STORES,
            text_as="receipt",
        )

    def _build_complete_step(self, tags: list[str]) -> WireStep:
        body = {
            "parts": [
                {"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, start=1)
            ]
        }
        name = f"{DONE}{self._name}"
        path = f"/media/uploads/{self._upload}"
        return WireStep(name, StepKind.STAGE, "PATCH", path, body, headers=VERSION_HEADER)

    def _poll_processing(self) -> Send | Outcome | None:
        told = [one for one in self._answers if one.step == f"{POLL}{self._name}"]
        status = success_body(told[-1]).get("status") if told else ""
        if status == "ready":
            return None
        if status == "error":
            return Rejected(Message("fanvue.picture_failed"), permanent=False)
        if status == "created":  # no data arrived
            return restage_uploads()
        if len(told) >= POLLS:
            wait = FILM_AGAIN if self._medium.mime == VIDEO_MIME else AGAIN
            return Retry(wait, "account", Message("connectors.preparing"))
        path = f"/media/{self.uuid}"
        return Send(
            WireStep(
                f"{POLL}{self._name}",
                StepKind.CONTROL,
                "GET",
                path,
                headers=VERSION_HEADER,
                action="look",
            )
        )


def lost_upload_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a failed upload. If Fanvue does not know the upload, it is restarted;
    if an upload URL has expired, a new one is requested."""
    if isinstance(answer, Response) and answer.step.startswith(PUT) and answer.status in (400, 403):
        return Retry(SHORT_RETRY, "account", Message("connectors.uploads_gone"))
    if isinstance(answer, Response) and answer.status == 404:
        return restage_uploads()
    return outcome_of_failure(answer, creates=False)
