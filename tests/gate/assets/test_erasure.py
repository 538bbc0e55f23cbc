"""Erasure: evidence and published bytes are retained, and the facts about erased bytes remain
known."""

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.assets import asset_records, erasure
from gate.contract.units import Medium, Rating
from gate.permits import issuance
from gate.ratings import ratings, seals
from gate.removal import removal_requests
from tests.gate.builders import KEY, Step, World, asset_of, picture, unit, world


@pytest.fixture
def house(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def made(house: World) -> Medium:
    with house.scope() as scope:
        return picture(scope, house)


def why(house: World, medium: Medium) -> str | None:
    with house.scope() as scope:
        asset = asset_of(scope, medium)
        return erasure.retained_assets(scope, [asset]).get(asset)


def test_unused_picture_can_be_erased(house: World) -> None:
    medium = made(house)
    assert why(house, medium) is None
    with house.scope() as scope:
        asset = asset_of(scope, medium)
        erasure.lock_asset(scope, asset)
        erasure.mark_erased(scope, asset)
    with house.scope() as scope:
        assert erasure.is_erased(scope, medium.sha256)
        assert erasure.erasable_digests(scope, asset) == [medium.sha256]
        assert ratings.effective_rating(scope, medium.sha256) is Rating.G, (
            "its rating remains known"
        )
        assert asset_records.total_stored_bytes(scope) == 0


def test_permitted_picture_is_retained(house: World) -> None:
    medium = made(house)
    with house.scope() as scope:
        permit = issuance.mint_permit(
            scope, unit(house, media=(medium,)), Step(), key=KEY, author=f"member:{house.ann}"
        )
    assert why(house, medium) == "left"
    with house.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE permits SET state = 'void' WHERE id = :id AND tenant_id = :t",
            id=permit.jti,
            t=house.tenant_id,
        )
    assert why(house, medium) == "left"


@pytest.mark.parametrize("state", ["frozen", "removed"])
def test_frozen_or_removed_picture_is_retained(house: World, state: str) -> None:
    medium = made(house)
    with house.scope() as scope, scope.acting_as("gate"):
        asked = "UPDATE renditions SET state = :s WHERE tenant_id = :t AND sha256 = :sha"
        scope.run(asked, s=state, t=house.tenant_id, sha=medium.sha256)
    assert why(house, medium) == "held"


def test_sealed_or_requested_picture_is_retained(house: World) -> None:
    sealed, asked = made(house), made(house)
    with house.scope() as scope:
        seals.seal_bytes(scope, sealed.sha256, by="system:test")
        removal_requests.receive_removal_request(
            scope,
            creator_id=house.creator_id,
            category="other",
            named="p",
            digests=[asked.sha256],
            source="test",
        )
        (wish,) = scope.run(
            "SELECT id FROM complaints WHERE tenant_id = :t", t=house.tenant_id
        ).scalars()
    assert (why(house, sealed), why(house, asked)) == ("held", "held")
    with house.scope() as scope:
        removal_requests.reject_removal_request(scope, wish, because="unfounded")
    assert why(house, asked) == "held", "the rejection may still be appealed"


def test_source_picture_is_retained(house: World) -> None:
    medium = made(house)
    with house.scope() as scope:
        picture(scope, house, parent=asset_of(scope, medium))
    assert why(house, medium) == "source"


def test_erased_picture_can_be_uploaded_again(house: World) -> None:
    medium = made(house)
    with house.scope() as scope:
        asset = asset_of(scope, medium)
        erasure.mark_erased(scope, asset)
    with house.scope() as scope:
        asset_records.record_rendition(
            scope,
            asset,
            sha256=medium.sha256,
            mime=medium.mime,
            size=medium.size,
            width=1,
            height=1,
            profile="post",
        )
    with house.scope() as scope:
        assert not erasure.is_erased(scope, medium.sha256)
        assert erasure.erasable_digests(scope, asset) == []
