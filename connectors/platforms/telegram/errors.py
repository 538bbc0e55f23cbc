"""Meaning of the Bot API's answers: `{"ok", "result"}` or `{"error_code", "description",
"parameters"}`; outcomes of publications and deletions."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract.connector import Response, StepResult
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Uncertain,
)
from connectors.shared import http_responses
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message

_NO_RIGHTS = (
    "administrator rights",
    "not enough rights",
    "no rights",
    "not a member",
    "bot was kicked",
)
_PREFIX = re.compile(r"^(?:bad request|forbidden|conflict|unauthorized)?:?\s*")


def body_of(answer: StepResult) -> Mapping[str, Any]:
    """Return the parsed body, or {} if it is missing or not an object."""
    return answer.body if isinstance(answer, Response) and isinstance(answer.body, dict) else {}


def result(answer: StepResult) -> Any:
    """Return the result of a successful request, or None."""
    good = isinstance(answer, Response) and answer.is_success and body_of(answer).get("ok") is True
    return body_of(answer).get("result") if good else None


def description(answer: StepResult) -> str:
    """Return Telegram's text of an error in lowercase."""
    told = body_of(answer).get("description")
    return told.lower() if isinstance(told, str) else ""


def error_slug(answer: Response) -> str:
    """Return the error as one identifier of letters, digits and underscores, so that no sentence
    from the response can be displayed."""
    short = re.sub(r"[^a-z0-9]+", "_", _PREFIX.sub("", description(answer))).strip("_")
    return short[:60] or f"http_{answer.status}"


def outcome_of_failure(answer: StepResult, *, creates: bool, reader: bool = False) -> Outcome:
    """Return the outcome of a failure.

    `creates` is True if the request creates something visible, so that a lost answer is uncertain.
    `reader` is True for a direct message, whose failure does not affect the account.
    """
    if not isinstance(answer, Response):
        return http_responses.outcome_of_status(answer, creates=creates)
    if creates and not http_responses.proves_refusal(answer):
        return http_responses.outcome_of_status(answer, creates=True)
    said = description(answer)
    match http_responses.stated_status(answer):
        case 429:
            return http_responses.outcome_of_status(answer, creates=creates)
        case 401:
            return Reauthorize(Message("connectors.token_refused"))
        case 400 | 403 if (
            "paid media" in said
        ):  # the owner must allow it; the account is not affected
            return Rejected(Message("telegram.no_paid_media"), permanent=False)
        case 403 if reader:
            return Rejected(Message(READER_GONE), permanent=True)
        case 400 | 403 if not reader and any(words in said for words in _NO_RIGHTS):
            return Disconnected(
                Message("channel.let_go")
            )  # Telegram reports it if the bot may post there again
        case 403 if said:
            return Disconnected(Message("connectors.account_gone", {"word": error_slug(answer)}))
        case 400 if _parse_migrated_chat_id(answer):
            return Reauthorize(Message("telegram.moved"))
        case 400 if reader and "chat not found" in said:
            return Rejected(Message(READER_GONE), permanent=True)
        case status if 400 <= status < 500 and status not in http_responses.IN_TRANSIT_STATUSES:
            return Rejected(
                Message("connectors.refused", {"status": status, "word": error_slug(answer)}),
                permanent=False,
            )
        case _:
            return http_responses.outcome_of_status(answer, creates=creates)


def _parse_migrated_chat_id(answer: Response) -> int | None:
    moved = _parse_parameters(answer).get("migrate_to_chat_id")
    return moved if isinstance(moved, int) else None


def _parse_parameters(answer: Response) -> Mapping[str, Any]:
    told = body_of(answer).get("parameters")
    return told if isinstance(told, dict) else {}


def publish_outcome(answer: StepResult, *, reader: bool, chat: str = "") -> Outcome:
    """Return the outcome of a message or an album. Its native ID is `<chat>/<id>,<id>…` with every
    item.

    The answer for a copied message contains only its ID, so its chat is `chat`.
    """
    given = result(answer)
    if (
        isinstance(given, dict)
        and given.keys() == {"message_id"}
        and chat.removeprefix("-").isdigit()
    ):
        given = {**given, "chat": {"id": int(chat)}}
    messages = given if isinstance(given, list) else [given]
    refused = isinstance(answer, Response) and http_responses.stated_status(answer) >= 400
    if given is None and not (isinstance(answer, Response) and answer.is_success and not refused):
        return outcome_of_failure(answer, creates=True, reader=reader)
    if not messages or not all(_is_message(message) for message in messages):
        status = answer.status if isinstance(answer, Response) else 0
        return Uncertain(Message("connectors.unclear_answer", {"status": status}))
    first = messages[0]
    ids = ",".join(str(message["message_id"]) for message in messages)
    files = tuple(file for message in messages for file in _parse_file_ids(message))
    return Published(
        f"{first['chat']['id']}/{ids}",
        message_url(first["chat"], first["message_id"]),
        _parse_sent_at(first),
        files,
    )


def _parse_file_ids(message: Mapping[str, Any]) -> list[str]:
    """Return Telegram's IDs of a message's files. A photo has one for each size."""
    kinds = (message.get(kind) for kind in ("photo", "video"))
    sizes = [size for shown in kinds for size in (shown if isinstance(shown, list) else [shown])]
    return [
        size["file_id"]
        for size in sizes
        if isinstance(size, dict) and isinstance(size.get("file_id"), str)
    ]


def _is_message(message: Any) -> bool:
    chat = message.get("chat") if isinstance(message, dict) else None
    return (
        isinstance(chat, dict)
        and isinstance(chat.get("id"), int)
        and isinstance(message.get("message_id"), int)
    )


def message_url(chat: Mapping[str, Any], message_id: int) -> str:
    """Return the public URL of a message. Private chats and basic groups have none."""
    if isinstance(chat.get("username"), str) and chat.get("type") != "private":
        return f"https://t.me/{chat['username']}/{message_id}"
    inner = str(chat["id"])
    return (
        f"https://t.me/c/{inner.removeprefix('-100')}/{message_id}"
        if inner.startswith("-100")
        else ""
    )


def _parse_sent_at(message: Mapping[str, Any]) -> datetime | None:
    seconds = message.get("date")
    return (
        datetime.fromtimestamp(seconds, UTC)
        if isinstance(seconds, int) and 0 < seconds < 2**33
        else None
    )


_NATIVE = re.compile(r"(?P<chat>-?\d+)/(?P<ids>\d+(?:,\d+)*)")
_LINK = re.compile(r"(?:https?://)?t\.me/(?:c/(?P<inner>\d+)|(?P<name>\w+))/(?P<id>\d+)(?:\?.*)?")


def place_of(native_id: str) -> tuple[int | str, tuple[int, ...]] | None:
    """Return the chat and the message IDs in a native ID or in a link pasted by a member, or
    None."""
    if own := _NATIVE.fullmatch(native_id):
        return int(own["chat"]), tuple(int(part) for part in own["ids"].split(","))
    if link := _LINK.fullmatch(native_id):
        chat: int | str = int(f"-100{link['inner']}") if link["inner"] else f"@{link['name']}"
        return chat, (int(link["id"]),)
    return None


def removal_outcome(answer: StepResult, *, reader: bool) -> Outcome | None:
    """Return the outcome of a failed deletion, or None if the message no longer exists.

    `reader` is True for a direct message. If its recipient has blocked the bot, the account is not
    affected.
    """
    if result(answer) is True or "message to delete not found" in description(answer):
        return None
    if "can't be deleted" in description(answer):
        return Rejected(Message("telegram.too_old_to_delete"), permanent=False)
    return outcome_of_failure(answer, creates=False, reader=reader)
