"""Shipped prompt templates: complete, plain and neutral in every language."""

import re

import pytest

from foundation.i18n.translation import LANGUAGES
from studio.recipes import examples, specs
from studio.recipes.specs import RecipeSpec

EVERY = [
    pytest.param(spec, id=f"{language}: {spec.name}")
    for language in LANGUAGES
    for spec in examples.list_examples(language)
]


def test_every_language_has_the_same_examples() -> None:
    shapes = {
        language: [
            (one.width, one.height, one.variants, len(one.words))
            for one in examples.list_examples(language)
        ]
        for language in LANGUAGES
    }
    assert set(map(str, examples.EXAMPLES)) == set(LANGUAGES)
    assert len({str(one) for one in shapes.values()}) == 1
    for language in LANGUAGES:
        names = [one.name for one in examples.list_examples(language)]
        assert len(names) == len(set(names)) >= 6


@pytest.mark.parametrize("spec", EVERY)
def test_example_fills_every_placeholder(spec: RecipeSpec) -> None:
    assert set(re.findall(r"\{(\w+)\}", spec.prompt)) == set(spec.words)
    assert "{" not in examples.describe_example(spec)
    shots = specs.plan_pictures(spec, seed=1, count=spec.variants, given={})
    assert len(shots) == spec.variants
