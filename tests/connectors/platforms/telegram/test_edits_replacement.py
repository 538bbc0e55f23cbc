"""Replacement of messages that a bot may no longer delete: requests and meaning of responses."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import (
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
)
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message, render_message
from gate.contract import replacement_picture
from gate.contract.units import Subject, Text, Unit
from tests.connectors.platforms.telegram.test_publisher import (
    DM,
    POST,
    TELEGRAM,
    good,
    message,
    said,
)

SAYS = render_message(Message("service.safety.removed.picture"), "fr")
TILE = replace(
    POST,
    subject=Subject(replacement_picture.REPLACEMENT_STEP, POST.tenant_id),
    texts=(Text("body", SAYS),),
    media=(replacement_picture.replacement_medium(),),
)
WORDS = replace(TILE, media=())
ONE, ALBUM = (
    PlatformCopy("-1001000000000/7", "lea_bot"),
    PlatformCopy("-1001000000000/7,8", "lea_bot"),
)
CHAT = PlatformCopy("5001/3", "lea_bot", "5001")
NOT_MODIFIED = said(
    400, "Bad Request: message is not modified: specified new message content is exactly the same"
)
NOT_FOUND = said(400, "Bad Request: message to edit not found")
TOO_OLD = said(400, "Bad Request: message can't be edited")
EDITED = good(message(7, edit_date=1_790_000_001), "replace")


def asked(copy: PlatformCopy, unit: Unit, *answers: StepResult) -> tuple[str, Any, dict[str, str]]:
    turn = TELEGRAM.replace(copy, unit, answers)
    assert isinstance(turn, Send), turn
    assert (turn.step.kind, turn.step.token) == (StepKind.MUTATE, "path")
    files = {name: file.sha256 for name, file in turn.step.files.items()}
    return turn.step.path.removeprefix("/bot{token}/"), turn.step.json, files


def end(copy: PlatformCopy, *answers: StepResult) -> Outcome:
    turn = TELEGRAM.replace(copy, TILE, answers)
    assert not isinstance(turn, Send), turn
    return turn


def test_picture_is_replaced_by_a_picture_and_text_by_text() -> None:
    at = {"chat_id": -1001000000000, "message_id": 7}
    shown = {"type": "photo", "media": "attach://m0", "caption": SAYS}
    sha256 = replacement_picture.replacement_medium().sha256
    assert asked(ONE, TILE) == ("editMessageMedia", {**at, "media": shown}, {"m0": sha256})
    preview = {"link_preview_options": {"is_disabled": True}}
    assert asked(ONE, WORDS) == ("editMessageText", {**at, "text": SAYS, **preview}, {})


def test_every_message_of_an_album_is_edited() -> None:
    _, second, _ = asked(ALBUM, TILE, EDITED)
    assert second["message_id"] == 8
    assert end(ALBUM, EDITED, EDITED) == Published(ALBUM.native_id)


@pytest.mark.parametrize(
    "answers", [(NOT_MODIFIED, EDITED), (NOT_MODIFIED, NOT_MODIFIED), (NOT_FOUND, EDITED)]
)
def test_replaced_or_missing_message_counts_as_done(answers: tuple[StepResult, ...]) -> None:
    assert end(ALBUM, *answers) == Published(ALBUM.native_id)


def test_copy_without_any_message_was_not_replaced() -> None:
    outcome = end(ALBUM, NOT_FOUND, NOT_FOUND)
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == "telegram.nothing_to_replace"


def test_one_refusal_does_not_stop_other_replacements() -> None:
    _, second, _ = asked(ALBUM, TILE, TOO_OLD)
    assert second["message_id"] == 8
    assert isinstance(end(ALBUM, TOO_OLD, EDITED), Rejected)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (said(429, retry_after=7), Retry),
        (said(500, "Internal Server Error"), Retry),
        (Response("replace", 200, {}, None), Retry),
        (StepNotSent("replace", "ConnectError"), Retry),
        (StepAnswerLost("replace", "ReadTimeout"), Retry),
        (said(401, "Unauthorized"), Reauthorize),
        (said(403, "Forbidden: bot was kicked from the channel chat"), Disconnected),
        (TOO_OLD, Rejected),
    ],
)
def test_lost_edit_is_never_uncertain(answer: StepResult, outcome: type[Outcome]) -> None:
    """A repeated edit changes nothing, so an unclear edit is retried."""
    assert isinstance(end(ONE, answer), outcome)
    assert isinstance(end(ALBUM, EDITED, answer), outcome)


def test_blocking_fan_does_not_disconnect_the_account() -> None:
    blocked = said(403, "Forbidden: bot was blocked by the user")
    for outcome in (
        TELEGRAM.replace(CHAT, replace(DM, media=TILE.media), (blocked,)),
        TELEGRAM.remove(CHAT, (blocked,)),
    ):
        assert isinstance(outcome, Rejected)
        assert outcome.reason.code == READER_GONE


def test_invalid_native_id_is_rejected() -> None:
    assert isinstance(TELEGRAM.replace(PlatformCopy("somewhere", "lea_bot"), TILE, ()), Rejected)
