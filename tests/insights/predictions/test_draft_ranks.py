"""Ranks of drafts find planted words, claim nothing from noise, and give reasons."""

import json

import numpy as np

from insights.predictions.draft_ranks import RankedText, RankModel, rank_correlation, top_tenth_lift

WORDS = [f"word{chr(97 + one)}{chr(97 + other)}" for one in range(20) for other in range(10)]


def simulated(seed: int, posts: int, effect: float) -> tuple[list[RankedText], np.ndarray]:
    """Draw texts of ten words; "beach" raises the logarithm by `effect`, a film lowers it."""
    random = np.random.default_rng(seed)
    texts, results = [], []
    for _ in range(posts):
        words = [str(one) for one in random.choice(WORDS, 10)]
        beach, film = random.random() < 0.3, random.random() < 0.3
        texts.append(
            RankedText(
                " ".join([*words, "beach"] if beach else words),
                ("form:film",) if film else ("form:picture",),
            )
        )
        results.append(effect * (beach - film) + random.standard_normal())
    return texts, np.array(results)


def test_planted_words_are_found_and_named() -> None:
    model = RankModel(*simulated(1, 500, 1.0))
    assert model.is_proven
    assert model.lift > 1.3
    good = model.rank(RankedText("a day at the beach", ("form:picture",)))
    bad = model.rank(RankedText("a day at home", ("form:film",)))
    assert good.share > 0.7
    assert bad.share < 0.4
    assert "beach" in good.better
    assert "form:film" in bad.worse


def test_stored_model_gives_the_same_rank_and_contains_no_text() -> None:
    model = RankModel(*simulated(1, 300, 1.0))
    stored = model.store()
    assert "beach" not in json.dumps(stored)
    again = RankModel.restore(json.loads(json.dumps(stored)))
    text = RankedText("a day at the beach", ("form:film",))
    assert again.is_proven is model.is_proven
    assert again.rank(text).better == model.rank(text).better
    assert abs(again.rank(text).share - model.rank(text).share) < 0.01


def test_noise_yields_no_rank() -> None:
    proven = sum(RankModel(*simulated(seed, 240, 0.0)).is_proven for seed in range(10))
    assert proven <= 3, "5 % are expected by chance"


def test_rank_scores() -> None:
    values = np.arange(100.0)
    assert rank_correlation(values, values) == 1
    assert rank_correlation(values, -values) == -1
    assert rank_correlation(values, np.zeros(100)) == 0
    assert top_tenth_lift(values, values) == 10
    assert top_tenth_lift(values, -values) == 0


def test_hostile_texts_are_only_data() -> None:
    texts, results = simulated(2, 200, 0.5)
    texts[0] = RankedText("\x00" * 50 + "é́" * 100_000, ("form:\u202e",))
    model = RankModel(texts, results)
    assert 0 <= model.rank(RankedText("", ())).share <= 1
