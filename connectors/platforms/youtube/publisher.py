"""The YouTube connector: videos of one channel.

A video is uploaded as private, processed, given its cover, and made public at its scheduled time,
which is idempotent. Source: https://developers.google.com/youtube/v3/docs/videos
"""

import re
from collections.abc import Mapping
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction, is_own_reply
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
from connectors.contract.destination import MarkReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    path_segments,
    query_value,
)
from connectors.contract.post_presence import (
    MissingPost,
    PostPresence,
    PresenceReport,
    platform_word,
)
from connectors.platforms.youtube import account as youtube_account
from connectors.platforms.youtube import comments, media
from connectors.platforms.youtube.account import (
    SURFACE,
    error_reason,
    list_items,
    outcome_of_failure,
    resource_part,
)
from connectors.platforms.youtube.comments import remarks_of
from connectors.platforms.youtube.media import (
    Upload,
    is_session_lost,
    is_unfinished,
    uploaded_video_id,
)
from connectors.shared import http_responses, options, unit_checks
from connectors.shared.feed_layouts import YOUTUBE_LAYOUT
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, IS_FIRST_COMMENT, Unit

PUBLISH = "publish"
LOOK = "look"
AI = "status.containsSyntheticMedia=true"
"""The flag for AI-generated content, as in the rules of surfaces and in requests."""

MAX_TITLE = 100
MAX_TEXT = 5000
"""Maximum length of a description in UTF-8 bytes; `MAX_TITLE` is in characters."""

CATEGORY = "22"
"""The ID of the category "People & Blogs". YouTube refuses a video without a category."""

PAID = "paidProductPlacementDetails"
"""The part of a video resource that discloses paid promotion."""

SEEN = ("public", "unlisted")
"""The privacy statuses of published videos. A private one is an upload before publication."""

CAN = Capabilities(
    platform="youtube",
    surfaces=(SURFACE.partition(".")[2],),
    max_text=MAX_TEXT,
    max_media=2,
    mimes=("video/mp4", *media.MIMES),
    max_bytes=200 * 1024 * 1024,
    look="name",
    resend_is_look=True,
    can_delete=True,
    can_chat=False,
    can_sell=False,
    stages=True,
    approval_days=28,
    points_at=frozenset({COMMENT_REFERENCE}),
    first_comment=True,
    moderates=frozenset(comments.STATUS),
    remarks_every=60,
    looks_for_answers=True,
    needs={"": "film"},
    shows={"": YOUTUBE_LAYOUT},
    options=(
        PostOption("readers", "choice", choices=SEEN),
        PostOption(
            "tags", "list", most=400, entries=50, pattern="[^<>,]+", read=True, example="sea"
        ),
        PostOption("category", "text", most=3, pattern="[0-9]+", default=CATEGORY, example="24"),
        PostOption("partnership", "flag", default=options.OPTION_FALSE),
    ),
)
"""The capabilities of YouTube. Until Google has audited an application, all its uploads remain
private; the duration of the audit is undocumented.

All channels of an application share 10,000 units per day, and a video that cannot be published is
worse than a comment that is read late. A read of comments costs at least two units, so a hundred
channels that are read once an hour use about half of the quota.
"""

_NUMBER = re.compile(r"[\w-]{6,20}", re.ASCII)
_COUNTS = {"viewCount": "views", "likeCount": "likes", "commentCount": "comments"}


class YouTube:
    """The connector for YouTube: videos of one channel."""

    capabilities = CAN
    form = youtube_account.FORM
    numbers_prove = False
    refresh_grace = youtube_account.KEEPS

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length of the description in bytes, without a first line that becomes the
        title. For a comment, return the number of characters."""
        if unit.comment or unit.comment_id:
            return len(unit.text_of("body")), comments.MAX_TEXT
        return unit_checks.count_utf8_bytes(
            unit_checks.split_title(unit.text_of("title"), unit.text_of("body"))[1]
        ), MAX_TEXT

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload the video as private, wait for processing, set its cover, then make it public."""
        if unit.comment_id:
            return comments.reply_to_comment(unit, answers, CAN)
        if unit.comment == IS_FIRST_COMMENT:
            return comments.add_first_comment(unit, answers, CAN, frozenset({AI}))
        unfit = _unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last)
        if last is not None and last.step.startswith(media.COVER) and not is_unfinished(last):
            return media.cover_refusal_outcome(last)
        if last is not None and not is_unfinished(last):
            return (
                http_responses.restage_uploads()
                if is_session_lost(last)
                else outcome_of_failure(last, creates=False)
            )
        film = media.video_of(unit)
        if film is None:
            return Rejected(Message("connectors.film_missing"), permanent=False)
        upload = Upload(film, _build_private_video(unit), answers)
        return (
            upload.next()
            or media.next_turn(unit, upload.id, answers)
            or Send(_build_publish_step(unit, upload.id))
        )

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Query the video that was uploaded for the post; its ID is known before it is public."""
        if sought.reply_to:
            return comments.look_up_comment(sought, answers)
        number = uploaded_video_id(sought.told)
        if not number:
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_build_read_step(PlatformCopy(number, sought.account), "id,status", LOOK))
        found = list_items(answers[-1])
        if found is None:
            return Unknown(Message("connectors.lookup_failed"))
        there = bool(found) and resource_part(found[0], "status").get("privacyStatus") in SEEN
        return Found(number, _video_url(number)) if there else Absent()

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the channel."""
        return f"https://www.youtube.com/channel/{http_responses.quote_segment(account)}"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request, or the video of a URL. A private one counts as unpublished."""
        number = _number_in(address.url)
        if not number:
            return NO_POST_THERE
        if not answers:
            return Send(
                _build_read_step(PlatformCopy(number, address.account), "snippet,status", LOOK)
            )
        found = list_items(answers[-1])
        if found is None:
            return ADDRESS_UNREADABLE
        if not found or resource_part(found[0], "status").get("privacyStatus") == "private":
            return Absent()
        mine = resource_part(found[0], "snippet").get("channelId") == address.account
        return Found(number, _video_url(number)) if mine else OTHER_ACCOUNTS_POST

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a video or our comment; a missing one counts as deleted."""
        if is_own_reply(copy.native_id):
            return comments.remove_comment(copy.native_id, answers)
        if not answers:
            path = f"/youtube/v3/videos?id={http_responses.quote_segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        done = isinstance(last, Response) and (
            last.status == 204 or error_reason(last) == "videoNotFound"
        )
        return Published(copy.native_id) if done else outcome_of_failure(last, creates=False)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views, likes and comments of a video, which YouTube returns as text."""
        if is_own_reply(copy.native_id):
            return None
        if not answers:
            return Send(_build_read_step(copy, "statistics", "metrics"))
        found = list_items(answers[-1])
        told = resource_part(found[0], "statistics") if found else {}
        counts = {name: told.get(field) for field, name in _COUNTS.items()}
        return {
            name: int(count)
            for name, count in counts.items()
            if isinstance(count, str) and count.isdigit()
        } or None

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that the video is labelled as AI-generated if it was sent with that label."""
        if AI not in flags or is_own_reply(copy.native_id):
            return MarkReport()
        if not answers:
            return Send(_build_read_step(copy, "status", LOOK))
        found = list_items(answers[-1])
        if found is None:
            last = answers[-1]
            readable = isinstance(last, Response) and last.is_success
            return (
                Rejected(Message("connectors.unreadable"), False)
                if readable
                else outcome_of_failure(last, creates=False)
            )
        status = resource_part(found[0], "status") if found else {}
        there = status.get("privacyStatus") in SEEN
        return MarkReport(
            () if not there or status.get("containsSyntheticMedia") is True else (AI,), there=there
        )

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a video as missing if YouTube rejected or deleted it. Rejected videos are still
        returned to their owner, deleted ones are not."""
        if is_own_reply(copy.native_id):
            return None
        if not answers:
            return Send(_build_read_step(copy, "status", LOOK))
        found = list_items(answers[-1])
        if found is None:
            return None
        status = resource_part(found[0], "status") if found else {}
        if status.get("uploadStatus") == "rejected":
            return MissingPost("rules", platform_word(status, "rejectionReason"))
        return (
            PresenceReport() if found and status.get("uploadStatus") != "deleted" else MissingPost()
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of subscribers."""
        return youtube_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the comments on the channel's videos since the cursor."""
        return remarks_of(account, cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Hold a comment for review, publish it, reject it, or also ban its author."""
        return comments.moderate_comment(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Connect a channel through OAuth."""
        return youtube_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the channel."""
        return youtube_account.verify_account(account, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the access token."""
        return youtube_account.refresh(grant, answers)


def _unit_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    title, body = unit_checks.split_title(unit.text_of("title"), unit.text_of("body"))
    size = unit_checks.count_utf8_bytes(body)
    if wrong := unit_checks.unit_problem(unit, CAN, length=len(body)):
        return wrong
    if wrong := media.cover_problem(unit):
        return wrong
    if not title.strip():
        return Message("youtube.no_title")
    if len(title) > MAX_TITLE:
        return Message("youtube.title_too_long", {"length": len(title), "most": MAX_TITLE})
    if size > MAX_TEXT:
        return Message("connectors.text_too_heavy", {"size": size, "most": MAX_TEXT})
    if any(sign in title + body for sign in "<>"):
        return Message("youtube.signs")
    mark = next((flag for flag in unit.flags if flag != AI), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _build_status(privacy: str, *, made: bool) -> dict[str, Any]:
    """Return the whole status part each time, because YouTube resets missing fields."""
    return {
        "privacyStatus": privacy,
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": made,
        "embeddable": True,
        "license": "youtube",
    }


def _build_private_video(unit: Unit) -> dict[str, Any]:
    title, body = unit_checks.split_title(unit.text_of("title"), unit.text_of("body"))
    chosen = options.unit_options(unit)
    snippet: dict[str, Any] = {
        "title": title,
        "description": body,
        "categoryId": chosen.get_text("category") or CATEGORY,
    }
    if tags := chosen.get_list("tags"):
        snippet["tags"] = tags
    said = {"snippet": snippet, "status": _build_status("private", made=AI in unit.flags)}
    return said | (
        {PAID: {"hasPaidProductPlacement": True}} if chosen.get_flag("partnership") else {}
    )


def _build_publish_step(unit: Unit, number: str) -> WireStep:
    body = {
        "id": number,
        "status": _build_status(
            options.unit_options(unit).get_text("readers") or "public", made=AI in unit.flags
        ),
    }
    return WireStep(PUBLISH, StepKind.PUBLISH, "PUT", "/youtube/v3/videos?part=status", body)


def _publish_outcome(answer: StepResult) -> Outcome:
    told = http_responses.success_body(answer)
    number = told.get("id")
    privacy = resource_part(told, "status").get("privacyStatus")
    if isinstance(number, str) and privacy in SEEN:
        return Published(number, _video_url(number))
    if isinstance(number, str) and privacy == "private":
        return Rejected(Message("youtube.kept_private"), permanent=False)
    if told:
        return Uncertain(Message("connectors.unclear_answer", {"status": 200}))
    return (
        http_responses.restage_uploads()
        if error_reason(answer) == "videoNotFound"
        else outcome_of_failure(answer, creates=True)
    )


def _build_read_step(copy: PlatformCopy, wanted: str, action: str) -> WireStep:
    path = f"/youtube/v3/videos?part={wanted}&id={http_responses.quote_segment(copy.native_id)}"
    return WireStep(action, StepKind.CONTROL, "GET", path, action=action)


def _number_in(url: str) -> str:
    """Return the video ID in a URL (watch page, Shorts, live, embed or youtu.be), or ""."""
    path = path_segments(url, "youtube.com")
    if path == ("watch",):
        number = query_value(url, "v")
    else:
        short = path_segments(url, "youtu.be")
        number = (
            path[1]
            if len(path) == 2 and path[0] in ("shorts", "live", "embed")
            else "".join(short[:1])
        )
    return number if _NUMBER.fullmatch(number) else ""


def _video_url(number: str) -> str:
    return f"https://www.youtube.com/watch?v={number}"
