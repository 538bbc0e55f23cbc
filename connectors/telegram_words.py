"""Other words for a post that stands in a channel: the text of a message, or what stands under its pictures. Pure.

A bot edits what it sent for as long as it stands; of an album, the first message bears the words.
Source: https://core.telegram.org/bots/api#editmessagetext, #editmessagecaption
"""

from typing import Any

from connectors import telegram_requests
from connectors.contract import Answer, Send, StepKind, WireStep
from connectors.editing import EDIT, GONE
from connectors.outcomes import Outcome, Published, Rejected
from connectors.telegram_answers import description, meaning, place_of, result
from foundation.words import Message
from gate.units import Unit


def edit(unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
    """The one request, or what came of it; what says so already is done."""
    place = place_of(native_id)
    if place is None:
        return Rejected(Message("telegram.unknown_copy"), permanent=False)
    if not answers:
        unfit = telegram_requests.unfit(unit)
        return Rejected(unfit, permanent=False) if unfit is not None else Send(_request(unit, place[0], place[1][0]))
    told = result(answers[-1])
    if isinstance(told, dict) or told is True or "message is not modified" in description(answers[-1]):
        return Published(native_id)
    if "message to edit not found" in description(answers[-1]):
        return Rejected(Message(GONE), permanent=True)
    return meaning(answers[-1], creates=False)


def _request(unit: Unit, chat: int | str, number: int) -> WireStep:
    words, at = telegram_requests.words_of(unit), {"chat_id": chat, "message_id": number}
    said: dict[str, Any] = {"caption": words}
    if not unit.media:
        said = {"text": words, "link_preview_options": {"is_disabled": True}}
    method = "editMessageCaption" if unit.media else "editMessageText"
    path = f"/bot{{token}}/{method}"
    return WireStep(EDIT, StepKind.MUTATE, "POST", path, {**at, **said}, token="path", deadline=20.0)  # noqa: S106  how it is shown
