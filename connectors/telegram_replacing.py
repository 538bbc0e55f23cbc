"""What stands on Telegram and is not deleted any more: another picture or other words in its place. Pure.

A bot deletes its messages for 48 hours, and edits them for good. An album is edited message by message, each a photo.
Source: https://core.telegram.org/bots/api#deletemessage, #editmessagemedia, #editmessagetext
"""

from collections.abc import Sequence
from typing import Any

from connectors.contract import Answer, Copy, FileRef, Send, StepKind, WireStep
from connectors.outcomes import Outcome, Published, Rejected
from connectors.telegram_answers import description, meaning, place_of, result
from foundation.words import Message
from gate.units import Unit

EDIT_SECONDS = 20.0
"""For one edit: the house's own picture is small."""

_PART = "m0"


def replace(copy: Copy, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
    """Edit every message of the copy in turn, the others too where one is refused."""
    place = place_of(copy.native_id)
    if place is None:
        return Rejected(Message("telegram.unknown_copy"), permanent=False)
    chat, ids = place
    outcomes = [_replaced(answer, reader=bool(copy.chat)) for answer in answers]
    last = outcomes[-1] if outcomes else None
    if last is not None and not isinstance(last, Rejected):
        return last
    if len(answers) < len(ids):
        return Send(_edit(unit, chat, ids[len(answers)]))
    return _end(copy, answers, outcomes)


def _end(copy: Copy, answers: Sequence[Answer], outcomes: Sequence[Outcome | None]) -> Outcome:
    refused = next((outcome for outcome in outcomes if outcome is not None), None)
    if refused is not None:
        return refused
    if all(map(_gone, answers)):  # a deletion will say so
        return Rejected(Message("telegram.nothing_to_replace"), permanent=True)
    return Published(copy.native_id)


def _edit(unit: Unit, chat: int | str, number: int) -> WireStep:
    said, at = unit.text("body"), {"chat_id": chat, "message_id": number}
    if not unit.media:
        fields: dict[str, Any] = {**at, "text": said, "link_preview_options": {"is_disabled": True}}
        return _step("editMessageText", fields, {})
    (medium,) = unit.media
    shown = {"type": "photo", "media": f"attach://{_PART}", "caption": said}
    file = FileRef(medium.sha256, medium.mime, f"0.{medium.mime.partition('/')[2]}")
    return _step("editMessageMedia", {**at, "media": shown}, {_PART: file})


def _step(method: str, fields: dict[str, Any], files: dict[str, FileRef]) -> WireStep:
    return WireStep(
        "replace",
        StepKind.MUTATE,
        "POST",
        f"/bot{{token}}/{method}",
        fields,
        files=files,
        token="path",  # noqa: S106  how it is shown, not one
        deadline=EDIT_SECONDS,
    )


def _replaced(answer: Answer, *, reader: bool) -> Outcome | None:
    """What the answer to one edit meant; None when that message shows nothing any more of what it did."""
    told = result(answer)
    if isinstance(told, dict) or told is True or "message is not modified" in description(answer) or _gone(answer):
        return None
    return meaning(answer, creates=False, reader=reader)


def _gone(answer: Answer) -> bool:
    return "message to edit not found" in description(answer)
