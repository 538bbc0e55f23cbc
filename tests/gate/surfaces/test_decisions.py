"""Every surface without a permit is judged by the rules of posts, with the agency's own terms."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Text, Verdict
from gate.decision import unit_rules
from gate.permits import issuance
from gate.policy.bundle import shipped_bundle
from gate.reviews import link_targets, own_terms, place_limits
from gate.surfaces.contents import Content, Reader
from gate.surfaces.decisions import judge_contents, require_allowed, show_allowed
from tests.gate.builders import KEY, Step, World, world

SURFACES = sorted(name for name, row in shipped_bundle().rows.items() if row.reader is not None)
PAGES = [name for name in SURFACES if name.startswith("page.")]
TERMS = {
    "G": "Good morning everyone",
    "S": "SUGGESTIVE-MARKER-A",
    "N": "NUDITY-MARKER-A",
    "E": "EXPLICIT-MARKER-A",
    "X": "PROHIBITED-MARKER-A",
}
OWN = "Zorvek"
SCREEN = "a good morning from the beach"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def content(here: World, body: str, surface: str = "page.client_link", **changes: Any) -> Content:
    found = {"creators": (here.creator_id,), "texts": (Text("body", body),), **changes}
    return Content(surface, **found)


def judge(here: World, body: str, surface: str = "page.client_link", **changes: Any) -> Any:
    with here.scope() as scope:
        return judge_contents(scope, [content(here, body, surface, **changes)])[0]


def add_term(here: World, kind: str, term: str = OWN) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        own_terms.add_own_terms(scope, kind, (term,))


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_c: Any, _u: Any, said: str, *_: Any) -> None:
        asked.append(said)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("surface", "rating"), list(product(SURFACES, "GSNEX")))
def test_surface_shows_what_its_row_allows(here: World, surface: str, rating: str) -> None:
    row = shipped_bundle().rows[surface]
    found = judge(here, TERMS[rating], surface)
    allowed = rating != "X" and row.verdicts[Rating(rating)] is Verdict.A
    assert (found.rating, found.is_allowed) == (Rating(rating), allowed)
    assert found.shown.is_whole == allowed
    assert found.shown.text_of("body", "—") == (TERMS[rating] if allowed else "—")


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", ["prohibited", "minor"])
def test_prohibited_own_term_is_refused_everywhere(here: World, surface: str, kind: str) -> None:
    assert judge(here, f"so {OWN}", surface).shown.is_whole or surface in PAGES
    add_term(here, kind)
    wanted = Reason.PROHIBITED_MINOR if kind == "minor" else Reason.PROHIBITED_CATEGORY
    assert wanted in judge(here, f"so {OWN}", surface).reasons


@pytest.mark.parametrize("surface", PAGES)
def test_explicit_own_term_is_withheld_from_every_page(here: World, surface: str) -> None:
    label = (Text("name", f"so {OWN}"),)
    assert judge(here, "", surface, texts=label).is_allowed
    add_term(here, "explicit")
    found = judge(here, "", surface, texts=label)
    assert (found.verdict, found.rating) == (Verdict.B, Rating.E)
    assert found.shown.text_of("name") == ""


@pytest.mark.parametrize("surface", ["page.unknown", "nowhere.page", "model.unknown"])
def test_unknown_surface_shows_nothing(here: World, surface: str) -> None:
    found = judge(here, TERMS["G"], surface)
    assert (found.verdict, found.reasons) == (Verdict.H, (Reason.DESTINATION_UNKNOWN,))


def test_disguised_and_foreign_texts_are_withheld(here: World) -> None:
    hidden = judge(here, "gооd mоrning")
    assert Reason.TEXT_OBFUSCATED in hidden.reasons
    foreign = judge(here, "Jutro będzie padał śnieg w całym kraju")
    assert foreign.reasons == (Reason.TEXT_LANGUAGE_UNSUPPORTED,)


def test_names_belong_to_no_language_but_are_rated(here: World) -> None:
    assert judge(here, "", texts=(Text("name", "Żółkiewska Przybyszewska"),)).is_allowed
    assert judge(here, "", texts=(Text("label:1", "Przybyszewska"),)).is_allowed
    assert not judge(here, "", texts=(Text("name", "EXPLICIT-MARKER-A"),)).is_allowed


def test_prompts_may_be_in_any_words(here: World) -> None:
    assert judge(here, "bokeh, 8k, przybyszewska style", "model.image_prompt").is_allowed


@pytest.mark.parametrize("surface", ["page.client_link", "page.report", "page.profile"])
def test_links_must_be_registered(here: World, surface: str) -> None:
    body = "Our shop: https://shop.test/a"
    assert judge(here, body, surface).reasons == (Reason.LINK_UNREGISTERED,)
    with here.scope("system:test") as scope:
        link_targets.register_link_target(
            scope,
            creator_id=here.creator_id,
            url="https://shop.test/a",
            rating=Rating.G,
            adult=False,
        )
    assert judge(here, body, surface).is_allowed
    assert not judge(here, body, "page.share_link").is_allowed


@pytest.mark.parametrize("text", ["I am 16 years old", "J’ai 17 ans"])
def test_profile_states_no_age_under_18(here: World, text: str) -> None:
    assert judge(here, text, "page.profile").reasons == (Reason.PROHIBITED_MINOR,)
    assert judge(here, text, "page.client_link").is_allowed


def test_profile_has_no_contextual_terms(here: World) -> None:
    add_term(here, "minor_context", "Plumquav")
    label = (Text("name", "Plumquav"),)
    assert judge(here, "", "page.profile", texts=label).reasons == (Reason.TEXT_REPHRASE,)
    assert judge(here, "", "page.client_link", texts=label).is_allowed


def test_agency_may_tighten_a_surface(here: World) -> None:
    assert judge(here, TERMS["S"]).is_allowed
    with here.scope(f"member:{here.rob}") as scope:
        place_limits.set_place_limit(scope, "page.client_link", Rating.S, Verdict.B, why="ours")
    assert judge(here, TERMS["S"]).verdict is Verdict.B
    assert judge(here, TERMS["S"], "page.report").is_allowed


def test_creator_of_another_agency_is_refused(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    found = judge(here, TERMS["G"], creators=(other.creator_id,))
    assert found.reasons == (Reason.TENANT_BOUNDARY,)
    assert judge(here, TERMS["G"], creators=()).is_allowed


def test_unknown_picture_is_refused(here: World) -> None:
    stray = Medium("a" * 64, "image/png", 10)
    found = judge(here, TERMS["G"], media=(stray,))
    assert Reason.RENDITION_NOT_CANONICAL in found.reasons
    assert found.shown.media == ()


def test_reader_without_proof_of_age_sees_nothing_adult(here: World) -> None:
    found = judge(here, TERMS["E"], "model.speech", reader=Reader("42"))
    assert Reason.VIEWER_UNASSURED in found.reasons


def test_term_added_later_applies_at_the_next_view(here: World) -> None:
    with here.scope() as scope:
        assert require_allowed(scope, content(here, SCREEN)).text_of("body") == SCREEN
    add_term(here, "explicit", "good morning")
    with here.scope() as scope:
        (shown,) = show_allowed(scope, [content(here, SCREEN)])
        assert (shown.is_whole, shown.texts) == (False, ())
        with pytest.raises(Refused, match=r"^gate\.RATING_EXCEEDS_SURFACE$"):
            require_allowed(scope, content(here, SCREEN))


def test_page_of_many_items_reads_as_much_as_one(here: World) -> None:
    with here.scope() as scope:
        items = [content(here, f"Morning number {n} https://shop.test/{n}") for n in range(50)]
        judge_contents(scope, items[:1])
        found = []
        for number in (1, 50):
            with counted_statements() as asked:
                judge_contents(scope, items[:number])
            found.append(len(asked))
    assert found == [2, 2]


def test_content_on_a_surface_gets_no_permit(here: World) -> None:
    whole = content(here, TERMS["G"]).to_unit(here.tenant_id)
    with here.scope() as scope, pytest.raises(ValueError, match="no permit"):
        issuance.mint_permit(scope, whole, Step(), key=KEY, author="system:x")


def test_surfaces_and_posts_share_their_rules() -> None:
    new = set(unit_rules.SURFACE_RULES) - set(unit_rules.ORDINARY_RULES)
    assert new == {unit_rules.no_age_under_18_is_given, unit_rules.minors_are_not_mentioned}
