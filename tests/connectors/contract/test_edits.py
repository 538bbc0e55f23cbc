"""Edits of published texts: the requests of each platform and the meaning of the responses."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.contract.connector import Response, Send, StepAnswerLost, StepKind, StepResult
from connectors.contract.edits import EDIT_LOOKUP_ACTION, EDIT_STEP, EDITED_POST_GONE, SupportsEdits
from connectors.contract.outcomes import Published, Rejected, Retry
from connectors.platforms.discord.publisher import Discord
from connectors.platforms.facebook.publisher import Facebook
from connectors.platforms.mastodon.publisher import Mastodon
from connectors.platforms.reddit.publisher import Reddit
from connectors.platforms.telegram.publisher import Telegram
from connectors.transport.required_marks import marks_due
from foundation.ids import uuid7
from gate.contract.units import Medium, Subject, Text, Unit

PICTURE = Medium("a" * 64, "image/jpeg", 1000, alt="a lake")
POST = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("delivery", uuid7()),
    platform="telegram",
    surface="telegram.public_channel",
    channel_id=uuid7(),
    account="lea_bot",
    audience="public",
    texts=(Text("body", "new words"),),
    destination="-1001000000000",
    native_key="gr1",
)
SHOWN = replace(POST, media=(PICTURE,))
ON_DISCORD = {"account": "234567890123456789:345678901234567890:456789012345678901"}


def asked(
    connector: SupportsEdits, unit: Unit, native_id: str, *answers: StepResult
) -> tuple[StepKind, str, str, Any]:
    turn = connector.edit(unit, native_id, answers)
    assert isinstance(turn, Send), turn
    assert (turn.step.name == EDIT_STEP) is (turn.step.kind is StepKind.MUTATE)
    return turn.step.kind, turn.step.method, turn.step.path, turn.step.json


def code(connector: SupportsEdits, unit: Unit, native_id: str, *answers: StepResult) -> str:
    turn = connector.edit(unit, native_id, answers)
    assert isinstance(turn, Rejected), turn
    return turn.reason.code


def said(status: int, body: Any, step: str = EDIT_STEP) -> Response:
    return Response(step, status, {}, body)


def test_telegram_edits_the_text_or_the_first_caption() -> None:
    at = {"chat_id": -1001000000000, "message_id": 7}
    _, _, path, body = asked(Telegram(), POST, "-1001000000000/7")
    assert (path, body) == (
        "/bot{token}/editMessageText",
        {**at, "text": "new words", "link_preview_options": {"is_disabled": True}},
    )
    _, _, path, body = asked(Telegram(), SHOWN, "-1001000000000/7,8")
    assert (path, body) == ("/bot{token}/editMessageCaption", {**at, "caption": "new words"})
    long = replace(SHOWN, texts=(Text("body", "x" * 1025),))
    assert code(Telegram(), long, "-1001000000000/7") == "telegram.caption_too_long"


@pytest.mark.parametrize(
    "words", ["message is not modified: specified new message content is exactly the same"]
)
def test_telegram_unmodified_edit_counts_as_done(words: str) -> None:
    answer = said(400, {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"})
    assert Telegram().edit(POST, "-1001000000000/7", (answer,)) == Published("-1001000000000/7")
    gone = said(
        400,
        {"ok": False, "error_code": 400, "description": "Bad Request: message to edit not found"},
    )
    assert code(Telegram(), POST, "-1001000000000/7", gone) == EDITED_POST_GONE


def test_discord_edit_keeps_its_attachments() -> None:
    unit, path = replace(SHOWN, **ON_DISCORD), "/channels/234567890123456789/messages/11"
    assert asked(Discord(), unit, "11") == (StepKind.CONTROL, "GET", path, None)
    there = said(
        200, {"id": "11", "attachments": [{"id": "99", "filename": "a.jpg"}]}, EDIT_LOOKUP_ACTION
    )
    kind, method, _, body = asked(Discord(), unit, "11", there)
    assert (kind, method, body["attachments"]) == (StepKind.MUTATE, "PATCH", [{"id": "99"}])
    assert body["allowed_mentions"] == {"parse": []}
    assert (
        code(Discord(), unit, "11", said(200, {"id": "11", "attachments": []}, EDIT_LOOKUP_ACTION))
        == "edit.other_media"
    )
    assert (
        code(Discord(), unit, "11", said(404, {"code": 10008}, EDIT_LOOKUP_ACTION))
        == EDITED_POST_GONE
    )
    assert "attachments" not in asked(Discord(), replace(POST, **ON_DISCORD), "11")[3]


def test_mastodon_edit_keeps_media_and_marks() -> None:
    unit = replace(SHOWN, platform="mastodon", flags=("sensitive=true", "spoiler_text non-empty"))
    there = said(200, {"id": "5", "media_attachments": [{"id": "31"}]}, EDIT_LOOKUP_ACTION)
    kind, method, path, body = asked(Mastodon(), unit, "5", there)
    assert (kind, method, path) == (StepKind.MUTATE, "PUT", "/api/v1/statuses/5")
    assert (body["media_ids"], body["sensitive"], bool(body["spoiler_text"])) == (
        ["31"],
        True,
        True,
    )
    assert "visibility" not in body


def test_reddit_edit_keeps_title_and_rejects_media() -> None:
    unit = replace(
        POST,
        platform="reddit",
        account="lea@lakes",
        texts=(Text("title", "Lake"), Text("body", "new")),
    )
    post = {"name": "t3_1", "author": "lea", "title": "Lake", "is_self": True}
    listing = said(200, {"data": {"children": [{"data": post}]}}, "look")
    _, _, path, body = asked(Reddit(), unit, "t3_1", listing)
    assert (path, body) == (
        "/api/editusertext/?raw_json=1",
        {"thing_id": "t3_1", "text": "new", "validate_on_submit": True, "api_type": "json"},
    )
    other = said(200, {"data": {"children": [{"data": {**post, "title": "Sea"}}]}}, "look")
    assert code(Reddit(), unit, "t3_1", other) == "reddit.title_stays"
    assert code(Reddit(), replace(unit, media=(PICTURE,)), "t3_1") == "edit.not_there"
    assert (
        code(Reddit(), unit, "t3_1", said(200, {"data": {"children": []}}, "look"))
        == EDITED_POST_GONE
    )
    wrong = said(200, {"json": {"errors": [["TOO_LONG", "too long", "text"]]}})
    assert code(Reddit(), unit, "t3_1", listing, wrong) == "reddit.refused"


def test_facebook_edits_text_and_rejects_videos() -> None:
    unit = replace(POST, platform="facebook", account="1")
    assert asked(Facebook(), unit, "1_2") == (
        StepKind.MUTATE,
        "POST",
        "/1_2",
        {"message": "new words"},
    )
    assert Facebook().edit(unit, "1_2", (said(200, {"success": True}),)) == Published("1_2")
    film = Medium("b" * 64, "video/mp4", 1000)
    assert code(Facebook(), replace(unit, media=(film,)), "1_2") == "edit.not_there"


@pytest.mark.parametrize("connector", [Telegram(), Discord(), Mastodon(), Facebook()])
def test_lost_edit_response_is_retried_not_uncertain(connector: SupportsEdits) -> None:
    unit = replace(POST, **ON_DISCORD) if isinstance(connector, Discord) else POST
    assert isinstance(
        connector.edit(unit, "-1001000000000/7", (StepAnswerLost(EDIT_STEP, "timeout"),)), Retry
    )


def test_marks_that_persist_are_not_required_again() -> None:
    turn = Telegram().edit(SHOWN, "-1001000000000/7", ())
    assert isinstance(turn, Send)
    flags = ("has_spoiler=true", "protect_content=true")
    assert marks_due(turn.step, "telegram", flags) == ()
    assert marks_due(replace(turn.step, name="replace"), "telegram", flags) == flags
    assert marks_due(turn.step, "mastodon", ("sensitive=true",)) == ("sensitive=true",)
