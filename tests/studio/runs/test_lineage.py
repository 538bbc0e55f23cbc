"""Lineage: relatives of the same creator, versions, packs; a repeated run has the same recipe and
seed, once."""

from dataclasses import replace
from uuid import UUID

import pytest

from foundation.errors import NotFound
from studio.ingest import pipeline
from studio.packs import packs
from studio.recipes import specs
from studio.runs import lineage
from studio.runs.lineage import AssetLineage
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, Engine, build_spec, create_studio
from tests.studio.library.test_search import found, upload
from workers.wiring import Services


def story(nova: CreatorStudio, asset: UUID) -> AssetLineage:
    with nova.scope() as scope:
        return lineage.get_lineage(scope, asset)


def test_lineage_lists_sources_children_and_packs(nova: CreatorStudio) -> None:
    parent = upload(nova, 1, "the first")
    prepared = pipeline.prepare_upload(encoded(a_picture(seed=2), "JPEG"), name="b.jpg")
    child = nova.bring(replace(prepared, source=replace(prepared.source, parent=parent)))
    with nova.scope() as scope:
        packs.create_pack(
            scope,
            creator_id=nova.creator_id,
            slug="p",
            title="Pack",
            description="",
            assets=[parent],
        )
    above, below = story(nova, parent), story(nova, child)
    assert (above.sources, [one.asset_id for one in above.children], above.packs) == (
        [],
        [child],
        ["Pack"],
    )
    assert ([one.asset_id for one in below.sources], below.children, below.packs) == (
        [parent],
        [],
        [],
    )
    assert [(one.mime, one.size > 0, one.width > 0) for one in above.versions] == [
        ("image/jpeg", True, True)
    ]
    assert above.again == 0


def test_picture_is_made_again_by_its_own_recipe_version(nova: CreatorStudio) -> None:
    first = nova.start(variants=2)
    engine = Engine()
    nova.work(first, lambda: engine)
    asset = next(iter(found(nova)))
    with nova.scope() as scope:
        specs.save_recipe(
            scope, nova.creator_id, build_spec(variants=2, prompt="something else in the {hour}")
        )
        job, count = lineage.repeat_generation(scope, asset, key="again", by="member:x")
        assert lineage.repeat_generation(scope, asset, key="again", by="member:x") == (job, 2), (
            "requested twice, run once"
        )
    again = Engine()
    nova.work(job, lambda: again)
    assert (count, again.drawn) == (2, engine.drawn)
    assert story(nova, asset).again == 2


def test_uploaded_picture_cannot_be_made_again(nova: CreatorStudio) -> None:
    with pytest.raises(NotFound), nova.scope() as scope:
        lineage.repeat_generation(scope, upload(nova, 1, "x"), key="again", by="member:x")


def test_another_agency_reads_and_repeats_nothing(nova: CreatorStudio, services: Services) -> None:
    nova.work(nova.start(variants=1), Engine)
    (asset,), other = found(nova), create_studio(services)
    with pytest.raises(NotFound):
        story(other, asset)
    with pytest.raises(NotFound), other.scope() as scope:
        lineage.repeat_generation(scope, asset, key="again", by="member:x")
    assert other.count("jobs") == 0
