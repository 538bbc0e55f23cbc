"""Recommendations: what a buyer owns is never recommended, and the better method is used."""

import csv
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.predictions.methods.recommendation_scores import evaluate_recommendations
from insights.predictions.methods.recommendations import BASELINE, METHOD, recommend_items

Rows = list[tuple[str, str, int]]


def purchases(buyers: int, tastes: int, seed: int = 0) -> Rows:
    """Simulate buyers who mostly buy packs of one of several tastes, 12 packs each."""
    drawn = np.random.default_rng(seed)
    return [
        (f"fan{buyer}", f"pack{drawn.integers(12) + 12 * (buyer % tastes)}", day)
        for buyer in range(buyers)
        for day in range(int(drawn.integers(3, 9)))
    ]


def test_tastes_are_recommended() -> None:
    found = recommend_items({"purchases": purchases(300, 4)})
    assert found["method"] == METHOD
    first = {buyer: items[0] for buyer, items in found["items"].items()}
    same = [int(first[f"fan{one}"].removeprefix("pack")) // 12 == one % 4 for one in range(300)]
    assert np.mean(same) > 0.9


def test_popular_packs_are_recommended_without_tastes() -> None:
    drawn = np.random.default_rng(1)
    rows = [
        (f"fan{buyer}", f"pack{min(29, int(drawn.exponential(4)))}", day)
        for buyer in range(200)
        for day in range(5)
    ]
    assert recommend_items({"purchases": rows})["method"] == BASELINE


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz"), st.integers(0, 9)),
        max_size=40,
    )
)
def test_owned_packs_are_never_recommended(rows: Rows) -> None:
    found = recommend_items({"purchases": rows})["items"]
    packs = {pack for _, pack, _ in rows}
    assert set(found) == {buyer for buyer, _, _ in rows}
    for buyer, items in found.items():
        owned = {pack for who, pack, _ in rows if who == buyer}
        assert not owned & set(items)
        assert len(items) == len(set(items)) == len(packs - owned)


def test_only_packs_on_sale_are_recommended() -> None:
    on_sale = [f"pack{number}" for number in range(0, 48, 3)]
    found = recommend_items({"purchases": purchases(300, 4), "on_sale": on_sale})
    assert found["method"] == METHOD
    assert found["held_out"] == 300
    assert {item for items in found["items"].values() for item in items} == set(on_sale)


def test_last_purchase_of_a_file_is_held_out(tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("customer_id", "sku", "date"), *purchases(300, 4)])
    found = evaluate_recommendations({"file": str(tmp_path / "rows.csv")})
    method, instead = found["metrics"]["method"], found["metrics"]["baseline"]
    assert method["name"] == METHOD
    assert method["ndcg"] > 1.3 * instead["ndcg"]
    low, high = found["metrics"]["interval"]["ndcg"]
    assert low <= method["ndcg"] <= high
