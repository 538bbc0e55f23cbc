"""Style references of a creator: allowed pictures, the copy a run keeps, and the records of the
results."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ops.settings import GeneratorsSettings
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import inspections, ratings
from generators.engines.images.diffusion import DiffusionEngine
from generators.media import pictures
from generators.retouch.masks import MaskRegion
from studio.library import assets as library
from studio.recipes import input_pictures, specs, style_references, yaml_files
from studio.recipes.input_pictures import InitPicture
from studio.recipes.run_inputs import PoseReference
from studio.runs import lineage, runner
from tests.gate.answers import rate_and_answer
from tests.generators import tiny_models as tiny
from tests.generators.builders import needs_diffusion
from tests.studio.builders import CreatorStudio, Engine, build_spec, create_studio
from tests.studio.person_builders import (
    add_consenting_creator,
    add_creator_person,
    add_photo,
    name_people,
)
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    """The real pipelines on small models, with an IP-Adapter and a ControlNet."""
    needs_diffusion()
    folder: Path = tmp_path_factory.mktemp("models")
    tiny.sd15(folder / "one")
    tiny.references(folder / "references", folder / "one")
    tiny.poses(folder / "poses", folder / "one")
    made = DiffusionEngine(
        GeneratorsSettings(
            diffusion_folder=str(folder / "one"),
            diffusion_models=str(folder),
            diffusion_references=str(folder / "references"),
            diffusion_poses=str(folder / "poses"),
        )
    )
    yield made
    made.pipelines.release_all()


def look(nova: CreatorStudio, *seeds: int) -> tuple[UUID, list[UUID]]:
    """Add a consenting creator with style references of them."""
    person = add_consenting_creator(nova)
    assets = [name_people(nova, add_photo(nova, seed), person) for seed in seeds]
    for asset in assets:
        keep(nova, asset)
    return person, assets


def keep(nova: CreatorStudio, asset: UUID) -> None:
    with nova.scope() as scope:
        style_references.add_style_reference(scope, nova.creator_id, asset)


def refused(nova: CreatorStudio, asset: UUID) -> str:
    """Return the reason a picture is refused as a style reference."""
    with pytest.raises(GreenroomError) as found:
        keep(nova, asset)
    return found.value.message.code


def start(
    nova: CreatorStudio, *, key: str = "look", strength: int = 60, count: int = 1, **given: object
) -> UUID:
    with nova.scope() as scope:
        recipe = specs.save_recipe(
            scope, nova.creator_id, build_spec(width=64, height=64, steps=4, look=strength)
        )
        return runner.start_run(
            scope,
            creator_id=nova.creator_id,
            recipe_id=recipe,
            seed=7,
            key=key,
            count=count,
            **given,  # type: ignore[arg-type]  # as it is
        )


def made(nova: CreatorStudio, job: UUID) -> list[UUID]:
    with nova.scope() as scope:
        return runner.run_assets(scope, job)


def reason(nova: CreatorStudio, job: UUID) -> str:
    with nova.scope() as scope:
        found = scope.run(
            "SELECT state, reason ->> 'code' AS code FROM jobs WHERE id = :id", id=job
        ).one()
        assert found.state == "failed"
        return str(found.code)


def of(nova: CreatorStudio) -> list[tuple[UUID, str]]:
    with nova.scope() as scope:
        return [
            (one.asset_id, one.refused.code if one.refused else "")
            for one in style_references.list_style_references(scope, nova.creator_id)
        ]


def test_style_references_are_few_and_ordered(nova: CreatorStudio) -> None:
    person, (first, second) = look(nova, 1, 2)
    keep(nova, first)
    assert of(nova) == [(first, ""), (second, "")], "added twice, listed once"
    third, fourth, fifth = (name_people(nova, add_photo(nova, seed), person) for seed in (3, 4, 5))
    with nova.scope() as scope:
        style_references.add_style_reference(scope, nova.creator_id, third)
        style_references.add_style_reference(scope, nova.creator_id, fourth)
        style_references.move_to_front(scope, nova.creator_id, fourth)
    assert [asset for asset, _ in of(nova)] == [fourth, first, second, third]
    assert refused(nova, fifth) == "look.full"
    with nova.scope() as scope:
        style_references.remove_style_reference(scope, nova.creator_id, first)
        style_references.remove_style_reference(scope, nova.creator_id, fifth)
        with pytest.raises(NotFound):
            style_references.move_to_front(scope, nova.creator_id, first)
    assert [asset for asset, _ in of(nova)] == [fourth, second, third]


def test_depicted_people_decide_on_a_style_reference(nova: CreatorStudio) -> None:
    agreed_to, nobody = add_consenting_creator(nova), add_photo(nova, 1)
    assert refused(nova, nobody) == "look.nobody"
    with nova.scope() as scope:
        ratings.record_depiction(scope, nobody, agreed_to, how="face")
    assert refused(nova, nobody) == "look.open", "a proposed depiction is not confirmed"
    other = add_creator_person(nova, creator=False)
    assert refused(nova, name_people(nova, add_photo(nova, 2), other)) == "look.other"
    assert refused(nova, name_people(nova, add_photo(nova, 3), agreed_to, other)) == "look.other"
    silent = add_creator_person(nova)
    assert refused(nova, name_people(nova, add_photo(nova, 4), silent)) == "look.not_allowed"
    invented = add_creator_person(nova, kind="synthetic")
    assert refused(nova, name_people(nova, add_photo(nova, 5), invented)) == "look.undeclared"
    crowd = name_people(nova, add_photo(nova, 6), agreed_to)
    with nova.scope() as scope:
        sha256 = library.get_asset(scope, crowd).sha256
        inspections.record_classifier_finding(
            scope, sha256, source="classifier:a@1", rating=Rating.G, people=2
        )
    assert refused(nova, crowd) == "look.several"
    never = name_people(nova, add_photo(nova, 7), agreed_to)
    with nova.scope() as scope:
        rate_and_answer(scope, library.get_asset(scope, never).sha256, Rating.X, source="rule:test")
    assert refused(nova, never) == "job.begins_from_withheld"
    assert of(nova) == []


def test_twin_follows_the_consent_of_the_real_person(nova: CreatorStudio) -> None:
    living = add_consenting_creator(nova)
    with nova.scope() as scope:
        double = persons.add_person(scope, kind="digital_twin", display_ref="Nova+", twin_of=living)
    keep(nova, name_people(nova, add_photo(nova, 1), double))
    with nova.scope() as scope:
        revoke_consent(scope, living, what="ai_likeness")
    ((_, why),) = of(nova)
    assert why == "look.not_allowed", "a revocation counts at once"


def test_pictures_of_another_agency_are_not_found(nova: CreatorStudio, services: Services) -> None:
    theirs = create_studio(services)
    person = add_consenting_creator(theirs)
    asset = name_people(theirs, add_photo(theirs, 1), person)
    assert refused(nova, asset) == "library.asset_unknown"
    keep(theirs, asset)
    assert of(nova) == []
    assert nova.count("look_pictures") == 0


def test_result_is_a_child_of_each_reference_and_shows_their_people(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    person, assets = look(nova, 1, 2)
    with nova.scope() as scope:
        rate_and_answer(
            scope, library.get_asset(scope, assets[1]).sha256, Rating.N, source="rule:test"
        )
    job = start(nova, count=2)
    nova.work(job, lambda: engine)
    assert nova.progress(job) == ("done", 2, 2)
    for child in made(nova, job):
        with nova.scope() as scope:
            told = lineage.get_lineage(scope, child)
            assert [card.asset_id for card in told.after] == assets
            assert told.sources == []
            assert (told.parameters["references"], told.parameters["reference_weight"]) == (2, 0.6)
            sha256 = library.get_asset(scope, child).sha256
            rate_and_answer(scope, sha256, Rating.G, source="member:x")
            assert ratings.effective_rating(scope, sha256) is Rating.S, (
                "a picture derived from nudity is at least suggestive"
            )
            shown = scope.run(
                "SELECT person_id FROM depictions WHERE asset_id = :a", a=child
            ).scalars()
            assert set(shown) == {person}


def test_person_named_later_in_a_reference_is_added_to_its_results(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    _, (asset,) = look(nova, 1)
    job = start(nova)
    nova.work(job, lambda: engine)
    (child,) = made(nova, job)
    other = add_creator_person(nova, creator=False)
    name_people(nova, asset, other)
    with nova.scope() as scope:
        shown = scope.run("SELECT person_id FROM depictions WHERE asset_id = :a", a=child).scalars()
        assert other in set(shown)


def test_references_and_weight_matter_and_the_same_run_is_reproducible(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    _, (one, other) = look(nova, 1, 2)
    seen = []
    for number, (asset, strength) in enumerate(((one, 60), (one, 60), (other, 60), (other, 100))):
        with nova.scope() as scope:
            for each in (one, other):
                style_references.remove_style_reference(scope, nova.creator_id, each)
            style_references.add_style_reference(scope, nova.creator_id, asset)
        job = start(nova, key=f"look:{number}", strength=strength)
        nova.work(job, lambda: engine)
        (child,) = made(nova, job)
        with nova.scope() as scope:
            seen.append(
                nova.services.store.get(nova.tenant_id, library.get_asset(scope, child).sha256)
            )
    assert pixels(seen[0]) == pixels(seen[1])
    assert len({pixels(each) for each in seen[1:]}) == 3


def pixels(data: bytes) -> bytes:
    """Decode the pixels, without the signature, which differs each time."""
    return pictures.decode_photo(data, name="x").pixels.tobytes()


def test_run_keeps_the_references_of_its_request(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    person, assets = look(nova, 1)
    job = start(nova)
    with nova.scope() as scope:
        style_references.remove_style_reference(scope, nova.creator_id, assets[0])
        style_references.add_style_reference(scope, nova.creator_id, named_in(nova, person, 2))
    nova.work(job, lambda: engine)
    (child,) = made(nova, job)
    with nova.scope() as scope:
        assert [card.asset_id for card in lineage.get_lineage(scope, child).after] == assets
        again, _ = lineage.repeat_generation(scope, child, key="again", by="member:x")
        kept = scope.run("SELECT look FROM jobs WHERE id = :id", id=again).scalar_one()
    assert [asset for asset, _ in kept] == [str(one) for one in assets]


def named_in(nova: CreatorStudio, person: UUID, seed: int) -> UUID:
    return name_people(nova, add_photo(nova, seed), person)


def test_references_revoked_after_the_request_are_not_used(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    person, (asset,) = look(nova, 1)
    first, second = start(nova, key="a"), start(nova, key="b")
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, library.get_asset(scope, asset).sha256)
    nova.work(first, lambda: engine)
    assert reason(nova, first) == "job.begins_from_withheld"
    with nova.scope() as scope:
        ratings.unfreeze_bytes(scope, library.get_asset(scope, asset).sha256)
        revoke_consent(scope, person, what="ai_likeness")
    nova.work(second, lambda: engine)
    assert reason(nova, second) == "look.not_allowed"
    assert made(nova, first) == made(nova, second) == []
    with pytest.raises(Refused):
        start(nova, key="c")


def test_reference_frozen_during_a_run_stops_the_rest(nova: CreatorStudio) -> None:
    _, (asset,) = look(nova, 1)
    job = start(nova, count=3)

    def freeze(number: int) -> None:
        if number == 1:
            with nova.scope() as scope:
                ratings.freeze_bytes(scope, library.get_asset(scope, asset).sha256)

    engine = Engine(before=freeze, does=frozenset({"references"}))
    nova.work(job, lambda: engine)
    assert reason(nova, job) == "job.begins_from_withheld"
    assert len(made(nova, job)) == nova.progress(job)[1] == 1, (
        "the picture in progress is not kept either"
    )


def test_run_continues_with_the_same_references_after_a_crash(nova: CreatorStudio) -> None:
    _, (asset,) = look(nova, 1)
    job = start(nova, count=3)

    def die(number: int) -> None:
        if number == 1:
            raise SystemExit

    first = Engine(before=die, does=frozenset({"references"}))
    with pytest.raises(SystemExit):
        nova.work(job, lambda: first)
    after = Engine(does=frozenset({"references"}))
    nova.work(job, lambda: after)
    assert nova.progress(job) == ("done", 3, 3)
    assert len(after.drawn) == 2
    assert all(len(one.references) == 1 and one.reference_weight == 0.6 for one in after.drawn)
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT part_id, whole FROM asset_parts WHERE tenant_id = :t", t=nova.tenant_id
        )
        assert [tuple(row) for row in rows] == [(asset, False)] * 3


def test_engine_without_reference_support_fails_only_runs_with_references(
    nova: CreatorStudio,
) -> None:
    with pytest.raises(Refused):
        start(nova, key="none")
    look(nova, 1)
    job = start(nova)
    nova.work(job, Engine)
    assert reason(nova, job) == "engine.cannot_references"
    plain = start(nova, key="plain", strength=0)
    nova.work(plain, Engine)
    assert nova.progress(plain)[0] == "done"


def test_pose_is_taken_from_a_picture_and_repeated(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    asset = add_photo(nova, 1)
    job = start(nova, strength=0, pose=PoseReference(asset, 80))
    nova.work(job, lambda: engine)
    (child,) = made(nova, job)
    with nova.scope() as scope:
        told = lineage.get_lineage(scope, child)
        assert [card.asset_id for card in told.after] == [asset]
        assert told.parameters["pose_weight"] == 0.8
        again, _ = lineage.repeat_generation(scope, child, key="again", by="member:x")
        row = scope.run("SELECT pose_asset, pose_weight FROM jobs WHERE id = :id", id=again).one()
    assert tuple(row) == (asset, 80)
    for weight in (0, input_pictures.MIN_WEIGHT - 1, input_pictures.MAX_WEIGHT + 1):
        with pytest.raises(BadInput):
            start(nova, key="w", strength=0, pose=PoseReference(asset, weight))


def test_only_the_region_is_changed_and_a_repeat_keeps_it(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    asset, part = add_photo(nova, 1), MaskRegion(0, 0, 50, 100)
    job = start(nova, strength=0, begin=InitPicture(asset, 90, part))
    whole = start(nova, key="whole", strength=0, begin=InitPicture(asset, 90))
    for each in (job, whole):
        nova.work(each, lambda: engine)
    (child,), (other,) = made(nova, job), made(nova, whole)
    with nova.scope() as scope:
        told = [
            nova.services.store.get(nova.tenant_id, library.get_asset(scope, one).sha256)
            for one in (child, other)
        ]
        again, _ = lineage.repeat_generation(scope, child, key="again", by="member:x")
        row = scope.run("SELECT from_asset, anew, region FROM jobs WHERE id = :id", id=again).one()
    assert pixels(told[0]) != pixels(told[1])
    assert tuple(row) == (asset, 90, {"left": 0, "top": 0, "right": 50, "bottom": 100})


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(strength=st.integers(0, 100))
def test_reference_strength_survives_yaml_and_reaches_the_engine(strength: int) -> None:
    wanted = build_spec(look=strength)
    assert yaml_files.parse_recipe_file(yaml_files.export_recipe(wanted)).spec == wanted
    assert ("look" in yaml_files.export_recipe(wanted)) is (strength > 0)
    (shot,) = specs.plan_pictures(wanted, seed=1, count=1)
    assert shot.job.reference_weight == strength / 100


@pytest.mark.parametrize("strength", ["-1", "101", "much", "1.5"])
def test_strength_out_of_bounds_is_refused_with_its_line(strength: str) -> None:
    with pytest.raises(BadInput) as wrong:
        yaml_files.parse_recipe_file(f"name: a\nprompt: b\nlook: {strength}\n")
    assert wrong.value.message.params == {"line": 3, "where": "look"}
