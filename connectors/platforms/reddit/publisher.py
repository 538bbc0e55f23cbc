"""The Reddit connector: posts of text, pictures or a video in one community. Messages are in
`messages.py`.

Most errors are codes in a successful response. A post of one picture or video is created later: the
response contains no ID, so the post is looked up in the account's list, and a failure is reported
by WebSocket only. A video has a poster, which is the single picture of the unit. A URL is sent in
the text: a link post would show a preview without a rating. praw writes the requests, but its
retries are not used, because they created duplicates. Source:
https://www.reddit.com/dev/api#POST_api_submit; praw's subreddit.py and its issues 1704, 1768.
"""

from collections.abc import Mapping

from connectors.contract.account_setup import ConnectedAccount, OAuthVisit
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.chats import ChatUpdate, ChatUpdates
from connectors.contract.comments import CommentPage, CommentTarget, ModerationAction
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
from connectors.contract.destination import Destination, DestinationReport, MarkReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
)
from connectors.contract.post_presence import PostPresence
from connectors.platforms.reddit import account as reddit_account
from connectors.platforms.reddit import comments, edits, lookup, messages, requests
from connectors.platforms.reddit.account import (
    CHAT_SURFACE,
    NSFW_MARK,
    OTHER_SURFACE,
    OVER18_SURFACE,
    outcome_of_failure,
    parse_account,
    user_agent_header,
)
from connectors.platforms.reddit.lookup import LOOK
from connectors.platforms.reddit.responses import (
    DELETED_AUTHOR,
    check_presence,
    created_at,
    explain_refusal,
    fullname_in_url,
    fullname_of,
    info_step,
    is_unexplained_refusal,
    listing_entries,
    permalink_url,
    reddit_error_code,
    refusal_outcome,
)
from connectors.platforms.reddit.submission import (
    PUBLISH,
    VIDEO_MIME,
    expired_upload_outcome,
    next_submission_step,
)
from connectors.shared import http_responses, options, unit_checks
from connectors.shared.feed_layouts import REDDIT_LAYOUT
from connectors.shared.oauth import HeldCredentials
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, IS_FIRST_COMMENT, Unit

DELETE = "delete"
MESSAGE = CHAT_SURFACE.partition(".")[2]
MAX_TITLE = 300
MAX_TEXT = 40_000
MAX_GALLERY = 20
PICTURE_BYTES = 20 * 1024 * 1024
"""Maximum size of a picture in bytes. Reddit's limit for videos is larger than any file here."""

CAN = Capabilities(
    platform="reddit",
    surfaces=(OVER18_SURFACE.partition(".")[2], OTHER_SURFACE.partition(".")[2], MESSAGE),
    max_text=MAX_TEXT,
    max_media=MAX_GALLERY,
    mimes=("image/jpeg", "image/png", VIDEO_MIME),
    max_bytes=200 * 1024 * 1024,
    look="listing",
    resend_is_look=False,
    can_delete=True,
    edits=True,
    can_chat=True,
    can_sell=False,
    keeps_messages=True,
    stages=True,
    poll_seconds=messages.POLL_SECONDS,
    sizes={MESSAGE: (messages.MAX_TEXT, 0)},
    points_at=frozenset({COMMENT_REFERENCE}),
    first_comment=True,
    moderates=comments.MODERATION_ACTIONS,
    remarks_every=comments.POLL_EVERY_NTH,
    approval_days=14,
    shows={"": REDDIT_LAYOUT},
    options=(
        PostOption("spoiler", "flag", default=options.OPTION_FALSE),
        PostOption("replies", "flag", default=options.OPTION_TRUE),
        PostOption(
            "flair",
            "text",
            most=36,
            pattern="[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            example="7f6bd2a0-9a0e-11ee-8d0c-0242ac120002",
        ),
    ),
)
"""The capabilities of Reddit. It does not document how long the approval of an application takes;
users report weeks."""


class Reddit:
    """The connector for Reddit: posts of one user in one community, comments and messages."""

    capabilities = CAN
    form = reddit_account.FORM
    numbers_prove = False
    refresh_grace = reddit_account.TOKEN_GRACE

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length of the title if it is too long or there is no other text. Otherwise
        return the length of the text."""
        if unit.viewer:
            return len(unit.text_of("body")), messages.MAX_TEXT
        if unit.comment_id or unit.comment == IS_FIRST_COMMENT:
            return len(unit.text_of("body")), comments.MAX_TEXT
        title, body = _split_text(unit)
        return (
            (len(title), MAX_TITLE) if not body or len(title) > MAX_TITLE else (len(body), MAX_TEXT)
        )

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file, then publish the post. A message replies to the reader's last one."""
        if unit.viewer:
            return messages.next_step(unit, answers, CAN)
        if unit.comment_id:
            return comments.reply_to_comment(unit, answers, CAN)
        if unit.comment == IS_FIRST_COMMENT:
            return comments.add_first_comment(unit, answers, CAN, frozenset({NSFW_MARK}))
        unfit = _unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return (
                Send(reddit_account.whoami_step(unit.account))
                if is_unexplained_refusal(last)
                else _publish_outcome(last, unit)
            )
        if last is not None and last.step == reddit_account.WHOAMI_STEP:
            return explain_refusal(last, unit.account, Message("reddit.refused", {"code": "403"}))
        if last is not None and not (isinstance(last, Response) and last.is_success):
            return expired_upload_outcome(last) or outcome_of_failure(last, creates=False)
        return next_submission_step(unit, *_split_text(unit), answers)

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Page through the account's posts, comments or sent messages, newest first."""
        if not (sought.title or sought.text).strip():
            return Unknown(Message("connectors.no_lookup"))
        if sought.chat:
            return messages.look_up(sought, answers)
        return (
            comments.look_up_comment(sought, answers)
            if sought.reply_to
            else lookup.look_up(sought, answers)
        )

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the user's posts."""
        return (
            "https://www.reddit.com/user"
            f"/{http_responses.quote_segment(parse_account(account).user)}/submitted/"
        )

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the next request, or the post whose ID is in the URL, if the account is its
        author."""
        number = fullname_in_url(address.url)
        if not number:
            return NO_POST_THERE
        if not answers:
            return Send(info_step(address.account, number, LOOK))
        posts = listing_entries(answers[-1])
        if posts is None:
            return ADDRESS_UNREADABLE
        post = next((one for one in posts if one["name"] == number), {"author": DELETED_AUTHOR})
        if post.get("author") == DELETED_AUTHOR:
            return Absent()
        mine = (
            str(post.get("author", "")).casefold() == parse_account(address.account).user.casefold()
        )
        return (
            Found(number, permalink_url(post.get("permalink")), created_at(post))
            if mine
            else OTHER_ACCOUNTS_POST
        )

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete a post and check that it is gone, because the response is the same in any case.

        Messages are Rejected: Reddit deletes only the sender's copy.
        """
        if copy.chat:
            return Rejected(Message("reddit.message_stays"), permanent=False)
        if not answers:
            return Send(_build_delete_step(copy))
        last = answers[-1]
        if not (isinstance(last, Response) and last.is_success):
            return outcome_of_failure(last, creates=False)
        if last.step == DELETE:
            return Send(info_step(copy.account, copy.native_id, LOOK))
        posts = listing_entries(last)
        if posts is None:
            return Retry(http_responses.SHORT_RETRY, "account", Message("connectors.lookup_failed"))
        stands = any(
            post["name"] == copy.native_id and post.get("author") != DELETED_AUTHOR
            for post in posts
        )
        return (
            Retry(http_responses.SHORT_RETRY, "account", Message("reddit.still_there"))
            if stands
            else Published(copy.native_id)
        )

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Change the text of a text post; its title cannot be changed."""
        unfit = _unit_problem(unit)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        return edits.edit_post(unit, *_split_text(unit), native_id, answers)

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the score, which Reddit obfuscates, and the number of comments. There are no
        views."""
        if copy.chat:
            return None
        if not answers:
            return Send(info_step(copy.account, copy.native_id, "metrics"))
        told = next(iter(listing_entries(answers[-1]) or ()), {})
        counts = {"likes": told.get("score"), "comments": told.get("num_comments")}
        return {
            name: max(count, 0) for name, count in counts.items() if isinstance(count, int)
        } or None

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that the post has the flag for adult content and is visible to others."""
        if NSFW_MARK not in flags or copy.native_id.startswith(
            "t1_"
        ):  # a comment is shown with its post, which has the flag
            return MarkReport()
        if not answers:
            return Send(info_step(copy.account, copy.native_id, LOOK))
        posts = listing_entries(answers[-1])
        if posts is None:
            last = answers[-1]
            readable = isinstance(last, Response) and last.is_success
            return (
                Rejected(Message("connectors.unreadable"), False)
                if readable
                else outcome_of_failure(last, creates=False)
            )
        post = next(
            (one for one in posts if one["name"] == copy.native_id), {"author": DELETED_AUTHOR}
        )
        there = post.get("author") != DELETED_AUTHOR and post.get("removed_by_category") is None
        return MarkReport(
            () if not there or post.get("over_18") is True else (NSFW_MARK,), there=there
        )

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Report removed and deleted posts as missing; Reddit returns them with the reason."""
        return check_presence(copy, answers)

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers of the user."""
        return reddit_account.count_followers(account, answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the replies and mentions that the account received in the
        community."""
        return comments.list_comments(account, cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Block the author of a comment, or report it to the community's moderators."""
        return comments.moderate_comment(spot, act, answers)

    def inbox_id(self, account: str) -> str:
        """Return the user's name: a user has one inbox for all communities."""
        return parse_account(account).user.lower()

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Return the next request, or the user's new messages."""
        return messages.listen(cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Reddit needs no confirmation, and messages remain unread for the inbox's
        owner."""
        return None

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """Check the community's settings and rules."""
        return reddit_account.inspect_destination(place, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | OAuthVisit | ConnectedAccount | Outcome:
        """Connect an account through OAuth and check the community."""
        return reddit_account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the token belongs to the account."""
        return reddit_account.verify_account(account, answers)

    def revoke_tokens(
        self, held: HeldCredentials, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Revoke the tokens of the account."""
        return reddit_account.revoke_tokens(held, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Refresh the access token."""
        return reddit_account.refresh(grant, answers)


def _split_text(unit: Unit) -> tuple[str, str]:
    """Return title and text. Reddit requires a title."""
    return unit_checks.split_title(unit.text_of("title"), unit.text_of("body"))


def _unit_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    title, body = _split_text(unit)
    if wrong := unit_checks.unit_problem(unit, CAN, length=len(body)):
        return wrong
    if not title.strip():
        return Message("reddit.no_title")
    if len(title) > MAX_TITLE:
        return Message("reddit.title_too_long", {"length": len(title), "most": MAX_TITLE})
    pictures = [medium for medium in unit.media if medium.mime != VIDEO_MIME]
    if len(pictures) != len(unit.media) and (len(pictures), len(unit.media)) != (1, 2):
        return Message("reddit.film_poster")
    if heavy := next((medium for medium in pictures if medium.size > PICTURE_BYTES), None):
        return Message("connectors.medium_unfit", {"mime": heavy.mime, "size": heavy.size})
    mark = next((flag for flag in unit.flags if flag != NSFW_MARK), "")
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _publish_outcome(answer: StepResult, unit: Unit) -> Outcome:
    said = http_responses.success_body(answer).get("json")
    if (
        isinstance(answer, Response) and answer.status == 400
    ):  # requirements of the community, which have a different format
        reason = reddit_error_code(http_responses.json_body(answer).get("reason") or answer.status)
        return Rejected(Message("reddit.refused", {"code": reason}), permanent=False)
    if not isinstance(said, dict):
        return outcome_of_failure(answer, creates=True)
    told = said.get("data")
    data = told if isinstance(told, dict) else {}
    if number := fullname_of(data):
        return Published(number, str(data.get("url", "")))
    errors = said.get("errors")
    if isinstance(errors, list) and errors:
        return refusal_outcome(errors[0], said.get("ratelimit"))
    if unit.media and "websocket_url" in data:
        return Processing(LOOK)
    return Uncertain(Message("connectors.unclear_answer", {"status": 200}))


def _build_delete_step(copy: PlatformCopy) -> WireStep:
    step = WireStep(
        DELETE,
        StepKind.RESTRICT,
        "",
        "",
        headers=user_agent_header(copy.account),
        action="delete",
    )
    return requests.write_deletion(step, copy.native_id)
