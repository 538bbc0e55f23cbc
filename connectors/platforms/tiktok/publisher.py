"""The TikTok connector: videos of one account.

A video gets an ID before its bytes are sent, by which its status can always be queried. Source:
https://developers.tiktok.com/doc/content-posting-api-reference-direct-post
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    RefreshGrant,
    RenewedTokens,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import PostAddress, clean_address
from connectors.contract.outcomes import (
    Absent,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    ClaimedAddress,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.tiktok import account as tiktok_account
from connectors.platforms.tiktok.account import (
    AUDIENCES,
    CREATOR,
    SURFACE,
    outcome_of_failure,
    parse_account,
    status_code,
    unwrap_success,
)
from connectors.platforms.tiktok.media import (
    LOOK,
    METRICS,
    PART_ACCEPTED,
    PUBLISH,
    PUBLISH_COMPLETE,
    PUBLISH_FAILED,
    PUBLISH_PROCESSING,
    PUT,
    STATUS_STEP,
    UPLOAD_COMPLETE,
    UPLOAD_EXPIRED,
    MediaUpload,
    is_unfinished,
    is_upload_expired,
    publish_id,
    publish_status_step,
)
from connectors.shared import http_responses, options, unit_checks
from connectors.shared.feed_layouts import TIKTOK_LAYOUT
from connectors.shared.oauth import HeldCredentials
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Unit

AI = "post_info.is_aigc=true"
"""The flag for AI-generated content, as in the rules of surfaces and in requests."""

VIDEO = "video"
NUMBERS = "numbers"
NOBODY = "SELF_ONLY"
"""The audience of a video that only its account can see. A paid partnership must not use it."""

MAX_TEXT = 2200
"""Maximum length in UTF-16 units."""

AGAIN = timedelta(seconds=20)
INTERNAL = "internal"
AFTER_A_FAULT = timedelta(minutes=10)
"""Delay before a retry after an internal error of TikTok (`INTERNAL`)."""

NOT_THERE = 404
WRONG_PART = 416
CAN = Capabilities(
    platform="tiktok",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=MAX_TEXT,
    max_media=1,
    mimes=("video/mp4",),
    max_bytes=200 * 1024 * 1024,
    film_seconds=(
        0,
        600,
    ),  # https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide
    look="name",
    resend_is_look=False,
    can_delete=False,
    can_chat=False,
    can_sell=False,
    stages=True,
    approval_days=14,
    needs={"": "film"},
    shows={"": TIKTOK_LAYOUT},
    options=(
        PostOption("readers", "choice", choices=AUDIENCES),
        PostOption("comments", "flag", default=options.OPTION_TRUE),
        PostOption("duets", "flag", default=options.OPTION_FALSE),
        PostOption("stitches", "flag", default=options.OPTION_FALSE),
        PostOption("partnership", "flag", default=options.OPTION_FALSE),
        PostOption("own_brand", "flag", default=options.OPTION_FALSE),
    ),
)
"""The capabilities of TikTok. Until TikTok has audited an application, it may post for five users a
day, whose accounts must be private."""

_COUNTS = {
    "view_count": "views",
    "like_count": "likes",
    "comment_count": "comments",
    "share_count": "shares",
}


class TikTok:
    """The connector for TikTok: videos of one account."""

    capabilities = CAN
    form = tiktok_account.FORM
    numbers_prove = True
    refresh_grace = tiktok_account.TOKEN_GRACE

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length in UTF-16 units."""
        return len(_post_text(unit).encode("utf-16-le")) // 2, MAX_TEXT

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Declare the post, then send its bytes; the last chunk publishes it."""
        unfit = _unit_problem(unit, self.count_text(unit)[0])
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _last_part_outcome(last, publish_id(answers), over=is_upload_expired(answers))
        if last is not None and not is_unfinished(last):
            return _upload_failure_outcome(last, over=is_upload_expired(answers))
        return MediaUpload(unit.media[0], _build_post_info(unit), answers).next()

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Query the status of the post by its ID, then its URL."""
        publish = publish_id(sought.told)
        if not publish:
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(publish_status_step(publish, LOOK))
        told = unwrap_success(answers[0])
        if len(answers) > 1:
            url = _parse_url(answers[1])
            return Found(
                _parse_post_id(told) if url else publish, url
            )  # the post ID, which remains valid after a deletion
        match told.get("status"):
            case str() as done if done == PUBLISH_COMPLETE:
                post = _parse_post_id(told)
                return _build_video_request(post) if post else Found(publish)
            case str() as failed if failed == PUBLISH_FAILED:
                why = _sanitize_code(told.get("fail_reason"))
                return Failed(
                    Message("tiktok.film_refused", {"code": why}),
                    AFTER_A_FAULT if why == INTERNAL else None,
                )
            case str() as going if going == PUBLISH_PROCESSING:
                return _resolve_processing(told, sum(medium.size for medium in sought.media))
        return Unknown(Message("connectors.lookup_failed"))

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the site's URL, since the account ID does not lead to a profile."""
        return "https://www.tiktok.com/"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request, or the video whose ID is in the URL.

        TikTok returns only the account's own videos, so an unknown ID is Absent.
        """
        path = path_segments(address.url, "tiktok.com")
        if len(path) != 3 or path[1] != "video" or not (path[2].isascii() and path[2].isdigit()):
            return NO_POST_THERE
        if not answers:
            return _build_video_request(path[2])
        videos = unwrap_success(answers[-1]).get("videos")
        if not isinstance(videos, list):
            return ADDRESS_UNREADABLE
        there = _parse_video(answers[-1]).get("id") == path[2]
        return Found(path[2], _parse_url(answers[-1])) if there else Absent()

    def find_address(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostAddress | None:
        """Return the next request, or the ID and URL of a public video. TikTok assigns them only
        after its review, which may take hours."""
        if not answers and not copy.native_id.isdigit():
            return Send(publish_status_step(copy.native_id, LOOK))
        post = (
            copy.native_id
            if copy.native_id.isdigit()
            else _parse_post_id(unwrap_success(answers[0]))
        )
        if not post:
            return None
        if not answers or answers[-1].step != VIDEO:
            return _build_video_request(post)
        return PostAddress(_parse_url(answers[-1]), post)

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Return Rejected: TikTok has no API for deletion, so a user must delete the video in the
        app."""
        return Rejected(Message("tiktok.no_delete"), permanent=True)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views, likes, comments and shares; None while the video is not public."""
        if not answers:
            return (
                Send(publish_status_step(copy.native_id, METRICS))
                if not copy.native_id.isdigit()
                else _build_metrics_request(copy.native_id)
            )
        if answers[-1].step == METRICS:
            post = _parse_post_id(unwrap_success(answers[-1]))
            return _build_metrics_request(post) if post else None
        told = _parse_video(answers[-1])
        return {
            name: told[field] for field, name in _COUNTS.items() if isinstance(told.get(field), int)
        } or None

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a public video as missing if TikTok no longer returns it.

        A video that was never public has no post ID and cannot be queried. A video that its owner
        hides, or that TikTok reviews again, looks like a deleted one, so `hidden` is set.
        """
        numbered = copy.native_id.isdigit()
        if not answers:
            return (
                _build_video_request(copy.native_id)
                if numbered
                else Send(publish_status_step(copy.native_id, LOOK))
            )
        post = copy.native_id if numbered else _parse_post_id(unwrap_success(answers[0]))
        if not post:
            return None
        if not numbered and len(answers) == 1:
            return _build_video_request(post)
        told = unwrap_success(answers[-1]).get("videos")
        if not isinstance(told, list):
            return None
        return (
            PresenceReport()
            if _parse_video(answers[-1]).get("id") == post
            else MissingPost(hidden=True)
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return tiktok_account.count_followers(answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Connect an account through OAuth and check its audience."""
        return tiktok_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return tiktok_account.verify_account(account, answers)

    def revoke_tokens(
        self, held: HeldCredentials, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Revoke the access token."""
        return tiktok_account.revoke_tokens(held, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the tokens."""
        return tiktok_account.refresh(grant, answers)


def _post_text(unit: Unit) -> str:
    return unit.text_of("body") or unit.text_of("title")


def _unit_problem(unit: Unit, length: int) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    if wrong := unit_checks.unit_problem(unit, CAN, length=length):
        return wrong
    if options.unit_options(unit).get_flag("partnership") and _post_audience(unit) == NOBODY:
        return Message("tiktok.paid_unseen")
    mark = next((flag for flag in unit.flags if flag != AI), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _post_audience(unit: Unit) -> str:
    return options.unit_options(unit).get_text("readers") or parse_account(unit.account).readers


def _build_post_info(unit: Unit) -> dict[str, Any]:
    """Return the post's text, audience and disclosures: paid partnership and promotion of the
    author's brand. Duets and stitches are disabled unless the author enabled them."""
    chosen = options.unit_options(unit)
    said: dict[str, Any] = {
        "title": _post_text(unit),
        "privacy_level": _post_audience(unit),
        "disable_duet": not chosen.get_flag("duets"),
        "disable_stitch": not chosen.get_flag("stitches"),
        "brand_content_toggle": bool(chosen.get_flag("partnership")),
        "brand_organic_toggle": bool(chosen.get_flag("own_brand")),
    }
    if chosen.get_flag("comments") is not None:
        said["disable_comment"] = not chosen.get_flag("comments")
    return said | ({"is_aigc": True} if AI in unit.flags else {})


def _last_part_outcome(answer: StepResult, publish: str, *, over: bool) -> Outcome:
    """Return the outcome of the last chunk. It is never sent again before the status of the post
    was queried."""
    if not isinstance(answer, Response):
        return http_responses.outcome_of_status(answer, creates=True)
    match answer.status:
        case status if status == UPLOAD_COMPLETE:
            return Processing(publish)
        case status if status == UPLOAD_EXPIRED and over:
            return http_responses.restage_uploads()
        case status if status in (
            PART_ACCEPTED,
            NOT_THERE,
            WRONG_PART,
        ):  # it may have arrived before
            return Uncertain(Message("connectors.unclear_answer", {"status": status}))
    return http_responses.outcome_of_status(answer, creates=True)


def _upload_failure_outcome(answer: StepResult, *, over: bool) -> Outcome:
    """Return the outcome of a failure before the last chunk; nothing was published."""
    if not isinstance(answer, Response):
        return outcome_of_failure(answer, creates=False)
    if answer.step.startswith(PUT):
        if answer.status == NOT_THERE or (answer.status == UPLOAD_EXPIRED and over):
            return http_responses.restage_uploads()
        if answer.is_success or answer.status == WRONG_PART:
            return Retry(
                AGAIN, "account", Message("connectors.preparing")
            )  # the next attempt queries the received bytes
    found = outcome_of_failure(answer, creates=False)
    asked = answer.step in (CREATOR, STATUS_STEP) and not status_code(
        answer
    )  # queries have no content that could be refused
    again = Retry(AGAIN, "account", Message("connectors.lookup_failed"))
    return again if asked and isinstance(found, Rejected) else found


def _resolve_processing(told: Mapping[str, Any], size: int) -> LookupResult:
    """Return Absent if bytes are missing, since the post cannot have been published, and Unknown
    otherwise."""
    arrived = told.get("uploaded_bytes")
    if isinstance(arrived, int) and 0 <= arrived < size:
        return Absent()
    return Unknown(Message("connectors.preparing"))


def _parse_post_id(told: Mapping[str, Any]) -> str:
    """Return the ID of a public post, or "". The field's name is misspelt in the documentation of
    `status/fetch`."""
    listed = told.get("publicaly_available_post_id")
    first = listed[0] if isinstance(listed, list) and listed else ""
    return str(first) if str(first).isascii() and str(first).isdigit() else ""


def _build_metrics_request(post: str) -> Send:
    return Send(_build_video_step(post, f"id,{','.join(_COUNTS)}", NUMBERS))


def _build_video_request(post: str) -> Send:
    return Send(_build_video_step(post, "id,share_url", VIDEO))


def _build_video_step(post: str, fields: str, name: str) -> WireStep:
    asked = {"filters": {"video_ids": [post]}}
    action = METRICS if name == NUMBERS else LOOK
    return WireStep(
        name, StepKind.CONTROL, "POST", f"/v2/video/query/?fields={fields}", asked, action=action
    )


def _parse_video(answer: StepResult) -> dict[str, Any]:
    videos = unwrap_success(answer).get("videos")
    first = videos[0] if isinstance(videos, list) and videos else {}
    return first if isinstance(first, dict) else {}


def _parse_url(answer: StepResult) -> str:
    return clean_address(_parse_video(answer).get("share_url"), "tiktok.com")


def _sanitize_code(word: object) -> str:
    return "".join(sign for sign in str(word) if sign.isalnum() or sign == "_")[:60] or "?"
