"""Prices in the gate: part of the judged unit, never less strict, and a sale that needs its
consent."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.attempts import serialization
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message, render_message
from foundation.money import Money
from gate.contract import facts
from gate.contract.facts import StopFacts
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Text, Verdict
from gate.decision.case import Case
from gate.permits import issuance
from gate.text import service_texts
from tests.gate.builders import KEY, Step, picture, world
from tests.gate.builders import unit as written
from tests.gate.decision.test_decide import BUNDLE, GRANTS, REAL, known, said, snapshot, unit

STARS = Money(50, "XTR")
TODAY = date(2026, 11, 22)
RATED = (Rating.G, Rating.S, Rating.N, Rating.E)
POSTS = sorted(name for name, row in BUNDLE.rows.items() if row.place in ("post", "text"))


def allows(name: str, rating: Rating, *, price: Money | None, on: date = TODAY) -> Verdict:
    """Return the verdict of a destination for a rating, as a decision reads it."""
    platform = name.partition(".")[0]
    asked = unit(platform=platform, surface=name, price=price)
    return Case(
        snapshot(), asked, BUNDLE, datetime(on.year, on.month, on.day, tzinfo=UTC)
    ).row.verdict(rating)


@pytest.mark.parametrize(
    ("place", "free", "paid"),
    [
        ("telegram.public_channel", "AABB", "AABB"),
        ("telegram.private_channel", "AAFF", "AAHH"),
        ("fanvue.post", "AAFF", "AAFF"),
    ],
)
def test_paid_media_are_also_judged_by_their_own_row(place: str, free: str, paid: str) -> None:
    assert "".join(allows(place, rating, price=None) for rating in RATED) == free
    assert "".join(allows(place, rating, price=STARS) for rating in RATED) == paid


@given(st.sampled_from(POSTS), st.sampled_from(RATED), st.integers(0, 400))
def test_price_never_loosens_verdict(place: str, rating: Rating, days: int) -> None:
    on = date.fromordinal(TODAY.toordinal() + days)
    assert (
        allows(place, rating, price=STARS, on=on).rank
        >= allows(place, rating, price=None, on=on).rank
    )


def test_paid_media_row_expires_with_the_others() -> None:
    late = date(2027, 6, 1)
    assert "telegram.paid_media" in BUNDLE.overdue_rows(
        "telegram", "telegram.public_channel", on=late
    )
    assert "telegram.paid_media" not in BUNDLE.overdue_rows("telegram", "telegram.bot_dm", on=late)
    unknown = BUNDLE.row("telegram", "nook", on=TODAY)
    assert BUNDLE.paid_verdicts(unknown, "telegram", on=TODAY) == unknown


def test_sale_by_price_requires_additional_consent() -> None:
    person = replace(REAL, grants=GRANTS[:2])
    given_ = snapshot(known(person=person), persons=(person,))
    assert said(given_)[0] == "F"
    assert said(given_, unit(price=STARS))[0] == "B"


@pytest.mark.parametrize("feature", ["offers", "payments"])
def test_stop_of_sales_stops_priced_posts(feature: str) -> None:
    stopped = snapshot(known(), stops=(StopFacts("chat", feature),))
    assert said(stopped)[0] == "F"
    assert said(stopped, unit(price=STARS)) == ("B", {Reason.KILL_SWITCH})


def test_another_price_is_another_unit() -> None:
    digests = {
        unit(price=price).digest() for price in (None, STARS, Money(51, "XTR"), Money(50, "USD"))
    }
    assert len(digests) == 4
    assert unit().approved_content() == unit(price=None).approved_content()
    assert unit().approved_content() != unit(price=STARS).approved_content()


@pytest.mark.parametrize("price", [None, STARS])
def test_stored_unit_round_trips_with_price(price: Money | None) -> None:
    whole = unit(price=price)
    stored: Any = json.loads(json.dumps(serialization.unit_to_json(whole)))
    assert serialization.unit_from_json(stored) == whole
    assert serialization.unit_from_json(stored).digest() == whole.digest()
    before = {name: value for name, value in stored.items() if name != "price"}
    assert serialization.unit_from_json(before).price is None, (
        "units stored before the price field was added"
    )
    again = facts.parse_unit(canonical_json(whole).decode())
    assert (again.price, again.digest()) == (price, whole.digest())


def test_service_text_cannot_have_price() -> None:
    said = render_message(Message("service.notice.virtual", {"name": "Nova"}), "fr")
    asked = unit(texts=(Text("body", said),), media=(), flags=(), service="service.notice.virtual")
    assert service_texts.is_pure_service_unit(asked)
    assert not service_texts.is_pure_service_unit(replace(asked, price=STARS))


def test_permit_contains_price(tenant: OpenScope, tenant_id: UUID) -> None:
    here = world(tenant, tenant_id)
    with here.scope() as scope:
        medium, author = picture(scope, here), f"member:{here.ann}"
        sold = issuance.mint_permit(
            scope, written(here, media=(medium,), price=STARS), Step(), key=KEY, author=author
        )
        free = issuance.mint_permit(
            scope, written(here, media=(medium,)), Step(body="b"), key=KEY, author=author
        )
    assert (sold.price, free.price) == (STARS, None)
    assert sold.is_signed_by(KEY.public_key())
    assert not replace(sold, price=None).is_signed_by(KEY.public_key())
