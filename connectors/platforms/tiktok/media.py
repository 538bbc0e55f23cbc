"""Video uploads to TikTok: the post is declared first, then the bytes follow in order, and the last
chunk publishes it.

The declaration returns an ID by which the status can be queried, even if the answer to the last
chunk is lost. Nothing is published before that chunk arrives. Source:
https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide,
https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.connector import FileRef, Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.platforms.tiktok.account import (
    CREATOR,
    can_use_audience,
    creator_info_step,
    status_code,
    unwrap_success,
)
from connectors.shared.http_responses import response_date, restage_uploads
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Medium

INIT = "stage:init"
STATUS_STEP = "state"
PUT = "stage:put:"
PUBLISH = "publish"
LOOK = "look"
METRICS = "metrics"
MIN_PART_BYTES = 5 * 1024 * 1024
"""Minimum size of a chunk in bytes. Chunks may have 5 to 64 MB, the last one up to 128 MB. Chunks
of the minimum size are used, because the last one is sent at the post's scheduled time."""

STORES = ("tiktokapis.com",)
"""Allowed domains of the upload URL."""

KEPT = timedelta(minutes=50)
"""Age after which an upload is restarted; its URL expires after an hour."""

UPLOAD_COMPLETE = 201
PART_ACCEPTED = 206
UPLOAD_EXPIRED = 403
_NAME = re.compile(r"[\w.~:-]{1,64}", re.ASCII)
PUBLISH_COMPLETE = "PUBLISH_COMPLETE"
PUBLISH_FAILED = "FAILED"
PUBLISH_PROCESSING = "PROCESSING_UPLOAD"


class MediaUpload:
    """The state of a video upload, derived from the answers of earlier attempts and of the current
    one."""

    def __init__(
        self, film: Medium, said: Mapping[str, Any], answers: tuple[StepResult, ...]
    ) -> None:
        self._film = film
        self._said = said
        self._answers = answers
        self._init = self._last_answer(INIT)
        self.publish_id = publish_id(answers)

    def next(self) -> Send | Outcome:
        """Return the next request, or the failure. The last chunk has the kind publish."""
        creator = self._last_answer(CREATOR)
        address = self._init.sealed.get("data.upload_url") if self._init else None
        if self._init is None:
            return self._start_upload(creator)
        if not self.publish_id or address is None:
            return restage_uploads()
        if creator is None:  # started by an earlier attempt: query its progress
            state = self._last_answer(STATUS_STEP)
            if state is None:
                return Send(publish_status_step(self.publish_id, STATUS_STEP))
            if self._is_lost(state):
                return restage_uploads()
        return Send(self._build_part_step(address))

    def _start_upload(self, creator: Response | None) -> Send | Outcome:
        if creator is None:
            return Send(creator_info_step(StepKind.CONTROL))
        if not can_use_audience(unwrap_success(creator), self._said["privacy_level"]):
            return Rejected(Message("tiktok.not_these_readers"), permanent=False)
        most = unwrap_success(creator).get("max_video_post_duration_sec")
        lasts = self._film.seconds
        if isinstance(most, int) and 0 < most < lasts:
            return Rejected(
                Message("connectors.film_too_long", {"seconds": lasts, "most": most}),
                permanent=False,
            )
        size = self._film.size
        count = part_count(self._film.size)
        source = {
            "source": "FILE_UPLOAD",
            "video_size": size,
            "chunk_size": size // count,
            "total_chunk_count": count,
        }
        comments = unwrap_success(creator).get("comment_disabled") is True
        post = {
            **self._said,
            "disable_comment": comments or bool(self._said.get("disable_comment")),
        }
        return Send(
            WireStep(
                INIT,
                StepKind.STAGE,
                "POST",
                "/v2/post/publish/video/init/",
                {"post_info": post, "source_info": source},
                secret_fields=("data.upload_url",),
            )
        )

    def _is_lost(self, state: Response) -> bool:
        """Return True if the upload cannot continue: it was refused, is unknown or has expired."""
        refused = (
            unwrap_success(state).get("status") == PUBLISH_FAILED
            or status_code(state) == "invalid_publish_id"
        )
        return refused or is_upload_expired(self._answers)

    def _build_part_step(self, address: Sealed) -> WireStep:
        count = part_count(self._film.size)
        size = self._film.size // count
        last = (count - 1) * size
        start = min(self._count_arrived_bytes(size) // size * size, last)
        end = self._film.size if start == last else start + size
        return WireStep(
            PUBLISH if start == last else f"{PUT}{start}",
            StepKind.PUBLISH if start == last else StepKind.STAGE,
            "PUT",
            "/",
            file=FileRef(self._film.sha256, self._film.mime, part=(start, end)),
            headers={"content-range": f"bytes {start}-{end - 1}/{self._film.size}"},
            token="none",
            deadline=180.0,
            address=address,
            within=STORES,
        )

    def _count_arrived_bytes(self, part: int) -> int:
        """Return the number of received bytes: those reported at the start of this attempt, or
        those that the attempt has sent."""
        state = self._last_answer(STATUS_STEP)
        told = unwrap_success(state).get("uploaded_bytes") if state is not None else 0
        sent = [
            int(one.step.removeprefix(PUT)) + part
            for one in self._answers
            if one.step.startswith(PUT)
        ]
        return max([told if isinstance(told, int) else 0, *sent])

    def _last_answer(self, step: str) -> Response | None:
        told = [one for one in self._answers if one.step == step and isinstance(one, Response)]
        return told[-1] if told else None


def part_count(size: int) -> int:
    """Return the number of chunks of a video. All are equal, except that the last one also contains
    the remainder."""
    return max(size // MIN_PART_BYTES, 1)


def is_unfinished(answer: StepResult) -> bool:
    """Return True if the upload continues after an answer. An unknown status restarts it."""
    if not isinstance(answer, Response):
        return False
    if answer.step.startswith(PUT):
        return answer.status == PART_ACCEPTED
    return status_code(answer) == "ok" or (
        answer.step == STATUS_STEP and status_code(answer) == "invalid_publish_id"
    )


def is_upload_expired(answers: tuple[StepResult, ...]) -> bool:
    """Return True if the upload URL had expired at the last answer, by TikTok's clock."""
    begun = [response_date(one) for one in answers if one.step == INIT]
    now = response_date(answers[-1])
    return bool(begun) and begun[-1] is not None and now is not None and now - begun[-1] > KEPT


def publish_id(answers: tuple[StepResult, ...]) -> str:
    """Return TikTok's ID of the started upload, or "" if there is none or it is invalid."""
    told = [unwrap_success(one).get("publish_id") for one in answers if one.step == INIT]
    return told[-1] if told and isinstance(told[-1], str) and _NAME.fullmatch(told[-1]) else ""


def publish_status_step(publish: str, name: str) -> WireStep:
    """Return the request for the status of a post."""
    path = "/v2/post/publish/status/fetch/"
    action = METRICS if name == METRICS else LOOK
    return WireStep(name, StepKind.CONTROL, "POST", path, {"publish_id": publish}, action=action)
