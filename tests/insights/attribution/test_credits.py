"""Credits of acquisition links: sums, order, refunds, renewals and windows, and a known truth."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from insights.attribution import credits
from insights.attribution.credits import AttributionModel, credit_movements, divide_equally
from subscribers.acquisition.fan_movements import FanMovement
from subscribers.acquisition.touches import Touch

START = datetime(2026, 3, 28, tzinfo=UTC)
MODELS = tuple(AttributionModel)
CREATOR = UUID(int=99)


def _id(number: int) -> UUID:
    return UUID(int=number)


def _at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def touch(fan: int, link: int, hours: int) -> Touch:
    return Touch(_id(fan), _id(link), _at(hours))


def sale(
    key: str, fan: int, hours: int, minor: int, *, currency: str = "EUR", months_of: int = 0
) -> FanMovement:
    subscription = _id(months_of) if months_of else None
    return FanMovement(key, _id(fan), CREATOR, _at(hours), currency, minor, True, subscription)


def refund(of: FanMovement, hours: int, minor: int) -> FanMovement:
    return replace(of, at=_at(hours), net_minor=-minor, is_sale=False)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Touch], list[FanMovement]]:
    """Return touches and movements of a few fans: sales with partial refunds, fees and renewals."""
    touches = draw(
        st.lists(
            st.builds(touch, st.integers(1, 3), st.integers(1, 4), st.integers(0, 200)),
            max_size=12,
        )
    )
    moved = []
    for number in range(draw(st.integers(0, 8))):
        fan = draw(st.integers(1, 3))
        hours = draw(st.integers(0, 200))
        paid = sale(
            f"s{number}",
            fan,
            hours,
            draw(st.integers(1, 1000)),
            currency=draw(st.sampled_from(["EUR", "XTR"])),
            months_of=draw(st.sampled_from([0, 0, fan])),
        )
        moved.append(paid)
        for _ in range(draw(st.integers(0, 2))):
            moved.append(refund(paid, hours + draw(st.integers(0, 90)), draw(st.integers(1, 500))))
    return touches, moved


def _sums(found: Sequence[credits.Credit]) -> dict[tuple[UUID, str], int]:
    sums: defaultdict[tuple[UUID, str], int] = defaultdict(int)
    for one in found:
        sums[one.link_id, one.currency] += one.minor
    return {key: minor for key, minor in sums.items() if minor}


@given(histories(), st.sampled_from(MODELS))
def test_credits_of_each_movement_sum_to_it_or_to_nothing(
    history: tuple[list[Touch], list[FanMovement]], model: AttributionModel
) -> None:
    touches, moved = history
    first_paid: dict[UUID, datetime] = {}
    for one in moved:
        if one.subscription and one.is_sale:
            first_paid[one.subscription] = min(one.at, first_paid.get(one.subscription, one.at))
    paid = {
        one.sale: first_paid.get(one.subscription or _id(0), one.at) for one in moved if one.is_sale
    }
    expected: defaultdict[tuple[datetime, str], int] = defaultdict(int)
    for one in moved:
        if any(t.fan_id == one.fan_id and t.at <= paid[one.sale] for t in touches):
            expected[one.at, one.currency] += one.net_minor
    given_: defaultdict[tuple[datetime, str], int] = defaultdict(int)
    for credit in credit_movements(touches, moved, model):
        given_[credit.at, credit.currency] += credit.minor
        assert credit.touched_at <= credit.sold_at <= credit.at
    assert {k: v for k, v in given_.items() if v} == {k: v for k, v in expected.items() if v}


@given(histories(), st.sampled_from(MODELS), st.randoms(use_true_random=False))
def test_order_of_arrival_changes_nothing(
    history: tuple[list[Touch], list[FanMovement]], model: AttributionModel, dice: random.Random
) -> None:
    touches, moved = history
    before = _sums(credit_movements(touches, moved, model))
    dice.shuffle(touches)
    dice.shuffle(moved)
    assert _sums(credit_movements(touches, moved, model)) == before


@given(histories(), st.sampled_from(MODELS))
def test_full_refund_leaves_nothing_on_any_link(
    history: tuple[list[Touch], list[FanMovement]], model: AttributionModel
) -> None:
    touches, moved = history
    owed: defaultdict[str, int] = defaultdict(int)
    for one in moved:
        owed[one.sale] += one.net_minor
    paid = {one.sale: one for one in moved if one.is_sale}
    moved += [refund(paid[key], 900, minor) for key, minor in owed.items()]
    assert _sums(credit_movements(touches, moved, model)) == {}


@given(st.integers(-(10**9), 10**9), st.integers(1, 100))
def test_equal_parts_differ_by_one_unit_at_most(minor: int, parts: int) -> None:
    found = divide_equally(minor, parts)
    assert sum(found) == minor
    assert max(found) - min(found) <= 1
    assert divide_equally(-minor, parts) == [-one for one in found]


def test_links_opened_after_a_purchase_have_no_credit() -> None:
    touches = [touch(1, 1, 10), touch(1, 2, 20), touch(1, 3, 31)]
    moved = [sale("a", 1, 30, 100), sale("early", 1, 5, 700)]
    assert _sums(credit_movements(touches, moved, AttributionModel.FIRST)) == {(_id(1), "EUR"): 100}
    assert _sums(credit_movements(touches, moved, AttributionModel.LAST)) == {(_id(2), "EUR"): 100}
    linear = _sums(credit_movements(touches, moved, AttributionModel.LINEAR))
    assert linear == {(_id(1), "EUR"): 50, (_id(2), "EUR"): 50}
    # The fan bought before any link: this first purchase belongs to none.
    assert credits.credit_first_purchases(touches, moved, AttributionModel.LAST) == []


def test_renewals_credit_the_link_of_the_first_month() -> None:
    touches = [touch(1, 1, 0), touch(1, 2, 100)]
    months = [sale(f"m{n}", 1, 10 + 720 * n, 500, months_of=7) for n in range(4)]
    found = _sums(credit_movements(touches, months, AttributionModel.LAST))
    assert found == {(_id(1), "EUR"): 2000}
    # A pack that the fan buys later belongs to the later link.
    packs = [*months, sale("pack", 1, 200, 90)]
    assert _sums(credit_movements(touches, packs, AttributionModel.LAST))[_id(2), "EUR"] == 90


def test_shares_in_a_first_purchase_sum_to_one() -> None:
    touches = [touch(1, 1, 0), touch(1, 2, 1), touch(1, 3, 2)]
    found = credits.credit_first_purchases(
        touches, [sale("b", 1, 9, 10), sale("a", 1, 5, 10)], AttributionModel.LINEAR
    )
    assert [one.share for one in found] == [Fraction(1, 3)] * 3
    assert {one.at for one in found} == {_at(5)}


def test_simulation_recovers_the_known_value_of_each_link() -> None:
    """2,000 fans come through one of four links with known mean spending; one in five returns
    through a retargeting link, which by construction adds nothing."""
    dice = random.Random(7)
    truth = {1: 100, 2: 400, 3: 1200, 4: 50}
    touches, moved, fans = [], [], defaultdict(int)
    for fan in range(2000):
        link = dice.choice(list(truth))
        fans[link] += 1
        touches.append(touch(fan, link, fan))
        if dice.random() < 0.2:
            touches.append(touch(fan, 5, fan + 2))
        for number in range(dice.randrange(4)):
            amount = round(dice.expovariate(1 / truth[link]))
            paid = sale(f"{fan}-{number}", fan, fan + 1 + number * 24, amount)
            moved.append(paid)
            if dice.random() < 0.05:
                moved.append(refund(paid, fan + 300, amount))
    by_model = {model: _sums(credit_movements(touches, moved, model)) for model in AttributionModel}
    first = by_model[AttributionModel.FIRST]
    for link, mean in truth.items():
        per_fan = first[_id(link), "EUR"] / fans[link]
        # Each fan buys 1.5 times on average, and one sale in 20 is returned.
        assert abs(per_fan / (mean * 1.5 * 0.95) - 1) < 0.15
    assert (_id(5), "EUR") not in first
    retargeting = [by_model[model].get((_id(5), "EUR"), 0) for model in MODELS]
    assert retargeting[0] == 0 < retargeting[2] < retargeting[1]
    totals = {sum(sums.values()) for sums in by_model.values()}
    assert totals == {sum(one.net_minor for one in moved)}
