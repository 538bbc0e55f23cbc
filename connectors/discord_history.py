"""A message on Discord whose answer was lost, in the history of its channel; pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.answers import ahead, segment
from connectors.contract import Answer, Response, Send, Sought, StepKind, WireStep
from connectors.discord_asking import step
from connectors.discord_ids import at_or_after, copy_at, is_id, names_message, nonce, place
from connectors.discord_words import joined
from connectors.outcomes import Absent, Found, Sighting, Unknown
from foundation.words import Message

LOOK = "look"
WINDOW = timedelta(seconds=60)
"""A message older than this before the attempt is another one with the same text."""

LISTED = 100
MOST_PAGES = 5


def in_history(sought: Sought, channel: str, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Page forward from a minute before the attempt; an empty history is trusted only if it is not hidden from us.

    Where their first answer shows a clock well behind ours, it was read from too late a moment on: it begins again,
    earlier by as much.
    """
    late = ahead(answers[0], sought.asked_at or sought.armed_at) if answers else timedelta()
    pages = answers[1:] if late > WINDOW / 2 else answers
    start = at_or_after(sought.armed_at - WINDOW - late)
    if not pages:
        return Send(_history(channel, start))
    if isinstance(pages[-1], Response) and pages[-1].step == "channel":
        return _really_empty(pages[-1], start)
    messages = _listed(pages[-1])
    if messages is None:
        return Unknown(Message("connectors.lookup_failed"))
    same = [message for message in messages if _is_it(message, sought)]
    if same:
        first = min(same, key=lambda message: int(message["id"]))
        copy = copy_at(place(sought.account), channel, str(first["id"]), sought.chat)
        return Found(copy.native_id, copy.url, copy.at)
    if len(messages) == LISTED:
        last = max(int(message["id"]) for message in messages)
        more = len(pages) < MOST_PAGES
        return Send(_history(channel, last)) if more else Unknown(Message("connectors.lookup_failed"))
    return Absent() if messages or len(pages) > 1 else Send(_asked_for_channel(channel))


def _history(channel: str, after: int) -> WireStep:
    path = f"/channels/{segment(channel)}/messages?after={after}&limit={LISTED}"
    return step(LOOK, StepKind.CONTROL, "GET", path, action=LOOK)


def _asked_for_channel(channel: str) -> WireStep:
    path = f"/channels/{segment(channel)}"
    return step("channel", StepKind.CONTROL, "GET", path, action=LOOK)


def _really_empty(answer: Response, start: int) -> Sighting:
    """Without the right to read it, a history looks empty: then the channel itself names a later message."""
    latest = answer.body.get("last_message_id") if answer.ok and isinstance(answer.body, dict) else ""
    if latest is None or (isinstance(latest, str) and is_id(latest) and int(latest) <= start):
        return Absent()
    return Unknown(Message("connectors.lookup_failed"))


def _listed(answer: Answer) -> list[dict[str, Any]] | None:
    if not isinstance(answer, Response) or not answer.ok or not isinstance(answer.body, list):
        return None
    usable = all(isinstance(message, dict) and is_id(message.get("id")) for message in answer.body)
    return answer.body if usable else None


def _is_it(message: Mapping[str, Any], sought: Sought) -> bool:
    """Ours, and by its nonce or the names of its files the one sought; by its text where it bears neither."""
    author = message.get("author")
    if not isinstance(author, dict) or author.get("id") != place(sought.account).bot:
        return False
    if message.get("nonce") is not None:
        return str(message["nonce"]) == nonce(sought.native_key)
    names = [str(each.get("filename", "")) for each in message.get("attachments") or () if isinstance(each, dict)]
    if names:
        return any(names_message(name, sought.native_key) for name in names)
    shown, wanted = str(message.get("content", "")).strip(), joined(sought.title, sought.text).strip()
    unknown = not {str(message["id"]), f"{message.get('channel_id')}/{message['id']}"} & sought.known
    return unknown and shown == wanted
