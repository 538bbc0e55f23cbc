"""Collections: arranged, bounded, named once; a picture outlives them; nobody else's."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from studio import collecting, library, packs
from studio.collecting import Collection
from tests.studio.builders import Atelier, atelier
from tests.studio.test_searching import filled, upload
from workers.wiring import Services


def kept(nova: Atelier) -> list[Collection]:
    with nova.scope() as scope:
        return collecting.of(scope, nova.creator_id)


def test_a_collection_is_arranged_and_a_pack_begun_from_it(nova: Atelier) -> None:
    one, two, three = (upload(nova, seed, "x") for seed in (1, 2, 3))
    with nova.scope() as scope:
        made = collecting.make(scope, nova.creator_id, " Été  2026 ", [one, two, one])
        collecting.add(scope, nova.creator_id, made, [two, three])
    assert kept(nova) == [Collection(made, "Été 2026", one, (one, two, three))]
    with nova.scope() as scope:
        collecting.put_first(scope, nova.creator_id, made, [three, uuid7(), two])
        collecting.cover(scope, nova.creator_id, made, two)
        collecting.rename(scope, nova.creator_id, made, "été 2026")
    (found,) = kept(nova)
    assert found == Collection(made, "été 2026", two, (three, two, one))
    with nova.scope() as scope:
        packs.make(scope, creator_id=nova.creator_id, slug="p", title="P", description="", assets=found.assets)
        collecting.take_out(scope, nova.creator_id, made, [two])
    assert kept(nova) == [Collection(made, "été 2026", three, (three, one))], "the cover went with its picture"
    with nova.scope() as scope:
        collecting.delete(scope, nova.creator_id, made)
        assert len(library.items(scope, nova.creator_id)) == 3
        assert len(packs.packs_of(scope, nova.creator_id)) == 1
    assert kept(nova) == []
    assert nova.count("collection_items") == 0


@pytest.mark.parametrize("name", ["", "  ", "\u0301", "x" * 61, "a\x07b"])
def test_a_name_is_one(nova: Atelier, name: str) -> None:
    with pytest.raises(BadInput, match=r"collection\.bad_name"), nova.scope() as scope:
        collecting.make(scope, nova.creator_id, name)


def test_a_name_is_taken_whatever_its_accents(nova: Atelier) -> None:
    with nova.scope() as scope:
        collecting.make(scope, nova.creator_id, "Été")
        other = collecting.make(scope, nova.creator_id, "Hiver")
    for act in (
        lambda scope: collecting.make(scope, nova.creator_id, "ETE"),
        lambda scope: collecting.rename(scope, nova.creator_id, other, "ete"),
    ):
        with pytest.raises(Conflict, match=r"collection\.taken"), nova.scope() as scope:
            act(scope)


def test_more_than_fits_is_refused_and_nothing_changed(nova: Atelier) -> None:
    filled(nova, collecting.MOST + 1)
    with nova.scope() as scope:
        assets = list(scope.run("SELECT asset_id FROM creations WHERE tenant_id = :t", t=nova.tenant_id).scalars())
        made = collecting.make(scope, nova.creator_id, "All", assets[1:])
    with pytest.raises(BadInput, match=r"collection\.full"), nova.scope() as scope:
        collecting.add(scope, nova.creator_id, made, assets)
    assert len(kept(nova)[0].assets) == collecting.MOST


ACTS: dict[str, Callable[[Scope, UUID, UUID, UUID], Any]] = {
    "rename": lambda scope, creator, key, _: collecting.rename(scope, creator, key, "mine"),
    "add": lambda scope, creator, key, asset: collecting.add(scope, creator, key, [asset]),
    "put first": lambda scope, creator, key, asset: collecting.put_first(scope, creator, key, [asset]),
    "take out": lambda scope, creator, key, asset: collecting.take_out(scope, creator, key, [asset]),
    "cover": collecting.cover,
    "delete": lambda scope, creator, key, _: collecting.delete(scope, creator, key),
    "make": lambda scope, creator, _, asset: collecting.make(scope, creator, "mine", [asset]),
}


@pytest.mark.parametrize("name", ACTS)
def test_another_agency_does_nothing_to_it(nova: Atelier, services: Services, name: str) -> None:
    asset, other = upload(nova, 1, "x"), atelier(services)
    with nova.scope() as scope:
        key = collecting.make(scope, nova.creator_id, "hers", [asset])
    before = kept(nova)
    with pytest.raises(NotFound), other.scope() as scope:
        ACTS[name](scope, other.creator_id, key, asset)
    with other.scope() as scope:
        assert collecting.of(scope, nova.creator_id) == []
    assert kept(nova) == before
