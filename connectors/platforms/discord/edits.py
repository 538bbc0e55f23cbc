"""Edits of Discord messages. A request must list the attachments that the message retains.

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
    """Return the text with the title as its first line, since Discord has no titles."""
    return "\n\n".join(text for text in (title, body) if text)


def edit_message(
    path: str, words: str, native_id: str, answers: tuple[StepResult, ...], *, files: bool
) -> Send | Outcome:
    """Return the next request for the message at `path`, or the outcome. With `files`, the
    attachments are read first."""
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
