"""Messages to a fan on Fanvue: requests, meaning of responses, and proof of existence or removal."""

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
)
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    Outcome,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
    Unknown,
)
from connectors.platforms.fanvue.account import CHAT_SURFACE
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.shared.http_responses import READER_GONE
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Button, Invoice, Medium, Subject, Text, Unit
from tests.connectors.platforms.fanvue.test_updates import LEO, ME, NOW, number, written

PLATFORM = Fanvue()
PICTURE = Medium("a" * 64, "image/png", 100)
UNIT = Unit(
    tenant_id=uuid7(),
    creator_id=uuid7(),
    subject=Subject("draft", uuid7()),
    platform="fanvue",
    surface=CHAT_SURFACE,
    channel_id=uuid7(),
    account=ME,
    audience="viewer",
    texts=(Text("body", "hello"),),
    viewer=LEO,
    native_key="key-1",
)


def test_text_message_is_one_request() -> None:
    turn = PLATFORM.next_step(UNIT, ())
    assert isinstance(turn, Send)
    step = turn.step
    assert (step.method, step.path, step.json) == (
        "POST",
        f"/chats/{LEO}/message",
        {"text": "hello"},
    )
    assert step.kind is StepKind.PUBLISH


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"media": (Medium("a" * 64, "application/pdf", 100),)}, "connectors.medium_unfit"),
        ({"media": (PICTURE,), "price": Money(299, "USD")}, "price.out_of_range"),
        ({"media": (PICTURE,), "price": Money(500, "EUR")}, "price.out_of_range"),
        ({"price": Money(500, "USD")}, "price.no_media"),
        ({"media": (PICTURE,) * 11, "price": Money(500, "USD")}, "connectors.too_many_media"),
        ({"invoice": Invoice("Pack", "Five", 300, "USD", "o1")}, "fanvue.no_sales"),
        ({"buttons": (Button("Buy", "buy", "o1"),)}, "fanvue.no_sales"),
        ({"flags": ("audience=subscribers",)}, "connectors.mark_untold"),
        ({"texts": (Text("body", " "),)}, "fanvue.empty"),
        ({"texts": (Text("body", "x" * 5001),)}, "connectors.text_too_long"),
    ],
)
def test_invalid_message_is_rejected_without_request(more: dict[str, Any], code: str) -> None:
    outcome = PLATFORM.next_step(replace(UNIT, **more), ())
    assert isinstance(outcome, Rejected)
    assert outcome.reason.code == code


def said(status: int, body: Any = None) -> Response:
    return Response("publish", status, {}, body)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(201, {"messageUuid": number(1)}), Published),
        (said(201, {"messageUuid": "../x"}), Uncertain),
        (said(201), Uncertain),
        (StepAnswerLost("publish", "ReadTimeout"), Uncertain),
        (StepNotSent("publish", "ConnectError"), Retry),
        (said(503), Uncertain),
        (said(400, {"errors": ["text: too long"]}), Rejected),
        (said(401, {"error": "Unauthorized"}), Reauthorize),
        (said(403, {"error": "Insufficient scope: write:chat is required"}), Reauthorize),
        (said(403, {"error": "Account suspended"}), Disconnected),
        (said(410, {"error": "gone"}), Retry),
        (said(429, {}), Retry),
    ],
)
def test_message_response_maps_to_outcome(answer: StepResult, meant: type[Outcome]) -> None:
    assert isinstance(PLATFORM.next_step(UNIT, (answer,)), meant)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_uncontactable_fan_ends_only_this_message(status: int) -> None:
    gone = Rejected(Message(READER_GONE), permanent=True)
    assert PLATFORM.next_step(UNIT, (said(status, {"message": "User is not contactable"}),)) == gone


SOUGHT = LookupQuery("key-1", "hello", NOW, ME, LEO, asked_at=NOW)


def look(*messages: dict[str, Any], more: bool = False) -> Response:
    body = {
        "data": list(messages),
        "pagination": {"page": 1, "size": len(messages), "hasMore": more},
    }
    return Response("look", 200, {"date": format_datetime(NOW, usegmt=True)}, body)


def test_lost_message_is_found_by_text_sender_and_time() -> None:
    ours = written(1, " hello ", by=ME)
    assert PLATFORM.look_up(SOUGHT, (look(written(2, "hello"), ours),)) == Found(number(1), "", NOW)
    for other in (
        written(1, "hello"),
        written(1, "hello", by=ME, at=NOW - timedelta(minutes=3)),
        written(1, "hello", by=ME, type="BROADCAST"),
        written(1, "hello there", by=ME),
    ):
        assert PLATFORM.look_up(SOUGHT, (look(other),)) == Absent()
    known = replace(SOUGHT, known=frozenset({number(1)}))
    assert PLATFORM.look_up(known, (look(ours),)) == Absent()
    undated = written(1, "hello", by=ME, sentAt="2026-11-22")
    assert isinstance(PLATFORM.look_up(SOUGHT, (look(undated),)), Unknown), (
        "a date without a time proves nothing"
    )


def test_lookup_reads_pages_up_to_a_limit() -> None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(turn := PLATFORM.look_up(SOUGHT, answers), Send):
        assert turn.step.action == "look"
        assert (
            turn.step.path
            == f"/chats/{LEO}/messages?page={len(answers) + 1}&size=50&markAsRead=false"
        )
        answers = (*answers, look(written(1, "other"), more=True))
    assert isinstance(turn, Unknown)
    for bad in (
        said(503),
        said(404, {"message": "No conversation found"}),
        said(200, {"data": [{}]}),
    ):
        assert isinstance(PLATFORM.look_up(SOUGHT, (bad,)), Unknown)
    old = written(1, "other", at=NOW - timedelta(hours=1))
    assert PLATFORM.look_up(SOUGHT, (look(old, more=True),)) == Absent()


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (said(204), Published),
        (said(404, {"message": "Message not found"}), Published),
        (said(404), Rejected),
        (said(400, {"message": "Purchased messages cannot be deleted"}), Rejected),
        (said(403, {"error": "Only the sender can delete a message"}), Rejected),
        (said(503), Retry),
    ],
)
def test_removal_needs_proof_from_fanvue(answer: StepResult, meant: type[Outcome]) -> None:
    copy = PlatformCopy(number(1), ME, LEO)
    turn = PLATFORM.remove(copy, ())
    assert isinstance(turn, Send)
    assert (turn.step.method, turn.step.path) == ("DELETE", f"/chats/{LEO}/messages/{number(1)}")
    assert isinstance(PLATFORM.remove(copy, (answer,)), meant)
    assert PLATFORM.read_metrics(copy, ()) is None
