"""Comments on Bluesky: replies to the account's posts, mentions, and moderation.

The account's server forwards these requests to the network's view:
https://atproto.com/specs/xrpc#service-proxying. Sources: lexicons
app.bsky.notification.listNotifications, app.bsky.feed.threadgate, app.bsky.graph.block,
com.atproto.moderation.createReport, in https://github.com/bluesky-social/atproto/tree/main/lexicons

An account can like a reply, hide it below its posts, block the author, or report it. It cannot
delete the reply, which is stored in its author's repository. Blocks are public. Sources:
https://docs.bsky.app/docs/tutorials/thread-gates, https://docs.bsky.app/blog/block-implementation,
https://docs.bsky.app/docs/api/com-atproto-moderation-create-report,
https://docs.bsky.app/docs/tutorials/like-repost
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import comments
from connectors.contract.comments import (
    MODERATE_ACTION,
    Comment,
    CommentPage,
    CommentTarget,
    ModerationAction,
)
from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Published, Rejected, Retry
from connectors.platforms.bluesky.account import GONE_ACCOUNT_CODES, outcome_of_failure
from connectors.platforms.bluesky.record import POST_COLLECTION, record_key, record_key_time
from connectors.shared.http_responses import (
    SHORT_RETRY,
    parse_timestamp,
    platform_error_code,
    quote_segment,
    success_body,
)
from foundation.i18n.translation import Message

LISTED = 100
MAX_PAGES = 5
"""The maximum number of pages per read. `LISTED` is the maximum page size."""

REASONS = frozenset({"reply", "mention"})
BACK = timedelta(minutes=10)
"""Overlap of a read with the previous one. The list is sorted by the earlier of the post's time and
the network's time, and clients' clocks may be slow. A post dated further back is found only while
it is on the first page."""

BEGINNING = "1970-01-01T00:00:00Z"
_POST = re.compile(
    r"at://(did:[a-z]+:[\w.:-]{1,100})/app\.bsky\.feed\.post/([\w.~:-]{1,60})", re.ASCII
)


def parse_post_uri(uri: object) -> tuple[str, str] | None:
    """Return the account and the key in the URI of a post, or None."""
    found = _POST.fullmatch(uri) if isinstance(uri, str) else None
    return (found[1], found[2]) if found else None


def post_url(account: str, rkey: str) -> str:
    """Return the public URL of a post."""
    return (
        f"https://bsky.app/profile/{quote_segment(account).replace('%3A', ':')}/post"
        f"/{quote_segment(rkey)}"
    )


def list_comments(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the comments since `cursor`, paging back from the newest.

    The first read returns the newest page only; earlier comments are ignored. `cursor` is the time
    of the newest known comment. If a read stops early, its cursor is `time|until|page`. The next
    read continues on that page; newer comments follow later.
    """
    mark, until, resumed = [*cursor.split("|", 2), "", ""][:3]
    until = until if resumed else mark
    pages = [
        success_body(answer)
        for answer in answers
        if isinstance(success_body(answer).get("notifications"), list)
    ]
    if not answers:
        return _build_page_request(resumed)
    # A cursor that the network no longer knows is dropped; otherwise the read would fail forever.
    if not pages:
        return CommentPage((), mark) if resumed and _is_lost(answers[0]) else None
    asked = pages[-2].get("cursor") if len(pages) > 1 else resumed
    after = _next_page_cursor(pages[-1], until) if pages[-1].get("cursor") != asked else ""
    if after and len(pages) == len(answers) < MAX_PAGES:
        return _build_page_request(after)
    entries = [one for page in pages for one in page["notifications"] if isinstance(one, Mapping)]
    newest = mark if resumed else max([mark, *_list_times(entries)], key=_parse_time) or BEGINNING
    said = sorted(
        (one for entry in entries if (one := _parse_comment(entry, account))),
        key=lambda one: one.at or _NEVER,
    )
    found = tuple(dict.fromkeys(said))
    return CommentPage(found, f"{newest}|{until}|{after}" if after else newest)


def _is_lost(answer: StepResult) -> bool:
    """Return True if the network no longer knows the page. Its comments are skipped."""
    return (
        isinstance(answer, Response)
        and answer.status == 400
        and platform_error_code(answer) == "invalidrequest"
    )


def _build_page_request(page: str) -> Send:
    """Request a page. If `priority` were true, the list might contain only followed accounts,
    depending on a setting for the owner's app."""
    reasons = "".join(f"&reasons={reason}" for reason in sorted(REASONS))
    at = f"&cursor={quote_segment(page)}" if page else ""
    return comments.comments_request(
        f"/xrpc/app.bsky.notification.listNotifications?limit={LISTED}&priority=false{reasons}{at}"
    )


def _next_page_cursor(page: Mapping[str, Any], until: str) -> str:
    """Return the cursor of the next page, or "" if this one reaches the known comments."""
    after = page.get("cursor")
    times = _list_times([one for one in page["notifications"] if isinstance(one, Mapping)])
    if not until or not isinstance(after, str) or not 0 < len(after) <= 300:
        return ""
    reached = bool(times) and min(map(_parse_time, times)) < _parse_time(until) - BACK
    return "" if reached else after


def _list_times(entries: list[Mapping[str, Any]]) -> list[str]:
    told = [one.get("indexedAt") for one in entries]
    return [at for at in told if isinstance(at, str) and parse_timestamp(at) is not None]


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _parse_time(time: str) -> datetime:
    return parse_timestamp(time) or _NEVER


def _parse_comment(entry: Mapping[str, Any], account: str) -> Comment | None:
    """Return a reply or mention, or None for any other notification."""
    match entry:
        case {
            "uri": str(uri),
            "reason": str(reason),
            "author": {"did": str(author), "handle": str(handle)},
            "record": {"text": str(text)} as record,
        } if reason in REASONS and author != account and handle:
            place = parse_post_uri(uri)
            if place is None or place[0] != author:
                return None
            return Comment(
                native_id=uri,
                author=author,
                handle=f"@{handle}",
                text=text,
                under=_find_parent_post(record, entry.get("reasonSubject"), account),
                url=post_url(*place),
                at=parse_timestamp(entry.get("indexedAt")),
            )
        case _:
            return None


def _find_parent_post(record: Mapping[str, Any], subject: object, account: str) -> str:
    """Return the account's post that a reply belongs to: its parent, the nearest one the network
    reports, or the root of the thread."""
    match record.get("reply"):
        case {"parent": {"uri": parent}, "root": {"uri": root}}:
            above = [
                str(uri)
                for uri in (parent, subject, root)
                if (place := parse_post_uri(uri)) and place[0] == account
            ]
            return above[0] if above else ""
        case _:
            return ""


def post_view_step(remark: str, name: str) -> WireStep:
    """Request a post as this account sees it, which includes its permission to reply."""
    path = f"/xrpc/app.bsky.feed.getPosts?uris={quote_segment(remark)}"
    return WireStep(name, StepKind.CONTROL, "GET", path, action="look")


def parent_reference(answer: StepResult) -> Mapping[str, Any] | Outcome:
    """Return the parent record of a reply in the form of a record read, or the reason why a reply
    is impossible."""
    match success_body(answer).get("posts"):
        case [{"uri": str(uri), "cid": str(cid), "record": dict(record)} as post]:
            viewer = post.get("viewer")
            if isinstance(viewer, Mapping) and viewer.get("replyDisabled") is True:
                return Rejected(Message("bluesky.answers_closed"), permanent=False)
            return {"uri": uri, "cid": cid, "value": record}
        case []:
            return Rejected(Message("connectors.remark_gone"), permanent=False)
        case _:
            return outcome_of_failure(answer, creates=False)


MODERATION_ACTIONS: frozenset[str] = frozenset(
    {"like", "unlike", "hide", "show", "block", "report"}
)
BLOCK = "app.bsky.graph.block"
GATE = "app.bsky.feed.threadgate"
LIKE = "app.bsky.feed.like"
MODERATION_LOOKUP_STEP = "look"
BEFORE = "gate"
REASON = "com.atproto.moderation.defs#reasonOther"
"""The reason of every report. Members do not choose one; the platform's moderators read the post.
"""

_BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
_YEAR = int(timedelta(days=365) / timedelta(microseconds=1))
_SIMPLE = re.compile(r"[\w.:+/@=~$#-]{0,200}")


def record_lookup_step(account: str, rkey: str, collection: str = POST_COLLECTION) -> WireStep:
    """Request a record without a token, so that the state of the token does not matter. The server
    forwards requests for other servers' records."""
    asked = f"repo={quote_segment(account)}&collection={collection}&rkey={quote_segment(rkey)}"
    path = f"/xrpc/com.atproto.repo.getRecord?{asked}"
    return WireStep(
        MODERATION_LOOKUP_STEP, StepKind.CONTROL, "GET", path, token="none", action="look"
    )


def is_record_absent(answer: StepResult) -> bool:
    """Return True if the record does not exist. Older servers report it only in the error
    message."""
    if not isinstance(answer, Response) or answer.status not in {400, 404}:
        return False
    told = answer.body.get("message") if isinstance(answer.body, dict) else None
    in_words = isinstance(told, str) and told.startswith("Could not locate record")
    return platform_error_code(answer) == "recordnotfound" or (
        platform_error_code(answer) == "invalidrequest" and in_words
    )


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Block the author or remove a like, or read the comment first and like, hide, show or report
    it.

    A report whose answer was lost is sent again; moderators see all reports of a post together.
    """
    place = parse_post_uri(spot.native_id)
    if act not in MODERATION_ACTIONS or place is None:
        return Rejected(
            Message("connectors.refused", {"status": 405, "word": act}), permanent=False
        )
    last = answers[-1] if answers else None
    if last is not None and last.step == MODERATE_ACTION:
        return _moderation_outcome(spot, last)
    if act == "block":
        return _build_put_request(
            spot.account, BLOCK, _key_of(spot.author), _build_block_record(spot)
        )
    if act == "unlike":
        record = {"repo": spot.account, "collection": LIKE, "rkey": _key_of(spot.native_id)}
        return comments.moderation_request("POST", "/xrpc/com.atproto.repo.deleteRecord", record)
    if last is None:
        return Send(record_lookup_step(*place))
    said = next(answer for answer in answers if answer.step == MODERATION_LOOKUP_STEP)
    if is_record_absent(said) or (
        isinstance(said, Response) and platform_error_code(said) in GONE_ACCOUNT_CODES
    ):  # the account of the comment's author, not ours
        return Published(spot.native_id)
    match success_body(said):
        case {"cid": str(cid), "value": dict(value)}:
            if act == "like":
                liked = {
                    "$type": LIKE,
                    "subject": {"uri": spot.native_id, "cid": cid},
                    "createdAt": _format_created_at(place[1]),
                }
                return _build_put_request(spot.account, LIKE, _key_of(spot.native_id), liked)
            if act == "report":
                subject = {"$type": "com.atproto.repo.strongRef", "uri": spot.native_id, "cid": cid}
                body = {"reasonType": REASON, "subject": subject}
                return comments.moderation_request(
                    "POST", "/xrpc/com.atproto.moderation.createReport", body
                )
            return _write_thread_gate(spot, value, hide=act == "hide", last=last)
        case _:
            return outcome_of_failure(said, creates=False)


def _moderation_outcome(spot: CommentTarget, answer: StepResult) -> Outcome:
    if isinstance(answer, Response) and answer.is_success:
        return Published(spot.native_id)
    if (
        isinstance(answer, Response) and platform_error_code(answer) == "invalidswap"
    ):  # changed since it was read
        return Retry(
            SHORT_RETRY, "account", Message("connectors.unclear_answer", {"status": answer.status})
        )
    return outcome_of_failure(answer, creates=False)


def _build_put_request(
    account: str, collection: str, rkey: str, record: Mapping[str, Any], **more: str | None
) -> Send:
    body = {
        "repo": account,
        "collection": collection,
        "rkey": rkey,
        "record": record,
        "validate": True,
        **more,
    }
    return comments.moderation_request("POST", "/xrpc/com.atproto.repo.putRecord", body)


def _key_of(name: str) -> str:
    """Return one fixed key per author or post, so that a repeated block or like replaces the first.
    It is a record key of a synthetic time."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _YEAR
    return record_key(name, _BEGAN + timedelta(microseconds=number))


def _build_block_record(spot: CommentTarget) -> dict[str, str]:
    """Return the block with the time of the comment, so that a repeat creates the same record."""
    return {
        "$type": BLOCK,
        "subject": spot.author,
        "createdAt": _format_created_at((parse_post_uri(spot.native_id) or ("", ""))[1]),
    }


def _format_created_at(rkey: str) -> str:
    return (record_key_time(rkey) or _BEGAN).isoformat().replace("+00:00", "Z")


def _write_thread_gate(
    spot: CommentTarget, value: Mapping[str, Any], *, hide: bool, last: StepResult
) -> Send | Outcome:
    """Add the reply to the hidden replies of the thread, or remove it, and preserve the rest of the
    thread gate."""
    match value.get("reply"):
        case {"root": {"uri": str(uri)}}:
            root = parse_post_uri(uri)
        case _:
            root = None
            uri = ""
    if root is None or root[0] != spot.account:
        return Rejected(Message("bluesky.not_our_thread"), permanent=False)
    if last.step != BEFORE:
        asked = record_lookup_step(spot.account, root[1], GATE)
        return Send(
            WireStep(BEFORE, asked.kind, asked.method, asked.path, token="none", action="look")
        )
    match success_body(last):
        case {"cid": str(cid), "value": dict(gate)} if _is_simple(gate):
            hidden = gate.get("hiddenReplies")
            others = (
                [one for one in hidden if one != spot.native_id] if isinstance(hidden, list) else []
            )
            made = {**gate, "hiddenReplies": [*others, spot.native_id] if hide else others}
            return _build_put_request(spot.account, GATE, root[1], made, swapRecord=cid)
        case {"value": dict()}:  # rewriting an unknown gate could lose its content
            return Rejected(Message("bluesky.gate_unknown"), permanent=False)
        case _ if not is_record_absent(last):
            return outcome_of_failure(last, creates=False)
        case _ if not hide:
            return Published(spot.native_id)
        case _:
            made = {
                "$type": GATE,
                "post": uri,
                "createdAt": _format_created_at(root[1]),
                "hiddenReplies": [spot.native_id],
            }
            return _build_put_request(spot.account, GATE, root[1], made, swapRecord=None)


def _is_simple(value: Any) -> bool:
    """Return True if a record contains only IDs, names, times and numbers. A moderation request
    carries nothing else."""
    if isinstance(value, Mapping):
        return all(_is_simple(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(_is_simple, value))
    return (
        value is None
        or isinstance(value, bool | int)
        or (isinstance(value, str) and bool(_SIMPLE.fullmatch(value)))
    )
