"""What an account on Bluesky may do with what others say: like it, hide it below its own posts, block, report. Pure.

An answer lies in its author's repository: nobody else deletes it. Everybody may see whom an account blocks.
Sources: https://docs.bsky.app/docs/tutorials/thread-gates, https://docs.bsky.app/blog/block-implementation,
https://docs.bsky.app/docs/api/com-atproto-moderation-create-report, https://docs.bsky.app/docs/tutorials/like-repost
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import remarks as heard
from connectors.answers import SHORT_WAIT, error_word, segment, told_by
from connectors.bluesky_account import GONE, meaning
from connectors.bluesky_record import COLLECTION, moment, tid
from connectors.bluesky_remarks import post_of
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Published, Rejected, Retry
from connectors.remarks import MODERATE, Act, Spot
from foundation.words import Message

MODERATES: frozenset[str] = frozenset({"like", "unlike", "hide", "show", "block", "report"})
BLOCK, GATE, LIKE = "app.bsky.graph.block", "app.bsky.feed.threadgate", "app.bsky.feed.like"
LOOK, BEFORE = "look", "gate"
REASON = "com.atproto.moderation.defs#reasonOther"
"""Nobody asked why: whoever looks at reports reads what was said."""

_BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
_YEAR = int(timedelta(days=365) / timedelta(microseconds=1))
_SIMPLE = re.compile(r"[\w.:+/@=~$#-]{0,200}")


def look(account: str, rkey: str, collection: str = COLLECTION) -> WireStep:
    """Whatever state the token is in: reading a record needs none. The server passes on what another one keeps."""
    asked = f"repo={segment(account)}&collection={collection}&rkey={segment(rkey)}"
    path = f"/xrpc/com.atproto.repo.getRecord?{asked}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, token="none", action="look")  # noqa: S106  no secret


def is_absent(answer: Answer) -> bool:
    """Whether there is no such record; older servers say it in words alone."""
    if not isinstance(answer, Response) or answer.status not in {400, 404}:
        return False
    told = answer.body.get("message") if isinstance(answer.body, dict) else None
    in_words = isinstance(told, str) and told.startswith("Could not locate record")
    return error_word(answer) == "recordnotfound" or (error_word(answer) == "invalidrequest" and in_words)


def moderate(spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Block whoever said something, take a like back, or look at it first and like, hide, show or report it.

    A report whose answer was lost is made once more: those who read them see all of one post together.
    """
    place = post_of(spot.native_id)
    if act not in MODERATES or place is None:
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=False)
    last = answers[-1] if answers else None
    if last is not None and last.step == MODERATE:
        return _acted(spot, last)
    if act == "block":
        return _put(spot.account, BLOCK, _key_of(spot.author), _blocked(spot))
    if act == "unlike":
        record = {"repo": spot.account, "collection": LIKE, "rkey": _key_of(spot.native_id)}
        return heard.acted("POST", "/xrpc/com.atproto.repo.deleteRecord", record)
    if last is None:
        return Send(look(*place))
    said = next(answer for answer in answers if answer.step == LOOK)
    if is_absent(said) or (isinstance(said, Response) and error_word(said) in GONE):  # its author's account, not ours
        return Published(spot.native_id)
    match told_by(said):
        case {"cid": str(cid), "value": dict(value)}:
            if act == "like":
                liked = {"$type": LIKE, "subject": {"uri": spot.native_id, "cid": cid}, "createdAt": _stamp(place[1])}
                return _put(spot.account, LIKE, _key_of(spot.native_id), liked)
            if act == "report":
                subject = {"$type": "com.atproto.repo.strongRef", "uri": spot.native_id, "cid": cid}
                body = {"reasonType": REASON, "subject": subject}
                return heard.acted("POST", "/xrpc/com.atproto.moderation.createReport", body)
            return _gated(spot, value, hide=act == "hide", last=last)
        case _:
            return meaning(said, creates=False)


def _acted(spot: Spot, answer: Answer) -> Outcome:
    if isinstance(answer, Response) and answer.ok:
        return Published(spot.native_id)
    if isinstance(answer, Response) and error_word(answer) == "invalidswap":  # somebody changed it since we looked
        return Retry(SHORT_WAIT, "account", Message("connectors.unclear_answer", {"status": answer.status}))
    return meaning(answer, creates=False)


def _put(account: str, collection: str, rkey: str, record: Mapping[str, Any], **more: str | None) -> Send:
    body = {"repo": account, "collection": collection, "rkey": rkey, "record": record, "validate": True, **more}
    return heard.acted("POST", "/xrpc/com.atproto.repo.putRecord", body)


def _key_of(name: str) -> str:
    """One key for each author and each post, so that none is blocked, or liked, twice: a moment that stands for it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _YEAR
    return tid(name, _BEGAN + timedelta(microseconds=number))


def _blocked(spot: Spot) -> dict[str, str]:
    """Dated like what was said: the same again is the same record."""
    return {"$type": BLOCK, "subject": spot.author, "createdAt": _stamp((post_of(spot.native_id) or ("", ""))[1])}


def _stamp(rkey: str) -> str:
    return (moment(rkey) or _BEGAN).isoformat().replace("+00:00", "Z")


def _gated(spot: Spot, value: Mapping[str, Any], *, hide: bool, last: Answer) -> Send | Outcome:
    """Put what is hidden below the thread's first post into the record beside it, with all that stands there."""
    match value.get("reply"):
        case {"root": {"uri": str(uri)}}:
            root = post_of(uri)
        case _:
            root, uri = None, ""
    if root is None or root[0] != spot.account:
        return Rejected(Message("bluesky.not_our_thread"), permanent=False)
    if last.step != BEFORE:
        asked = look(spot.account, root[1], GATE)
        return Send(WireStep(BEFORE, asked.kind, asked.method, asked.path, token="none", action="look"))  # noqa: S106  no secret
    match told_by(last):
        case {"cid": str(cid), "value": dict(gate)} if _is_simple(gate):
            hidden = gate.get("hiddenReplies")
            others = [one for one in hidden if one != spot.native_id] if isinstance(hidden, list) else []
            made = {**gate, "hiddenReplies": [*others, spot.native_id] if hide else others}
            return _put(spot.account, GATE, root[1], made, swapRecord=cid)
        case {"value": dict()}:  # something stands there that we would have to write anew and cannot
            return Rejected(Message("bluesky.gate_unknown"), permanent=False)
        case _ if not is_absent(last):
            return meaning(last, creates=False)
        case _ if not hide:
            return Published(spot.native_id)
        case _:
            made = {"$type": GATE, "post": uri, "createdAt": _stamp(root[1]), "hiddenReplies": [spot.native_id]}
            return _put(spot.account, GATE, root[1], made, swapRecord=None)


def _is_simple(value: Any) -> bool:
    """Whether a record holds ids, names and moments alone: no order carries more."""
    if isinstance(value, Mapping):
        return all(_is_simple(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return all(map(_is_simple, value))
    return value is None or isinstance(value, bool | int) or (isinstance(value, str) and bool(_SIMPLE.fullmatch(value)))
