"""What people say to an account on Bluesky: answers below its posts, and posts that name it. Pure.

The account's server asks the network's view of it all for us: https://atproto.com/specs/xrpc#service-proxying.
Sources: lexicons app.bsky.notification.listNotifications, app.bsky.feed.threadgate, app.bsky.graph.block,
com.atproto.moderation.createReport, in https://github.com/bluesky-social/atproto/tree/main/lexicons
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import remarks as heard
from connectors.answers import error_word, segment, told_at, told_by
from connectors.bluesky_account import meaning
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Rejected
from connectors.remarks import Remark, Remarks
from foundation.words import Message

LISTED, MOST_PAGES = 100, 5
"""Notifications of one page, the most there are, and pages of one reading."""

REASONS = frozenset({"reply", "mention"})
BACK = timedelta(minutes=10)
"""By how much a reading goes behind the last one: the list is sorted by the earlier of a post's own time and the
network's, and people's clocks are late. Whoever dates a post further back is heard while it is on the first page."""

BEGINNING = "1970-01-01T00:00:00Z"
_POST = re.compile(r"at://(did:[a-z]+:[\w.:-]{1,100})/app\.bsky\.feed\.post/([\w.~:-]{1,60})", re.ASCII)


def post_of(uri: object) -> tuple[str, str] | None:
    """Whose post an address is, and its key; None for what is none."""
    found = _POST.fullmatch(uri) if isinstance(uri, str) else None
    return (found[1], found[2]) if found else None


def url_of(account: str, rkey: str) -> str:
    """The page where people read a post."""
    return f"https://bsky.app/profile/{segment(account).replace('%3A', ':')}/post/{segment(rkey)}"


def remarks(account: str, cursor: str, answers: tuple[Answer, ...]) -> Send | Remarks | None:
    """What was said since `cursor`; it is told newest first, so a reading pages back until there.

    At first the newest page alone: what was said before that is history. `cursor` is the newest time told so far. A
    reading that ends before it comes to its end leaves behind where it stood, as `time|until|page`: the next one goes
    on there, and what is newer comes after that.
    """
    mark, until, resumed = [*cursor.split("|", 2), "", ""][:3]
    until = until if resumed else mark
    pages = [told_by(answer) for answer in answers if isinstance(told_by(answer).get("notifications"), list)]
    if not answers:
        return _ask(resumed)
    if not pages:
        return Remarks((), mark) if resumed and _is_lost(answers[0]) else None
    asked = pages[-2].get("cursor") if len(pages) > 1 else resumed
    after = _after(pages[-1], until) if pages[-1].get("cursor") != asked else ""
    if after and len(pages) == len(answers) < MOST_PAGES:
        return _ask(after)
    entries = [one for page in pages for one in page["notifications"] if isinstance(one, Mapping)]
    newest = mark if resumed else max([mark, *_times(entries)], key=_instant) or BEGINNING
    said = sorted((one for entry in entries if (one := _remark(entry, account))), key=lambda one: one.at or _NEVER)
    found = tuple(dict.fromkeys(said))
    return Remarks(found, f"{newest}|{until}|{after}" if after else newest)


def _is_lost(answer: Answer) -> bool:
    """Whether the network no longer knows a page it named: what was left there is never told, and is not waited for."""
    return isinstance(answer, Response) and answer.status == 400 and error_word(answer) == "invalidrequest"


def _ask(page: str) -> Send:
    """`priority` false: an account may be told of those it follows alone, which is for its owner's own app."""
    reasons = "".join(f"&reasons={reason}" for reason in sorted(REASONS))
    at = f"&cursor={segment(page)}" if page else ""
    return heard.asked(f"/xrpc/app.bsky.notification.listNotifications?limit={LISTED}&priority=false{reasons}{at}")


def _after(page: Mapping[str, Any], until: str) -> str:
    """Where the next page begins; "" where this one came to the end of what was not heard."""
    after, times = page.get("cursor"), _times([one for one in page["notifications"] if isinstance(one, Mapping)])
    if not until or not isinstance(after, str) or not 0 < len(after) <= 300:
        return ""
    reached = bool(times) and min(map(_instant, times)) < _instant(until) - BACK
    return "" if reached else after


def _times(entries: list[Mapping[str, Any]]) -> list[str]:
    told = [one.get("indexedAt") for one in entries]
    return [at for at in told if isinstance(at, str) and told_at(at) is not None]


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(time: str) -> datetime:
    return told_at(time) or _NEVER


def _remark(entry: Mapping[str, Any], account: str) -> Remark | None:
    """What somebody said; None for anything else."""
    match entry:
        case {
            "uri": str(uri),
            "reason": str(reason),
            "author": {"did": str(author), "handle": str(handle)},
            "record": {"text": str(text)} as record,
        } if reason in REASONS and author != account and handle:
            place = post_of(uri)
            if place is None or place[0] != author:
                return None
            return Remark(
                native_id=uri,
                author=author,
                handle=f"@{handle}",
                text=text,
                under=_under(record, entry.get("reasonSubject"), account),
                url=url_of(*place),
                at=told_at(entry.get("indexedAt")),
            )
        case _:
            return None


def _under(record: Mapping[str, Any], subject: object, account: str) -> str:
    """Our post that it answers, the nearest one above it that the network names, or the one its thread began with."""
    match record.get("reply"):
        case {"parent": {"uri": parent}, "root": {"uri": root}}:
            above = [str(uri) for uri in (parent, subject, root) if (place := post_of(uri)) and place[0] == account]
            return above[0] if above else ""
        case _:
            return ""


def seen(remark: str, name: str) -> WireStep:
    """Asks for a post as this account sees it: whether it may answer there is said with it."""
    path = f"/xrpc/app.bsky.feed.getPosts?uris={segment(remark)}"
    return WireStep(name, StepKind.CONTROL, "GET", path, action="look")


def put_under(answer: Answer) -> Mapping[str, Any] | Outcome:
    """The record that an answer is put under, as a look-up of records tells it, or why nothing is put there."""
    match told_by(answer).get("posts"):
        case [{"uri": str(uri), "cid": str(cid), "record": dict(record)} as post]:
            viewer = post.get("viewer")
            if isinstance(viewer, Mapping) and viewer.get("replyDisabled") is True:
                return Rejected(Message("bluesky.answers_closed"), permanent=False)
            return {"uri": uri, "cid": cid, "value": record}
        case []:
            return Rejected(Message("connectors.remark_gone"), permanent=False)
        case _:
            return meaning(answer, creates=False)
