"""The words of a message, and other ones for one that stands in a channel; pure. What of files it is to keep has to be
named.

Source: https://docs.discord.com/developers/resources/message#edit-message
"""

from typing import Any

from connectors.answers import told_by
from connectors.contract import Answer, Response, Send, StepKind
from connectors.discord_asking import step
from connectors.discord_meaning import is_no_message, said
from connectors.editing import EDIT, GONE, LOOK
from connectors.outcomes import Outcome, Published, Rejected
from foundation.words import Message


def joined(title: str, body: str) -> str:
    """What is read: Discord knows no titles, so a title is the first line."""
    return "\n\n".join(text for text in (title, body) if text)


def edit(path: str, words: str, native_id: str, answers: tuple[Answer, ...], *, files: bool) -> Send | Outcome:
    """The next request for the message at `path`, or what came of it; with `files` they are asked for first."""
    last = answers[-1] if answers else None
    if last is None and files:
        return Send(step(LOOK, StepKind.CONTROL, "GET", path, action="look"))
    if last is not None and is_no_message(last):
        return Rejected(Message(GONE), permanent=True)
    if last is not None and not (isinstance(last, Response) and last.ok):
        return said(last, creates=False)
    if last is not None and last.step == EDIT:
        return Published(native_id)
    body: dict[str, Any] = {"content": words, "allowed_mentions": {"parse": []}}
    if last is not None:
        there = told_by(last).get("attachments")
        kept = [{"id": str(one["id"])} for one in there or () if isinstance(one, dict) and one.get("id")]
        if not kept:
            return Rejected(Message("edit.other_media"), permanent=False)
        body["attachments"] = kept
    return Send(step(EDIT, StepKind.MUTATE, "PATCH", path, body))
