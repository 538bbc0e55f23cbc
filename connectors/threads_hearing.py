"""Reading what people say under a Threads account's posts, and where they name it, a few requests at a time. Pure.

There is no list of new replies. A reading asks for the newest posts, then for the newest mentions, then for what stands
under the posts that have replies, all depths in one list, the newest first: one post after the other, where the last
reading stopped. Under each it goes back to what was told before. At the eighth request it stops, and the next reading
goes on there.

Not heard: replies under posts older than the 25 newest, under one post more than a thousand at once, mentions past the
25 newest of a reading, and whoever has a private profile, since nobody tells their name.
Source: https://developers.facebook.com/docs/threads/retrieve-and-manage-replies/replies-and-conversations,
https://developers.facebook.com/docs/threads/threads-mentions
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors import remarks
from connectors.answers import segment, told_at, told_by
from connectors.contract import Answer, Send
from connectors.instagram_answers import data_of
from connectors.instagram_remarks import number_of
from connectors.outcomes import Rejected
from connectors.remarks import Remark, Remarks
from connectors.threads_answers import lacks_right, meaning

POSTS, MENTIONS, REPLIES = 25, 25, 50
"""Of each on one page."""

MOST_REQUESTS = 8
"""Of one reading."""

MOST_PAGES = 20
"""Of what stands under one post, before the next one has its turn."""

MARGIN = timedelta(minutes=10)
"""A post's replies are read back so much further than what was told: some appear late."""

_SAID = "id,text,timestamp,permalink,username,is_reply_owned_by_me,root_post"


@dataclass(frozen=True)
class _Place:
    """Where a reading stands. Instants are theirs, in ISO 8601; "" for none."""

    last: str = ""
    """The post that was read last, whole."""
    post: str = ""
    """The one that is being read."""
    after: str = ""
    """Where its replies go on."""
    pages: int = 0
    newest: str = ""
    """When the newest of them was said."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Of each post, when the newest reply was said that was told."""

    def written(self) -> str:
        """As the house keeps it."""
        return json.dumps([self.last, self.post, self.after, self.pages, self.newest, dict(self.told)])


def _place(cursor: str) -> _Place:
    """Where the last reading stopped; the beginning where nobody can tell."""
    try:
        last, post, after, pages, newest, told = json.loads(cursor or "[]")
        known = {str(name): str(at) for name, at in told.items()}
        return _Place(str(last), str(post), str(after), int(pages), str(newest), known)
    except (ValueError, TypeError, AttributeError):
        return _Place()


def further(told: Mapping[str, Any]) -> str:
    """Where a list goes on; "" at its end. Threads tells cursors without an address; the last page is then empty."""
    paging = told.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) else None
    after = cursors.get("after") if isinstance(cursors, dict) else None
    usable = isinstance(after, str) and len(after) <= 500
    return str(after) if usable and data_of(told) else ""


def remarks_of(cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """The next request, what was said since `cursor`, or None where nobody tells the account's posts."""
    if not answers:
        return remarks.asked(f"/{{account}}/threads?fields=id,has_replies,username&limit={POSTS}")
    posts = data_of(told_by(answers[0]))
    if posts is None:
        return None
    if len(answers) == 1:
        return remarks.asked(f"/{{account}}/mentions?fields={_SAID}&limit={MENTIONS}")
    listed = [number_of(post) for post in posts if number_of(post)]
    me = next((post["username"] for post in posts if isinstance(post.get("username"), str)), "")
    found = {one.native_id: one for one in _said(answers[1], "", me, listed)}
    spoken = [number_of(post) for post in posts if number_of(post) and post.get("has_replies") is not False]
    place = _place(cursor)
    place = replace(place, told={name: at for name, at in place.told.items() if name in listed})
    turns = _turns(place, spoken)
    for answer in answers[2:]:
        place = place if place.post else replace(place, post=turns.pop(0))
        if data_of(told_by(answer)) is None and not _of_no_use(answer):  # it goes on there next time
            return Remarks(_sorted(found), place.written())
        found |= {one.native_id: one for one in _said(answer, place.post, me, listed)}
        place = _past(place, answer)
    if len(answers) < MOST_REQUESTS and (place.post or turns):
        return _asks(place, place.post or turns[0])
    return Remarks(_sorted(found), place.written())


def _turns(place: _Place, spoken: list[str]) -> list[str]:
    """Which posts are read, in order: after the last one, round to it, each once."""
    first = spoken.index(place.last) + 1 if place.last in spoken else 0
    return [post for post in (*spoken[first:], *spoken[:first]) if post != place.post]


def _asks(place: _Place, post: str) -> Send:
    more = f"&after={segment(place.after)}" if place.post and place.after else ""
    return remarks.asked(f"/{segment(post)}/conversation?fields={_SAID}&reverse=true&limit={REPLIES}{more}")


def _past(place: _Place, answer: Answer) -> _Place:
    """Where a reading stands after what stood under a post."""
    told = told_by(answer)
    ages = [at for one in data_of(told) or [] if (at := told_at(one.get("timestamp"))) is not None]
    newest = place.newest or (max(ages).isoformat() if ages else "")
    until, after, pages = told_at(place.told.get(place.post)), further(told), place.pages + 1
    fresh = until is None or (bool(ages) and min(ages) >= until - MARGIN)
    if after and fresh and pages < MOST_PAGES:
        return replace(place, after=after, pages=pages, newest=newest)
    known = {**place.told, **({place.post: newest} if newest else {})}
    return _Place(last=place.post, told=known)


def _of_no_use(answer: Answer) -> bool:
    """Whether the same will be refused again: the post is gone. A right that is missing may come back."""
    return isinstance(meaning(answer, creates=False), Rejected) and not lacks_right(answer)


def _sorted(found: Mapping[str, Remark]) -> tuple[Remark, ...]:
    known = sorted((one for one in found.values() if one.at is not None), key=lambda one: str(one.at))
    return (*(one for one in found.values() if one.at is None), *known)


def _said(answer: Answer, post: str, me: str, listed: list[str]) -> Iterator[Remark]:
    """What others said, under `post` or anywhere; nothing of an entry that names nobody."""
    for one in data_of(told_by(answer)) or []:
        number, name, text, url = (number_of(one), *(one.get(key) for key in ("username", "text", "permalink")))
        own = one.get("is_reply_owned_by_me") is True or name == me
        if number and isinstance(name, str) and name and not own:
            yield Remark(
                native_id=number,
                author=name,
                handle=f"@{name}",
                text=text if isinstance(text, str) else "",
                under=post or _root(one, listed),
                url=url if isinstance(url, str) else "",
                at=_at(one),
            )


def _root(one: Mapping[str, Any], listed: list[str]) -> str:
    """The post of ours at the head of a mention's conversation, if it is one of those we know."""
    root = one.get("root_post")
    number = number_of(root) if isinstance(root, dict) else ""
    return number if number in listed else ""


def _at(one: Mapping[str, Any]) -> datetime | None:
    return told_at(one.get("timestamp"))
