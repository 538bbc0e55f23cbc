"""The words of a message, and other ones for one that stands in a channel; pure. What of files it
is to keep has to be named.

Source: https://docs.discord.com/developers/resources/message#edit-message
"""

from typing import Any

from connectors.contract.connector import Response, Send, StepKind, StepResult
from connectors.contract.edits import EDIT_LOOKUP_ACTION, EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.discord.errors import is_unknown_message, outcome_of_failure
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import success_body
from foundation.i18n.translation import Message


def joined_text(title: str, body: str) -> str:
    """What is read: Discord knows no titles, so a title is the first line."""
    return "\n\n".join(text for text in (title, body) if text)


def edit_message(
    path: str, words: str, native_id: str, answers: tuple[StepResult, ...], *, files: bool
) -> Send | Outcome:
    """The next request for the message at `path`, or what came of it; with `files` they are asked
    for first."""
    last = answers[-1] if answers else None
    if last is None and files:
        return Send(bot_request(EDIT_LOOKUP_ACTION, StepKind.CONTROL, "GET", path, action="look"))
    if last is not None and is_unknown_message(last):
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    if last is not None and not (isinstance(last, Response) and last.is_success):
        return outcome_of_failure(last, creates=False)
    if last is not None and last.step == EDIT_STEP:
        return Published(native_id)
    body: dict[str, Any] = {"content": words, "allowed_mentions": {"parse": []}}
    if last is not None:
        there = success_body(last).get("attachments")
        kept = [
            {"id": str(one["id"])} for one in there or () if isinstance(one, dict) and one.get("id")
        ]
        if not kept:
            return Rejected(Message("edit.other_media"), permanent=False)
        body["attachments"] = kept
    return Send(bot_request(EDIT_STEP, StepKind.MUTATE, "PATCH", path, body))
