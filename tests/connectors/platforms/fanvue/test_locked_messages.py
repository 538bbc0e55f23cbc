"""Priced messages on Fanvue: proof that one exists, proof of its purchase, and responses that prove
nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.contract.connector import (
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepAnswerLost,
    StepResult,
)
from connectors.contract.outcomes import Absent, Found, Rejected, Unknown
from connectors.contract.paid_media import BOUGHT_STAYS, PaidMessageStatus
from connectors.platforms.fanvue.publisher import Fanvue
from foundation.i18n.translation import Message
from foundation.money import Money
from gate.contract.units import Medium
from tests.connectors.platforms.fanvue.test_messages import look
from tests.connectors.platforms.fanvue.test_updates import LEO, ME, NOW, number, written

PLATFORM = Fanvue()
PICTURES = (Medium("a" * 64, "image/png", 100), Medium("b" * 64, "image/png", 100))
FILES = [number(71), number(72)]
OPENED = tuple(
    Response(f"stage:open:{medium.sha256[:24]}", 200, {}, {"mediaUuid": each, "uploadId": "u"})
    for medium, each in zip(PICTURES, FILES, strict=True)
)
PRICE = Money(500, "USD")
SOUGHT = LookupQuery(
    "key-1", "hello", NOW, ME, LEO, asked_at=NOW, media=PICTURES, told=OPENED, price=PRICE
)
COPY = PlatformCopy(number(1), ME, LEO)


def ours(**more: Any) -> dict[str, Any]:
    """Return the message sought, as a chat lists it."""
    told = {
        "by": ME,
        "mediaUuids": FILES[::-1],
        "hasMedia": True,
        "pricing": {"USD": {"price": 500}},
    }
    return written(1, "hello", **told, **more)


def test_lost_message_is_found_by_files_and_price() -> None:
    assert PLATFORM.look_up(SOUGHT, (look(ours()),)) == Found(number(1), "", NOW)
    assert PLATFORM.look_up(SOUGHT, (look(ours(at=NOW - timedelta(minutes=3))),)) == Absent()
    known = replace(SOUGHT, known=frozenset({number(1)}))
    assert PLATFORM.look_up(known, (look(ours()),)) == Absent()


@pytest.mark.parametrize(
    "other",
    [
        {"mediaUuids": FILES[:1]},
        {"mediaUuids": [*FILES, number(73)]},
        {"mediaUuids": "odd"},
        {"mediaUuids": [{}, None]},
        {"pricing": None},
        {"pricing": {"USD": {"price": 501}}},
        {"pricing": {"USD": {"price": 1e999}}},
        {"pricing": {"USD": "odd"}},
    ],
)
def test_same_text_with_other_files_or_price_is_unknown(
    other: dict[str, Any],
) -> None:
    seen = PLATFORM.look_up(SOUGHT, (look(ours() | other),))
    assert isinstance(seen, Unknown), "neither found nor absent"


def test_unknown_files_are_no_proof() -> None:
    assert isinstance(PLATFORM.look_up(replace(SOUGHT, told=()), (look(ours()),)), Unknown)


def test_paid_status_has_its_time() -> None:
    assert PLATFORM.read_paid_status(
        COPY, NOW, (look(ours(purchasedAt=None)),)
    ) == PaidMessageStatus("unpaid")
    bought = ours(purchasedAt="2026-11-22T12:30:00.000Z")
    seen = PLATFORM.read_paid_status(COPY, NOW, (look(bought),))
    assert isinstance(seen, PaidMessageStatus)
    assert (seen.state, str(seen.at)) == ("paid", "2026-11-22 12:30:00+00:00")
    odd = PLATFORM.read_paid_status(COPY, NOW, (look(ours(purchasedAt={"at": "soon"})),))
    assert odd == PaidMessageStatus("paid"), "paid, at an unknown time"
    theirs = written(1, "hello", purchasedAt="2026-11-22T12:30:00.000Z")
    assert PLATFORM.read_paid_status(COPY, NOW, (look(theirs),)) == PaidMessageStatus("gone"), (
        "a fan's message of that number is not ours"
    )


@pytest.mark.parametrize(
    "answer",
    [
        StepAnswerLost("look", "ReadTimeout"),
        Response("look", 503),
        Response("look", 200, {}, {"data": [{}]}),
    ],
)
def test_unreadable_response_gives_no_paid_status(answer: StepResult) -> None:
    assert PLATFORM.read_paid_status(COPY, NOW, (answer,)) is None


def test_paid_status_lookup_is_bounded_by_time_and_pages() -> None:
    answers: tuple[StepResult, ...] = ()
    while isinstance(
        turn := PLATFORM.read_paid_status(COPY, NOW - timedelta(days=3), answers), Send
    ):
        assert (turn.step.method, turn.step.action) == ("GET", "look")
        assert "markAsRead=false" in turn.step.path
        answers = (*answers, look(written(2, "other"), more=True))
    assert turn is None
    assert len(answers) == 12
    older = look(written(2, "other", at=NOW - timedelta(hours=1)), more=True)
    assert PLATFORM.read_paid_status(COPY, NOW, (older,)) == PaidMessageStatus("gone")


def test_purchased_message_cannot_be_removed() -> None:
    refused = Response("delete", 400, {}, {"message": "Purchased messages cannot be deleted"})
    assert PLATFORM.remove(COPY, (refused,)) == Rejected(Message(BOUGHT_STAYS), permanent=False)
