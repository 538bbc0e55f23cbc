"""Shot recipes: the same seed gives the same shots; errors are named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from studio.recipes import specs
from tests.studio.builders import CreatorStudio, build_spec

SEEDS = st.integers(0, 2**48)
LISTS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    st.lists(
        st.text(min_size=1, max_size=20).filter(lambda text: "\x00" not in text),
        min_size=1,
        max_size=5,
    ),
    min_size=1,
    max_size=4,
)


@given(SEEDS, LISTS, st.integers(1, 24))
def test_same_recipe_and_seed_give_the_same_shots(
    seed: int, words: dict[str, list[str]], count: int
) -> None:
    wanted = build_spec(prompt=" ".join(f"{{{name}}}" for name in words), words=words)
    shots = specs.plan_pictures(wanted, seed=seed, count=count)
    assert shots == specs.plan_pictures(wanted, seed=seed, count=count)
    assert shots[: count - 1] == specs.plan_pictures(
        wanted, seed=seed, count=count - 1
    )  # # more variants keep the first ones
    assert [shot.number for shot in shots] == list(range(count))
    for shot in shots:
        assert shot.job.prompt == shot.scene
        assert 0 <= shot.job.seed < 2**31


@given(SEEDS)
def test_options_are_drawn_from_their_lists(seed: int) -> None:
    for shot in specs.plan_pictures(build_spec(), seed=seed, count=4):
        _, place, _, _, hour = shot.scene.split(" ")
        assert place in ("café", "beach", "forest")
        assert hour in ("morning", "evening")


def test_different_seeds_give_different_pictures() -> None:
    shots = {
        specs.plan_pictures(build_spec(), seed=seed, count=1)[0].job.seed for seed in range(50)
    }
    assert len(shots) == 50


@pytest.mark.parametrize(
    "prompt",
    [
        "a {time}",
        "a {place.__class__}",
        "a {place[0]}",
        "a {place:>1000000000}",
        "a {place!r}",
        "a {}",
        "a {0}",
        "a {place",
        "a place}",
        "a {{place}}",
        "a { place }",
    ],
)
def test_only_plain_placeholders_are_filled(prompt: str) -> None:
    """Format strings are refused: a width can fill the memory, and an attribute can reveal other
    values."""
    with pytest.raises(BadInput) as told:
        specs.plan_pictures(build_spec(prompt=prompt), seed=1, count=1)
    assert told.value.message.code == "recipe.word_unknown"
    assert told.value.message.params["recipe"] == "morning"


def test_placeholder_inside_a_value_is_plain_text() -> None:
    wanted = build_spec(prompt="a {place}", words={"place": ["{hour}"], "hour": ["x"]})
    assert specs.plan_pictures(wanted, seed=1, count=1)[0].scene == "a {hour}"


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"variants": 0}, "recipe.invalid", "variants"),
        ({"variants": 25}, "recipe.invalid", "variants"),
        ({"width": 100}, "recipe.invalid", "width"),
        ({"height": 40_000}, "recipe.invalid", "height"),
        ({"words": {"place": []}}, "recipe.invalid", "words.place"),
        ({"words": {"place": ["ok", ""]}}, "recipe.invalid", "words.place.1"),
        ({"prompt": "x" * 501}, "recipe.invalid", "prompt"),
        ({"promt": "typo"}, "recipe.field_unknown", "promt"),
        ({"name": 5}, "recipe.invalid", "name"),
        ({"budget": "five"}, "recipe.invalid", "budget"),
        ({"budget": "5"}, "recipe.invalid", "budget"),
        ({"budget": "-5 USD"}, "recipe.invalid", "budget"),
        ({"budget": ","}, "recipe.invalid", "budget"),
        ({"loras": {"mia": 0}}, "recipe.invalid", "loras.mia"),
        ({"loras": {"../mia": 50}}, "recipe.invalid", "loras.../mia.[key]"),
        ({"loras": dict.fromkeys("abcde", 50)}, "recipe.invalid", "loras"),
        ({"prompt": "a\x00b"}, "recipe.invalid", "prompt"),
        ({"words": {"place": ["a\x00b"]}}, "recipe.invalid", "words"),
    ],
)
def test_wrong_field_is_named(changes: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(BadInput) as told:
        build_spec(**changes)
    assert (told.value.message.code, told.value.message.params["where"]) == (code, where)


@pytest.mark.parametrize("raw", [None, "text", 5, []])
def test_invalid_recipe_is_refused(raw: object) -> None:
    with pytest.raises(BadInput):
        specs.parse_recipe(raw)


def test_missing_field_is_named() -> None:
    with pytest.raises(BadInput) as told:
        specs.parse_recipe({"name": "x"})
    assert (told.value.message.code, told.value.message.params["where"]) == (
        "recipe.field_missing",
        "prompt",
    )


def test_changed_recipe_is_a_new_version_and_the_old_one_stays(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        first = specs.save_recipe(scope, nova.creator_id, build_spec())
        assert specs.save_recipe(scope, nova.creator_id, build_spec()) == first
        second = specs.save_recipe(scope, nova.creator_id, build_spec(variants=5))
        assert second != first
        assert specs.get_spec(scope, first).variants == 3
        assert specs.get_spec(scope, second).variants == 5
