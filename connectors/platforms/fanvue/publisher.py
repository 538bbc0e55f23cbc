"""The Fanvue connector: posts for subscribers with pictures and videos, and messages with paid
media.

Posts have no idempotency key, so a lost one is looked up in the account's posts. Fanvue collects
all payments itself; this connector only reads that they were made. Source:
https://api.fanvue.com/docs/api-reference/reference/posts/create-post, …/media/create-upload-session
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.app_webhooks import AppWebhookEvent, WebhookSignature
from connectors.contract.capabilities import Capabilities, PriceRange
from connectors.contract.chats import ChatUpdate, ChatUpdates
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
from connectors.contract.earnings import EarningsAnswer, TimeSpan
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Unknown,
)
from connectors.contract.paid_media import PaidMessageStatus
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    ClaimedAddress,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.fanvue import (
    account as fanvue_account,
)
from connectors.platforms.fanvue import (
    earnings,
    messages,
    updates,
    webhooks,
)
from connectors.platforms.fanvue.account import (
    CHAT_SURFACE,
    SURFACE,
    VERSION_HEADER,
    outcome_of_failure,
    refusal_text,
    uuid_of,
)
from connectors.platforms.fanvue.media import VIDEO_MIME, MediaUpload, lost_upload_outcome
from connectors.platforms.fanvue.messages import PUBLISH, has_more, page_entries
from connectors.shared import textless_posts, unit_checks
from connectors.shared.feed_layouts import FANVUE_LAYOUT
from connectors.shared.http_responses import (
    clock_lead,
    parse_timestamp,
    quote_segment,
    restage_uploads,
    success_body,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import Unit

SUBSCRIBERS_MARK = "audience=subscribers"
EVERYBODY = "followers-and-subscribers"
WINDOW = timedelta(seconds=60)
"""A post older than the attempt by more than this is a different post with the same text."""

LISTED = 50
MAX_PAGES = 5
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_TEXT = 5000
POLL_SECONDS = 10.0
"""Seconds between two reads of the chats. A creator has 200 requests a minute for all purposes.
Polls use 6 of them without new messages, and 60 to 115 if there are more chats with new messages
than a poll reads. Ten seconds are fast enough for a chat. Source:
https://api.fanvue.com/docs/authentication/rate-limits"""

PRICE_RANGE = PriceRange("USD", 300, 100_000)
"""The minimum is Fanvue's. The maximum is ours, since Fanvue documents none."""

CAN = Capabilities(
    platform="fanvue",
    surfaces=(SURFACE.partition(".")[2], CHAT_SURFACE.partition(".")[2]),
    max_text=MAX_TEXT,
    max_media=10,
    mimes=("image/jpeg", "image/png", "image/webp", VIDEO_MIME),
    max_bytes=200 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    can_chat=True,
    can_sell=True,
    stages=True,
    poll_seconds=POLL_SECONDS,
    shows={"": FANVUE_LAYOUT},
    sells={SURFACE.partition(".")[2]: PRICE_RANGE, CHAT_SURFACE.partition(".")[2]: PRICE_RANGE},
)
"""The capabilities of Fanvue, which does not document the maximum number and size of files."""


class Fanvue:
    """The connector for posts and messages with pictures and videos."""

    capabilities = CAN
    form = fanvue_account.FORM
    numbers_prove = True
    refresh_grace = fanvue_account.NO_GRACE
    earns_as = "Fanvue"
    call_header = webhooks.SIGNATURE_HEADER

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file, wait until it is ready, then publish."""
        unfit = messages.message_problem(unit, CAN) if unit.viewer else _unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        if unit.viewer:
            return messages.next_step(unit, answers)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last)
        if last is not None and not (isinstance(last, Response) and last.is_success):
            return lost_upload_outcome(last)
        uploads = [MediaUpload(medium, answers) for medium in unit.media]
        turns = (upload.next() for upload in uploads)
        waiting = next((turn for turn in turns if turn is not None), None)
        return waiting or Send(_build_publish_step(unit, [upload.uuid for upload in uploads]))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the account's posts or a chat page by page. Pinned posts come first, whatever
        their age."""
        if sought.chat:
            return messages.look_up(sought, answers)
        files = _uploaded_media_ids(sought)
        if not (files or (sought.text.strip() and sought.price is None)):
            return Unknown(Message("connectors.no_lookup"))
        if not answers:
            return Send(_build_page_step(1))
        posts = page_entries(answers[-1])
        if posts is None:
            return Unknown(Message("connectors.lookup_failed"))
        start = (
            sought.armed_at - WINDOW - clock_lead(answers[-1], sought.asked_at or sought.armed_at)
        )
        recent = [
            post for post in posts if (parse_timestamp(post.get("createdAt")) or start) >= start
        ]
        alike = [post for post in reversed(recent) if _is_match(post, sought, files)]
        wanted = sought.price.minor if sought.price is not None else None
        if same := next((post for post in alike if _parse_price(post) == wanted), None):
            return Found(str(same["uuid"]), "", parse_timestamp(same.get("createdAt")))
        if alike:  # the same post at another price has no known cause, so a member must decide
            return Unknown(Message("fanvue.other_price"))
        if textless_posts.has_no_text(sought) and any(
            _is_candidate(post, sought) for post in recent
        ):
            return textless_posts.OTHER_MEDIA  # Fanvue may use other IDs for its files
        older = any(post not in recent and not post.get("isPinned") for post in posts)
        if older or not has_more(answers[-1]):
            return Absent()
        whole = len(answers) < MAX_PAGES
        return (
            Send(_build_page_step(len(answers) + 1))
            if whole
            else Unknown(Message("connectors.lookup_failed"))
        )

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the site's URL, since the account ID does not lead to a profile."""
        return "https://www.fanvue.com/"

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the post whose ID is in a URL. Fanvue returns only the account's own posts."""
        number = next(
            (
                one.lower()
                for one in path_segments(address.url, "fanvue.com")
                if _UUID.fullmatch(one)
            ),
            "",
        )
        if not number:
            return NO_POST_THERE
        if not answers:
            return Send(_build_read_step(number, "look"))
        last = answers[-1]
        if uuid_of(last) == number:
            return Found(number, "", parse_timestamp(success_body(last).get("createdAt")))
        return Absent() if _is_missing(last) else ADDRESS_UNREADABLE

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the post or message. A missing one counts as deleted."""
        if copy.chat:
            return messages.remove_message(copy, answers)
        if not answers:
            path = f"/posts/{quote_segment(copy.native_id)}"
            return Send(
                WireStep(
                    "delete",
                    StepKind.RESTRICT,
                    "DELETE",
                    path,
                    headers=VERSION_HEADER,
                    action="delete",
                )
            )
        last = answers[-1]
        done = (isinstance(last, Response) and last.status == 204) or _is_missing(last)
        return (
            Published(copy.native_id)
            if done or success_body(last)
            else outcome_of_failure(last, creates=False)
        )

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return likes, comments and tips of a post. Fanvue does not return views."""
        if copy.chat:
            return None
        if not answers:
            return Send(_build_read_step(copy.native_id, "metrics"))
        told = success_body(answers[-1])
        tips = told.get("tips")
        counts = {
            "likes": told.get("likesCount"),
            "comments": told.get("commentsCount"),
            "tips": tips.get("count") if isinstance(tips, dict) else None,
        }
        return {
            name: int(count) for name, count in counts.items() if isinstance(count, int | float)
        } or None

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Check that the account still has the post. A 404 without Fanvue's error text proves
        nothing."""
        if not answers:
            return Send(_build_read_step(copy.native_id, "look"))
        if uuid_of(answers[-1]) == copy.native_id:
            return PresenceReport()
        return MissingPost() if _is_missing(answers[-1]) else None

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers. Fanvue counts subscribers
        separately."""
        return fanvue_account.count_followers(answers)

    def read_paid_status(
        self, copy: PlatformCopy, since: datetime, answers: tuple[StepResult, ...]
    ) -> Send | PaidMessageStatus | None:
        """Return the payment status of a message."""
        return messages.read_paid_status(copy, since, answers)

    def read_earnings(
        self, account: str, span: TimeSpan, answers: tuple[StepResult, ...]
    ) -> EarningsAnswer:
        """Return payments of fans and refunds to them."""
        return earnings.read_earnings(account, span, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Let the creator authorize, then identify the account of the tokens."""
        return fanvue_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return fanvue_account.verify_account(account, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Exchange the refresh token, which works only once, for a new pair of tokens."""
        return fanvue_account.refresh(grant, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Read the list of chats, then each one with new messages."""
        return updates.listen(cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Fanvue needs no confirmation, and chats stay unread until the creator opens
        them."""
        return None

    def read_signature(self, header: str) -> WebhookSignature | None:
        """Parse the signature header of a webhook call."""
        return webhooks.read_signature(header)

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        """Return the reads that a webhook call triggers."""
        return webhooks.parse_app_webhook(body)


def _unit_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    if wrong := unit_checks.unit_problem(unit, CAN, length=len(unit.text_of("body"))):
        return wrong
    if not unit.media and not unit.text_of("body").strip():
        return Message("fanvue.empty")
    mark = next((flag for flag in unit.flags if flag != SUBSCRIBERS_MARK), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _build_publish_step(unit: Unit, media: list[str]) -> WireStep:
    audience = SUBSCRIBERS_MARK.partition("=")[2] if SUBSCRIBERS_MARK in unit.flags else EVERYBODY
    body: dict[str, Any] = {"audience": audience}
    if unit.text_of("body"):
        body["text"] = unit.text_of("body")
    if media:
        body["mediaUuids"] = media
    if unit.price is not None:
        body["price"] = unit.price.minor
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/posts", body, headers=VERSION_HEADER)


def _uploaded_media_ids(sought: LookupQuery) -> set[str]:
    """Return Fanvue's IDs of the files; empty if one is unknown."""
    named = {MediaUpload(medium, sought.told).uuid for medium in sought.media}
    return set() if "" in named else named


def _is_match(post: Mapping[str, Any], sought: LookupQuery, files: set[str]) -> bool:
    """Return True if a post has exactly the uploaded files, whatever its current text. A free post
    with the sought text matches too, since Fanvue may use other IDs for its files."""
    if str(post["uuid"]) in sought.known:
        return False
    words = sought.text.strip() if sought.price is None else ""
    return (bool(files) and _parse_media_ids(post) == files) or (
        bool(words) and str(post.get("text") or "").strip() == words
    )


def _is_candidate(post: Mapping[str, Any], sought: LookupQuery) -> bool:
    return str(post["uuid"]) not in sought.known and textless_posts.is_query_match(
        sought, post.get("text"), _parse_media_ids(post)
    )


def _parse_media_ids(post: Mapping[str, Any]) -> set[str]:
    told = post.get("mediaUuids")
    return {str(one) for one in told} if isinstance(told, list) else set()


def _parse_price(post: Mapping[str, Any]) -> int | None:
    """Return the price of a post in cents, or None if it is free."""
    told = post.get("price")
    return int(told) if isinstance(told, int | float) and told else None


def _publish_outcome(answer: StepResult) -> Outcome:
    if number := uuid_of(answer):
        return Published(number, "", parse_timestamp(success_body(answer).get("createdAt")))
    if isinstance(answer, Response) and answer.status == 404 and "media" in refusal_text(answer):
        return restage_uploads()
    return outcome_of_failure(answer, creates=True)


def _is_missing(answer: StepResult) -> bool:
    """Return True if Fanvue itself reports that the post does not exist."""
    return isinstance(answer, Response) and answer.status == 404 and bool(refusal_text(answer))


def _build_read_step(number: str, action: str) -> WireStep:
    path = f"/posts/{quote_segment(number)}"
    return WireStep(action, StepKind.CONTROL, "GET", path, headers=VERSION_HEADER, action=action)


def _build_page_step(page: int) -> WireStep:
    path = f"/posts?page={page}&size={LISTED}"
    return WireStep("look", StepKind.CONTROL, "GET", path, headers=VERSION_HEADER, action="look")
