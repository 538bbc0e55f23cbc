"""Runs that start from a library picture: the results are its children; a withheld picture is never
used."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from foundation.errors import BadInput, NotFound, Refused
from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import ratings
from generators.engines.images.diffusion import DiffusionEngine
from generators.media import pictures
from generators.retouch.masks import MaskRegion
from studio.library import assets, erasure
from studio.library.events import ErasureDue
from studio.library.states import ShelfState
from studio.recipes import input_pictures, specs
from studio.recipes.input_pictures import InitPicture
from studio.runs import lineage, runner
from tests.gate.answers import rate_and_answer
from tests.generators import tiny_models as tiny
from tests.generators.builders import a_picture, encoded, needs_diffusion
from tests.studio.builders import CreatorStudio, Engine, build_spec, create_studio
from workers.wiring import Services

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    """The real pipeline on a small model."""
    needs_diffusion()
    folder: Path = tmp_path_factory.mktemp("models")
    tiny.sd15(folder / "one")
    made = DiffusionEngine(
        GeneratorsSettings(diffusion_folder=str(folder / "one"), diffusion_models=str(folder))
    )
    yield made
    made.pipelines.release_all()


def photo(nova: CreatorStudio, seed: int = 1) -> UUID:
    return nova.upload(encoded(a_picture(96, 64, seed=seed)))


def begin(
    nova: CreatorStudio, asset: UUID, *, anew: int = 50, key: str = "vary", count: int = 1
) -> UUID:
    with nova.scope() as scope:
        recipe = specs.save_recipe(scope, nova.creator_id, build_spec(width=64, height=64, steps=4))
        return runner.start_run(
            scope,
            creator_id=nova.creator_id,
            recipe_id=recipe,
            seed=7,
            key=key,
            count=count,
            begin=InitPicture(asset, anew),
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


def test_result_is_a_child_with_the_people_and_rating_of_its_source(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    asset = photo(nova)
    with nova.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="Léa")
        ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:x")
        rate_and_answer(scope, assets.get_asset(scope, asset).sha256, Rating.N, source="rule:test")
    job = begin(nova, asset, count=2)
    nova.work(job, lambda: engine)
    assert nova.progress(job) == ("done", 2, 2)
    children = made(nova, job)
    with nova.scope() as scope:
        for child in children:
            found = lineage.get_lineage(scope, child)
            assert [card.asset_id for card in found.sources] == [asset]
            sha256 = assets.get_asset(scope, child).sha256
            rate_and_answer(scope, sha256, Rating.G, source="member:x")
            assert ratings.effective_rating(scope, sha256) is Rating.S, (
                "a picture derived from nudity is at least suggestive"
            )
            shown = scope.run(
                "SELECT person_id FROM depictions WHERE asset_id = :a", a=child
            ).scalars()
            assert set(shown) == {person}


def test_source_picture_matters_and_the_same_run_is_reproducible(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    one, other = photo(nova, 1), photo(nova, 2)
    seen = []
    for number, asset in enumerate((one, one, other)):
        job = begin(nova, asset, key=f"vary:{number}")
        nova.work(job, lambda: engine)
        (child,) = made(nova, job)
        with nova.scope() as scope:
            sha256 = assets.get_asset(scope, child).sha256
            seen.append(
                scope.run("SELECT phash FROM renditions WHERE sha256 = :s", s=sha256).scalar_one()
            )
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_upright_source_keeps_its_orientation_under_a_wide_recipe(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    asset = nova.upload(encoded(a_picture(320, 400)))
    with nova.scope() as scope:
        recipe = specs.save_recipe(
            scope, nova.creator_id, build_spec(width=640, height=480, steps=2)
        )
        begins = [InitPicture(asset, 50), InitPicture(asset, 50, MaskRegion(0, 0, 50, 50))]
        whole, part = (
            runner.start_run(
                scope,
                creator_id=nova.creator_id,
                recipe_id=recipe,
                seed=7,
                key=str(one),
                count=1,
                begin=one,
            )
            for one in begins
        )
    sizes = []
    for job in (whole, part):
        nova.work(job, lambda: engine)
        (child,) = made(nova, job)
        with nova.scope() as scope:
            sha256 = assets.get_asset(scope, child).sha256
        sizes.append(
            pictures.decode_photo(nova.services.store.get(nova.tenant_id, sha256), name="x").size
        )
    assert sizes == [(496, 624), (320, 400)]


def test_repeated_run_starts_from_the_same_source(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    asset = photo(nova)
    job = begin(nova, asset)
    nova.work(job, lambda: engine)
    (child,) = made(nova, job)
    with nova.scope() as scope:
        again, count = lineage.repeat_generation(scope, child, key="again", by="member:x")
        row = scope.run("SELECT from_asset, anew FROM jobs WHERE id = :id", id=again).one()
    assert (row.from_asset, row.anew, count) == (asset, 50, 1)


def test_engine_without_source_pictures_fails_the_run_with_a_reason(nova: CreatorStudio) -> None:
    job = begin(nova, photo(nova))
    nova.work(job, Engine)
    assert reason(nova, job) == "engine.cannot_init"
    assert made(nova, job) == []


def test_source_frozen_or_erased_after_the_request_is_not_used(
    nova: CreatorStudio, engine: DiffusionEngine
) -> None:
    frozen, erased = photo(nova, 1), photo(nova, 2)
    first, second = begin(nova, frozen, key="a"), begin(nova, erased, key="b")
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, assets.get_asset(scope, frozen).sha256)
        assets.set_shelf_state(scope, erased, ShelfState.RETIRED)
    erasure.erase_picture(
        ErasureDue(nova.tenant_id, erased, erasure.ERASURE_ACTOR),
        tenant=nova.services.tenant,
        store=nova.services.store,
        posted=lambda scope, creator: (),
    )
    for job in (first, second):
        nova.work(job, lambda: engine)
    assert reason(nova, first) == "job.begins_from_withheld"
    assert reason(nova, second) == "library.asset_unknown"


def test_invalid_source_pictures_and_strengths_are_refused(
    nova: CreatorStudio, services: Services
) -> None:
    asset, theirs = photo(nova), photo(create_studio(services))
    with pytest.raises(NotFound):
        begin(nova, theirs)
    for anew in (0, input_pictures.MIN_STRENGTH - 1, input_pictures.MAX_STRENGTH + 1):
        with pytest.raises(BadInput):
            begin(nova, asset, anew=anew)
    with nova.scope() as scope:
        ratings.freeze_bytes(scope, assets.get_asset(scope, asset).sha256)
    with pytest.raises(Refused):
        begin(nova, asset)
