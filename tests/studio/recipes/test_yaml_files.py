"""Recipes as YAML: unchanged by a round trip; errors are named with their line; ambiguous scalars
stay text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from foundation.ops.clock import monotonic
from studio.recipes import specs, yaml_files
from tests.studio.builders import build_spec
from tests.studio.recipes.test_parameters import ASKED, PROMPT

TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=20)


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=4), st.integers(0, 2**31 - 1), st.booleans())
def test_recipe_is_unchanged_by_a_yaml_round_trip(
    name: str, places: list[str], seed: int, hat: bool
) -> None:
    asked = {**ASKED, "hat": {**ASKED["hat"], "default": hat}}
    wanted = build_spec(
        name=name,
        prompt=PROMPT,
        words={"place": places, "hour": ["noon", "10:00", "yes", "12", "~"]},
        weights={"place": {places[0]: 3}},
        parameters=asked,
        sizes=["feed", "story"],
        seed=seed,
        guidance=3,
        loras={"mia-v3": 80, "film.grain": 30},
        budget="2.50 USD, 2 EUR",
    )
    back = yaml_files.parse_recipe_file(yaml_files.export_recipe(wanted)).spec
    assert back == wanted
    assert specs.plan_pictures(back, seed=1, count=6) == specs.plan_pictures(
        wanted, seed=1, count=6
    )


WRONG = {
    "an unknown key": ("name: a\nprompt: b\npromt: c\n", "recipe.line_unknown", 3, "promt"),
    "no prompt": ("name: a\n", "recipe.line_missing", 1, "prompt"),
    "not a number": ("name: a\nprompt: b\nvariants: many\n", "recipe.line_wrong", 3, "variants"),
    "an empty word": (
        'name: a\nprompt: b\nwords:\n  p:\n  - x\n  - ""\n',
        "recipe.line_wrong",
        6,
        "words.p.2",
    ),
    "a wrong parameter": (
        "name: a\nprompt: b\nparameters:\n  n:\n    kind: number\n    least: low\n",
        "recipe.line_wrong",
        6,
        "parameters.n.least",
    ),
    "names that differ in case only": (
        "name: a\nprompt: b\nwords:\n  p: [x]\n  P: [y]\n",
        "recipe.line_wrong",
        5,
        "words.P",
    ),
    "a tag": ("name: !!python/object/apply:os.system [ls]\n", "yaml.not_plain", 1, None),
    "a key twice": ("name: a\nname: b\n", "yaml.key_twice", 2, None),
    "half a list": ("name: [a\n", "yaml.not_yaml", 2, None),
    "an unprintable character": ('name: "a\\0b"\n', "yaml.unprintable", 1, None),
    "only a word": ("hello", "recipe.line_wrong", 1, "-"),
    "nothing": ("", "recipe.line_wrong", 1, "-"),
}


@pytest.mark.parametrize(("text", "code", "line", "where"), WRONG.values(), ids=WRONG.keys())
def test_error_is_named_with_its_line(text: str, code: str, line: int, where: str | None) -> None:
    with pytest.raises(BadInput) as told:
        yaml_files.parse_recipe_file(text)
    params = told.value.message.params
    assert (told.value.message.code, params["line"], params.get("where")) == (code, line, where)


def test_nested_yaml_references_are_refused_quickly() -> None:
    flood = "\n".join(
        [
            "a0: &a0 [x, x]",
            *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)),
        ]
    )
    began = monotonic()
    for text in (flood, f"name: a\nprompt: b\nwords:\n  p: &p [*p]\n{flood}", "[" * 60_000):
        with pytest.raises(BadInput):
            yaml_files.parse_recipe_file(text)
    assert monotonic() - began < 60  # # expanded, it would never finish


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xff\xfe", "text_not_utf8"),
        (b"#" * (yaml_files.MAX_FILE_BYTES + 1), "text_too_large"),
        ("\ud800", "text_not_utf8"),
    ],
)
def test_invalid_text_is_refused_with_a_reason(raw: bytes | str, code: str) -> None:
    with pytest.raises(BadInput) as told:
        yaml_files.parse_recipe_file(raw)
    assert told.value.message.code == f"recipe.{code}"
