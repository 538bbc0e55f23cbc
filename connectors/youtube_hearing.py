"""Reading what people say under a channel's films, a few requests at a time. Pure.

A reading asks for the newest threads of the channel, and for those that wait for somebody to let them through; then for
more where all on a page were new, and for the replies of threads that have more than are shown with them and were
replied to since. At the fifth request it stops, and the next reading goes on there. Each request costs one unit of the
10,000 that an application has for all its channels in a day.

Not heard: replies to threads that are none of the 100 newest; of a first reading, all but those 100 and the replies
that are shown with them; what YouTube takes for spam; mentions elsewhere.
Source: https://developers.google.com/youtube/v3/docs/commentThreads/list, /docs/commentThreads (replies),
https://developers.google.com/youtube/v3/determine_quota_cost
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors import answers as http
from connectors import remarks
from connectors.contract import Answer, Send
from connectors.outcomes import Rejected
from connectors.remarks import Remark, Remarks
from connectors.youtube_account import FORBIDDEN, meaning, part, reason
from connectors.youtube_remarks import LISTED, id_of, replies, url_of

MOST_REQUESTS = 5
"""Of one reading."""

MOST_LEFT = 50
"""Places where a reading goes on later; further ones are given up."""

MARGIN = timedelta(minutes=10)
"""A page is followed back so much further than what was told: some comments appear late."""

SHOWN, HELD, REPLIES = "published", "heldForReview", "replies"


@dataclass(frozen=True)
class _Left:
    """A list to go on with at `page`: threads of a kind back to `until`, or a thread's replies, `until` so many."""

    kind: str
    page: str
    until: str
    thread: str = ""
    video: str = ""


@dataclass(frozen=True)
class _Place:
    """Where a reading stands. Instants are theirs, in ISO 8601; "" for none."""

    since: str = ""
    """All that was said before was told."""
    newest: str = ""
    """When the newest were read last, where something is left."""
    left: tuple[_Left, ...] = ()
    counts: Mapping[str, int] | None = None
    """Of threads with more replies than are shown with them, how many were told."""

    def written(self) -> str:
        """As a cursor."""
        left = [[one.kind, one.page, one.until, one.thread, one.video] for one in self.left]
        return json.dumps([self.since, self.newest, left, self.counts or {}], separators=(",", ":"))


def _place(cursor: str) -> _Place:
    """Out of a cursor; the beginning for one that nobody can read."""
    try:
        since, newest, left, counts = json.loads(cursor)
        kept = tuple(_Left(*map(str, one)) for one in left)
        told = {str(thread): int(count) for thread, count in counts.items()}
    except (ValueError, TypeError, AttributeError):
        return _Place()
    return _Place(str(since), str(newest), kept, told)


def remarks_of(account: str, cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """The next request, what was said since `cursor`, or None where the first answer is none."""
    place, found, sound = _place(cursor), list[Remark](), True
    for number, answer in enumerate(answers):
        rows = _rows(answer)
        if rows is None and not number:
            return None
        if rows is None:
            sound = sound and _of_no_use(answer)
            if number > 1 and not sound:  # it goes on there next time
                break
            place = replace(place, left=place.left[1:]) if number > 1 else place
            continue
        asked = place.left[0] if number > 1 else None
        found += _heard(rows, account, asked)
        place = _onward(place, answer, rows, asked) if asked else _begun(place, answer, rows, held=number == 1)
    else:
        if len(answers) < 2 or (place.left and len(answers) < MOST_REQUESTS):
            return _asks(place, len(answers))
    return _told(found, place, answers[0], sound=sound)


def _told(found: list[Remark], place: _Place, first: Answer, *, sound: bool) -> Remarks:
    at = http.date_of(first)
    now = at.isoformat() if at is not None else ""
    whole = sound and not place.left
    place = replace(place, since=now or place.since, newest="") if whole else replace(place, newest=now)
    once = {one.native_id: one for one in found}.values()
    dated = sorted((one for one in once if one.at is not None), key=lambda one: str(one.at))
    return Remarks((*(one for one in once if one.at is None), *dated), place.written())


def _rows(answer: Answer) -> list[dict[str, Any]] | None:
    """What a list holds; what is no entry is left out. None when it is no list."""
    told = http.told_by(answer).get("items")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else None


def _of_no_use(answer: Answer) -> bool:
    """Whether the same will be refused again: a thread is gone, or a place in a list is no more."""
    return reason(answer) == FORBIDDEN or isinstance(meaning(answer, creates=False), Rejected)


def _asks(place: _Place, number: int) -> Send:
    """The newest threads, those that are held back, or what is left."""
    if number > 1 and place.left[0].kind == REPLIES:
        return remarks.asked(replies(place.left[0].thread, place.left[0].page))
    kind, page = (place.left[0].kind, place.left[0].page) if number > 1 else (HELD if number else SHOWN, "")
    more = f"&pageToken={http.segment(page)}" if page else ""
    asked = f"part=snippet,replies&allThreadsRelatedToChannelId={{account}}&moderationStatus={kind}&order=time"
    return remarks.asked(f"/youtube/v3/commentThreads?{asked}&maxResults={LISTED}&textFormat=plainText{more}")


def _begun(place: _Place, answer: Answer, rows: list[dict[str, Any]], *, held: bool) -> _Place:
    """Where a reading stands after the first page of a list of threads."""
    onward = _further(HELD if held else SHOWN, answer, rows, place.newest or place.since)
    if held:
        return replace(place, left=(*place.left, *onward)[:MOST_LEFT])
    many = {thread: (total, video) for thread, total, video in map(_unshown, rows) if total}
    known = place.counts or {}
    if not place.since and not place.newest:  # of a first reading, what is shown is enough
        return replace(place, left=onward, counts={thread: total for thread, (total, _) in many.items()})
    waiting = tuple(one for one in place.left if one.thread not in many or str(many[one.thread][0]) == one.until)
    under_way = {one.thread for one in waiting}
    fresh = tuple(
        _Left(REPLIES, "", str(total), thread, video)
        for thread, (total, video) in many.items()
        if known.get(thread) != total and thread not in under_way
    )
    counts = {thread: count for thread, count in known.items() if thread in many}
    return replace(place, left=(*waiting, *onward, *fresh)[:MOST_LEFT], counts=counts)


def _onward(place: _Place, answer: Answer, rows: list[dict[str, Any]], asked: _Left) -> _Place:
    """Where a reading stands after something that was left."""
    if asked.kind != REPLIES:
        return replace(place, left=(*_further(asked.kind, answer, rows, asked.until), *place.left[1:]))
    page = http.told_by(answer).get("nextPageToken")
    if isinstance(page, str) and rows:
        return replace(place, left=(replace(asked, page=page), *place.left[1:]))
    told = int(asked.until) if asked.until.isdigit() else 0
    return replace(place, left=place.left[1:], counts={**(place.counts or {}), asked.thread: told})


def _further(kind: str, answer: Answer, rows: list[dict[str, Any]], until: str) -> tuple[_Left, ...]:
    """The next page, where all threads on this one began after `until`: they come newest first."""
    page, bound = http.told_by(answer).get("nextPageToken"), http.told_at(until)
    if not isinstance(page, str) or bound is None or not rows:
        return ()
    began = [http.told_at(part(_top(one), "snippet").get("publishedAt")) for one in rows]
    return (_Left(kind, page, until),) if all(at is None or at >= bound - MARGIN for at in began) else ()


def _top(thread: Mapping[str, Any]) -> Mapping[str, Any]:
    """The comment that a thread began with."""
    return part(part(thread, "snippet"), "topLevelComment")


def _below(thread: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The replies that are shown with a thread."""
    told = part(thread, "replies").get("comments")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _unshown(thread: Mapping[str, Any]) -> tuple[str, int, str]:
    """A thread, how many replies it has where not all are shown with it, else 0, and its film."""
    total = part(thread, "snippet").get("totalReplyCount")
    many = total if isinstance(total, int) and total > len(_below(thread)) else 0
    return id_of(_top(thread)), many if id_of(_top(thread)) else 0, _video(thread)


def _video(thread: Mapping[str, Any]) -> str:
    snippet = part(thread, "snippet")
    told = snippet.get("videoId") or part(_top(thread), "snippet").get("videoId")
    return told if isinstance(told, str) else ""


def _heard(rows: list[dict[str, Any]], account: str, asked: _Left | None) -> Iterator[Remark]:
    """What others said; nothing of an entry that names nobody."""
    if asked is not None and asked.kind == REPLIES:
        yield from (one for row in rows if (one := _remark(row, asked.thread, asked.video, account)))
        return
    for thread in rows:
        top, video = _top(thread), _video(thread)
        said = [_remark(top, "", video, account)]
        said += [_remark(one, id_of(top), video, account) for one in _below(thread)] if id_of(top) else []
        yield from (one for one in said if one is not None)


def _remark(comment: Mapping[str, Any], parent: str, video: str, account: str) -> Remark | None:
    snippet, number = part(comment, "snippet"), id_of(comment)
    author, name = part(snippet, "authorChannelId").get("value"), snippet.get("authorDisplayName")
    author = author if isinstance(author, str) and author else name
    if not number or not isinstance(author, str) or not author or author == account:
        return None
    text = snippet.get("textDisplay")
    return Remark(
        native_id=f"{parent}/{number}" if parent else number,
        author=author,
        handle=name if isinstance(name, str) and name else author,
        text=text if isinstance(text, str) else "",
        under=video,
        url=url_of(video, number) if video else "",
        at=http.told_at(snippet.get("publishedAt")),
    )
