"""The requests of a new post: for each file a lease and its upload, then the post.

praw's `submit` runs again for each of them with the answers so far. Reddit does not document the
uploads; praw's recorded tests show a separate store for videos, a lease of one minute and at most
2 GiB (`tests/integration/cassettes/TestSubreddit.test_submit_video.json` in its repository).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Rejected
from connectors.platforms.reddit import requests
from connectors.platforms.reddit.account import NSFW_MARK, parse_account, user_agent_header
from connectors.shared import options
from connectors.shared.http_responses import restage_uploads
from connectors.shared.sdk_codec import SdkRequest
from foundation.i18n.translation import Message
from gate.contract.units import Medium, Unit

if TYPE_CHECKING:
    from connectors.platforms.reddit.client import Client

PUBLISH = "publish"
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


def next_submission_step(
    unit: Unit, title: str, body: str, answers: Sequence[StepResult]
) -> Send | Outcome:
    """Return the next request of a post, or Rejected if the answer to an upload is unreadable."""
    turn = requests.run_praw(
        lambda request: _plan_step(unit, request),
        lambda client: _submit(client, unit, title, body),
        answers,
        unit.media,
    )
    if isinstance(turn, Send) and _has_media_ids(turn.step):
        return turn
    return Rejected(Message("connectors.unreadable"), permanent=False)


def expired_upload_outcome(answer: StepResult) -> Outcome | None:
    """Return a Retry that restages all files if the store refused an expired lease, else None."""
    refused = (
        isinstance(answer, Response)
        and answer.step.startswith(UPLOAD_PUT_STEP)
        and answer.status in (400, 403)
    )
    return restage_uploads() if refused else None


def _submit(client: "Client", unit: Unit, title: str, body: str) -> object:
    where = parse_account(unit.account)
    chosen = options.unit_options(unit)
    media = _media_arguments(client, unit.media)
    return client.reddit.subreddit(where.community).submit(
        title,
        selftext=body or (None if media else ""),
        nsfw=NSFW_MARK in unit.flags,
        spoiler=chosen.get_flag("spoiler") or False,
        send_replies=chosen.get_flag("replies") is not False,
        flair_id=chosen.get_text("flair") or where.flair or None,
        resubmit=False,
        without_websockets=True,  # the post of a picture or video is looked up
        **media,
    )


def _media_arguments(client: "Client", media: Sequence[Medium]) -> Mapping[str, Any]:
    """Return the arguments of `submit` for a video with poster, a gallery or one picture."""
    files = [
        client.media_of(medium, _file_name(medium, media[:position].count(medium)))
        for position, medium in enumerate(media)
    ]
    films = [file for file in files if file.name.endswith(ENDINGS[VIDEO_MIME])]
    pictures = [file for file in files if file not in films]
    if films:
        return {"video": {"media": films[0], "thumbnail": pictures[0]}}
    if len(pictures) > 1:
        return {"gallery": pictures}
    return {"image": pictures[0]} if pictures else {}


def _file_name(medium: Medium, earlier: int) -> str:
    """Return the name of a file, by which its steps are named too; `earlier` is the number of times
    that the post already contains it."""
    number = f"-{earlier + 1}" if earlier else ""
    return f"{medium.sha256[:24]}{number}.{ENDINGS[medium.mime]}"


def _plan_step(unit: Unit, request: SdkRequest) -> WireStep:
    """Return the step of a request of `submit`: a lease and an upload are named after the file."""
    headers = user_agent_header(unit.account)
    if request.files:
        if "key" not in (request.form or {}):
            raise ValueError("a lease without the name of the file in the store")
        name, ending = request.files["file"][0].split(".")
        return WireStep(
            f"{UPLOAD_PUT_STEP}{name}",
            StepKind.STAGE,
            "",
            "",
            headers=headers,
            token="none",
            deadline=FILM_SECONDS if ending == ENDINGS[VIDEO_MIME] else SECONDS,
            within=STORES,
            text_as="receipt",
        )
    filepath = (request.form or {}).get("filepath")
    if isinstance(filepath, str):
        name = f"{UPLOAD_LEASE_STEP}{filepath.partition('.')[0]}"
        return WireStep(name, StepKind.STAGE, "", "", headers=headers, secret_fields=UPLOAD_SECRETS)
    return WireStep(PUBLISH, StepKind.PUBLISH, "", "", headers=headers)


def _has_media_ids(step: WireStep) -> bool:
    """Return True if the IDs of a gallery's pictures are IDs, because they come from answers."""
    items = (step.json or {}).get("items") or ()
    ids = [item.get("media_id") for item in items]
    return all(isinstance(one, str) and one.isalnum() and len(one) < 64 for one in ids)
