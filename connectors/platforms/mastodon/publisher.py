"""The Mastodon connector: posts and direct messages on a server with separate rules and limits.

A post is sent with an `Idempotency-Key`, which most servers honour for an hour and some never. A
lost answer is therefore looked up in the account's posts by its source text, and the post is sent
again only if it is missing. Source: https://docs.joinmastodon.org/methods/statuses/#create
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import Destination, DestinationReport, MarkReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    decoded_segments,
    parse_url,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.mastodon import (
    account as mastodon_account,
)
from connectors.platforms.mastodon import (
    comments,
    edits,
    lookup,
    messages,
)
from connectors.platforms.mastodon import (
    limits as mastodon_limits,
)
from connectors.platforms.mastodon.account import (
    CHAT_SURFACE,
    RECORD_NOT_FOUND,
    SURFACE,
    account_id,
    id_of,
    is_missing,
    outcome_of_failure,
    post_url,
    refusal_text,
)
from connectors.platforms.mastodon.limits import DEFAULT_LIMITS, VIDEO_MIME, ServerLimits
from connectors.platforms.mastodon.text import text_length
from connectors.shared import options, unit_checks
from connectors.shared.feed_layouts import MASTODON_LAYOUT
from connectors.shared.http_responses import (
    parse_timestamp,
    quote_segment,
    restage_uploads,
    success_body,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, Medium, Unit

PUBLISH = "publish"
SENSITIVE_MARK = "sensitive=true"
WARNING_MARK = "spoiler_text non-empty"
WARNING_TEXT = "18+ · NSFW"
"""The content warning of a collapsed post."""

KEY_SECONDS = 50 * 60
"""Seconds in which a repeat is safe. A server stores an idempotency key for an hour:
https://docs.joinmastodon.org/methods/statuses/"""

POLLS = 3
AGAIN = timedelta(seconds=5)
"""Delay before the next attempt if a file is not ready after `POLLS` status queries."""

UNREADY = "Cannot attach files"
"""The beginning of the error for a post whose files are not ready."""

REMOVED = "removed-"
"""The prefix of a native ID for a post that was deleted before its answer was read."""

MESSAGE = CHAT_SURFACE.partition(".")[2]
_COUNTS = {
    "favourites_count": "likes",
    "replies_count": "comments",
    "reblogs_count": "reposts",
    "quotes_count": "quotes",
}
CAN = Capabilities(
    platform="mastodon",
    surfaces=(SURFACE.partition(".")[2], MESSAGE),
    max_text=DEFAULT_LIMITS.text,
    max_media=DEFAULT_LIMITS.media,
    mimes=DEFAULT_LIMITS.mimes,
    max_bytes=DEFAULT_LIMITS.film_bytes,
    look="listing",
    resend_is_look=False,
    repeat_seconds=KEY_SECONDS,
    can_delete=True,
    edits=True,
    can_chat=True,
    can_sell=False,
    stages=True,
    threads=25,
    poll_seconds=messages.POLL_SECONDS,
    sizes={MESSAGE: (DEFAULT_LIMITS.text - messages.RESERVED_CHARACTERS, 0)},
    points_at=frozenset({COMMENT_REFERENCE}),
    moderates=comments.MODERATION_ACTIONS,
    # one of the 300 requests that an account, or an IP address, has in 5 minutes
    remarks_every=5,
    names_whom_it_answers=True,
    shows={"": MASTODON_LAYOUT},
    options=(
        PostOption("visibility", "choice", choices=("public", "unlisted", "private")),
        PostOption("warning", "text", most=200, read=True, example="Food"),
        PostOption("language", "text", most=3, pattern="[a-z]{2,3}", example="fr"),
    ),
)


class Mastodon:
    """The connector for posts with pictures or a video within the limits of a server."""

    form = mastodon_account.FORM
    numbers_prove = True

    def __init__(self, limits: ServerLimits = DEFAULT_LIMITS) -> None:
        heaviest = max(limits.picture_bytes, limits.film_bytes)
        self._limits = limits
        self.capabilities = replace(
            CAN,
            max_text=limits.text,
            max_media=limits.media,
            mimes=limits.mimes,
            max_bytes=heaviest,
            sizes={MESSAGE: (limits.text - messages.RESERVED_CHARACTERS, 0)},
        )

    def read_own_limits(self, answers: tuple[StepResult, ...]) -> Send | Mapping[str, Any] | None:
        """Return the next request, or the server's limits."""
        return mastodon_limits.read_own_limits(answers)

    def with_limits(self, limits: Mapping[str, Any]) -> "Mastodon":
        """Return the connector for a server with these limits."""
        return Mastodon(mastodon_limits.limits_from_json(limits))

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the number of graphemes, including the content warning, and the limit. All URLs
        count the same."""
        return self._text_length(unit), self.capabilities.size_limits(unit.surface)[0]

    def content_warning(self, unit: Unit) -> str:
        """Return the content warning above the text."""
        return _content_warning(unit)

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file, wait until the server has processed it, then publish. A message is sent
        to its recipient alone."""
        if unit.viewer:
            return messages.next_step(unit, answers, self.capabilities, self._limits.per_address)
        last = answers[-1] if answers else None
        if (
            last is not None and last.step == PUBLISH
        ):  # the limits may have changed since; this post exists or does not
            return _publish_outcome(last, unit)
        unfit = self._unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        made = {answer.step: answer for answer in answers if answer.step.startswith("stage:")}
        if last is not None and last.step.startswith("stage:") and not id_of(last):
            return mastodon_limits.limit_refusal(last) or outcome_of_failure(last, creates=False)
        for medium in unit.media:
            if _stage_name(medium) not in made:
                return Send(_build_stage_step(medium))
        uploads = [made[_stage_name(medium)] for medium in unit.media]
        return _poll_uploads(uploads, answers) or Send(
            _build_publish_step(unit, [id_of(upload) for upload in uploads])
        )

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the account's posts and messages by text or, without text, by pictures."""
        return lookup.look_up(sought, answers)

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the server's URL, where a signed-in user finds the account."""
        return f"https://{account.partition('@')[2]}/"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the post whose ID is in a URL of the account's server. Other servers use other
        IDs."""
        number = _number_in(address.url, address.account.partition("@")[2])
        if not number:
            return NO_POST_THERE
        if not answers:
            return Send(_build_read_step("look", f"/api/v1/statuses/{quote_segment(number)}"))
        last = answers[-1]
        if id_of(last) != number:
            return Absent() if is_missing(last) else ADDRESS_UNREADABLE
        told = success_body(last)
        author = success_body(last).get("account")
        mine = isinstance(author, dict) and quote_segment(str(author.get("id"))) == account_id(
            address.account
        )
        return (
            Found(number, post_url(told), parse_timestamp(told.get("created_at")))
            if mine
            else OTHER_ACCOUNTS_POST
        )

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the post. A missing one counts as deleted. Other servers are notified, but may
        keep their copy."""
        if copy.native_id.startswith(REMOVED):
            return Published(copy.native_id)
        if not answers:
            path = f"/api/v1/statuses/{quote_segment(copy.native_id)}"
            return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        if id_of(last) == copy.native_id or is_missing(last):
            return Published(copy.native_id)
        return outcome_of_failure(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the text of a post. Its media are listed, so that they remain."""
        unfit = self._unit_problem(unit) if not answers else None
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        return edits.edit_post(
            _build_editable_fields(unit), native_id, answers, files=bool(unit.media)
        )

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return favourites, replies, boosts and quotes known to this server. Mastodon does not
        count views."""
        if copy.native_id.startswith(REMOVED) or copy.chat:
            return None
        if not answers:
            return Send(
                _build_read_step("metrics", f"/api/v1/statuses/{quote_segment(copy.native_id)}")
            )
        told = success_body(answers[-1])
        counts = {name: told.get(field) for field, name in _COUNTS.items()}
        return {name: count for name, count in counts.items() if isinstance(count, int)} or None

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a post as missing if the account's server does not have it: it was deleted or
        taken down."""
        if copy.native_id.startswith(REMOVED):
            return None
        if not answers:
            return Send(
                _build_read_step("look", f"/api/v1/statuses/{quote_segment(copy.native_id)}")
            )
        if is_missing(answers[-1]):
            return MissingPost()
        return PresenceReport() if success_body(answers[-1]).get("id") else None

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that the post is collapsed behind its content warning if it was sent with one."""
        wanted = [flag for flag in (SENSITIVE_MARK, WARNING_MARK) if flag in flags]
        if not wanted or copy.native_id.startswith(REMOVED):
            return MarkReport(there=not copy.native_id.startswith(REMOVED))
        if not answers:
            return Send(
                _build_read_step("look", f"/api/v1/statuses/{quote_segment(copy.native_id)}")
            )
        told = success_body(answers[-1])
        if told:
            borne = {
                SENSITIVE_MARK: told.get("sensitive") is True,
                WARNING_MARK: bool(told.get("spoiler_text")),
            }
            return MarkReport(tuple(flag for flag in wanted if not borne[flag]))
        return (
            MarkReport(there=False)
            if is_missing(answers[-1])
            else outcome_of_failure(answers[-1], creates=False)
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return mastodon_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the posts that mention the account, including replies to
        it."""
        return comments.list_comments(account, cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Like a comment or undo it, report it, or block its author. Mastodon offers no other
        actions."""
        return comments.moderate_comment(spot, act, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Return the next request, or the messages to the account after the cursor's
        notification."""
        return messages.listen(cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Mastodon needs no confirmation, and messages stay unread until the owner
        opens them."""
        return None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Register an application on the server, let the user authorize, then identify the
        account."""
        return mastodon_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return mastodon_account.verify_account(account, answers)

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """Check that the server's rules have not changed since a member read them."""
        return mastodon_account.inspect_destination(place, answers)

    def _text_length(self, unit: Unit) -> int:
        each = self._limits.per_address
        return text_length(unit.text_of("body"), each) + text_length(_content_warning(unit), each)

    def _unit_problem(self, unit: Unit) -> Message | None:
        """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
        if wrong := unit_checks.unit_problem(
            unit, self.capabilities, length=self._text_length(unit)
        ):
            return wrong
        if (
            _content_warning(unit) and not unit.text_of("body").strip()
        ):  # the server would make the warning the text
            return Message("mastodon.words_needed")
        if unit.comment_id and unit.media:
            return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
        if wrong := self._limits.media_problem(unit.media):
            return wrong
        mark = next((flag for flag in unit.flags if flag not in (SENSITIVE_MARK, WARNING_MARK)), "")
        return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _content_warning(unit: Unit) -> str:
    """Return the gate's warning, followed by the member's."""
    words = (
        WARNING_TEXT if WARNING_MARK in unit.flags else "",
        options.unit_options(unit).get_text("warning"),
    )
    return " · ".join(word for word in words if word)


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _build_stage_step(medium: Medium) -> WireStep:
    """Upload a file. The server creates its name."""
    what = "film" if medium.mime == VIDEO_MIME else "picture"
    file = FileRef(medium.sha256, medium.mime, f"{what}.{medium.mime.rpartition('/')[2]}")
    said = {"description": medium.alt}
    name = _stage_name(medium)
    return WireStep(
        name, StepKind.STAGE, "POST", "/api/v2/media", said, files={"file": file}, deadline=120.0
    )


def _build_read_step(name: str, path: str) -> WireStep:
    """Return a read request."""
    return WireStep(
        name, StepKind.CONTROL, "GET", path, action="metrics" if name == "metrics" else "look"
    )


def _build_publish_step(unit: Unit, media: list[str]) -> WireStep:
    said: dict[str, Any] = {
        **_build_editable_fields(unit),
        "visibility": options.unit_options(unit).get_text("visibility") or "public",
    }
    if media:
        said["media_ids"] = media
    if unit.parent_id:
        said["in_reply_to_id"] = unit.parent_id
    headers = {"idempotency-key": unit.native_key}
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/api/v1/statuses", said, headers=headers)


def _build_editable_fields(unit: Unit) -> dict[str, Any]:
    """Return the fields of a post that can be edited later: text, language and content warning."""
    said: dict[str, Any] = {"status": unit.text_of("body")}
    if SENSITIVE_MARK in unit.flags:
        said["sensitive"] = True
    if warning := _content_warning(unit):
        said["spoiler_text"] = warning
    if (
        language := options.unit_options(unit).get_text("language")
        or unit.language.partition("-")[0]
    ):
        said["language"] = language
    return said


def _poll_uploads(
    uploads: list[StepResult], answers: tuple[StepResult, ...]
) -> Send | Outcome | None:
    """Return the next status query or the failure, or None if all files are ready.

    Some servers omit a picture that is not ready from its post:
    https://github.com/mastodon/mastodon/issues/21864
    """
    for upload in uploads:
        name = f"poll:{id_of(upload)}"
        told = [answer for answer in answers if answer.step == name]
        last = told[-1] if told else upload
        if isinstance(success_body(last).get("url"), str):
            continue
        if is_missing(last):
            return restage_uploads()
        if not id_of(last):
            return outcome_of_failure(last, creates=False)
        if len(told) >= POLLS:
            return Retry(AGAIN, "account", Message("connectors.preparing"))
        return Send(_build_read_step(name, f"/api/v1/media/{quote_segment(id_of(upload))}"))
    return None


def _publish_outcome(answer: StepResult, unit: Unit) -> Outcome:
    told = success_body(answer)
    if native_id := id_of(answer):
        shown = told.get("media_attachments")
        fewer = isinstance(shown, list) and len(shown) < len(
            unit.media
        )  # observed on servers under load, mastodon #21864
        return Published(
            native_id, post_url(told), parse_timestamp(told.get("created_at")), fewer=fewer
        )
    if not isinstance(answer, Response):
        return outcome_of_failure(answer, creates=True)
    said = refusal_text(answer)
    if answer.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if answer.status == 422 and said.startswith(UNREADY):
        return Retry(AGAIN, "account", Message("connectors.preparing"))
    if answer.status == 422 and said.startswith("Media ") and "not found" in said:
        return restage_uploads()
    if answer.status == 404 and said == RECORD_NOT_FOUND:
        if unit.parent_id:  # older servers also return this if the parent is deleted
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        return Published(f"{REMOVED}{quote_segment(unit.native_key)}")
    if answer.status == 404 and unit.parent_id:
        gone = "connectors.remark_gone" if unit.comment_id else "connectors.above_gone"
        return Rejected(Message(gone), permanent=False)
    return mastodon_limits.limit_refusal(answer) or outcome_of_failure(answer, creates=True)


def _number_in(url: str, server: str) -> str:
    """Return the ID of the post in a URL of this server, or ""."""
    parts = parse_url(url)
    if parts is None or parts.netloc.lower() != server.lower():
        return ""
    path = decoded_segments(parts)
    below = len(path) >= 2 and (path[-2].startswith("@") or path[-2] == "statuses")
    return (
        path[-1]
        if below and path[-1].isascii() and path[-1].isalnum() and len(path[-1]) <= 64
        else ""
    )
