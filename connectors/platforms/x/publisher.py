"""The X connector: posts, threads, pictures and videos. Accounts are in
`connectors/platforms/x/account.py`, messages in `messages.py`.

Posts have no idempotency key. X refuses an identical text for some hours, which delays a duplicate
but proves nothing. A lost answer is therefore looked up in the account's timeline, which is charged
like every read. Source: https://docs.x.com/x-api/posts/create-post
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
from connectors.contract.connector import (
    FileRef,
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
from connectors.contract.outcomes import Absent, Found, LookupResult, Outcome, Published, Rejected
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.x import account as x_account
from connectors.platforms.x import comments, lookup, messages, requests
from connectors.platforms.x.account import (
    CHAT_SURFACE,
    SURFACE,
    id_from_answer,
    outcome_of_failure,
    refusal_text,
    unwrap_success,
)
from connectors.platforms.x.lookup import STAGE, media_step_name
from connectors.platforms.x.media import MIME, OPEN, PART, VideoUpload
from connectors.platforms.x.requests import PUBLISH
from connectors.platforms.x.responses import post_id_in, post_url
from connectors.shared import options, unit_checks
from connectors.shared.feed_layouts import X_LAYOUT
from connectors.shared.http_responses import (
    json_body,
    parse_timestamp,
    quote_segment,
    restage_uploads,
)
from connectors.shared.oauth import HeldCredentials
from connectors.shared.request_costs import RequestCostKind
from connectors.shared.text_counting import x_text_length
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, Medium, Unit

TOLD = "told:"
ADULT = "media_metadata.sensitive_media_warning.adult_content=true"
AI = "made_with_ai=true"
MAX_ALT = 1000
PICTURE_BYTES = 5_000_000
BAD_MEDIA = "media id"
"""Error text for media that have expired."""

NOT_FOUND = "resource-not-found"
_COUNTS = {
    "impression_count": "views",
    "like_count": "likes",
    "reply_count": "comments",
    "repost_count": "reposts",
    "retweet_count": "reposts",
    "quote_count": "quotes",
    "bookmark_count": "saves",
}
"""Metric names by X's field. Older responses use `retweet`."""

MESSAGE = CHAT_SURFACE.partition(".")[2]
CAN = Capabilities(
    platform="x",
    surfaces=(SURFACE.partition(".")[2], MESSAGE),
    max_text=280,
    max_media=4,
    mimes=("image/jpeg", "image/png", "image/webp", MIME),
    max_bytes=100 * 1024 * 1024,
    film_seconds=(0, 140),  # https://docs.x.com/x-api/media/quickstart/best-practices
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=True,
    keeps_messages=True,
    poll_seconds=messages.POLL_SECONDS,
    sizes={MESSAGE: (messages.MAX_TEXT, 0)},
    can_sell=False,
    stages=True,
    points_at=frozenset({COMMENT_REFERENCE}),
    moderates=comments.ACTS,
    remarks_every=comments.EVERY,
    threads=25,
    cost="used",
    shows={"": X_LAYOUT},
    options=(
        PostOption(
            "answers", "choice", choices=("following", "mentionedUsers", "subscribers", "verified")
        ),
        PostOption("partnership", "flag", default=options.OPTION_FALSE),
    ),
)


class X:
    """The connector for X: posts with up to four pictures or one video."""

    capabilities = CAN
    form = x_account.FORM
    numbers_prove = True
    refresh_grace = x_account.ONCE

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the weighted length of a post; for a message, the number of characters."""
        if unit.viewer:
            return len(unit.text_of("body")), messages.MAX_TEXT
        return x_text_length(unit.text_of("body")), CAN.max_text

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file and set its metadata, then publish the post. Messages are sent in one
        request."""
        if unit.viewer:
            return messages.next_step(unit, answers, CAN)
        unfit = _unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, unit)
        if last is not None and not _is_step_done(last):
            return _upload_failure_outcome(last)
        uploads: list[str] = []
        for medium in unit.media:
            film = VideoUpload(medium, answers) if medium.mime == MIME else None
            uploaded = (
                film.id
                if film is not None
                else _id_in(_last_answer(media_step_name(STAGE, medium), answers))
            )
            if film is not None:
                waiting = film.next()
            elif uploaded:
                waiting = None
            else:
                waiting = Send(_build_stage_step(medium))
            if waiting is not None:
                return waiting
            told = _last_answer(media_step_name(TOLD, medium), answers)
            if told is None or id_from_answer(told) != uploaded:
                return Send(_build_metadata_step(medium, uploaded, adult=ADULT in unit.flags))
            if ADULT in unit.flags and not _has_content_warning(told):
                return Rejected(Message("x.not_warned"), permanent=False)
            uploads.append(uploaded)
        return _build_publish_request(unit, uploads)

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the account's posts since the attempt by text or, without text, by media. Messages
        are searched for in their conversation."""
        if sought.chat:
            return messages.look_up(sought, answers)
        return lookup.look_up(sought, answers)

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the profile."""
        return f"https://x.com/i/user/{quote_segment(account)}"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request, or the post whose ID is in the URL, if the account is its
        author."""
        number = post_id_in(address.url)
        if not number:
            return NO_POST_THERE
        if requests.needs_reading(answers):
            return requests.read_post(requests.LOOK, number, answers, ["created_at", "author_id"])
        told = unwrap_success(answers[-1])
        if told.get("id") != number:
            return (
                Absent()
                if _is_gone(answers[-1], PlatformCopy(number, address.account))
                else ADDRESS_UNREADABLE
            )
        mine = str(told.get("author_id", "")) == address.account
        return (
            Found(number, post_url(number), parse_timestamp(told.get("created_at")))
            if mine
            else OTHER_ACCOUNTS_POST
        )

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a post; a missing one counts as deleted. The removal of a message is Rejected,
        because its reader would still see it."""
        if copy.chat:
            return Rejected(Message("x.message_stays"), permanent=True)
        if not answers:
            return requests.build_request(
                requests.DELETE,
                lambda client: client.delete_tweet(quote_segment(copy.native_id)),
            )
        last = answers[-1]
        if unwrap_success(last).get("deleted") is True or _is_gone(last, copy):
            return Published(copy.native_id)
        return outcome_of_failure(last, creates=False)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return views, likes, replies, reposts, quotes and saves of a post. Messages have no
        metrics."""
        if copy.chat:
            return None
        if requests.needs_reading(answers):
            return requests.read_post(requests.METRICS, copy.native_id, answers, ["public_metrics"])
        told = unwrap_success(answers[-1]).get("public_metrics")
        found = told if isinstance(told, dict) else {}
        return {
            name: found[field]
            for field, name in _COUNTS.items()
            if isinstance(found.get(field), int)
        } or None

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report a post as missing if X does not find it; X gives no reason."""
        if copy.chat:
            return None
        if not answers:
            return requests.read_post(requests.LOOK, copy.native_id)
        if unwrap_success(answers[-1]).get("id") == copy.native_id:
            return PresenceReport()
        return MissingPost() if _is_gone(answers[-1], copy) else None

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return x_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the replies and mentions since the cursor."""
        return comments.list_comments(account, cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Hide a reply in the account's conversation, or show it again."""
        return comments.moderate_comment(spot, act, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Return the next request, or the direct messages since the cursor."""
        return messages.listen(cursor, answers)

    def count_poll_charges(
        self, cursor: str, answers: tuple[StepResult, ...]
    ) -> Mapping[RequestCostKind, int]:
        """Return the charged items of a poll."""
        return messages.count_poll_charges(cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: X needs no confirmation, and messages remain unread until the owner opens
        them."""
        return None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Connect an account through OAuth."""
        return x_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return x_account.verify_account(account, answers)

    def revoke_tokens(
        self, held: HeldCredentials, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Revoke both tokens."""
        return x_account.revoke_tokens(held, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the tokens. The old refresh token becomes invalid."""
        return x_account.refresh(grant, answers)


def _unit_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    if wrong := unit_checks.unit_problem(unit, CAN, length=x_text_length(unit.text_of("body"))):
        return wrong
    if unit.comment_id and unit.media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
    if not unit.media and not unit.text_of("body").strip():
        return Message("x.empty")
    if len(unit.media) > 1 and any(medium.mime == MIME for medium in unit.media):
        return Message("x.film_alone")
    for place, medium in enumerate(unit.media, start=1):
        if medium.mime != MIME and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if not medium.alt.strip():
            return Message("connectors.alt_missing", {"place": place})
        if len(medium.alt) > MAX_ALT:
            return Message("connectors.text_too_long", {"length": len(medium.alt), "most": MAX_ALT})
    if (
        ADULT in unit.flags and not unit.media
    ):  # also the later parts of a thread with such a picture
        return Message("x.words_unmarked")
    mark = next((flag for flag in unit.flags if flag not in (ADULT, AI)), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _build_stage_step(medium: Medium) -> WireStep:
    """Return the request that uploads a picture as a whole:
    https://docs.x.com/x-api/media/media-upload"""
    file = FileRef(medium.sha256, medium.mime, f"picture.{medium.mime.rpartition('/')[2]}")
    fields = {"media_category": "tweet_image"}
    name = media_step_name(STAGE, medium)
    return WireStep(
        name,
        StepKind.STAGE,
        "POST",
        "/2/media/upload",
        fields,
        files={"media": file},
        deadline=120.0,
    )


def _build_metadata_step(medium: Medium, uploaded: str, *, adult: bool) -> WireStep:
    """Set alt text and content warning: https://docs.x.com/x-api/media/create-media-metadata"""
    told: dict[str, Any] = {"alt_text": {"text": medium.alt}}
    if adult:
        told["sensitive_media_warning"] = {"adult_content": True}
    body = {"id": uploaded, "metadata": told}
    return WireStep(
        media_step_name(TOLD, medium), StepKind.STAGE, "POST", "/2/media/metadata", body
    )


def _build_publish_request(unit: Unit, media: list[str]) -> Send:
    chosen = options.unit_options(unit)
    # reply settings belong to the first post of a thread
    answers = "" if unit.parent_id else chosen.get_text("answers")
    marks = {"made_with_ai": AI in unit.flags, "paid_partnership": chosen.get_flag("partnership")}
    return requests.build_request(
        requests.POST,
        lambda client: client.create_tweet(
            text=unit.text_of("body") or None,
            media_ids=media or None,
            in_reply_to_tweet_id=unit.parent_id or None,
            reply_settings=answers or None,
        ),
        unnamed={name: True for name, is_set in marks.items() if is_set},
    )


def _upload_failure_outcome(answer: StepResult) -> Outcome:
    """Return the outcome of a failed upload. If X no longer has a file, all files are uploaded
    again."""
    refused = isinstance(answer, Response) and answer.status in (400, 404)
    known = answer.step.startswith((STAGE, OPEN))
    if (
        not known
        and refused
        and (NOT_FOUND in refusal_text(answer) or BAD_MEDIA in refusal_text(answer))
    ):
        return restage_uploads()
    return outcome_of_failure(answer, creates=False)


def _last_answer(step: str, answers: tuple[StepResult, ...]) -> StepResult | None:
    return next((answer for answer in reversed(answers) if answer.step == step), None)


def _id_in(answer: StepResult | None) -> str:
    return id_from_answer(answer) if answer is not None else ""


def _is_step_done(answer: StepResult) -> bool:
    """Return True if an upload step succeeded. The response to a segment contains no ID."""
    if answer.step.startswith(PART):
        return isinstance(answer, Response) and answer.is_success
    return bool(id_from_answer(answer))


def _has_content_warning(answer: StepResult) -> bool:
    """Return True if X accepted the content warning: the response contains the stored metadata."""
    told = unwrap_success(answer).get("associated_metadata")
    warning = told.get("sensitive_media_warning") if isinstance(told, dict) else None
    return isinstance(warning, dict) and warning.get("adult_content") is True


def _publish_outcome(answer: StepResult, unit: Unit) -> Outcome:
    if number := id_from_answer(answer):
        return Published(number, post_url(number))
    if isinstance(answer, Response) and answer.status == 400 and BAD_MEDIA in refusal_text(answer):
        return restage_uploads()
    refused = comments.reply_refusal(answer) if unit.comment_id else None
    return refused or outcome_of_failure(answer, creates=True)


def _is_gone(answer: StepResult, copy: PlatformCopy) -> bool:
    """Return True if X itself reports that the post does not exist; a bare 404 proves nothing."""
    if not isinstance(answer, Response) or NOT_FOUND not in refusal_text(answer):
        return False
    return answer.status in (200, 404) and copy.native_id in str(json_body(answer))
