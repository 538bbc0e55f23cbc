"""What no model may be asked is refused on every surface of models, in every written form.

The rows come from the policy, so that a new surface of models is tried without another test.
"""

import random
from collections.abc import Iterator
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from gate.contract.reasons import Reason
from gate.contract.units import Text
from gate.people import depiction_bans
from gate.policy.bundle import shipped_bundle
from gate.reviews import own_terms
from gate.surfaces.contents import Content, SurfaceDecision
from gate.surfaces.decisions import judge_contents
from gate.surfaces.model_texts import load_text_judge
from tests.gate.builders import World, world
from tests.gate.person_actions import member_scope
from tests.gate.text.test_ages import DESCRIBED, KINDS

ROWS = sorted(name for name, row in shipped_bundle().rows.items() if row.reader == "model")
SYLLABLES = ("zor", "vek", "plu", "quav", "mig", "dro", "xan", "bef")
KIND_REASONS = {
    "minor": Reason.PROHIBITED_MINOR,
    "prohibited": Reason.PROHIBITED_CATEGORY,
    "banned": Reason.LIKENESS_REAL_PERSON,
}


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def made_up_words(seed: str) -> tuple[str, str]:
    chosen = random.Random(seed).sample(SYLLABLES, 6)
    return "".join(chosen[:3]), "".join(chosen[3:])


def written_forms(first: str, last: str) -> Iterator[str]:
    """Yield a name or term of two words in ordinary and disguised forms."""
    whole = f"{first} {last}"
    yield from (whole, whole.upper(), f"{first}-{last}", f"{first}_{last}", " ".join(whole))
    yield "".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else " " for letter in whole)
    yield f"{first}\n{last}"
    yield whole.replace("o", "0")


def judge(here: World, surface: str, texts: list[str]) -> list[SurfaceDecision]:
    """Judge each text alone, and all of them beside a harmless one."""
    contents = [Content(surface, texts=(Text("text", text),)) for text in texts]
    beside = (Text("text", "A calm photographer by the sea"), *(each.texts[0] for each in contents))
    with here.scope() as scope:
        return judge_contents(scope, [*contents, Content(surface, texts=beside)])


def ban(here: World, kind: str, words: str) -> None:
    with member_scope(here, here.rob) as scope:
        if kind == "banned":
            depiction_bans.add_depiction_ban(scope, words)
        else:
            own_terms.add_own_terms(scope, kind, (words,))


@pytest.mark.parametrize("surface", ROWS)
@pytest.mark.parametrize("kind", KIND_REASONS)
def test_own_term_or_banned_name_is_refused_in_every_form(
    here: World, surface: str, kind: str
) -> None:
    first, last = made_up_words(f"{surface} {kind}")
    texts = [f"so {form} there" for form in written_forms(first, last)]
    assert all(KIND_REASONS[kind] not in each.reasons for each in judge(here, surface, texts))
    ban(here, kind, f"{first} {last}")
    for text, decision in zip([*texts, "all"], judge(here, surface, texts), strict=True):
        assert not decision.is_allowed, text
        assert KIND_REASONS[kind] in decision.reasons, text
        assert decision.shown.texts == ()


@pytest.mark.parametrize("surface", ROWS)
@pytest.mark.parametrize("language", DESCRIBED)
def test_age_under_18_is_refused_in_every_form(here: World, surface: str, language: str) -> None:
    texts = [text for kind in KINDS for text in DESCRIBED[language][kind].split("|")]
    for text, decision in zip([*texts, "all"], judge(here, surface, texts), strict=True):
        assert not decision.is_allowed, text
        assert Reason.PROHIBITED_MINOR in decision.reasons, text


@pytest.mark.parametrize("surface", ROWS)
@pytest.mark.parametrize("kind", KIND_REASONS)
def test_judge_of_texts_reads_the_same_terms(here: World, surface: str, kind: str) -> None:
    first, last = made_up_words(f"{kind} {surface}")
    ban(here, kind, f"{first} {last}")
    with here.scope() as scope:
        judge_of_row = load_text_judge(scope, surface)  # type: ignore[arg-type]  # any row of models
    for text in (f"so {first} {last}", "A calm photographer", "a girl of 15", "gооd mоrning"):
        (decision, _) = judge(here, surface, [text])
        assert judge_of_row.judge_texts([text]) == decision
