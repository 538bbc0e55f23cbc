"""Bytes that are stored but not recorded are removed, without removing bytes that others stored."""

import pytest

from foundation.errors import Refused
from generators.contract.engines import ImageJob
from generators.engines.images.placeholder import PlaceholderEngine
from studio.ingest import pipeline
from tenants.agencies import agencies
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, ZONE, AwayClassifier, CreatorStudio


def kept(nova: CreatorStudio) -> set[str]:
    """List the stored objects of the agency."""
    folder = nova.services.settings.objects_folder / str(nova.tenant_id)
    return {path.name for path in folder.rglob("*") if path.is_file()}


def from_engine(seed: int) -> pipeline.PreparedAsset:
    """Prepare a generated picture; each signature gives different bytes."""
    made = PlaceholderEngine().draw(
        ImageJob(prompt="beach", seed=seed, width=320, height=240, steps=1)
    )
    return pipeline.prepare_generated_picture(
        made, key=f"job:{seed}", alt="beach", credential=CREDENTIAL
    )


@pytest.mark.parametrize("why", [Refused("look.none"), KeyboardInterrupt()])
def test_bytes_of_a_rejected_picture_are_removed(nova: CreatorStudio, why: BaseException) -> None:
    nova.bring(from_engine(1))
    before = kept(nova)

    def taken_back(_: object) -> None:
        raise why

    with pytest.raises(type(why)):
        pipeline.ingest_asset(
            nova.services.tenant,
            nova.services.store,
            tenant_id=nova.tenant_id,
            creator_id=nova.creator_id,
            prepared=from_engine(2),
            still=taken_back,
        )
    assert kept(nova) == before
    assert len(nova.library()) == 1


def test_second_ingest_of_the_same_picture_stores_no_bytes(nova: CreatorStudio) -> None:
    first, second = from_engine(3), from_engine(3)
    assert first.data != second.data
    asset = nova.bring(first)
    before = kept(nova)
    assert len(before) > 1, "its thumbnails are stored with it"
    assert nova.bring(second) == asset
    assert kept(nova) == before


def test_ingest_keeps_bytes_that_a_failed_ingest_removes(nova: CreatorStudio) -> None:
    """Between storing and recording, another creator's ingest of the same picture fails."""
    with nova.scope() as scope:
        mia = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone=ZONE, languages=["fr"]
        )
    prepared = pipeline.prepare_upload(encoded(a_picture(400, 300, seed=41), "JPEG"), name="a.jpg")
    services, told = nova.services, list[str]()

    def of_no_use(_: object) -> None:
        raise Refused("look.none")

    def other() -> None:
        with pytest.raises(Refused):
            pipeline.ingest_asset(
                services.tenant,
                services.store,
                tenant_id=nova.tenant_id,
                creator_id=mia,
                prepared=prepared,
                still=of_no_use,
            )
        told.extend(kept(nova))

    pipeline.ingest_asset(
        services.tenant,
        services.store,
        tenant_id=nova.tenant_id,
        creator_id=nova.creator_id,
        prepared=prepared,
        classifier=AwayClassifier(other),
    )
    assert told == [], "the other ingest removed the shared bytes"
    with nova.scope() as scope:
        wanted = (
            scope.run("SELECT sha256 FROM renditions WHERE tenant_id = :t", t=nova.tenant_id)
            .scalars()
            .all()
        )
    assert len(wanted) > 1
    assert kept(nova) == set(wanted)
