"""Edits of Telegram messages: replacement of content that can no longer be deleted, and edits of
texts and captions.

A bot can delete its messages for 48 hours and edit them without a limit. An album is replaced
message by message, each by a photo; its text is the caption of its first message. Source:
https://core.telegram.org/bots/api#deletemessage, #editmessagemedia, #editmessagetext,
#editmessagecaption
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from connectors.contract.connector import (
    PlatformCopy,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.edits import EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.telegram import content_checks
from connectors.platforms.telegram.bot_steps import BotCall, build_step
from connectors.platforms.telegram.errors import description, outcome_of_failure, place_of, result
from foundation.i18n.translation import Message
from gate.contract.units import Medium, Unit

if TYPE_CHECKING:
    from connectors.platforms.telegram.bot_request import StepBot

EDIT_SECONDS = 20.0
"""Timeout of an edit in seconds. It is short, because the replacement picture is small."""

_PART = "m0"


def replace_message(
    copy: PlatformCopy, unit: Unit, answers: tuple[StepResult, ...]
) -> Send | Outcome:
    """Edit every message of the copy in turn, even if one is refused."""
    place = place_of(copy.native_id)
    if place is None:
        return Rejected(Message("telegram.unknown_copy"), permanent=False)
    chat, ids = place
    outcomes = [_replacement_failure(answer, reader=bool(copy.chat)) for answer in answers]
    last = outcomes[-1] if outcomes else None
    if last is not None and not isinstance(last, Rejected):
        return last
    if len(answers) < len(ids):
        return Send(_build_replace_step(unit, chat, ids[len(answers)]))
    return _replacement_outcome(copy, answers, outcomes)


def _replacement_outcome(
    copy: PlatformCopy, answers: Sequence[StepResult], outcomes: Sequence[Outcome | None]
) -> Outcome:
    refused = next((outcome for outcome in outcomes if outcome is not None), None)
    if refused is not None:
        return refused
    if all(map(_is_gone, answers)):  # a deletion reports the same
        return Rejected(Message("telegram.nothing_to_replace"), permanent=True)
    return Published(copy.native_id)


def _build_replace_step(unit: Unit, chat: int | str, number: int) -> WireStep:
    said = unit.text_of("body")
    if not unit.media:
        return _build_step("replace", _text_call(said, chat, number))
    (medium,) = unit.media
    return _build_step(
        "replace", lambda bot: _replace_photo(bot, medium, said, chat, number), unit.media
    )


def _text_call(text: str, chat: int | str, number: int) -> BotCall:
    return lambda bot: bot.edit_message_text(
        text, chat_id=chat, message_id=number, disable_web_page_preview=True
    )


async def _replace_photo(
    bot: "StepBot", medium: Medium, caption: str, chat: int | str, number: int
) -> None:
    from telegram import InputMediaPhoto  # noqa: PLC0415  the bot has loaded the library

    photo = InputMediaPhoto(bot.input_file(medium, 0, _PART), caption=caption)
    await bot.edit_message_media(photo, chat_id=chat, message_id=number)


def _build_step(name: str, call: BotCall, media: tuple[Medium, ...] = ()) -> WireStep:
    return build_step(name, StepKind.MUTATE, call, media=media, seconds=EDIT_SECONDS)


def _replacement_failure(answer: StepResult, *, reader: bool) -> Outcome | None:
    """Return the outcome of a failed edit, or None if the message no longer shows its content."""
    told = result(answer)
    if (
        isinstance(told, dict)
        or told is True
        or "message is not modified" in description(answer)
        or _is_gone(answer)
    ):
        return None
    return outcome_of_failure(answer, creates=False, reader=reader)


def _is_gone(answer: StepResult) -> bool:
    return "message to edit not found" in description(answer)


def edit_message(unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
    """Return the next request or the outcome. A message that already has the text counts as
    edited."""
    place = place_of(native_id)
    if place is None:
        return Rejected(Message("telegram.unknown_copy"), permanent=False)
    if not answers:
        unfit = content_checks.content_problem(unit)
        return (
            Rejected(unfit, permanent=False)
            if unfit is not None
            else Send(_build_edit_step(unit, place[0], place[1][0]))
        )
    told = result(answers[-1])
    if (
        isinstance(told, dict)
        or told is True
        or "message is not modified" in description(answers[-1])
    ):
        return Published(native_id)
    if "message to edit not found" in description(answers[-1]):
        return Rejected(Message(EDITED_POST_GONE), permanent=True)
    return outcome_of_failure(answers[-1], creates=False)


def _build_edit_step(unit: Unit, chat: int | str, number: int) -> WireStep:
    words = content_checks.words_of(unit)
    if not unit.media:
        return _build_step(EDIT_STEP, _text_call(words, chat, number))
    return _build_step(
        EDIT_STEP,
        lambda bot: bot.edit_message_caption(chat_id=chat, message_id=number, caption=words),
    )
