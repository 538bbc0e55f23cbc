"""Acting on what people say under a Threads account's posts: hidden, or shown again. Pure.

An answer is a post like any other, put under what it answers. Only what stands directly under a post can be hidden;
what stands below goes with it. Source: https://developers.facebook.com/documentation/threads/reply-management
"""

import re

from connectors import remarks
from connectors.answers import body_of, segment, told_by
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Published, Rejected, Retry
from connectors.remarks import Act, Spot
from connectors.threads_answers import AGAIN, is_gone, lacks_right, meaning
from foundation.words import Message

MODERATES = frozenset({"hide", "show"})
"""Nobody can be blocked or reported by a program, and what others wrote is not ours to delete."""

_REMARK = re.compile(r"\d{1,30}", re.ASCII)


def is_remark(native_id: str) -> bool:
    """Whether something can be answered at all."""
    return _REMARK.fullmatch(native_id) is not None


def moderate(spot: Spot, act: Act, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Hide a reply, or show it; what cannot be done is asked after, since gone is as good."""
    if act not in MODERATES:
        return Rejected(Message("connectors.refused", {"status": 405, "word": act}), permanent=True)
    if not answers:
        return remarks.acted("POST", f"/{segment(spot.native_id)}/manage_reply", {"hide": act == "hide"})
    acted = answers[0]
    if isinstance(acted, Response) and acted.ok:
        done = body_of(acted).get("success") is not False
        return Published(spot.native_id) if done else Rejected(Message("threads.not_hidden"), permanent=False)
    if lacks_right(acted):
        return Rejected(Message("threads.no_replies"), permanent=False)
    if not is_gone(acted):
        refused = meaning(acted, creates=False)
        return Rejected(Message("threads.not_hidden"), permanent=False) if isinstance(refused, Rejected) else refused
    return unless_there(spot.native_id, answers[1:], answers[-1], Message("threads.not_hidden"))


def unless_there(native_id: str, asked: tuple[Answer, ...], last: Answer, there: Message) -> Send | Outcome:
    """ "It does not exist" is told as well of what this token may not touch: what can be read is `there`."""
    if not asked:
        path = f"/{segment(native_id)}?fields=id"
        return Send(WireStep("look", StepKind.CONTROL, "GET", path, action="look"))
    if is_gone(last):
        return Published(native_id)
    if told_by(last):
        return Rejected(there, permanent=False)
    refused = meaning(last, creates=False)
    later = Retry(AGAIN, "account", Message("connectors.lookup_failed"))
    return later if isinstance(refused, Rejected) else refused
