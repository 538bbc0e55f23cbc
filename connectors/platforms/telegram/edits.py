"""Edits of Telegram messages: replacement of content that can no longer be deleted, and edits of
texts and captions.

A bot can delete its messages for 48 hours and edit them without a limit. An album is replaced
message by message, each by a photo; its text is the caption of its first message. Source:
https://core.telegram.org/bots/api#deletemessage, #editmessagemedia, #editmessagetext,
#editmessagecaption
"""

from collections.abc import Sequence
from typing import Any

from connectors.contract.connector import (
    FileRef,
    PlatformCopy,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.edits import EDIT_STEP, EDITED_POST_GONE
from connectors.contract.outcomes import Outcome, Published, Rejected
from connectors.platforms.telegram import requests
from connectors.platforms.telegram.errors import description, outcome_of_failure, place_of, result
from foundation.i18n.translation import Message
from gate.contract.units import Unit

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
    at = {"chat_id": chat, "message_id": number}
    if not unit.media:
        fields: dict[str, Any] = {**at, "text": said, "link_preview_options": {"is_disabled": True}}
        return _build_step("editMessageText", fields, {})
    (medium,) = unit.media
    shown = {"type": "photo", "media": f"attach://{_PART}", "caption": said}
    file = FileRef(medium.sha256, medium.mime, f"0.{medium.mime.partition('/')[2]}")
    return _build_step("editMessageMedia", {**at, "media": shown}, {_PART: file})


def _build_step(method: str, fields: dict[str, Any], files: dict[str, FileRef]) -> WireStep:
    return WireStep(
        "replace",
        StepKind.MUTATE,
        "POST",
        f"/bot{{token}}/{method}",
        fields,
        files=files,
        token="path",
        deadline=EDIT_SECONDS,
    )


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
        unfit = requests.content_problem(unit)
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
    words = requests.words_of(unit)
    at = {"chat_id": chat, "message_id": number}
    said: dict[str, Any] = {"caption": words}
    if not unit.media:
        said = {"text": words, "link_preview_options": {"is_disabled": True}}
    method = "editMessageCaption" if unit.media else "editMessageText"
    path = f"/bot{{token}}/{method}"
    return WireStep(
        EDIT_STEP, StepKind.MUTATE, "POST", path, {**at, **said}, token="path", deadline=20.0
    )
