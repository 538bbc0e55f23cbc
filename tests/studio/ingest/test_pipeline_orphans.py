"""What is stored and then not recorded leaves no bytes, and takes none of what somebody else
stored."""

import pytest

from foundation.errors import Refused
from generators.contract.engines import ImageJob
from generators.engines.images.placeholder import PlaceholderEngine
from studio.ingest import pipeline
from tenants.agencies import agencies
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, ZONE, AwayClassifier, CreatorStudio


def kept(nova: CreatorStudio) -> set[str]:
    """The objects of the agency."""
    folder = nova.services.settings.objects_folder / str(nova.tenant_id)
    return {path.name for path in folder.rglob("*") if path.is_file()}


def from_engine(seed: int) -> pipeline.PreparedAsset:
    """A picture of an engine, signed anew: never the same bytes."""
    made = PlaceholderEngine().draw(
        ImageJob(prompt="beach", seed=seed, width=320, height=240, steps=1)
    )
    return pipeline.prepare_generated_picture(
        made, key=f"job:{seed}", alt="beach", credential=CREDENTIAL
    )


@pytest.mark.parametrize("why", [Refused("look.none"), KeyboardInterrupt()])
def test_what_may_not_be_used_any_more_leaves_no_bytes(
    nova: CreatorStudio, why: BaseException
) -> None:
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


def test_the_second_of_two_that_bring_the_same_leaves_no_bytes(nova: CreatorStudio) -> None:
    first, second = from_engine(3), from_engine(3)
    assert first.data != second.data
    asset = nova.bring(first)
    before = kept(nova)
    assert len(before) > 1, "its thumbnails lie beside it"
    assert nova.bring(second) == asset
    assert kept(nova) == before


def test_who_brings_the_same_as_one_that_is_forgotten_keeps_it_all(nova: CreatorStudio) -> None:
    """Between what is stored and what is recorded, somebody else's same picture turns out to be of
    no use."""
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
    assert told == [], "the other forgot what both had stored"
    with nova.scope() as scope:
        wanted = (
            scope.run("SELECT sha256 FROM renditions WHERE tenant_id = :t", t=nova.tenant_id)
            .scalars()
            .all()
        )
    assert len(wanted) > 1
    assert kept(nova) == set(wanted)
