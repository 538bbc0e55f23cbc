"""Paid posts: supported prices, required request fields, and what responses prove about them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.connector import LookupQuery, Send, StepKind, WireStep
from connectors.contract.outcomes import (
    Absent,
    Disconnected,
    Found,
    LookupResult,
    Rejected,
    Unknown,
)
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.telegram.errors import publish_outcome
from connectors.platforms.telegram.publisher import Telegram
from connectors.registry import loader
from connectors.shared import prices
from connectors.transport.transport import EgressForbidden
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import COMMENT_REFERENCE, Button, Reference, Subject, Unit
from tests.connectors.conftest import RecordingServer, TransportSetup, permit
from tests.connectors.platforms.fanvue.test_publisher import (
    DATE,
    FIRST,
    NOW,
    PICTURES,
    PLATFORM,
    SECOND,
    answer_to,
    said,
    story,
)
from tests.connectors.platforms.fanvue.test_publisher import POST as STANDS
from tests.connectors.platforms.fanvue.test_publisher import UNIT as ON_FANVUE
from tests.connectors.platforms.telegram.test_publisher import (
    PHOTO,
    VIDEO,
    good,
    message,
    sent,
    why,
)
from tests.connectors.platforms.telegram.test_publisher import POST as ON_TELEGRAM
from tests.connectors.platforms.telegram.test_publisher import said as refused

STARS, CENTS = Money(50, "XTR"), Money(1200, "USD")
PAID = replace(ON_TELEGRAM, media=(PHOTO, VIDEO), price=STARS)
LOCKED = replace(ON_FANVUE, media=PICTURES, price=CENTS)
CURRENCIES = st.sampled_from(("USD", "XTR", "EUR", "XTS"))
PRICES = st.builds(Money, st.integers(-5, 200_000), CURRENCIES)


def test_telegram_price_covers_all_media_of_a_message() -> None:
    method, fields, files = sent(PAID)
    assert method == "sendPaidMedia"
    assert fields == {
        "chat_id": -1001000000000,
        "star_count": 50,
        "media": [
            {"type": "photo", "media": "attach://m0"},
            {"type": "video", "media": "attach://m1", "supports_streaming": True},
        ],
        "payload": f"delivery:{PAID.subject.id}",
        "caption": "Bonjour",
    }
    assert files == {"m0": "a" * 64, "m1": "b" * 64}
    assert sent(replace(PAID, media=(PHOTO,)))[0] == "sendPaidMedia"
    assert sent(replace(PAID, texts=(), flags=("protect_content=true",)))[1].keys() >= {
        "protect_content",
        "payload",
    }


@given(st.uuids(), st.sampled_from(("delivery", "fulfilment", "draft", "export")))
def test_telegram_payload_is_short_and_names_the_subject(number: Any, kind: str) -> None:
    payload = sent(replace(PAID, subject=Subject(kind, number)))[1]["payload"]
    assert len(payload.encode()) <= 128
    assert payload == f"{kind}:{number}"


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (replace(PAID, price=Money(0, "XTR")), "price.out_of_range_stars"),
        (replace(PAID, price=Money(25_001, "XTR")), "price.out_of_range_stars"),
        (replace(PAID, price=Money(50, "USD")), "price.out_of_range_stars"),
        (replace(PAID, media=()), "price.no_media"),
        (replace(PAID, parts=2), "price.one_part"),
        (replace(PAID, surface="telegram.profile"), "price.not_here"),
        (replace(PAID, references=(Reference("reuse", "-100/1"),)), "price.not_here"),
        (replace(PAID, buttons=(Button("Acheter", "buy", "1"),)), "telegram.buttons_unfit"),
        (replace(PAID, flags=("has_spoiler=true",)), "connectors.mark_untold"),
        (replace(PAID, media=(PHOTO,) * 11), "connectors.too_many_media"),
        (replace(PAID, media=(replace(PHOTO, size=11 * 2**20),)), "connectors.medium_unfit"),
    ],
)
def test_unit_that_telegram_cannot_sell_is_rejected(unit: Unit, code: str) -> None:
    assert why(unit) == code


def test_channel_without_paid_media_stays_connected() -> None:
    told = "Bad Request: not enough rights to send paid media to the chat"
    answer = refused(400, told)
    assert publish_outcome(answer, reader=False) == Rejected(
        prices.Message("telegram.no_paid_media"), permanent=False
    )
    assert isinstance(
        publish_outcome(refused(400, "Bad Request: not enough rights"), reader=False), Disconnected
    )
    stands = publish_outcome(
        good(message(7, paid_media={"star_count": 50, "paid_media": []})), reader=False
    )
    assert getattr(stands, "native_id", "") == "-1001000000000/7"


def test_fanvue_price_is_sent_with_its_files() -> None:
    steps, _ = story(LOCKED)
    assert steps[-1].json == {
        "audience": "followers-and-subscribers",
        "text": "hello",
        "mediaUuids": [FIRST, SECOND],
        "price": 1200,
    }
    for wrong in (
        replace(LOCKED, price=Money(299, "USD")),
        replace(LOCKED, media=()),
        replace(LOCKED, price=STARS),
    ):
        assert isinstance(PLATFORM.next_step(wrong, ()), Rejected)


def uploads() -> tuple[Any, ...]:
    """Return the responses to the uploads of both pictures."""
    steps, _ = story(LOCKED)
    staged = [step.name for step in steps[:-1]]
    return tuple(answer_to(name, 2 if name.endswith("b" * 24) else 1) for name in staged)


def look(
    *posts: dict[str, Any], price: Money | None = CENTS, text: str = "hello", told: Any = None
) -> LookupResult:
    sought = LookupQuery(
        "key-1", text, NOW, LOCKED.account, asked_at=NOW, media=PICTURES, told=uploads() if told is None else told,
        price=price,
    )  # fmt: skip
    page = said(
        "look",
        200,
        {"data": list(posts), "pagination": {"page": 1, "size": 50, "hasMore": False}},
        **DATE,
    )
    turn = PLATFORM.look_up(sought, ())
    # the page is the last one, so no further request follows
    return PLATFORM.look_up(sought, (page,)) if isinstance(turn, Send) else turn  # type: ignore[return-value]  # see above


def listed(**changes: Any) -> dict[str, Any]:
    at = (NOW + timedelta(seconds=1)).isoformat()
    whole = {
        "uuid": STANDS,
        "createdAt": at,
        "text": "hello",
        "price": 1200,
        "mediaUuids": [SECOND, FIRST],
    }
    return {**whole, "isPinned": False, **changes}


def test_lost_paid_post_is_found_by_files_and_price() -> None:
    assert isinstance(look(listed()), Found)
    assert isinstance(look(listed(text=None), text=""), Found), "its own files are sufficient proof"
    assert isinstance(look(listed(mediaUuids=[FIRST])), Absent)
    assert isinstance(look(listed(text="else")), Found), (
        "its owner may edit the text; the files are unique to it"
    )
    assert look(listed(price=None)) == Unknown(prices.Message("fanvue.other_price"))
    assert isinstance(look(listed(), told=()), Unknown), "without known files absence is not proven"
    assert isinstance(look(listed(price=None, mediaUuids=[]), price=None), Found)
    assert isinstance(look(listed(), price=None), Unknown), "a free post does not match a paid one"


@given(
    PRICES, st.sampled_from(sorted(loader.load_connectors())), st.integers(0, 3), st.integers(1, 3)
)
def test_price_problem_matches_declared_price_range(
    price: Money, platform: str, media: int, parts: int
) -> None:
    can = loader.load_connectors()[platform].capabilities
    for surface in can.surfaces:
        asking = can.price_range(surface)
        fits = (
            asking is not None
            and asking.currency == price.currency
            and asking.least <= price.minor <= asking.most
        )
        wrong = prices.price_problem(price, f"{platform}.{surface}", can, media=media, parts=parts)
        assert (wrong is None) == (fits and media > 0 and parts == 1)


@given(
    st.none() | PRICES,
    st.none() | st.integers(-5, 200_000) | st.booleans(),
    st.sampled_from(("fanvue", "telegram")),
)
def test_request_price_must_match_the_permit(
    price: Money | None, asked: Any, platform: str
) -> None:
    field = {"fanvue": "price", "telegram": "star_count"}[platform]
    step = WireStep(
        "publish", StepKind.PUBLISH, "POST", "/", {} if asked is None else {field: asked}
    )
    same = asked is None if price is None else type(asked) is int and asked == price.minor
    assert prices.is_mispriced(step, platform, price) is not same
    assert prices.is_mispriced(step, "sandbox", price) is (price is not None)


def test_every_selling_platform_has_a_price_field() -> None:
    """A platform that declares paid posts without a price field in its requests could sell none."""
    assert {
        name for name, one in loader.load_connectors().items() if one.capabilities.sells
    } == prices._FIELDS.keys()


CREATE = WireStep("publish", StepKind.PUBLISH, "POST", "/posts", {"text": "hello"})


@pytest.mark.parametrize(
    ("name", "body", "price"),
    [
        ("fanvue", {"text": "hello"}, CENTS),
        ("fanvue", {"text": "hello", "price": 300}, CENTS),
        ("fanvue", {"text": "hello", "price": 1200}, None),
        ("telegram", {"text": "hello", "star_count": True}, Money(1, "XTR")),
        ("sandbox", {"text": "hello", "price": 1200}, CENTS),
    ],
)
def test_request_with_another_price_is_refused(
    door: TransportSetup,
    platform: RecordingServer,
    name: str,
    body: dict[str, Any],
    price: Money | None,
) -> None:
    step, account = replace(CREATE, json=body), replace(door.account, platform=name)
    with pytest.raises(EgressForbidden, match="other_price"):
        door.transport.send(step, permit(step, price=price), account=account)
    assert platform.got == []


def test_forged_permit_price_is_refused(door: TransportSetup, platform: RecordingServer) -> None:
    step, account = replace(CREATE, json={"price": 1200}), replace(door.account, platform="fanvue")
    forged = replace(permit(step, price=Money(300, "USD")), price=CENTS)
    with pytest.raises(EgressForbidden, match="forged"):
        door.transport.send(step, forged, account=account)
    door.transport.send(step, permit(step, price=CENTS), account=account)
    assert len(platform.got) == 1


@given(PRICES.filter(lambda price: price.currency != "USD" or not 300 <= price.minor <= 100_000))
def test_unsellable_unit_never_reaches_the_connector(price: Money) -> None:
    """This holds for any connector: `Careless` sends everything without a price."""

    class Careless(Fanvue):
        def next_step(self, unit: Unit, answers: Any) -> Send:
            return Send(CREATE)

    for unit in (
        replace(ON_FANVUE, price=price),
        replace(ON_FANVUE, surface="fanvue.message", price=price),
    ):
        assert isinstance(prices.next_step_priced(Careless(), unit, ()), Rejected)
    remark = Reference(COMMENT_REFERENCE, "1")
    assert isinstance(
        prices.next_step_priced(Telegram(), replace(PAID, references=(remark,)), ()), Rejected
    )
    assert prices.next_step_priced(Careless(), replace(ON_FANVUE, channel_id=uuid7()), ()) == Send(
        CREATE
    )
