"""Parameters of recipes: valid answers, sizes and weights; the same input gives the same shots."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from studio.recipes import specs
from studio.recipes.models import RecipeRow
from studio.recipes.specs import FORMATS, RecipeSpec
from studio.runs import runner
from tests.studio.builders import CreatorStudio, Engine, build_spec

ASKED: dict[str, Any] = {
    "mood": {"kind": "choice", "options": ["calm", "bright"], "label": "Mood?"},
    "what": {"kind": "text", "most": 10},
    "people": {"kind": "number", "least": 1, "most": 3},
    "hat": {"kind": "yes_no", "yes": "with a hat"},
}
PROMPT = "{mood} {what} {people} {hat} {place} {hour}"
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "mood": st.sampled_from(["calm", "bright"]),
        "what": st.text(
            st.characters(min_codepoint=33, max_codepoint=1000, exclude_categories=["C", "Z"]),
            max_size=10,
        ),
        "people": st.integers(1, 3),
        "hat": st.booleans(),
    },
)


def asking(**changes: Any) -> RecipeSpec:
    return build_spec(**{"prompt": PROMPT, "parameters": ASKED, **changes})


@given(
    st.integers(0, 2**31 - 1),
    ANSWERS,
    st.integers(1, 24),
    st.lists(st.sampled_from(sorted(FORMATS)), unique=True),
)
def test_same_answers_and_seed_give_the_same_shots(
    seed: int, answers: dict[str, Any], count: int, sizes: list[str]
) -> None:
    wanted = asking(sizes=sizes, weights={"place": {"beach": 3}})
    shots = specs.plan_pictures(wanted, seed=seed, count=count, given=answers)
    stored = RecipeSpec.model_validate(wanted.model_dump(mode="json"))
    assert shots == specs.plan_pictures(stored, seed=seed, count=count, given=answers)
    assert shots[:-1] == specs.plan_pictures(wanted, seed=seed, count=count - 1, given=answers)
    own = specs.plan_pictures(
        asking(sizes=sizes, weights=wanted.weights, seed=seed), seed=0, count=count, given=answers
    )
    assert own == shots  # # the recipe's seed overrides the seed of the run
    assert [(one.job.width, one.job.height) for one in shots] == [
        (wanted.edges * count)[number] for number in range(count)
    ]


@pytest.mark.parametrize(
    "answers",
    [
        {"mood": "Calm"},
        {"mood": 1},
        {"what": "x" * 11},
        {"what": "a\x00b"},
        {"what": "a\u202eb"},
        {"people": 0},
        {"people": 4},
        {"people": True},
        {"people": "2"},
        {"hat": "yes"},
        {"nobody": "asked"},
    ],
)
def test_invalid_answer_is_named(answers: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as told:
        specs.plan_pictures(asking(), seed=1, count=1, given=answers)
    assert told.value.message.params["name"] in ("Mood?", *answers)


def test_answer_in_braces_is_plain_text() -> None:
    (shot,) = specs.plan_pictures(asking(), seed=1, count=1, given={"what": "{place}"})
    assert shot.scene.startswith("calm {place} 1  ")


def test_weighted_option_is_drawn_more_often() -> None:
    wanted = build_spec(
        prompt="{place}", words={"place": ["sea", "hill"]}, weights={"place": {"sea": 9}}
    )
    drawn = [
        one.scene for seed in range(100) for one in specs.plan_pictures(wanted, seed=seed, count=4)
    ]
    assert 330 < drawn.count("sea") < 390


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"words": {"place": ["a"], "Place": ["b"]}}, "words.Place"),
        ({"words": {"place": ["a"], "MOOD": ["b"]}}, "parameters.mood"),
        ({"sizes": ["feed", "feed"]}, "sizes"),
        ({"sizes": ["feed", "poster"]}, "sizes.1"),
        ({"sizes": ["feed", "story"], "variants": 13}, "variants"),
        ({"weights": {"place": {"moon": 2}}}, "weights.place"),
        ({"weights": {"place": {"beach": 0}}}, "weights.place.beach"),
        ({"parameters": {"n": {"kind": "number", "least": 5, "most": 1}}}, "parameters.n"),
        (
            {"parameters": {"c": {"kind": "choice", "options": ["a"], "default": "b"}}},
            "parameters.c",
        ),
        ({"parameters": {"c": {"kind": "colour"}}}, "parameters.c"),
        ({"words": {f"w{number}": ["a"] for number in range(25)}}, "words"),
    ],
)
def test_invalid_field_is_named(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as told:
        asking(**changes)
    assert told.value.message.params["where"] == where


def test_too_long_prompt_is_refused() -> None:
    long = build_spec(prompt="{a}" * 166, words={"a": ["x" * 80]})
    with pytest.raises(BadInput, match=r"recipe\.too_long"):
        specs.plan_pictures(long, seed=1, count=1)


def test_recipe_stored_before_parameters_existed_gives_the_same_shots(
    nova: CreatorStudio,
) -> None:
    old = {
        "name": "morning",
        "prompt": "a {place}",
        "words": {"place": ["16:9", "sea"]},
        "negative": "",
        "variants": 3,
    }
    old |= {"width": 96, "height": 64, "steps": 1, "model": ""}
    with nova.scope() as scope:
        row = RecipeRow(
            tenant_id=nova.tenant_id,
            creator_id=nova.creator_id,
            name="morning",
            version=1,
            spec=old,
            digest="old",
        )
        scope.add(row)
        scope.session.flush()
        shots = specs.plan_pictures(specs.get_spec(scope, row.id), seed=3, count=3)
        assert [one.scene for one in shots] == ["a 16:9", "a sea", "a 16:9"]
        assert [one.job.seed for one in shots] == [
            560_161_641,
            2_036_044_446,
            56_556_069,
        ]  # # the values of that time
        assert (
            specs.save_recipe(scope, nova.creator_id, specs.parse_recipe(old)) == row.id
        )  # # nothing changed


def test_run_keeps_its_answers(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, asking())
        job_id = runner.start_run(
            scope,
            creator_id=nova.creator_id,
            recipe_id=recipe_id,
            seed=7,
            key="k",
            given={"what": "a boat"},
        )
    engine = Engine()
    nova.work(job_id, lambda: engine)
    shots = specs.plan_pictures(asking(), seed=7, count=3, given={"what": "a boat"})
    assert engine.drawn == [one.job for one in shots]
    assert all("calm a boat 1" in one.prompt for one in engine.drawn)
