"""Collections: ordered, limited, uniquely named; pictures outlive them; private to the agency."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from studio.library import assets, collections
from studio.library.collections import CollectionView
from studio.packs import packs
from tests.studio.builders import CreatorStudio, create_studio
from tests.studio.library.test_search import filled, upload
from workers.wiring import Services


def kept(nova: CreatorStudio) -> list[CollectionView]:
    with nova.scope() as scope:
        return collections.list_collections(scope, nova.creator_id)


def test_collection_is_arranged_and_used_for_a_pack(nova: CreatorStudio) -> None:
    one, two, three = (upload(nova, seed, "x") for seed in (1, 2, 3))
    with nova.scope() as scope:
        made = collections.create_collection(scope, nova.creator_id, " Été  2026 ", [one, two, one])
        collections.add_to_collection(scope, nova.creator_id, made, [two, three])
    assert kept(nova) == [CollectionView(made, "Été 2026", one, (one, two, three))]
    with nova.scope() as scope:
        collections.move_to_front(scope, nova.creator_id, made, [three, uuid7(), two])
        collections.set_cover(scope, nova.creator_id, made, two)
        collections.rename_collection(scope, nova.creator_id, made, "été 2026")
    (found,) = kept(nova)
    assert found == CollectionView(made, "été 2026", two, (three, two, one))
    with nova.scope() as scope:
        packs.create_pack(
            scope,
            creator_id=nova.creator_id,
            slug="p",
            title="P",
            description="",
            assets=found.assets,
        )
        collections.remove_from_collection(scope, nova.creator_id, made, [two])
    assert kept(nova) == [CollectionView(made, "été 2026", three, (three, one))], (
        "the cover is removed with its picture"
    )
    with nova.scope() as scope:
        collections.delete_collection(scope, nova.creator_id, made)
        assert len(assets.list_assets(scope, nova.creator_id)) == 3
        assert len(packs.list_active_packs(scope, nova.creator_id)) == 1
    assert kept(nova) == []
    assert nova.count("collection_items") == 0


@pytest.mark.parametrize("name", ["", "  ", "\u0301", "x" * 61, "a\x07b"])
def test_invalid_collection_name_is_refused(nova: CreatorStudio, name: str) -> None:
    with pytest.raises(BadInput, match=r"collection\.bad_name"), nova.scope() as scope:
        collections.create_collection(scope, nova.creator_id, name)


def test_collection_name_is_unique_regardless_of_accents(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        collections.create_collection(scope, nova.creator_id, "Été")
        other = collections.create_collection(scope, nova.creator_id, "Hiver")
    for act in (
        lambda scope: collections.create_collection(scope, nova.creator_id, "ETE"),
        lambda scope: collections.rename_collection(scope, nova.creator_id, other, "ete"),
    ):
        with pytest.raises(Conflict, match=r"collection\.taken"), nova.scope() as scope:
            act(scope)


def test_too_large_collection_is_refused_unchanged(nova: CreatorStudio) -> None:
    filled(nova, collections.MAX_COLLECTION_SIZE + 1)
    with nova.scope() as scope:
        assets = list(
            scope.run(
                "SELECT asset_id FROM creations WHERE tenant_id = :t", t=nova.tenant_id
            ).scalars()
        )
        made = collections.create_collection(scope, nova.creator_id, "All", assets[1:])
    with pytest.raises(BadInput, match=r"collection\.full"), nova.scope() as scope:
        collections.add_to_collection(scope, nova.creator_id, made, assets)
    assert len(kept(nova)[0].assets) == collections.MAX_COLLECTION_SIZE


ACTS: dict[str, Callable[[Scope, UUID, UUID, UUID], Any]] = {
    "rename": lambda scope, creator, key, _: collections.rename_collection(
        scope, creator, key, "mine"
    ),
    "add": lambda scope, creator, key, asset: collections.add_to_collection(
        scope, creator, key, [asset]
    ),
    "put first": lambda scope, creator, key, asset: collections.move_to_front(
        scope, creator, key, [asset]
    ),
    "take out": lambda scope, creator, key, asset: collections.remove_from_collection(
        scope, creator, key, [asset]
    ),
    "cover": collections.set_cover,
    "delete": lambda scope, creator, key, _: collections.delete_collection(scope, creator, key),
    "make": lambda scope, creator, _, asset: collections.create_collection(
        scope, creator, "mine", [asset]
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_another_agency_cannot_change_a_collection(
    nova: CreatorStudio, services: Services, name: str
) -> None:
    asset, other = upload(nova, 1, "x"), create_studio(services)
    with nova.scope() as scope:
        key = collections.create_collection(scope, nova.creator_id, "hers", [asset])
    before = kept(nova)
    with pytest.raises(NotFound), other.scope() as scope:
        ACTS[name](scope, other.creator_id, key, asset)
    with other.scope() as scope:
        assert collections.list_collections(scope, nova.creator_id) == []
    assert kept(nova) == before
