"""What people say under an Instagram account's posts: heard, answered by a comment, hidden, deleted. Pure.

There is no list of new comments: posts are read with what stands under each, the newest first. A reply is known by the
comment it stands under and its own id, since an answer to it goes under that comment too; an answer of ours is
`comment:` and its id, since a post is a number as well.
Source: https://developers.facebook.com/docs/instagram-platform/comment-moderation,
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments,
https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-comment/replies
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import fitting, instagram_listing, remarks
from connectors.answers import ahead, body_of, segment, told_at, told_by
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.instagram_answers import READ_BUG, RIGHTS, data_of, error, goes_on, id_of, meaning
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Retry, Sighting, Uncertain, Unknown
from connectors.remarks import OURS, Act, Spot, own, top
from connectors.standing import Missing
from foundation.words import Message
from gate.units import Unit

PUBLISH, LOOK, OPEN = "publish", "look", "open"
MODERATES = frozenset({"hide", "show", "delete"})
"""Who comments cannot be blocked or reported by a program."""

WINDOW = timedelta(seconds=60)
"""A comment older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 50, 5
AGAIN, UNREADY = timedelta(seconds=5), timedelta(seconds=30)
MOST_TEXT = 2200
"""Characters of a comment; the reference names no number, and others met this one, that of captions."""

_REMARK = re.compile(r"(?:\d{1,30}/)?\d{1,30}", re.ASCII)


def answer(unit: Unit, answers: tuple[Answer, ...], can: Capabilities) -> Send | Outcome:
    """One request that puts words under a comment; tell what its answer meant."""
    words = unit.text("body")
    wrong = fitting.unfit(unit, can, length=len(words)) or _unfit(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    return said_under(f"/{top(unit.remark)}/replies", words, answers, number=id_of, refused=_refused)


def comment(unit: Unit, answers: tuple[Answer, ...], can: Capabilities, marks: frozenset[str]) -> Send | Outcome:
    """A first comment under a post of ours: ask whether the post takes comments, then put the words there.

    A post that was published this moment is told as missing for a while, though it is listed: it is waited for, and
    nothing was said there. One that is in none of the account's posts either is gone, and no comment comes under it.
    Source: https://developers.facebook.com/docs/instagram-platform/comment-moderation, and `is_comment_enabled` of
    https://developers.facebook.com/docs/instagram-platform/reference/instagram-media
    """
    wrong = fitting.comment_unfit(unit, can, most=MOST_TEXT, marks=marks)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    post, last = segment(unit.reply_to), answers[-1] if answers else None
    if last is None:
        asked = f"/{post}?fields=is_comment_enabled"
        return Send(WireStep(OPEN, StepKind.CONTROL, "GET", asked, action=LOOK))
    if error(answers[0]) == READ_BUG:
        seen = instagram_listing.listed(unit.reply_to, answers[1:])
        if isinstance(seen, Send):
            return seen
        if isinstance(seen, Missing):
            return Rejected(Message("connectors.comment_post_gone"), permanent=False)
        return _comment_refused(answers[0], creates=False)
    if last.step == OPEN:
        told = told_by(last)
        if told.get("is_comment_enabled") is False:
            return Rejected(Message("connectors.comments_off"), permanent=False)
        if not told:
            return _comment_refused(last, creates=False)
    said = tuple(one for one in answers if one.step == PUBLISH)
    return said_under(f"/{post}/comments", unit.text("body"), said, number=id_of, refused=_comment_refused)


def _comment_refused(last: Answer, *, creates: bool) -> Outcome:
    if error(last) == READ_BUG:
        return Retry(UNREADY, "account", Message("connectors.post_unready"))
    return _refused(last, creates=creates)


def said_under(
    path: str,
    words: str,
    answers: tuple[Answer, ...],
    *,
    number: Callable[[Answer], str],
    refused: Callable[..., Outcome],
) -> Send | Outcome:
    """The request that puts words under a comment on a network of Meta's, or what its answer meant: `number` is the id
    an answer gave."""
    if not answers:
        return Send(WireStep(PUBLISH, StepKind.PUBLISH, "POST", path, {"message": words}))
    last = answers[-1]
    if native_id := number(last):
        return Published(f"{OURS}{native_id}")
    if isinstance(last, Response) and last.ok:
        return Uncertain(Message("connectors.unclear_answer", {"status": last.status}))
    return refused(last, creates=True)


def _unfit(unit: Unit) -> Message | None:
    alone = not (unit.media or unit.text("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not unit.text("body").strip():
        return Message("instagram.words_alone")
    if not _REMARK.fullmatch(unit.remark):
        return Message("instagram.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refused(last: Answer, *, creates: bool) -> Outcome:
    """A token from before there were answers lacks a right, and still posts: that is no reason to reconnect.

    Instagram says the same of a comment that is gone and of one that this token may not touch."""
    code, sub = error(last)
    if code in RIGHTS:
        return Rejected(Message("instagram.no_comments"), permanent=False)
    if (code, sub) == READ_BUG:
        return Rejected(Message("instagram.remark_gone"), permanent=False)
    return meaning(last, creates=creates)


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Ask who we are, then read what stands under the comment: words, time and name say which is ours."""
    if not answers:
        return Send(_look("/me?fields=username"))
    me = told_by(answers[0]).get("username")
    if not isinstance(me, str) or not me:
        return Unknown(Message("connectors.lookup_failed"))
    if len(answers) == 1:
        return Send(_below(sought, ""))
    listed = data_of(told_by(answers[-1]))
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - ahead(answers[-1], sought.asked_at or sought.armed_at)
    same = [one for one in listed if _is_it(one, sought, start, me)]
    if same:
        first = min(same, key=lambda one: str(one.get("timestamp")))
        return Found(f"{OURS}{first['id']}", "", told_at(first.get("timestamp")))
    after = goes_on(told_by(answers[-1]))
    newest_first = sought.comment and any((told_at(one.get("timestamp")) or start) < start for one in listed)
    if not after or newest_first:
        return Absent()
    more = len(answers) <= MOST_PAGES
    return Send(_below(sought, after)) if more else Unknown(Message("connectors.lookup_failed"))


def _is_it(one: Mapping[str, Any], sought: Sought, start: datetime, me: str) -> bool:
    said = str(one.get("text") or "").strip() == sought.text.strip()
    return said and said_by(one) in ("", me) and (told_at(one.get("timestamp")) or start) >= start and _new(one, sought)


def _new(one: Mapping[str, Any], sought: Sought) -> bool:
    return number_of(one) != "" and f"{OURS}{number_of(one)}" not in sought.known


def _below(sought: Sought, after: str) -> WireStep:
    """What stands under a post, or under what somebody said."""
    cursor = f"&after={segment(after)}" if after else ""
    kind = "comments" if sought.comment else "replies"
    path = f"/{segment(top(sought.reply_to))}/{kind}?fields=id,text,timestamp,username,from&limit={LISTED}{cursor}"
    return _look(path)


def _look(path: str) -> WireStep:
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove(native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Delete a comment of ours; gone already is gone."""
    if not answers:
        return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", f"/{segment(own(native_id))}", action="delete"))
    return _done(native_id, answers[0]) or _unless_there(native_id, answers)


def moderate(spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Hide or show a comment, or delete it; what cannot be done is asked after, since gone is as good."""
    if act not in MODERATES:
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if not answers:
        path = f"/{segment(own(spot.native_id))}"
        deletes = act == "delete"
        return remarks.acted("DELETE" if deletes else "POST", path, None if deletes else {"hide": act == "hide"})
    return _done(spot.native_id, answers[0]) or _unless_there(spot.native_id, answers)


def _done(native_id: str, acted: Answer) -> Outcome | None:
    """What came of an act; None where the comment is not there, or nobody says."""
    if isinstance(acted, Response) and acted.ok:
        if body_of(acted).get("success") is False:
            return Rejected(Message("instagram.no_comments"), permanent=False)
        return Published(native_id)
    return None if error(acted) == READ_BUG else _refused(acted, creates=False)


def _unless_there(native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """ "It does not exist" is told as well of what this token may not touch: a comment that can be read is there."""
    if len(answers) == 1:
        return Send(_look(f"/{segment(own(native_id))}?fields=id"))
    last = answers[-1]
    if error(last) == READ_BUG:
        return Published(native_id)
    if told_by(last):
        return Rejected(Message("instagram.no_comments"), permanent=False)
    refused = _refused(last, creates=False)
    return refused if isinstance(refused, Rejected) else Retry(AGAIN, "account", Message("connectors.lookup_failed"))


def number_of(one: Mapping[str, Any]) -> str:
    """The id of an entry; "" for none."""
    number = one.get("id")
    return number if isinstance(number, str) and number.isascii() and number.isdigit() else ""


def said_by(one: Mapping[str, Any]) -> str:
    """The name of who wrote a comment; "" where it is not told."""
    sender = one.get("from")
    names = (one.get("username"), sender.get("username") if isinstance(sender, dict) else None)
    return next((name for name in names if isinstance(name, str) and name), "")
