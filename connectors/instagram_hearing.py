"""What people say under an Instagram account's posts, as `meta_hearing` reads it. Pure.

Each comment comes with its replies. Not heard: replies past the first 25 of one comment, and those under a comment that
is none of the 25 newest of its post; mentions elsewhere, comments on stories and on advertisements.
Source: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors import meta_hearing
from connectors.answers import segment, told_at
from connectors.contract import Answer, Send
from connectors.instagram_answers import data_of
from connectors.instagram_remarks import number_of, said_by
from connectors.remarks import Remark, Remarks

POSTS, COMMENTS, REPLIES = 10, 25, 25
"""Of each on one page: more of them at once are refused as too much data."""

_SAID = "id,text,timestamp,username,from"
_COMMENT = f"{_SAID},replies.limit({REPLIES}){{{_SAID}}}"
_POST = f"id,username,permalink,comments.limit({COMMENTS}){{{_COMMENT}}}"


def remarks_of(account: str, cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """The next request, what was said since `cursor`, or None where the first answer is none."""
    return meta_hearing.remarks_of(INSTAGRAM, account, cursor, answers)


def _posts(after: str) -> str:
    more = f"&after={segment(after)}" if after else ""
    return f"/{{account}}/media?fields={segment(_POST)}&limit={POSTS}{more}"


def _comments(post: str, after: str) -> str:
    return f"/{post}/comments?fields={segment(_COMMENT)}&limit={COMMENTS}&after={segment(after)}"


def _said(post: Mapping[str, Any], account: str, me: str) -> Iterator[Remark]:
    """What others said under a post; nothing of an entry that names nobody."""
    under, comments = number_of(post), post.get("comments")
    if not under or not isinstance(comments, dict):
        return
    url = post.get("permalink")
    for comment in data_of(comments) or []:
        replies = comment.get("replies")
        below = data_of(replies) if isinstance(replies, dict) else None
        top = number_of(comment)
        every = [(top, comment), *((f"{top}/{number_of(one)}", one) for one in below or [] if number_of(one))]
        for native_id, one in every:
            author = _author(one)
            if top and author and author != account and said_by(one) != (me or None):
                yield _remark(native_id, one, author, under, url if isinstance(url, str) else "")


def _author(one: Mapping[str, Any]) -> str:
    """Who said it: a number of theirs, a name where none is told, "" where it was the account itself, or nobody."""
    sender = one.get("from")
    sender = sender if isinstance(sender, dict) else {}
    return "" if sender.get("self_ig_scoped_id") else number_of(sender) or said_by(one)


def _remark(native_id: str, one: Mapping[str, Any], author: str, under: str, url: str) -> Remark:
    text, name = one.get("text"), said_by(one)
    return Remark(
        native_id=native_id,
        author=author,
        handle=f"@{name}" if name else author,
        text=text if isinstance(text, str) else "",
        under=under,
        url=url,
        at=told_at(one.get("timestamp")),
    )


INSTAGRAM = meta_hearing.Network(_posts, _comments, number_of, _said, said_by, "timestamp")
