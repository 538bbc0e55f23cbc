"""Uploads of pictures and videos to Reddit: request an upload lease, then send the file to the
store.

Reddit does not document this API. Source: the client library praw,
https://github.com/praw-dev/praw/blob/main/praw/models/media.py; for videos its recorded tests: a
separate store, a lease of one minute and at most 2 GiB
(`tests/integration/cassettes/TestSubreddit.test_submit_video.json` there).
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import FileRef, Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.platforms.reddit.account import user_agent_header
from connectors.shared.http_responses import restage_uploads, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Medium

UPLOAD_LEASE_STEP = "stage:lease:"
UPLOAD_PUT_STEP = "stage:put:"
STORES = ("amazonaws.com", "redditmedia.com")
"""Allowed domains of the upload URL."""

UPLOAD_SECRETS = tuple(
    f"args.fields.{name}" for name in ("policy", "x-amz-signature", "x-amz-security-token")
)
"""The form fields that authorize the upload; they are sealed."""

VIDEO_MIME = "video/mp4"
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", VIDEO_MIME: "mp4"}
SECONDS = 120.0
FILM_SECONDS = 240.0
"""Deadlines of one upload in seconds. A video is sent in one request, and the five minutes of an
attempt must include its poster."""


class MediaUpload:
    """The state of the upload of one file, derived from the answers so far."""

    def __init__(self, medium: Medium, account: str, answers: tuple[StepResult, ...]) -> None:
        self._medium = medium
        self._account = account
        self._name = medium.sha256[:24]
        self._lease = next(
            (one for one in reversed(answers) if one.step == f"{UPLOAD_LEASE_STEP}{self._name}"),
            None,
        )
        self._put = next(
            (one for one in reversed(answers) if one.step == f"{UPLOAD_PUT_STEP}{self._name}"), None
        )

    def next(self) -> Send | Outcome | None:
        """Return the next request, or the failure. Return None if the file is uploaded."""
        if self._lease is None:
            return Send(self._build_lease_step())
        if not self.id or not self.address or not self._form_fields:
            return Rejected(Message("connectors.unreadable"), permanent=False)
        return Send(self._build_put_step()) if self._put is None else None

    @property
    def is_film(self) -> bool:
        """Return True for a video."""
        return self._medium.mime == VIDEO_MIME

    @property
    def id(self) -> str:
        """Return the ID of the file for galleries, or ""."""
        told = self._lease_part("asset").get("asset_id")
        return told if isinstance(told, str) and told.isalnum() and len(told) < 64 else ""

    @property
    def address(self) -> str:
        """Return the future URL of the file for posts of one picture or video, or "" while it is
        unknown."""
        key = self._form_fields.get("key")
        return (
            f"https:{self._store_url}/{key}"
            if self._store_url.startswith("//") and isinstance(key, str) and key
            else ""
        )

    @property
    def _store_url(self) -> str:
        told = self._lease_part("args").get("action")
        return told.rstrip("/") if isinstance(told, str) else ""

    @property
    def _form_fields(self) -> Mapping[str, str | Sealed]:
        """The fields of the upload form, in Reddit's order."""
        told = self._lease_part("args").get("fields")
        listed = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        sealed = self._lease.sealed if isinstance(self._lease, Response) else {}
        values = {
            name: one.get("value", sealed.get(f"args.fields.{name.lower()}"))
            for one in listed
            if (name := _name_of(one))
        }
        return {name: value for name, value in values.items() if isinstance(value, str | Sealed)}

    def _lease_part(self, part: str) -> dict[str, Any]:
        told = success_body(self._lease).get(part) if self._lease is not None else None
        return told if isinstance(told, dict) else {}

    def _build_lease_step(self) -> WireStep:
        said = {
            "filepath": f"{self._name}.{ENDINGS[self._medium.mime]}",
            "mimetype": self._medium.mime,
        }
        return WireStep(
            f"{UPLOAD_LEASE_STEP}{self._name}",
            StepKind.STAGE,
            "POST",
            "/api/media/asset.json",
            said,
            headers=user_agent_header(self._account),
            secret_fields=UPLOAD_SECRETS,
            encoding="form",
        )

    def _build_put_step(self) -> WireStep:
        """Return the step that sends the file. It has no credential, because the form fields
        authorize the upload."""
        return WireStep(
            f"{UPLOAD_PUT_STEP}{self._name}",
            StepKind.STAGE,
            "POST",
            "/",
            dict(self._form_fields),
            files={
                "file": FileRef(
                    self._medium.sha256,
                    self._medium.mime,
                    f"{self._name}.{ENDINGS[self._medium.mime]}",
                )
            },
            headers=user_agent_header(self._account),
            token="none",
            deadline=FILM_SECONDS if self.is_film else SECONDS,
            address=self._store_url,
            within=STORES,
            text_as="receipt",
        )


def _name_of(field: Mapping[str, Any]) -> str:
    name = field.get("name")
    return name if isinstance(name, str) else ""


def expired_upload_outcome(answer: StepResult) -> Outcome | None:
    """Return a Retry that restages all files if the store refused an expired lease, else None."""
    refused = (
        isinstance(answer, Response)
        and answer.step.startswith(UPLOAD_PUT_STEP)
        and answer.status in (400, 403)
    )
    return restage_uploads() if refused else None
