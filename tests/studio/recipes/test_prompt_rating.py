"""Prompt checks of a run: refused before generation, or a lowest rating for its pictures."""

import pytest

from foundation.errors import Refused
from gate.contract.units import Rating
from gate.ratings import ratings
from gate.reviews import own_terms
from studio.recipes import prompt_rating
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.answers import rate_and_answer
from tests.studio.builders import CreatorStudio, Engine

NEVER, OF_AGE, EXPLICIT = "MINOR-P-A", "MINOR-C-A", "EXPLICIT-MARKER-A"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prompt": f"a {NEVER} {{place}}"}, "recipe.prohibited"),
        ({"words": {"place": [NEVER], "hour": ["noon"]}}, "recipe.prohibited"),
        ({"prompt": "a MINOR-{place}-A", "words": {"place": ["P"]}}, "recipe.prohibited"),
        ({"negative": f"blur, {NEVER}"}, "recipe.prohibited"),
        ({"model": NEVER}, "recipe.prohibited"),
        ({"name": NEVER}, "recipe.prohibited"),
        ({"loras": {"mia": 80, NEVER: 10}}, "recipe.prohibited"),
        ({"prompt": f"{OF_AGE}, {EXPLICIT}"}, "recipe.prohibited"),
        ({"prompt": "\u0430 be\u0430ch"}, "recipe.hidden_words"),
        ({"prompt": "a \u202ebeach"}, "recipe.hidden_words"),
    ],
)
def test_prohibited_prompt_starts_no_run(
    nova: CreatorStudio, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as told:
        nova.start(**changes)
    assert told.value.message.code == code
    assert nova.count("jobs") == nova.count("outbox") == 0


def test_picture_is_rated_no_lower_than_its_prompt(nova: CreatorStudio) -> None:
    """The prompt alone rates nothing: the picture stays unrated, and a later rating cannot be
    lower."""
    nova.work(nova.start(prompt=f"{EXPLICIT} {{place}}", variants=1), Engine)
    (item,) = nova.library()
    with nova.scope() as scope:
        assert ratings.effective_rating(scope, item.sha256) is None
        rate_and_answer(scope, item.sha256, Rating.G, source="rule:test")
        assert ratings.effective_rating(scope, item.sha256) is Rating.E


def test_harmless_prompt_records_no_rating(nova: CreatorStudio) -> None:
    nova.work(nova.start(variants=1), Engine)
    assert nova.count("content_ratings") == 0


def test_negative_prompt_raises_no_rating(nova: CreatorStudio) -> None:
    nova.work(nova.start(negative=EXPLICIT, variants=1), Engine)
    assert nova.count("content_ratings") == 0


SURFACES = ("model.image_prompt", "model.overlay", "model.speech", "model.video")


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", ["prohibited", "minor"])
def test_prohibited_own_term_is_not_asked_for(
    nova: CreatorStudio, surface: prompt_rating.ModelSurface, kind: str
) -> None:
    with nova.scope() as scope:
        assert prompt_rating.rate_text(scope, ["a", "zorvek"], surface) is Rating.G
    add_term(nova, kind)
    with nova.scope() as scope, pytest.raises(Refused, match=r"^recipe\.prohibited$"):
        prompt_rating.rate_text(scope, ["a", "so zorvek"], surface)


def test_explicit_own_term_raises_the_rating_of_the_request(nova: CreatorStudio) -> None:
    add_term(nova, "explicit")
    with nova.scope() as scope:
        assert prompt_rating.rate_text(scope, ["so zorvek"], "model.speech") is Rating.E


def add_term(nova: CreatorStudio, kind: str) -> None:
    with nova.scope() as scope:
        owner = agencies.add_member(
            scope, name="Olga", email="o@x.test", role=Role.OWNER, language="en", zone="UTC"
        )
    with nova.scope(f"member:{owner}") as scope:
        own_terms.add_own_terms(scope, kind, ("zorvek",))
