"""Packs: complete, of one creator, and unchanged once sold."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from gate.contract.units import Rating
from studio.library import assets as library
from studio.packs import packs
from studio.packs.states import PackState
from tenants.agencies import agencies
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import ZONE, CreatorStudio


def pictures(
    nova: CreatorStudio, count: int = 2, *, rating: Rating | None = Rating.G
) -> list[UUID]:
    assets = [nova.upload(encoded(a_picture(seed=number), "JPEG")) for number in range(count)]
    if rating is not None:
        with nova.scope() as scope:
            for asset in assets:
                rate_and_answer(
                    scope, library.get_asset(scope, asset).sha256, rating, source="rule:tests"
                )
    return assets


def make(nova: CreatorStudio, assets: Sequence[UUID], **more: str) -> UUID:
    with nova.scope() as scope:
        values = {"slug": "dawn", "title": "Dawn", "description": "The harbour", **more}
        return packs.create_pack(scope, creator_id=nova.creator_id, assets=assets, **values)


def read(nova: CreatorStudio, pack_id: UUID) -> packs.PackView:
    with nova.scope() as scope:
        return packs.get_pack(scope, pack_id)


def test_pack_has_its_pictures_in_order_at_their_highest_rating(nova: CreatorStudio) -> None:
    first, second = pictures(nova)
    with nova.scope() as scope:
        rate_and_answer(
            scope, library.get_asset(scope, second).sha256, Rating.S, source="rule:tests"
        )
        wanted = [library.get_rendition(scope, asset, "pack") for asset in (second, first)]
    pack = read(nova, make(nova, [second, first]))
    assert list(pack.media) == wanted
    assert (pack.rating, pack.state, pack.version) == (Rating.S, PackState.ACTIVE, 1)


def test_unrated_picture_makes_the_pack_unavailable(nova: CreatorStudio) -> None:
    assert read(nova, make(nova, pictures(nova, rating=None))).rating is Rating.X


@pytest.mark.parametrize("more", [{"title": ""}, {"title": "x" * 33}, {"description": "x" * 256}])
def test_unsellable_pack_is_refused(nova: CreatorStudio, more: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        make(nova, pictures(nova), **more)


def test_pack_pictures_are_unique_and_of_the_creator(nova: CreatorStudio) -> None:
    asset = pictures(nova, 1)[0]
    for wrong in ([], [asset, asset]):
        with pytest.raises(BadInput):
            make(nova, wrong)
    with nova.scope() as scope:
        other = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
    with nova.scope() as scope, pytest.raises(NotFound):
        packs.create_pack(
            scope, creator_id=other, slug="hers", title="Hers", description="", assets=[asset]
        )
    with pytest.raises(NotFound):
        make(nova, [uuid7()])


def test_slug_identifies_one_pack(nova: CreatorStudio) -> None:
    assets = pictures(nova)
    assert make(nova, assets) == make(nova, assets[:1], title="Other")


def test_sold_pack_cannot_change(nova: CreatorStudio) -> None:
    assets = pictures(nova)
    pack_id = make(nova, assets)
    with nova.scope() as scope:
        for same in (assets, assets[:1], assets[:1]):
            packs.replace_pack_items(scope, pack_id, same)
        packs.freeze_pack(scope, pack_id)
    before = read(nova, pack_id)
    assert (before.version, len(before.media)) == (2, 1)
    with nova.scope() as scope, pytest.raises(Conflict):
        packs.replace_pack_items(scope, pack_id, assets)
    assert read(nova, pack_id) == before


def test_unsold_pack_cannot_become_empty(nova: CreatorStudio) -> None:
    pack_id = make(nova, pictures(nova))
    with nova.scope() as scope, pytest.raises(BadInput):
        packs.replace_pack_items(scope, pack_id, [])
    assert len(read(nova, pack_id).media) == 2


def test_only_active_complete_packs_are_offered(nova: CreatorStudio) -> None:
    assets = pictures(nova, 3)
    sold, paused, broken = (make(nova, [asset], slug=f"pack-{n}") for n, asset in enumerate(assets))
    with nova.scope() as scope:
        packs.set_pack_state(scope, paused, PackState.PAUSED)
        scope.run("DELETE FROM creations WHERE asset_id = :asset", asset=assets[2])
    with nova.scope() as scope:
        assert [pack.id for pack in packs.list_active_packs(scope, nova.creator_id)] == [sold]
        with pytest.raises(Conflict):
            packs.set_pack_state(scope, paused, PackState.DRAFT)
        with pytest.raises(NotFound):
            packs.get_pack(scope, broken)
