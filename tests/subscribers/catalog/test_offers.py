"""Offers: which packs a fan may be offered, in which order; and the payload of an invoice."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Rating
from subscribers.catalog import offers
from subscribers.catalog.offers import FanSalesContext, OfferCandidate
from subscribers.catalog.recommendations import Recommendation, RecommendationBasis
from subscribers.rails.contract import PayloadSigner
from subscribers.rails.price_text import format_price

ALL = frozenset({Rating.G, Rating.S, Rating.N, Rating.E})
FREE = FanSalesContext(
    may_be_sold_to=True,
    held=False,
    adult=False,
    owned=frozenset(),
    invoiced=frozenset(),
    declined=frozenset(),
    shown_today=0,
    since_last_offer=None,
    paid=(),
)


def pack(number: int, minor: int = 500, rating: Rating = Rating.G) -> OfferCandidate:
    return OfferCandidate(UUID(int=number), 1, f"Pack {number}", "", rating, Money(minor, "XTS"))


def ranked(
    *candidates: OfferCandidate,
    ratings: frozenset[Rating] = ALL,
    most: int = offers.MAX_OFFERS,
    **standing: object,
) -> list[int]:
    # the keywords are fields of FanSalesContext
    context = replace(FREE, **standing)  # type: ignore[arg-type]  # see above
    found = offers.rank_offers(candidates, context, ratings, most=most)
    return [one.pack_id.int for one in found]


def test_at_most_six_offers_are_listed_cheapest_first_for_new_buyers() -> None:
    assert ranked(*(pack(number, 1000 - number) for number in range(1, 10))) == [9, 8, 7, 6, 5, 4]


def test_offer_nearest_to_the_usual_price_comes_first() -> None:
    assert ranked(pack(1, 100), pack(2, 500), pack(3, 900), paid=(400, 600, 520))[0] == 2


def test_ties_are_broken_by_id() -> None:
    assert ranked(pack(3), pack(1), pack(2)) == [1, 2, 3]


packs_of = st.lists(st.integers(1, 9), unique=True)


@given(packs_of, packs_of, packs_of, st.booleans())
def test_recommendation_orders_the_eligible_packs_and_adds_none(
    known: list[int], best: list[int], owned: list[int], held: bool
) -> None:
    packs = [pack(number, 100 * number) for number in known]
    standing = {"owned": frozenset(UUID(int=one) for one in owned)}
    first = Recommendation(
        None, tuple(UUID(int=one) for one in best), RecommendationBasis.MOST_BOUGHT
    )
    usual = ranked(*packs, most=9, held=held, **standing)
    found = ranked(*packs, most=9, held=held, recommended=first, **standing)
    assert sorted(found) == sorted(usual)
    assert found == [one for one in best if one in usual] + [
        one for one in usual if one not in best
    ]


def test_recommended_packs_are_marked_with_the_basis() -> None:
    first = Recommendation(None, (UUID(int=2),), RecommendationBasis.SIMILAR_BUYERS)
    found = offers.rank_offers((pack(1), pack(2)), replace(FREE, recommended=first), ALL)
    assert [one.basis for one in found] == [RecommendationBasis.SIMILAR_BUYERS, None]


@pytest.mark.parametrize("column", ["owned", "invoiced", "declined"])
def test_owned_invoiced_or_declined_pack_is_not_offered(column: str) -> None:
    assert ranked(pack(1), pack(2), **{column: frozenset({UUID(int=1)})}) == [2]


@pytest.mark.parametrize(
    "standing",
    [
        {"may_be_sold_to": False},
        {"held": True},
        {"shown_today": 3},
        {"since_last_offer": 5},
        {"invoiced": frozenset({uuid7(), uuid7(), uuid7()})},
    ],
)
def test_ineligible_fan_gets_no_offers(standing: dict[str, object]) -> None:
    assert ranked(pack(1), **standing) == []


def test_adult_pack_needs_a_verified_adult_and_a_permitting_rail() -> None:
    adult = pack(1, rating=Rating.N)
    assert ranked(adult) == []
    assert ranked(adult, adult=True) == [1]
    assert ranked(adult, adult=True, ratings=frozenset({Rating.G, Rating.S})) == []
    assert ranked(pack(2, rating=Rating.X), adult=True) == []


@given(st.uuids(), st.uuids(), st.binary(min_size=16, max_size=32))
def test_payload_resolves_to_its_order_for_its_tenant_only(
    tenant: UUID, order: UUID, key: bytes
) -> None:
    payload = PayloadSigner(key).write(tenant, order)
    assert len(payload) <= 64
    assert PayloadSigner(key).read(tenant, payload) == order
    assert PayloadSigner(key).read(uuid7(), payload) is None
    assert PayloadSigner(key + b"!").read(tenant, payload) is None


@given(st.text(max_size=80))
def test_foreign_payload_resolves_to_nothing(text: str) -> None:
    assert PayloadSigner(b"k" * 32).read(UUID(int=7), text) is None


def test_altered_payload_resolves_to_nothing() -> None:
    tenant, payload = UUID(int=7), PayloadSigner(b"k" * 32).write(UUID(int=7), UUID(int=9))
    for place in range(len(payload)):
        for sign in "A1.-":
            changed = payload[:place] + sign + payload[place + 1 :]
            assert changed == payload or PayloadSigner(b"k" * 32).read(tenant, changed) is None


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(500, "XTS"), "500 (test)"),
        (Money(350, "XTR"), "350 ⭐"),
        (Money(499, "EUR"), "4.99 EUR"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(-150, "EUR"), "-1.50 EUR"),
        (Money(-30, "XTR"), "-30 ⭐"),
    ],
)
def test_prices_are_formatted_for_fans(money: Money, text: str) -> None:
    assert format_price(money) == text
