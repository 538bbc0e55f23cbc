"""Acting on what people say under a Facebook Page's posts: answered by a comment, liked, hidden, deleted, its author
blocked. Pure.

An answer of ours is `comment:` and its id, since a post has two numbers as well.
Source: https://developers.facebook.com/docs/graph-api/reference/comment, …/reference/object/likes,
https://developers.facebook.com/docs/graph-api/reference/page/blocked
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors import fitting, remarks
from connectors.answers import ahead, body_of, segment, told_at, told_by
from connectors.capabilities import Capabilities
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.facebook_answers import meaning, number_of, post_of
from connectors.instagram_answers import data_of, goes_on
from connectors.instagram_remarks import said_under
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Unknown
from connectors.remarks import OURS, Act, Spot, own, top
from connectors.threads_answers import is_gone, lacks_right
from connectors.threads_remarks import unless_there
from foundation.words import Message
from gate.units import Unit

PUBLISH, LOOK = "publish", "look"
MODERATES = frozenset({"like", "unlike", "hide", "show", "delete", "block"})
"""A report is made by people alone."""

LONGEST = 8000
"""Characters of a comment."""

WINDOW = timedelta(seconds=60)
"""A comment older than this before the attempt is another one with the same words."""

LISTED, MOST_PAGES = 50, 5
_REMARK = re.compile(r"(?:\d{1,30}_\d{1,30}/)?\d{1,30}_\d{1,30}", re.ASCII)
_AUTHOR = re.compile(r"\d{1,19}", re.ASCII)
"""They take it as a number of 64 bits."""


def answer(unit: Unit, answers: tuple[Answer, ...], can: Capabilities) -> Send | Outcome:
    """One request that puts words under a comment; tell what its answer meant."""
    words = unit.text("body")
    wrong = fitting.unfit(unit, can, length=len(words)) or _unfit(unit)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    return said_under(f"/{top(unit.remark)}/comments", words, answers, number=post_of, refused=_refused)


def comment(unit: Unit, answers: tuple[Answer, ...], can: Capabilities) -> Send | Outcome:
    """A first comment under a post of ours. Source: https://developers.facebook.com/docs/graph-api/reference/object/comments"""
    wrong = fitting.comment_unfit(unit, can, most=LONGEST)
    if wrong is not None:
        return Rejected(wrong, permanent=False)
    path = f"/{segment(unit.reply_to)}/comments"
    return said_under(path, unit.text("body"), answers, number=post_of, refused=_comment_refused)


def _comment_refused(last: Answer, *, creates: bool) -> Outcome:
    if is_gone(last):
        return Rejected(Message("connectors.comment_post_gone"), permanent=False)
    return _refused(last, creates=creates)


def _unfit(unit: Unit) -> Message | None:
    words = unit.text("body")
    alone = not (unit.media or unit.text("title") or unit.buttons or unit.viewer or unit.invoice)
    if not alone or not words.strip():
        return Message("facebook.words_alone")
    if len(words) > LONGEST:
        return Message("connectors.text_too_long", {"length": len(words), "most": LONGEST})
    if not _REMARK.fullmatch(unit.remark):
        return Message("facebook.remark_gone")
    return Message("connectors.mark_untold", {"mark": unit.flags[0]}) if unit.flags else None


def _refused(last: Answer, *, creates: bool) -> Outcome:
    """A token that may not work on comments still posts: that is no reason to reconnect."""
    if lacks_right(last):
        return Rejected(Message("facebook.no_comments"), permanent=False)
    if is_gone(last):
        return Rejected(Message("facebook.remark_gone"), permanent=False)
    return meaning(last, creates=creates)


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Read what stands under the comment, newest first: words, time and who said it tell which is ours."""
    if not answers:
        return Send(_under(sought.reply_to, ""))
    last = answers[-1]
    listed = data_of(told_by(last))
    if listed is None:
        return Unknown(Message("connectors.lookup_failed"))
    start = sought.armed_at - WINDOW - ahead(last, sought.asked_at or sought.armed_at)
    inside = [one for one in listed if (told_at(one.get("created_time")) or start) >= start]
    same = [one for one in inside if _is_it(one, sought)]
    if same:
        return Found(f"{OURS}{number_of(same[-1])}", "", _at(same[-1]))
    after = goes_on(told_by(last))
    if len(inside) < len(listed) or not after:
        return Absent()
    more = len(answers) < MOST_PAGES
    return Send(_under(sought.reply_to, after)) if more else Unknown(Message("connectors.lookup_failed"))


def _is_it(one: Mapping[str, Any], sought: Sought) -> bool:
    sender, number = one.get("from"), number_of(one)
    ours = not isinstance(sender, dict) or sender.get("id") == sought.account  # some tokens are told nobody's name
    said = str(one.get("message") or "").strip() == sought.text.strip()
    return ours and said and number != "" and f"{OURS}{number}" not in sought.known


def _at(one: Mapping[str, Any]) -> datetime | None:
    return told_at(one.get("created_time"))


def _under(native_id: str, after: str) -> WireStep:
    cursor = f"&after={segment(after)}" if after else ""
    asked = f"fields=id,message,created_time,from&order=reverse_chronological&limit={LISTED}"
    path = f"/{segment(top(native_id))}/comments?{asked}{cursor}"
    return WireStep(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def remove(native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Delete a comment of ours; gone already is gone."""
    if not answers:
        return Send(WireStep("delete", StepKind.RESTRICT, "DELETE", f"/{segment(own(native_id))}", action="delete"))
    return _done(native_id, own(native_id), answers)


def moderate(spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Like a comment, hide it, show it, delete it, or keep its author away; what cannot be done is asked after, since
    gone is as good."""
    if act not in MODERATES or (act == "block" and not _AUTHOR.fullmatch(spot.author)):
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if answers:
        return _blocked(spot, answers[-1]) if act == "block" else _done(spot.native_id, own(spot.native_id), answers)
    path = f"/{segment(own(spot.native_id))}"
    if act == "block":
        return remarks.acted("POST", "/{account}/blocked", {"psid": [int(spot.author)]})
    if act in ("like", "unlike"):
        return remarks.acted("POST" if act == "like" else "DELETE", f"{path}/likes")
    return (
        remarks.acted("DELETE", path) if act == "delete" else remarks.acted("POST", path, {"is_hidden": act == "hide"})
    )


def _blocked(spot: Spot, acted: Answer) -> Outcome:
    """They tell of each author whether it is so now."""
    if isinstance(acted, Response) and acted.ok:
        done = body_of(acted).get(spot.author) is True or body_of(acted).get("success") is True
        return Published(spot.native_id) if done else Rejected(Message("facebook.not_done"), permanent=False)
    if is_gone(acted):
        return Rejected(Message("facebook.not_done"), permanent=False)
    return _refused(acted, creates=False)


def _done(told_as: str, number: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """What came of an act on a comment; where it is not there, or nobody says, it is asked after."""
    acted, refused = answers[0], Message("facebook.no_comments")
    if isinstance(acted, Response) and acted.ok:
        done = body_of(acted).get("success") is not False
        return Published(told_as) if done else Rejected(refused, permanent=False)
    if not is_gone(acted):
        return _refused(acted, creates=False)
    end = unless_there(number, answers[1:], answers[-1], refused)
    return Published(told_as) if isinstance(end, Published) else end
