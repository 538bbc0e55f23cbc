"""What people say under a Facebook Page's posts, as `meta_hearing` reads it: comments and replies in one list. Pure.

Not heard: whoever is not named, as where the token lacks pages_read_user_content; mentions elsewhere.
Source: https://developers.facebook.com/docs/graph-api/reference/object/comments,
https://developers.facebook.com/docs/graph-api/reference/page/published_posts
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors import meta_hearing
from connectors.answers import segment, told_at
from connectors.contract import Answer, Send
from connectors.facebook_answers import number_of
from connectors.instagram_answers import data_of
from connectors.remarks import Remark, Remarks

POSTS, COMMENTS = 10, 25
"""Of each on one page: more of them at once are refused as too much data."""

_SAID = "id,message,created_time,from,parent{id}"
_POST = f"id,permalink_url,comments.filter(stream).order(reverse_chronological).limit({COMMENTS}){{{_SAID}}}"


def remarks_of(account: str, cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """The next request, what was said since `cursor`, or None where the first answer is none."""
    return meta_hearing.remarks_of(FACEBOOK, account, cursor, answers)


def _posts(after: str) -> str:
    more = f"&after={segment(after)}" if after else ""
    return f"/{{account}}/published_posts?fields={segment(_POST)}&limit={POSTS}{more}"


def _comments(post: str, after: str) -> str:
    asked = f"fields={segment(_SAID)}&filter=stream&order=reverse_chronological&limit={COMMENTS}"
    return f"/{segment(post)}/comments?{asked}&after={segment(after)}"


def _said(post: Mapping[str, Any], account: str, me: str) -> Iterator[Remark]:
    """What others said under a post. A reply is known by the comment it stands under and its own id, since an answer to
    it goes under that comment too."""
    under, comments, url = number_of(post), post.get("comments"), post.get("permalink_url")
    for one in data_of(comments) or [] if under and isinstance(comments, dict) else ():
        number, above = number_of(one), number_of(one.get("parent"))
        author, name = _author(one)
        text = one.get("message")
        if number and author and author != account:
            yield Remark(
                native_id=f"{above}/{number}" if above else number,
                author=author,
                handle=name or author,
                text=text if isinstance(text, str) else "",
                under=under,
                url=url if isinstance(url, str) else "",
                at=told_at(one.get("created_time")),
            )


def _author(one: Mapping[str, Any]) -> tuple[str, str]:
    """Number and name of who said it; "" where they are not told."""
    sender = one.get("from")
    told = sender if isinstance(sender, dict) else {}
    number, name = told.get("id"), told.get("name")
    plain = isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= 30
    return str(number) if plain else "", name if isinstance(name, str) else ""


FACEBOOK = meta_hearing.Network(_posts, _comments, number_of, _said, lambda post: "", "created_time")
