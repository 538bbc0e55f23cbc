"""Declarations of synthetic people: content, reviewers, and invalidation by changes, doubts and
lost references."""

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from gate.assets import viewings
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.evidence import person_dossiers
from gate.people import depiction_bans, persons
from gate.people.synthetic_person_declarations import (
    ADAPTER_PART,
    MODEL_PART,
    REFERENCES_PART,
    DeclaredSource,
    LookResult,
    look_agreement,
    source_digest,
)
from gate.policy import agency_lexicon
from gate.ratings import ratings
from gate.reviews import synthetic_people
from gate.reviews.synthetic_people import DeclarationDraft
from gate.text.text_rating import rate_texts
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.gate import shoot_card_builders
from tests.gate.builders import World, asset_of, picture, record_declaration_looks, world
from tests.gate.person_actions import (
    add_reference_pictures,
    add_unknown_person,
    build_declaration,
    declare_person,
    member_scope,
    unknown_principal,
)


@pytest.fixture
def house(tenant: OpenScope) -> World:
    """An agency where Ann writes, and Rob and the guest Gus review; Gus has access to Mia."""
    return world(tenant, uuid7())


def guest(here: World, name: str = "Gus", creators: tuple[str, ...] = ("mia",)) -> object:
    with here.scope() as scope:
        return agencies.add_member(
            scope, name=name, email=f"{name}@example.test", role=Role.GUEST, language="en", zone="UTC",
            creators=creators,
        )  # fmt: skip


def nova(here: World) -> object:
    return add_unknown_person(here, "synthetic", display_ref="Nova", creator_id=here.creator_id)


def shot(here: World, person: object, rating: Rating = Rating.N, model: str = "") -> Medium:
    """Record an AI picture of a synthetic person."""
    with here.scope() as scope:
        # the id returned by `nova`
        return picture(scope, here, rating, person=person, ai="generated", model=model)  # type: ignore[arg-type]  # see above


def verdict(here: World, medium: Medium) -> tuple[str, set[Reason]]:
    return shoot_card_builders.judge_post(here, medium)


def test_declaration_with_two_reviews_allows_adult_content(house: World) -> None:
    person, gus = nova(house), guest(house)
    medium, mild = shot(house, person), shot(house, person, Rating.S)
    assert verdict(house, mild) == ("H", {Reason.SYNTHETIC_DECLARATION_MISSING})
    declared = declare_person(house, person, add_reference_pictures(house))
    assert verdict(house, mild)[0] == "A"
    for member, after in ((house.rob, "B"), (gus, "F")):
        assert verdict(house, medium) == ("B", {Reason.SYNTHETIC_DECLARATION_MISSING})
        with member_scope(house, member) as scope:
            synthetic_people.review_declaration(scope, person, declared)
        assert verdict(house, medium)[0] == after


@pytest.mark.parametrize("harm", [{"doubts": 1}, {"resembles": True}])
def test_single_doubt_blocks_adult_content(house: World, harm: dict[str, object]) -> None:
    person, shown = nova(house), add_reference_pictures(house)
    declared = declare_person(house, person, shown)
    with house.scope() as scope:
        record_declaration_looks(scope, declared, unknown_principal(), unknown_principal())
    medium, mild = shot(house, person), shot(house, person, Rating.S)
    assert verdict(house, medium)[0] == "F"
    doubts = shown[:1] if "doubts" in harm else ()
    with member_scope(house, house.rob) as scope:
        synthetic_people.review_declaration(
            scope, person, declared, doubts=doubts, resembles=bool(harm.get("resembles"))
        )
    assert verdict(house, medium) == ("B", {Reason.SYNTHETIC_DECLARATION_MISSING})
    assert verdict(house, mild)[0] == ("H" if "resembles" in harm else "A")


def test_changed_source_requires_new_declaration(house: World) -> None:
    person, shown = nova(house), add_reference_pictures(house)
    with house.scope() as scope:
        record_declaration_looks(
            scope, declare_person(house, person, shown), unknown_principal(), unknown_principal()
        )
    medium = shot(house, person)
    assert verdict(house, medium)[0] == "F"
    declare_person(house, person, shown, name="atelier-2")
    assert verdict(house, medium) == ("B", {Reason.SYNTHETIC_DECLARATION_MISSING})
    one = build_declaration(shown)
    others = [
        build_declaration(shown, digest="b" * 64), build_declaration(shown[1:]), build_declaration(shown, licence="MIT"),
        DeclarationDraft((*one.sources, DeclaredSource(ADAPTER_PART, "nova-lora", "c" * 64, "own", True)), shown),
    ]  # fmt: skip
    digests = {source_digest(each.sources, each.references) for each in (one, *others)}
    assert len(digests) == 5
    assert source_digest(one.sources, shown[::-1]) == source_digest(one.sources, shown)


def test_picture_of_undeclared_model_is_not_covered(house: World) -> None:
    person = nova(house)
    with house.scope() as scope:
        record_declaration_looks(
            scope,
            declare_person(house, person, add_reference_pictures(house)),
            unknown_principal(),
            unknown_principal(),
        )
    assert verdict(house, shot(house, person, model="atelier-1"))[0] == "F"
    assert verdict(house, shot(house, person, model="atelier-9")) == (
        "B",
        {Reason.SYNTHETIC_DECLARATION_MISSING},
    )
    assert verdict(house, shot(house, person, Rating.G, "atelier-9")) == (
        "H",
        {Reason.SYNTHETIC_DECLARATION_MISSING},
    )


def test_lost_reference_invalidates_declaration(house: World) -> None:
    person, shown = nova(house), add_reference_pictures(house)
    with house.scope() as scope:
        record_declaration_looks(
            scope, declare_person(house, person, shown), unknown_principal(), unknown_principal()
        )
    medium = shot(house, person)
    with house.scope() as scope:
        ratings.freeze_bytes(scope, shown[3])
        # declared above
        assert person_dossiers.list_dossiers(scope)[0].declaration.lost  # type: ignore[union-attr]  # see above
    assert verdict(house, medium) == ("B", {Reason.SYNTHETIC_DECLARATION_MISSING})
    with house.scope() as scope:
        ratings.unfreeze_bytes(scope, shown[3])
    assert verdict(house, medium)[0] == "F"


@pytest.mark.parametrize("lacks", [{"adult": False}, {"licence": ""}])
def test_missing_licence_blocks_adult_content(house: World, lacks: dict[str, object]) -> None:
    person = nova(house)
    with house.scope() as scope:
        record_declaration_looks(
            scope,
            declare_person(house, person, add_reference_pictures(house), **lacks),
            unknown_principal(),
            unknown_principal(),
        )
    assert verdict(house, shot(house, person)) == ("B", {Reason.LICENCE_MISSING})
    assert verdict(house, shot(house, person, Rating.S))[0] == "A"


def test_declaring_member_cannot_review_and_each_member_reviews_once(house: World) -> None:
    person = nova(house)
    declared = declare_person(house, person, add_reference_pictures(house))
    with member_scope(house, house.ann) as scope, pytest.raises(Refused, match=r"review\.own"):
        synthetic_people.review_declaration(scope, person, declared)
    with house.scope() as scope, pytest.raises(Exception, match="row-level security"):
        record_declaration_looks(scope, declared, house.principal(scope, house.ann))
    with member_scope(house, house.rob) as scope:
        synthetic_people.review_declaration(scope, person, declared)
        with pytest.raises(Conflict, match="looked_before"):
            synthetic_people.review_declaration(scope, person, declared)
    assert verdict(house, shot(house, person))[0] == "B"
    for role in ("app", "gate"):
        with (
            pytest.raises(Exception, match="permission denied"),
            house.open(house.tenant_id, "x", role=role) as scope,
        ):
            scope.run("UPDATE invented_looks SET doubts = '[]'")


def test_guest_reviews_only_assigned_creators(house: World) -> None:
    person = nova(house)
    declared = declare_person(house, person, add_reference_pictures(house))
    for creators in ((), ("lou",)):
        with (
            member_scope(house, guest(house, f"G{len(creators)}", creators)) as scope,
            pytest.raises(NotFound),
        ):
            synthetic_people.review_declaration(scope, person, declared)
    other = world(house.open, uuid7())
    with member_scope(other, other.rob) as scope, pytest.raises(NotFound):
        synthetic_people.review_declaration(scope, person, declared)
    with member_scope(house, guest(house)) as scope:
        synthetic_people.review_declaration(scope, person, declared)


def test_adult_references_must_be_viewed_before_review(house: World) -> None:
    person, shown = nova(house), add_reference_pictures(house, rating=Rating.N)
    declared = declare_person(house, person, shown)
    with member_scope(house, house.rob) as scope, pytest.raises(Refused, match="set_unseen"):
        synthetic_people.review_declaration(scope, person, declared)
    with member_scope(house, house.rob) as scope:
        for sha256 in shown:
            viewings.record_viewing(scope, queries.get_member(scope, house.rob), sha256)
        synthetic_people.review_declaration(scope, person, declared)


def test_invalid_references_are_rejected(house: World) -> None:
    person, shown = nova(house), add_reference_pictures(house)
    few, whole = declare_person(house, person, shown[:11]), declare_person(house, person, shown)
    with member_scope(house, house.rob) as scope:
        with pytest.raises(Conflict, match="declared_anew"):
            synthetic_people.review_declaration(scope, person, few)
        with pytest.raises(BadInput, match="bad_reference"):
            synthetic_people.review_declaration(scope, person, whole, doubts=("f" * 64,))
    few = declare_person(house, person, shown[:11])
    with member_scope(house, house.rob) as scope, pytest.raises(BadInput, match="few_references"):
        synthetic_people.review_declaration(scope, person, few)
    with house.scope() as scope:
        ratings.freeze_bytes(scope, shown[0])
    other = world(house.open, uuid7())
    for wrong in (shown, add_reference_pictures(other), ("e" * 64,)):
        with pytest.raises(BadInput, match="bad_reference"):
            declare_person(house, person, wrong)
    with pytest.raises(BadInput, match="many_references"):
        declare_person(house, person, [f"{n:064x}" for n in range(41)])


@pytest.mark.parametrize("sources", [
    (), (DeclaredSource(ADAPTER_PART, "a", "", "own", True),), (DeclaredSource(MODEL_PART, " ", "", "own", True),),
    (DeclaredSource(MODEL_PART, "a", "", "own", True),) * 2, (DeclaredSource("weights", "a", "", "own", True),),
    (DeclaredSource(MODEL_PART, "a", "zz", "own", True),), (DeclaredSource(MODEL_PART, "a" * 121, "", "own", True),),
])  # fmt: skip
def test_declaration_names_model_once(house: World, sources: tuple[DeclaredSource, ...]) -> None:
    person = nova(house)
    with member_scope(house, house.ann) as scope, pytest.raises(BadInput):
        synthetic_people.declare_synthetic_person(scope, person, DeclarationDraft(sources, ()))


def test_real_person_cannot_be_declared_synthetic(house: World) -> None:
    with pytest.raises(BadInput, match="not_invented"):
        declare_person(house, add_unknown_person(house), add_reference_pictures(house))


def test_references_resembling_banned_person_are_rejected(house: World) -> None:
    person = nova(house)
    with member_scope(house, house.ann) as scope:
        first = picture(scope, house, ai="generated", phash="00000000000000ff")
        near = picture(scope, house, ai="generated", phash="00000000000000fe")
        far = picture(scope, house, ai="generated", phash="ffffffff00000000")
        entry = depiction_bans.add_depiction_ban(
            scope, "Lou Martin", pictures=[asset_of(scope, first)]
        )
    with pytest.raises(Refused, match="looks_like"):
        declare_person(house, person, (near.sha256,))
    assert declare_person(house, person, (far.sha256,))
    with member_scope(house, house.ann) as scope, pytest.raises(Refused, match="another_ends"):
        depiction_bans.end_depiction_ban(scope, entry)
    with member_scope(house, house.rob) as scope:
        depiction_bans.end_depiction_ban(scope, entry)
    assert declare_person(house, person, (near.sha256,))


def test_prompt_naming_banned_person_is_rejected(house: World) -> None:
    with member_scope(house, house.ann) as scope:
        depiction_bans.add_depiction_ban(scope, "Lou  Martin")
        lexicon = agency_lexicon.current_lexicon(scope)
        for words in ("a portrait of LOU MARTIN, sea", "lou-martin", "Loù Martín"):
            assert rate_texts([words], lexicon=lexicon, today=scope.now.date()).banned, words
        other = "Loulou Martinez by the sea, Martin Lou"
        assert not rate_texts([other], lexicon=lexicon, today=scope.now.date()).banned
        for wrong in ("Al", "", "x" * 81):
            with pytest.raises(BadInput):
                depiction_bans.add_depiction_ban(scope, wrong)


def test_agreement_of_two_reviews_is_computed() -> None:
    one, other = unknown_principal(), unknown_principal()
    a, b, c, d = "abcd"

    def kappa(first: tuple[str, ...], second: tuple[str, ...], tiles: int = 4) -> float | None:
        return look_agreement(
            LookResult(one, False, first, tiles), LookResult(other, False, second, tiles)
        )

    assert kappa((a,), (a,)) == 1
    assert kappa((a, b), (a, c)) == 0
    assert kappa((a, b), (c, d)) == -1
    assert kappa((), ()) is None
    assert kappa((a, b, c, d), (a, b, c, d)) is None
    assert kappa((), (), 0) is None
    assert kappa((a, b), (c,), 2) is None


def test_add_person_rejects_invalid_values(house: World) -> None:
    other = world(house.open, uuid7())
    with member_scope(house, house.ann) as scope:
        for name in ("", "  ", "x" * 81):
            with pytest.raises(BadInput, match="bad_name"):
                persons.add_person(scope, kind="real", display_ref=name)
        with pytest.raises(NotFound):
            persons.add_person(scope, kind="real", display_ref="Ida", creator_id=other.creator_id)
        invented = persons.add_person(scope, kind="synthetic", display_ref="Nova")
        with pytest.raises(BadInput, match="bad_kind"):
            persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=invented)
        with pytest.raises(NotFound):
            persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=uuid7())
    assert REFERENCES_PART
