"""What people say under a channel's films: answered, held back, let through, rejected, its author banned. Pure.

There is one level of replies: a reply is known by the comment it stands under and its own id, since an answer to it
goes under that comment too. An answer of ours is `comment:` and its id, which tells it from a film.
Source: https://developers.google.com/youtube/v3/docs/comments/insert, /comments/list, /comments/setModerationStatus
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors import answers as http
from connectors import fitting, remarks
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.outcomes import (
    Absent,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
    Unknown,
)
from connectors.remarks import OURS, Act, Spot, own, top
from connectors.youtube_account import FORBIDDEN, items, meaning, part, reason
from foundation.words import Message
from gate.units import Unit

PUBLISH, LOOK, THERE = "publish", "look", "there"
STATUS: Mapping[str, str] = {
    "hide": "heldForReview",
    "show": "published",
    "delete": "rejected",
    "block": "rejected&banAuthor=true",
}
"""What each act makes of a comment: an author is banned by a rejection alone. Nothing is reported by a program."""

MOST_TEXT = 10_000
"""Characters of a comment; the page of the API names no number."""

WINDOW = timedelta(seconds=60)
"""A reply older than this before the attempt is another one with the same words."""

AGAIN, MOST_PAGES, LISTED = timedelta(seconds=5), 5, 100
UNREADY = timedelta(minutes=1)
"""How long a first comment waits for a film that nobody may comment yet: each try costs 50 units."""

_THREAD = "youtube#commentThread"
_UNREADY = frozenset({"videoNotFound", "processingFailure"})
"""What is told of a film that was made public this moment, and of one that is gone."""

_REMARK = re.compile(r"[\w.-]{1,120}(?:/[\w.-]{1,120})?", re.ASCII)
_GONE = frozenset({"commentNotFound", "parentCommentNotFound", "parentCommentIsPrivate", "videoNotFound"})
_CLOSED = frozenset({"commentsDisabled", "operationNotSupported"})
_PERHAPS_GONE = frozenset({"commentNotFound", "forbidden", "processingFailure"})
"""What is told of a comment that is no more, and of other things."""


def answer(unit: Unit, answers: tuple[Answer, ...], can: Capabilities) -> Send | Outcome:
    """One request that puts words under a comment; tell what its answer meant."""
    words = unit.text("body")
    wrong = fitting.unfit(unit, replace(can, max_text=MOST_TEXT), length=len(words)) or _unfit(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    if not answers:
        said = {"snippet": {"parentId": top(unit.remark), "textOriginal": words}}
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/youtube/v3/comments?part=snippet", said))
    last = answers[-1]
    told = http.told_by(last)
    if (number := id_of(told)) and told.get("kind", "youtube#comment") == "youtube#comment":
        return Published(f"{OURS}{number}", _url(part(told, "snippet").get("videoId"), number))
    if isinstance(last, Response) and last.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return _refused(last, creates=True)


def comment(unit: Unit, answers: tuple[Answer, ...], can: Capabilities, marks: frozenset[str]) -> Send | Outcome:
    """A first comment under a film of ours; where it is not known to comments yet, see whether it is there at all.

    Source: https://developers.google.com/youtube/v3/docs/commentThreads/insert, whose errors are told apart here
    """
    wrong = fitting.comment_unfit(unit, can, most=MOST_TEXT, marks=marks)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    words, last = unit.text("body"), answers[-1] if answers else None
    if last is None:
        top = {"snippet": {"textOriginal": words}}
        said = {"snippet": {"videoId": unit.reply_to, "topLevelComment": top}}
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/youtube/v3/commentThreads?part=snippet", said))
    if last.step == THERE:
        return _unready(last)
    told = http.told_by(last)
    if (number := id_of(told)) and told.get("kind", _THREAD) == _THREAD:
        return Published(f"{OURS}{number}", url_of(unit.reply_to, number))
    if isinstance(last, Response) and last.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    if reason(last) in _UNREADY:
        asked = f"/youtube/v3/videos?part=status&id={http.segment(unit.reply_to)}"
        return Send(WireStep(THERE, StepKind.CONTROL, "GET", asked, action=LOOK))
    if reason(last) in _CLOSED:
        return Rejected(Message("connectors.comments_off"), permanent=False)
    return _refused(last, creates=True)


def _unready(seen: Answer) -> Outcome:
    found = items(seen)
    if found is None or found:
        return Retry(UNREADY, "account", Message("connectors.post_unready"))
    return Rejected(Message("connectors.comment_post_gone"), permanent=False)


def _unfit(unit: Unit) -> Message | None:
    alone = not (unit.media or unit.text("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not unit.text("body").strip():
        return Message("youtube.words_alone")
    if not _REMARK.fullmatch(unit.remark):
        return Message("youtube.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refused(last: Answer, *, creates: bool) -> Outcome:
    """A yes that left out comments still lets films through: that is no reason to stop them."""
    word = reason(last)
    if word in _GONE:
        return Rejected(Message("youtube.remark_gone"), permanent=False)
    if word in _CLOSED:
        return Rejected(Message("youtube.no_answers"), permanent=False)
    if word == FORBIDDEN:
        return Rejected(Message("youtube.refused", {"code": word}), permanent=False)
    outcome = meaning(last, creates=creates)
    lacks = isinstance(outcome, Reauthorize) and word == "insufficientPermissions"
    return Rejected(Message("oauth.scopes"), permanent=False) if lacks else outcome


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Read what stands under the comment: words, time and channel say which is ours."""
    if not answers:
        return Send(_look(_below(sought)))
    listed = items(answers[-1])
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    if sought.comment:
        listed = [dict(part(part(one, "snippet"), "topLevelComment")) for one in listed]
    start = sought.armed_at - WINDOW - http.ahead(answers[-1], sought.asked_at or sought.armed_at)
    same = [one for one in listed if _is_it(one, sought, start)]
    if same:
        first = min(same, key=lambda one: str(part(one, "snippet").get("publishedAt")))
        snippet = part(first, "snippet")
        number = id_of(first)
        at = http.told_at(snippet.get("publishedAt"))
        return Found(f"{OURS}{number}", _url(snippet.get("videoId"), number), at)
    page = http.told_by(answers[-1]).get("nextPageToken")
    if not isinstance(page, str):
        return Absent()
    more = len(answers) < MOST_PAGES
    found = Send(_look(_below(sought, page)))
    return found if more else Unknown(Message("connectors.lookup_failed"))


def _is_it(one: Mapping[str, Any], sought: Sought, start: datetime) -> bool:
    snippet, number = part(one, "snippet"), id_of(one)
    texts = {str(snippet.get(name, "")).strip() for name in ("textOriginal", "textDisplay")}
    ours = part(snippet, "authorChannelId").get("value") == sought.account
    late = (http.told_at(snippet.get("publishedAt")) or start) >= start
    return sought.text.strip() in texts and ours and late and number != "" and f"{OURS}{number}" not in sought.known


def _below(sought: Sought, page: str = "") -> str:
    """Where what stands under a film, or under what somebody said, is listed."""
    if not sought.comment:
        return replies(top(sought.reply_to), page)
    more = f"&pageToken={http.segment(page)}" if page else ""
    of = f"videoId={http.segment(sought.reply_to)}&order=time&maxResults={LISTED}"
    return f"/youtube/v3/commentThreads?part=snippet&{of}&textFormat=plainText{more}"


def replies(top: str, page: str = "") -> str:
    """Where the replies under a comment stand."""
    more = f"&pageToken={http.segment(page)}" if page else ""
    under = f"parentId={http.segment(top)}&maxResults={LISTED}"
    return f"/youtube/v3/comments?part=snippet&{under}&textFormat=plainText{more}"


def _look(path: str) -> WireStep:
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove(native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Delete a comment of ours; gone already is gone."""
    if not answers:
        path = f"/youtube/v3/comments?id={http.segment(own(native_id))}"
        return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
    return _done(native_id, answers)


def moderate(spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Give a comment the status that an act means; what is refused is asked after, since gone is as good."""
    if act not in STATUS:
        return Rejected(Message("youtube.refused", {"code": act}), permanent=True)
    if not answers:
        number = http.segment(own(spot.native_id))
        path = f"/youtube/v3/comments/setModerationStatus?id={number}&moderationStatus={STATUS[act]}"
        return remarks.acted("POST", path)
    return _done(spot.native_id, answers)


def _done(native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """What came of an act. The same words are told of what may not be done and of what is not there."""
    acted = answers[0]
    if isinstance(acted, Response) and 200 <= acted.status < 300:
        return Published(native_id)
    if reason(acted) not in _PERHAPS_GONE:
        return _refused(acted, creates=False)
    if len(answers) == 1:
        return Send(_look(f"/youtube/v3/comments?part=id&id={http.segment(own(native_id))}"))
    there = items(answers[-1])
    if there is None:
        return Retry(AGAIN, "account", Message("connectors.lookup_failed"))
    return Rejected(Message("youtube.not_changed"), permanent=False) if there else Published(native_id)


def id_of(told: Mapping[str, Any]) -> str:
    """The id of a comment or a thread; "" for none."""
    number = told.get("id")
    return number if isinstance(number, str) and _REMARK.fullmatch(number) and "/" not in number else ""


def _url(video: object, number: str) -> str:
    return url_of(video, number) if isinstance(video, str) and video else ""


def url_of(video: str, number: str) -> str:
    """Where a comment is shown."""
    return f"https://www.youtube.com/watch?v={video}&lc={number}"
