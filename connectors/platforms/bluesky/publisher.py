"""The Bluesky connector: posts on a personal data server (AT Protocol).

Sign-in is in `account.py`, direct messages are in `messages.py`. A video is uploaded in the same
way as a picture. The network processes it after the post is published, so it plays some seconds
later.

The record key is chosen and stored before the first request, and the record's time follows from it.
The server answers a repeat of the same record with "nothing changed". A lost answer is therefore
looked up by its key, and the post is sent again if it is missing. Source:
https://docs.bsky.app/docs/api/com-atproto-repo-put-record
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract.account_setup import ConnectedAccount
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
from connectors.contract.destination import MarkReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
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
    is_post_key,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.bluesky import (
    account as bluesky_account,
)
from connectors.platforms.bluesky import (
    comments,
    messages,
    record,
    text,
)
from connectors.platforms.bluesky.account import CHAT_SURFACE, outcome_of_failure
from connectors.platforms.bluesky.comments import is_record_absent, post_url, record_lookup_step
from connectors.platforms.bluesky.record import (
    LABEL_FLAG,
    MAX_BYTES,
    MAX_GRAPHEMES,
    POST_COLLECTION,
    VIDEO_MIME,
    build_record,
    first_missing_label,
    record_key,
    record_key_time,
    record_labels,
    self_labels,
)
from connectors.shared import unit_checks
from connectors.shared.feed_layouts import BLUESKY_LAYOUT
from connectors.shared.feed_preview import LinkCard
from connectors.shared.http_responses import (
    SHORT_RETRY,
    platform_error_code,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import COMMENT_REFERENCE, Medium, Unit

PUBLISH = "publish"
ABOVE = "above"
PICTURE_BYTES = 2_000_000
"""The maximum size of a picture. A video must be the only file of its post and may be larger;
servers refuse videos over their limits."""

CAN = Capabilities(
    platform="bluesky",
    surfaces=("post", CHAT_SURFACE.partition(".")[2]),
    max_text=MAX_GRAPHEMES,
    max_media=4,
    mimes=("image/jpeg", "image/png", "image/webp", VIDEO_MIME),
    max_bytes=50_000_000,
    film_seconds=(
        0,
        180,
        # longer videos are accepted but never play: https://docs.bsky.app/docs/tutorials/video
    ),
    look="key",
    resend_is_look=True,
    can_delete=True,
    can_chat=True,
    can_sell=False,
    stages=True,
    threads=25,
    poll_seconds=messages.POLL_SECONDS,
    sizes={CHAT_SURFACE.partition(".")[2]: (messages.MAX_TEXT, 0)},
    looks_for_messages=True,
    keeps_messages=True,
    shows={"": BLUESKY_LAYOUT},
    options=(
        PostOption(
            "languages",
            "list",
            most=30,
            entries=3,
            pattern="[a-z]{2,3}(-[A-Za-z]{2,8})?",
            example="fr",
        ),
        *record.CARD_OPTIONS,
    ),
    points_at=frozenset({COMMENT_REFERENCE}),
    moderates=comments.MODERATION_ACTIONS,
    remarks_every=5,  # one of the 3000 requests an IP address may send in 5 minutes
)
_COUNTS = {
    "likeCount": "likes",
    "replyCount": "comments",
    "repostCount": "reposts",
    "quoteCount": "quotes",
}


class Bluesky:
    """The connector for Bluesky: posts with up to four pictures or one video."""

    capabilities = CAN
    form = bluesky_account.FORM
    numbers_prove = True
    refresh_grace = bluesky_account.TOKEN_GRACE

    def native_key_for(self, key: str, at: datetime) -> str:
        """Return a record key for the time `at`, which readers see as the time of the post."""
        return record_key(key, at)

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the number of graphemes and the limit."""
        return unit_checks.count_graphemes(unit.text_of("body")), CAN.size_limits(unit.surface)[0]

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Upload each file, read the parent, resolve mentions, then create the record and return
        the outcome."""
        if unit.viewer:
            wrong = messages.message_problem(unit, CAN)
            return Rejected(wrong, permanent=False) if wrong else messages.next_step(unit, answers)
        at = record_key_time(unit.native_key)
        unfit = _unit_problem(unit)
        if at is None or unfit is not None:
            return Rejected(unfit or Message("connectors.no_key"), permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, unit, at)
        if last is not None and last.step.startswith("stage:") and _parse_blob(last) is None:
            return outcome_of_failure(last, creates=False)
        blobs = {
            answer.step: blob for answer in answers if (blob := _parse_blob(answer)) is not None
        }
        for medium in unit.media:
            if _stage_name(medium) not in blobs:
                return Send(_build_stage_step(medium))
        above = next((answer for answer in answers if answer.step == ABOVE), None)
        if unit.comment_id and above is None:
            return Send(comments.post_view_step(unit.comment_id, ABOVE))
        if unit.parent_id and above is None:
            return Send(
                replace(
                    record_lookup_step(unit.account, _record_key_from_uri(unit.parent_id)),
                    name=ABOVE,
                )
            )
        under = _resolve_reply(above, unit) if above is not None else None
        if isinstance(under, Outcome):
            return under
        people = text.resolve_mentions(unit.text_of("body"), answers)
        if not isinstance(people, Mapping):
            return people
        uploaded = [blobs[_stage_name(medium)] for medium in unit.media]
        return Send(_build_publish_step(unit, build_record(unit, uploaded, at, under, people)))

    def link_card(self, unit: Unit) -> LinkCard | None:
        """Return the link card written for a unit, or None."""
        return None if unit.viewer else record.link_card(unit)

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Read the record by its key. Its text must match, otherwise the result is unknown.

        Messages are searched page by page.
        """
        if sought.chat:
            return messages.look_up(sought, answers)
        if not answers:
            return Send(record_lookup_step(sought.account, sought.native_key))
        last = answers[-1]
        value = _record_of(last)
        if value is not None and value.get("text") == sought.text:
            uri = _post_uri(sought.account, sought.native_key)
            return Found(
                uri, post_url(sought.account, sought.native_key), record_key_time(sought.native_key)
            )
        if value is not None:
            return Unknown(Message("connectors.other_text_there"))
        return Absent() if is_record_absent(last) else Unknown(Message("connectors.lookup_failed"))

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the profile."""
        return post_url(account, "").removesuffix("/post/")

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the record whose key is in a URL. Only the account's repository is read."""
        path = path_segments(address.url, "bsky.app")
        if len(path) != 4 or (path[0], path[2]) != ("profile", "post") or not is_post_key(path[3]):
            return NO_POST_THERE
        who = path[1]
        rkey = path[3]
        if who.startswith("did:") and who != address.account:
            return OTHER_ACCOUNTS_POST
        if not answers:
            return Send(record_lookup_step(address.account, rkey))
        if _record_of(answers[-1]) is not None:
            return Found(
                _post_uri(address.account, rkey),
                post_url(address.account, rkey),
                record_key_time(rkey),
            )
        return Absent() if is_record_absent(answers[-1]) else ADDRESS_UNREADABLE

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the record, then check that it no longer exists.

        A message cannot be deleted for its recipient, so its removal is rejected.
        """
        if copy.chat:
            return Rejected(Message("bluesky.message_stays"), permanent=False)
        rkey = _record_key_from_uri(copy.native_id)
        if not answers:
            body = {"repo": copy.account, "collection": POST_COLLECTION, "rkey": rkey}
            path = "/xrpc/com.atproto.repo.deleteRecord"
            return Send(WireStep("delete", StepKind.RESTRICT, "POST", path, body, action="delete"))
        last = answers[-1]
        if last.step == "delete":
            done = (
                isinstance(last, Response) and 200 <= last.status < 300
            )  # older servers answer without a body
            return (
                Send(record_lookup_step(copy.account, rkey))
                if done
                else outcome_of_failure(last, creates=False)
            )
        if is_record_absent(last):
            return Published(copy.native_id)
        return Retry(SHORT_RETRY, "account", Message("connectors.lookup_failed"))

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return likes, replies, reposts and quotes. The network does not count views."""
        if copy.chat:
            return None
        rkey = _record_key_from_uri(copy.native_id)
        if not answers:
            path = (
                f"/xrpc/app.bsky.feed.getPosts?uris={quote_segment(_post_uri(copy.account, rkey))}"
            )
            return Send(WireStep("metrics", StepKind.CONTROL, "GET", path, action="metrics"))
        match answers[-1]:
            case Response(body={"posts": [dict(post)]}) as last if last.is_success:
                counts = {name: post.get(field) for field, name in _COUNTS.items()}
                return {name: count for name, count in counts.items() if isinstance(count, int)}
            case _:
                return None

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Check that the account's server has the record. The network's view may lag or hide it
        from some readers."""
        if not answers:
            return Send(record_lookup_step(copy.account, _record_key_from_uri(copy.native_id)))
        if _record_of(answers[-1]) is not None:
            return PresenceReport()
        return MissingPost() if is_record_absent(answers[-1]) else None

    def read_marks(
        self, copy: PlatformCopy, flags: tuple[str, ...], answers: tuple[StepResult, ...]
    ) -> Send | MarkReport | Outcome:
        """Check that the record has the labels it was sent with. Records are public."""
        wanted = self_labels(flags)
        if not wanted:
            return MarkReport()
        if not answers:
            return Send(record_lookup_step(copy.account, _record_key_from_uri(copy.native_id)))
        value = _record_of(answers[-1])
        if value is not None:
            borne = record_labels(value)
            return MarkReport(
                tuple(f"{LABEL_FLAG}={label}" for label in wanted if label not in borne)
            )
        return (
            MarkReport(there=False)
            if is_record_absent(answers[-1])
            else outcome_of_failure(answers[-1], creates=False)
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of followers."""
        return bluesky_account.count_followers(answers)

    def list_comments(
        self, account: str, destination: str, cursor: str, answers: tuple[StepResult, ...]
    ) -> Send | CommentPage | None:
        """Return the next request, or the replies to the account's posts and the posts that mention
        it."""
        return comments.list_comments(account, cursor, answers)

    def moderate_comment(
        self, spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Like, hide, show or report a reply, or block its author."""
        return comments.moderate_comment(spot, act, answers)

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Sign in with the app password, which is not stored, and check access to messages."""
        return bluesky_account.connect(
            form, answers, probe=messages.chat_probe_step(), is_shut=messages.is_chat_denied
        )

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Check that the session belongs to the account."""
        return bluesky_account.verify_account(account, answers)

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        """Exchange the refresh token for a new pair of tokens."""
        return bluesky_account.refresh(grant, answers)

    def listen(self, cursor: str, answers: tuple[StepResult, ...]) -> Send | ChatUpdates | Outcome:
        """Read the log of the account's conversations, then the sender of each new message."""
        return messages.listen(cursor, answers)

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Return None: Bluesky needs no confirmation, and messages stay unread until the owner
        opens them."""
        return None


def _unit_problem(unit: Unit) -> Message | None:
    """Return the reason why a unit cannot be sent, or None. Texts are never truncated."""
    text = unit.text_of("body")
    if wrong := unit_checks.unit_problem(unit, CAN, length=unit_checks.count_graphemes(text)):
        return wrong
    if len(text.encode()) > MAX_BYTES:
        return Message("connectors.text_too_heavy", {"size": len(text.encode()), "most": MAX_BYTES})
    if unit.comment_id and unit.media:
        return Message("connectors.too_many_media", {"count": len(unit.media), "most": 0})
    if len(unit.media) > 1 and any(medium.mime == VIDEO_MIME for medium in unit.media):
        return Message("bluesky.film_alone")
    for place, medium in enumerate(unit.media, start=1):
        if medium.mime != VIDEO_MIME and medium.size > PICTURE_BYTES:
            return Message("connectors.medium_unfit", {"mime": medium.mime, "size": medium.size})
        if not medium.alt.strip():
            return Message("connectors.alt_missing", {"place": place})
    if wrong := record.card_problem(unit):
        return wrong
    mark = first_missing_label(unit.flags)
    return Message("connectors.mark_untold", {"mark": mark}) if mark else None


def _stage_name(medium: Medium) -> str:
    return f"stage:{medium.sha256[:24]}"


def _build_stage_step(medium: Medium) -> WireStep:
    path = "/xrpc/com.atproto.repo.uploadBlob"
    file = FileRef(medium.sha256, medium.mime)
    return WireStep(_stage_name(medium), StepKind.STAGE, "POST", path, file=file, deadline=120.0)


def _parse_blob(answer: StepResult) -> Mapping[str, Any] | None:
    """Return the reference of an uploaded file, or None."""
    match answer:
        case Response(body={"blob": {"ref": {"$link": str()}} as blob}) if answer.is_success:
            return blob if answer.step.startswith("stage:") else None
        case _:
            return None


def _build_publish_step(unit: Unit, made: Mapping[str, Any]) -> WireStep:
    """Build the request that creates the record. A null `swapRecord` never overwrites an existing
    one; a repeat of the same record changes nothing."""
    body = {
        "repo": unit.account,
        "collection": POST_COLLECTION,
        "rkey": unit.native_key,
        "record": made,
        "validate": True,
        "swapRecord": None,
    }
    return WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/xrpc/com.atproto.repo.putRecord", body)


def _publish_outcome(answer: StepResult, unit: Unit, at: datetime) -> Outcome:
    uri = _post_uri(unit.account, unit.native_key)
    match answer:
        case Response(body={"uri": str(told), "cid": str()}) if answer.is_success and told == uri:
            return Published(uri, post_url(unit.account, unit.native_key), at)
        case Response(status=400) if platform_error_code(answer) == "blobnotfound":
            reason = Message("connectors.uploads_gone")
            return Retry(timedelta(seconds=1), "account", reason, uploads_gone=True)
        case Response(status=400) if platform_error_code(answer) == "invalidswap":
            return Uncertain(
                Message("connectors.other_text_there")
            )  # another record of ours has this key
        case Response() if answer.is_success:
            return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
        case _:
            return outcome_of_failure(answer, creates=True)


def _record_of(answer: StepResult) -> Mapping[str, Any] | None:
    match answer:
        case Response(body={"uri": str(), "value": dict(value)}) if answer.is_success:
            return value
        case _:
            return None


def _resolve_reply(answer: StepResult, unit: Unit) -> Mapping[str, Any] | Outcome:
    """Return the root and the parent of a reply, or the outcome if the reply is impossible.

    Source: https://docs.bsky.app/docs/advanced-guides/posts#replies
    """
    found = comments.parent_reference(answer) if unit.comment_id else success_body(answer)
    match found:
        case {"uri": str(uri), "cid": str(cid), "value": dict(value)}:
            parent = {"uri": uri, "cid": cid}
            match value.get("reply"):
                case {"root": {"uri": str(first), "cid": str(first_cid)}}:
                    return {"root": {"uri": first, "cid": first_cid}, "parent": parent}
                case _:
                    return {"root": parent, "parent": parent}
        case Mapping():
            gone = Rejected(Message("connectors.above_gone"), permanent=False)
            return gone if is_record_absent(answer) else outcome_of_failure(answer, creates=False)
        case _:
            return found


def _record_key_from_uri(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def _post_uri(account: str, rkey: str) -> str:
    return f"at://{account}/{POST_COLLECTION}/{rkey}"
