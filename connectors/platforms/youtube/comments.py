"""Comments on YouTube: reading, replying, first comments and moderation.

There is one level of replies, so a reply is identified by the top-level comment and its own ID, and
an answer to it is added to the same thread. The ID of our own comment has the prefix `comment:`,
which distinguishes it from a video. Source:
https://developers.google.com/youtube/v3/docs/comments/insert, /comments/list,
/comments/setModerationStatus

A read requests the newest threads of the channel and those held for review. It then requests
further pages while all threads of a page are new, and the replies of threads that have more than
are included and got new ones. It stops at the fifth request, and the next read continues from
there. Each request costs one of the 10,000 units per day that all channels of an application share.

Not read: replies to threads beyond the 100 newest; on the first read, everything but those 100 and
the included replies; comments classified as spam; mentions elsewhere. Source:
https://developers.google.com/youtube/v3/docs/commentThreads/list, /docs/commentThreads (replies),
https://developers.google.com/youtube/v3/determine_quota_cost
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.contract import comments
from connectors.contract.capabilities import Capabilities
from connectors.contract.comments import (
    OWN_COMMENT_PREFIX,
    Comment,
    CommentPage,
    CommentTarget,
    ModerationAction,
    own_comment_id,
    thread_comment_id,
)
from connectors.contract.connector import (
    LookupQuery,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.youtube.account import (
    FORBIDDEN,
    error_reason,
    list_items,
    outcome_of_failure,
    resource_part,
)
from connectors.shared import http_responses, unit_checks
from foundation.i18n.translation import Message
from gate.contract.units import Unit

PUBLISH = "publish"
LOOK = "look"
THERE = "there"
STATUS: Mapping[str, str] = {
    "hide": "heldForReview",
    "show": "published",
    "delete": "rejected",
    "block": "rejected&banAuthor=true",
}
"""The moderation status for each action. An author can only be banned by rejecting a comment.
YouTube has no API for reports."""

MAX_TEXT = 10_000
"""Maximum number of characters of a comment; the API reference does not document one."""

WINDOW = timedelta(seconds=60)
"""A reply older than the attempt by more than this is a different one with the same text."""

AGAIN = timedelta(seconds=5)
MAX_PAGES = 5
PAGE_SIZE = 100
UNREADY = timedelta(minutes=1)
"""Delay of a first comment while its video is not open for comments; each attempt costs 50 units.
"""

_THREAD = "youtube#commentThread"
_UNREADY = frozenset({"videoNotFound", "processingFailure"})
"""Error reasons for a video that has just been made public, and for a deleted one."""

_REMARK = re.compile(r"[\w.-]{1,120}(?:/[\w.-]{1,120})?", re.ASCII)
_GONE = frozenset(
    {"commentNotFound", "parentCommentNotFound", "parentCommentIsPrivate", "videoNotFound"}
)
_CLOSED = frozenset({"commentsDisabled", "operationNotSupported"})
_PERHAPS_GONE = frozenset({"commentNotFound", "forbidden", "processingFailure"})
"""Error reasons that may mean a deleted comment but have other meanings too."""


def reply_to_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities
) -> Send | Outcome:
    """Reply to a comment in one request and return its outcome."""
    words = unit.text_of("body")
    wrong = unit_checks.unit_problem(
        unit, replace(can, max_text=MAX_TEXT), length=len(words)
    ) or _comment_problem(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    if not answers:
        said = {"snippet": {"parentId": thread_comment_id(unit.comment_id), "textOriginal": words}}
        return Send(
            WireStep(PUBLISH, StepKind.PUBLISH, "POST", "/youtube/v3/comments?part=snippet", said)
        )
    last = answers[-1]
    told = http_responses.success_body(last)
    if (number := id_of(told)) and told.get("kind", "youtube#comment") == "youtube#comment":
        return Published(
            f"{OWN_COMMENT_PREFIX}{number}",
            _comment_url(resource_part(told, "snippet").get("videoId"), number),
        )
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return _refusal_outcome(last, creates=True)


def add_first_comment(
    unit: Unit, answers: tuple[StepResult, ...], can: Capabilities, marks: frozenset[str]
) -> Send | Outcome:
    """Add a first comment under our video. If YouTube does not find the video yet, check that it
    exists.

    Source: https://developers.google.com/youtube/v3/docs/commentThreads/insert and its errors
    """
    wrong = unit_checks.first_comment_problem(unit, can, most=MAX_TEXT, marks=marks)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    words = unit.text_of("body")
    last = answers[-1] if answers else None
    if last is None:
        top = {"snippet": {"textOriginal": words}}
        said = {"snippet": {"videoId": unit.reply_to, "topLevelComment": top}}
        return Send(
            WireStep(
                PUBLISH, StepKind.PUBLISH, "POST", "/youtube/v3/commentThreads?part=snippet", said
            )
        )
    if last.step == THERE:
        return _unready_outcome(last)
    told = http_responses.success_body(last)
    if (number := id_of(told)) and told.get("kind", _THREAD) == _THREAD:
        return Published(f"{OWN_COMMENT_PREFIX}{number}", url_of(unit.reply_to, number))
    if isinstance(last, Response) and last.is_success:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    if error_reason(last) in _UNREADY:
        asked = f"/youtube/v3/videos?part=status&id={http_responses.quote_segment(unit.reply_to)}"
        return Send(WireStep(THERE, StepKind.CONTROL, "GET", asked, action=LOOK))
    if error_reason(last) in _CLOSED:
        return Rejected(Message("connectors.comments_off"), permanent=False)
    return _refusal_outcome(last, creates=True)


def _unready_outcome(seen: StepResult) -> Outcome:
    found = list_items(seen)
    if found is None or found:
        return Retry(UNREADY, "account", Message("connectors.post_unready"))
    return Rejected(Message("connectors.comment_post_gone"), permanent=False)


def _comment_problem(unit: Unit) -> Message | None:
    alone = not (unit.media or unit.text_of("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not unit.text_of("body").strip():
        return Message("youtube.words_alone")
    if not _REMARK.fullmatch(unit.comment_id):
        return Message("youtube.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refusal_outcome(last: StepResult, *, creates: bool) -> Outcome:
    """Return the outcome of a refused comment. If only the scope for comments is missing, it is
    Rejected, because videos can still be published."""
    word = error_reason(last)
    if word in _GONE:
        return Rejected(Message("youtube.remark_gone"), permanent=False)
    if word in _CLOSED:
        return Rejected(Message("youtube.no_answers"), permanent=False)
    if word == FORBIDDEN:
        return Rejected(Message("youtube.refused", {"code": word}), permanent=False)
    outcome = outcome_of_failure(last, creates=creates)
    lacks = isinstance(outcome, Reauthorize) and word == "insufficientPermissions"
    return Rejected(Message("oauth.scopes"), permanent=False) if lacks else outcome


def look_up_comment(sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
    """Search the replies to the comment by text, time and channel."""
    if not answers:
        return Send(_build_lookup_step(_lookup_path(sought)))
    listed = list_items(answers[-1])
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    if sought.comment:
        listed = [
            dict(resource_part(resource_part(one, "snippet"), "topLevelComment")) for one in listed
        ]
    start = (
        sought.armed_at
        - WINDOW
        - http_responses.clock_lead(answers[-1], sought.asked_at or sought.armed_at)
    )
    same = [one for one in listed if _is_match(one, sought, start)]
    if same:
        first = min(same, key=lambda one: str(resource_part(one, "snippet").get("publishedAt")))
        snippet = resource_part(first, "snippet")
        number = id_of(first)
        at = http_responses.parse_timestamp(snippet.get("publishedAt"))
        return Found(
            f"{OWN_COMMENT_PREFIX}{number}", _comment_url(snippet.get("videoId"), number), at
        )
    page = http_responses.success_body(answers[-1]).get("nextPageToken")
    if not isinstance(page, str):
        return Absent()
    more = len(answers) < MAX_PAGES
    found = Send(_build_lookup_step(_lookup_path(sought, page)))
    return found if more else Unknown(Message("connectors.lookup_failed"))


def _is_match(one: Mapping[str, Any], sought: LookupQuery, start: datetime) -> bool:
    snippet = resource_part(one, "snippet")
    number = id_of(one)
    texts = {str(snippet.get(name, "")).strip() for name in ("textOriginal", "textDisplay")}
    ours = resource_part(snippet, "authorChannelId").get("value") == sought.account
    late = (http_responses.parse_timestamp(snippet.get("publishedAt")) or start) >= start
    return (
        sought.text.strip() in texts
        and ours
        and late
        and number != ""
        and f"{OWN_COMMENT_PREFIX}{number}" not in sought.known
    )


def _lookup_path(sought: LookupQuery, page: str = "") -> str:
    """Return the path of the list of a video's comments, or of a comment's replies."""
    if not sought.comment:
        return replies_path(thread_comment_id(sought.reply_to), page)
    more = f"&pageToken={http_responses.quote_segment(page)}" if page else ""
    of = (
        f"videoId={http_responses.quote_segment(sought.reply_to)}&order=time&maxResults={PAGE_SIZE}"
    )
    return f"/youtube/v3/commentThreads?part=snippet&{of}&textFormat=plainText{more}"


def replies_path(top: str, page: str = "") -> str:
    """Return the path of the list of a comment's replies."""
    more = f"&pageToken={http_responses.quote_segment(page)}" if page else ""
    under = f"parentId={http_responses.quote_segment(top)}&maxResults={PAGE_SIZE}"
    return f"/youtube/v3/comments?part=snippet&{under}&textFormat=plainText{more}"


def _build_lookup_step(path: str) -> WireStep:
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove_comment(native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Delete our comment; a missing one counts as deleted."""
    if not answers:
        path = f"/youtube/v3/comments?id={http_responses.quote_segment(own_comment_id(native_id))}"
        return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
    return _action_outcome(native_id, answers)


def moderate_comment(
    spot: CommentTarget, act: ModerationAction, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Set the moderation status of a comment. If YouTube refuses, check that it still exists, since
    a deleted one needs no action."""
    if act not in STATUS:
        return Rejected(Message("youtube.refused", {"code": act}), permanent=True)
    if not answers:
        number = http_responses.quote_segment(own_comment_id(spot.native_id))
        path = (
            f"/youtube/v3/comments/setModerationStatus?id={number}&moderationStatus={STATUS[act]}"
        )
        return comments.moderation_request("POST", path)
    return _action_outcome(spot.native_id, answers)


def _action_outcome(native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Return the outcome of a moderation action. YouTube returns the same errors for a forbidden
    action and for a missing comment, so the existence of the comment is checked."""
    acted = answers[0]
    if isinstance(acted, Response) and 200 <= acted.status < 300:
        return Published(native_id)
    if error_reason(acted) not in _PERHAPS_GONE:
        return _refusal_outcome(acted, creates=False)
    if len(answers) == 1:
        return Send(
            _build_lookup_step(
                "/youtube/v3/comments?part=id"
                f"&id={http_responses.quote_segment(own_comment_id(native_id))}"
            )
        )
    there = list_items(answers[-1])
    if there is None:
        return Retry(AGAIN, "account", Message("connectors.lookup_failed"))
    return (
        Rejected(Message("youtube.not_changed"), permanent=False) if there else Published(native_id)
    )


def id_of(told: Mapping[str, Any]) -> str:
    """Return the ID of a comment or thread, or ""."""
    number = told.get("id")
    return (
        number
        if isinstance(number, str) and _REMARK.fullmatch(number) and "/" not in number
        else ""
    )


def _comment_url(video: object, number: str) -> str:
    return url_of(video, number) if isinstance(video, str) and video else ""


def url_of(video: str, number: str) -> str:
    """Return the public URL of a comment."""
    return f"https://www.youtube.com/watch?v={video}&lc={number}"


MAX_REQUESTS = 5
"""Maximum number of requests per read."""

MAX_REMAINING = 50
"""Maximum number of lists that a later read continues; further ones are dropped."""

MARGIN = timedelta(minutes=10)
"""Time before the last known comment that is read again, because some comments appear late."""

SHOWN = "published"
HELD = "heldForReview"
REPLIES = "replies"


@dataclass(frozen=True)
class _Left:
    """A list to be continued at `page`: either the threads of a kind back to the time `until`, or
    the replies of a thread, in which case `until` is their number."""

    kind: str
    page: str
    until: str
    thread: str = ""
    video: str = ""


@dataclass(frozen=True)
class _Place:
    """The position of a read. Times are YouTube's own in ISO 8601; "" for none."""

    since: str = ""
    """All earlier comments are known."""
    newest: str = ""
    """Time at which the newest comments were last read, if some lists are unfinished."""
    left: tuple[_Left, ...] = ()
    counts: Mapping[str, int] | None = None
    """Number of known replies of the threads with more replies than are included."""

    def written(self) -> str:
        """Return the cursor as text."""
        left = [[one.kind, one.page, one.until, one.thread, one.video] for one in self.left]
        return json.dumps([self.since, self.newest, left, self.counts or {}], separators=(",", ":"))


def _parse_cursor(cursor: str) -> _Place:
    """Return the position in a cursor, or the beginning if it is invalid."""
    try:
        since, newest, left, counts = json.loads(cursor)
        kept = tuple(_Left(*map(str, one)) for one in left)
        told = {str(thread): int(count) for thread, count in counts.items()}
    except (ValueError, TypeError, AttributeError):
        return _Place()
    return _Place(str(since), str(newest), kept, told)


def remarks_of(
    account: str, cursor: str, answers: tuple[StepResult, ...]
) -> Send | CommentPage | None:
    """Return the next request, or the comments since `cursor`. Return None if the first response is
    invalid."""
    place = _parse_cursor(cursor)
    found = list[Comment]()
    sound = True
    for number, answer in enumerate(answers):
        rows = _parse_rows(answer)
        if rows is None and not number:
            return None
        if rows is None:
            sound = sound and _is_permanently_refused(answer)
            if number > 1 and not sound:  # the next read continues here
                break
            place = replace(place, left=place.left[1:]) if number > 1 else place
            continue
        asked = place.left[0] if number > 1 else None
        found += _parse_comments(rows, account, asked)
        place = (
            _advance_place(place, answer, rows, asked)
            if asked
            else _advance_first_page(place, answer, rows, held=number == 1)
        )
    else:
        if len(answers) < 2 or (place.left and len(answers) < MAX_REQUESTS):
            return _build_next_request(place, len(answers))
    return _build_comment_page(found, place, answers[0], sound=sound)


def _build_comment_page(
    found: list[Comment], place: _Place, first: StepResult, *, sound: bool
) -> CommentPage:
    at = http_responses.response_date(first)
    now = at.isoformat() if at is not None else ""
    whole = sound and not place.left
    place = (
        replace(place, since=now or place.since, newest="") if whole else replace(place, newest=now)
    )
    once = {one.native_id: one for one in found}.values()
    dated = sorted((one for one in once if one.at is not None), key=lambda one: str(one.at))
    return CommentPage((*(one for one in once if one.at is None), *dated), place.written())


def _parse_rows(answer: StepResult) -> list[dict[str, Any]] | None:
    """Return the entries of a list, without invalid ones, or None if it is not a list."""
    told = http_responses.success_body(answer).get("items")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else None


def _is_permanently_refused(answer: StepResult) -> bool:
    """Return True if a repeat would be refused too, because the thread was deleted or the page
    token has expired."""
    return error_reason(answer) == FORBIDDEN or isinstance(
        outcome_of_failure(answer, creates=False), Rejected
    )


def _build_next_request(place: _Place, number: int) -> Send:
    """Return the request for the newest threads, for those held for review, or for a list to be
    continued."""
    if number > 1 and place.left[0].kind == REPLIES:
        return comments.comments_request(replies_path(place.left[0].thread, place.left[0].page))
    kind, page = (
        (place.left[0].kind, place.left[0].page) if number > 1 else (HELD if number else SHOWN, "")
    )
    more = f"&pageToken={http_responses.quote_segment(page)}" if page else ""
    asked = (
        f"part=snippet,replies&allThreadsRelatedToChannelId={{account}}&moderationStatus={kind}"
        "&order=time"
    )
    return comments.comments_request(
        f"/youtube/v3/commentThreads?{asked}&maxResults={PAGE_SIZE}&textFormat=plainText{more}"
    )


def _advance_first_page(
    place: _Place, answer: StepResult, rows: list[dict[str, Any]], *, held: bool
) -> _Place:
    """Return the position after the first page of a list of threads."""
    onward = _next_thread_page(HELD if held else SHOWN, answer, rows, place.newest or place.since)
    if held:
        return replace(place, left=(*place.left, *onward)[:MAX_REMAINING])
    many = {
        thread: (total, video)
        for thread, total, video in map(_count_unshown_replies, rows)
        if total
    }
    known = place.counts or {}
    if not place.since and not place.newest:  # on the first read, the included replies suffice
        return replace(
            place, left=onward, counts={thread: total for thread, (total, _) in many.items()}
        )
    waiting = tuple(
        one for one in place.left if one.thread not in many or str(many[one.thread][0]) == one.until
    )
    under_way = {one.thread for one in waiting}
    fresh = tuple(
        _Left(REPLIES, "", str(total), thread, video)
        for thread, (total, video) in many.items()
        if known.get(thread) != total and thread not in under_way
    )
    counts = {thread: count for thread, count in known.items() if thread in many}
    return replace(place, left=(*waiting, *onward, *fresh)[:MAX_REMAINING], counts=counts)


def _advance_place(
    place: _Place, answer: StepResult, rows: list[dict[str, Any]], asked: _Left
) -> _Place:
    """Return the position after a page of a continued list."""
    if asked.kind != REPLIES:
        return replace(
            place, left=(*_next_thread_page(asked.kind, answer, rows, asked.until), *place.left[1:])
        )
    page = http_responses.success_body(answer).get("nextPageToken")
    if isinstance(page, str) and rows:
        return replace(place, left=(replace(asked, page=page), *place.left[1:]))
    told = int(asked.until) if asked.until.isdigit() else 0
    return replace(place, left=place.left[1:], counts={**(place.counts or {}), asked.thread: told})


def _next_thread_page(
    kind: str, answer: StepResult, rows: list[dict[str, Any]], until: str
) -> tuple[_Left, ...]:
    """Return the next page if all threads of this one are newer than `until`; they are sorted
    newest first."""
    page = http_responses.success_body(answer).get("nextPageToken")
    bound = http_responses.parse_timestamp(until)
    if not isinstance(page, str) or bound is None or not rows:
        return ()
    began = [
        http_responses.parse_timestamp(
            resource_part(_top_comment(one), "snippet").get("publishedAt")
        )
        for one in rows
    ]
    return (
        (_Left(kind, page, until),)
        if all(at is None or at >= bound - MARGIN for at in began)
        else ()
    )


def _top_comment(thread: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource_part(resource_part(thread, "snippet"), "topLevelComment")


def _replies_of_thread(thread: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the replies included in a thread."""
    told = resource_part(thread, "replies").get("comments")
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _count_unshown_replies(thread: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return the ID of a thread, its number of replies (0 if all are included) and its video."""
    total = resource_part(thread, "snippet").get("totalReplyCount")
    many = total if isinstance(total, int) and total > len(_replies_of_thread(thread)) else 0
    return (
        id_of(_top_comment(thread)),
        many if id_of(_top_comment(thread)) else 0,
        _parse_video_id(thread),
    )


def _parse_video_id(thread: Mapping[str, Any]) -> str:
    snippet = resource_part(thread, "snippet")
    told = snippet.get("videoId") or resource_part(_top_comment(thread), "snippet").get("videoId")
    return told if isinstance(told, str) else ""


def _parse_comments(
    rows: list[dict[str, Any]], account: str, asked: _Left | None
) -> Iterator[Comment]:
    """Yield the comments of other users. Entries without an author are skipped."""
    if asked is not None and asked.kind == REPLIES:
        yield from (
            one for row in rows if (one := _parse_comment(row, asked.thread, asked.video, account))
        )
        return
    for thread in rows:
        top = _top_comment(thread)
        video = _parse_video_id(thread)
        said = [_parse_comment(top, "", video, account)]
        said += (
            [_parse_comment(one, id_of(top), video, account) for one in _replies_of_thread(thread)]
            if id_of(top)
            else []
        )
        yield from (one for one in said if one is not None)


def _parse_comment(
    comment: Mapping[str, Any], parent: str, video: str, account: str
) -> Comment | None:
    snippet = resource_part(comment, "snippet")
    number = id_of(comment)
    author = resource_part(snippet, "authorChannelId").get("value")
    name = snippet.get("authorDisplayName")
    author = author if isinstance(author, str) and author else name
    if not number or not isinstance(author, str) or not author or author == account:
        return None
    text = snippet.get("textDisplay")
    return Comment(
        native_id=f"{parent}/{number}" if parent else number,
        author=author,
        handle=name if isinstance(name, str) and name else author,
        text=text if isinstance(text, str) else "",
        under=video,
        url=url_of(video, number) if video else "",
        at=http_responses.parse_timestamp(snippet.get("publishedAt")),
    )
