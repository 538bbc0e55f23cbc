"""Archived pictures are erased where they are unused; used, requested or evidential ones stay."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Refused, Unavailable
from foundation.ids import INSTALLATION_ID
from foundation.storage.object_store import ObjectStore
from gate.assets import asset_records
from gate.assets import erasure as evidence
from studio.costs import productivity, quotas
from studio.ingest import pipeline, uploads
from studio.library import assets, collections, erasure, storage_quota
from studio.library.events import ErasureDue
from studio.library.states import ShelfState
from studio.packs import packs
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices import notices
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import ZONE, CreatorStudio, Engine, create_studio
from tests.studio.ingest.test_uploads import hand_in, work
from workers.wiring import Services

WAITING = "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'picture.erase'"


@pytest.fixture
def moved(nova: CreatorStudio) -> Iterator[Callable[[int], None]]:
    """Move the clock by days, and back at the end."""
    days: list[int] = []

    def move(count: int) -> None:
        with nova.services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
            scope.run("SELECT house_shift(:by)", by=timedelta(days=count))
        days.append(count)

    yield move
    if days:
        move(-sum(days))


def nothing(scope: Scope, creator_id: UUID) -> Collection[UUID]:
    """Return no posted assets."""
    return ()


def photo(nova: CreatorStudio, seed: int = 1, *, away: bool = True) -> UUID:
    asset = nova.upload(encoded(a_picture(320, 200, seed=seed)))
    if away:
        shelve(nova, asset)
    return asset


def shelve(nova: CreatorStudio, asset: UUID, after: ShelfState = ShelfState.RETIRED) -> None:
    with nova.scope() as scope:
        assets.set_shelf_state(scope, asset, after)


def erase(
    nova: CreatorStudio,
    asset: UUID,
    *,
    store: ObjectStore | None = None,
    posted: erasure.FindPostedAssets = nothing,
) -> None:
    event = ErasureDue(nova.tenant_id, asset, erasure.ERASURE_ACTOR)
    erasure.erase_picture(
        event, tenant=nova.services.tenant, store=store or nova.services.store, posted=posted
    )


def objects(nova: CreatorStudio, asset: UUID) -> list[str]:
    """Return the stored objects of an asset."""
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT sha256 FROM renditions WHERE tenant_id = :t AND asset_id = :a",
            t=nova.tenant_id,
            a=asset,
        )
        return [
            sha256
            for sha256 in rows.scalars()
            if nova.services.store.exists(nova.tenant_id, sha256)
        ]


def shown(nova: CreatorStudio) -> set[UUID]:
    return {item.asset_id for item in nova.library()}


def test_erasure_removes_bytes_and_texts_and_keeps_evidence(nova: CreatorStudio) -> None:
    asset, other = photo(nova), photo(nova, 2, away=False)
    with nova.scope() as scope:
        sha256, before = assets.get_asset(scope, asset).sha256, storage_quota.used_bytes(scope)
        collections.create_collection(scope, nova.creator_id, "été", [asset, other])
    assert len(objects(nova, asset)) == 2, "a thumbnail is stored with it"
    erase(nova, asset)
    assert objects(nova, asset) == []
    assert objects(nova, other) != []
    assert shown(nova) == {other}
    with nova.scope() as scope:
        assert storage_quota.used_bytes(scope) < before
        assert evidence.is_erased(scope, sha256)
        assert asset_records.find_rendition_by_digest(scope, sha256).asset_id == asset, (
            "its digest stays recorded"
        )
        with pytest.raises(NotFound):
            assets.get_asset(scope, asset)
        (found,) = collections.list_collections(scope, nova.creator_id)
        assert list(found.assets) == [other]
    erase(nova, asset)  # # handled twice
    assert nova.count("erased_pictures") == 1


def test_unarchived_picture_is_not_erased(nova: CreatorStudio) -> None:
    asset = photo(nova, away=False)
    erase(nova, asset)
    assert objects(nova, asset)
    assert shown(nova) == {asset}


def test_posts_packs_and_derived_assets_prevent_erasure(nova: CreatorStudio) -> None:
    posted, packed, source = (photo(nova, seed) for seed in (1, 2, 3))
    with nova.scope() as scope:
        packs.add_to_draft(scope, creator_id=nova.creator_id, title="set", asset=packed)
        asset_records.record_asset(
            scope,
            creator_id=nova.creator_id,
            origin="upload",
            ai="none",
            engine="x",
            made_at=scope.now,
            source="ingest",
            parent=source,
        )
    for asset in (posted, packed, source):
        erase(nova, asset, posted=lambda scope, creator: [posted])
    assert all(objects(nova, asset) for asset in (posted, packed, source))
    with nova.scope() as scope:
        found = erasure.erasure_obstacles(scope, [posted, packed, source], [posted])
    assert found == {posted: "posted", packed: "packed", source: "source"}


@pytest.mark.parametrize("state", ["frozen", "removed"])
def test_frozen_or_removed_picture_is_kept_as_evidence(nova: CreatorStudio, state: str) -> None:
    asset = photo(nova)
    with nova.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = :s WHERE tenant_id = :t AND asset_id = :a",
            s=state,
            t=nova.tenant_id,
            a=asset,
        )
    erase(nova, asset)
    assert objects(nova, asset)


def test_interrupted_erasure_is_completed_by_the_next_try(nova: CreatorStudio) -> None:
    asset = photo(nova)
    store = Away(nova.services.store)
    with pytest.raises(Unavailable):
        erase(nova, asset, store=store)
    assert shown(nova) == set()
    assert objects(nova, asset), "some objects are left"
    erase(nova, asset)
    assert objects(nova, asset) == []


class Away:
    """A store that fails at its second deletion."""

    def __init__(self, inner: ObjectStore) -> None:
        self._inner, self._deleted = inner, 0

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        self._deleted += 1
        if self._deleted > 1:
            raise Unavailable("storage.unwritable", detail="away")
        self._inner.delete(tenant_id, sha256)

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_same_file_restores_the_erased_asset(nova: CreatorStudio) -> None:
    data = encoded(a_picture(320, 200, seed=9))
    first = hand_in(nova, data)
    work(nova, first)
    (asset,) = shown(nova)
    shelve(nova, asset)
    erase(nova, asset)
    with nova.scope() as scope:
        refused = uploads.get_upload(scope, first)
        assert str(refused.state) == "refused"
        assert refused.reason is not None
        assert refused.reason.code == "upload.erased"
    assert hand_in(nova, data) == first
    work(nova, first)
    assert shown(nova) == {asset}, "the same asset returns"
    assert len(objects(nova, asset)) == 2
    with nova.scope() as scope:
        assert not evidence.is_erased(scope, assets.get_asset(scope, asset).sha256)
    shelve(nova, asset)
    erase(nova, asset)
    assert objects(nova, asset) == []


def test_bytes_erased_during_ingest_are_stored_again(
    nova: CreatorStudio,
) -> None:
    """The bytes were stored, then erased, and only then recorded."""
    data = encoded(a_picture(320, 200, seed=4))
    asset = nova.upload(data)
    shelve(nova, asset)
    with pytest.raises(Unavailable):
        erase(nova, asset, store=Away(nova.services.store))

    class Late(Away):
        def put(self, tenant_id: UUID, data: bytes) -> str:
            sha256 = self._inner.put(tenant_id, data)
            if not self._deleted:
                self._deleted = 1
                erase(nova, asset)
            return sha256

    brought = pipeline.ingest_asset(
        nova.services.tenant,
        Late(nova.services.store),  # type: ignore[arg-type]  # a store, but for what it passes on
        tenant_id=nova.tenant_id,
        creator_id=nova.creator_id,
        prepared=pipeline.prepare_upload(data, name="photo.jpg", alt="a photo"),
    )
    assert brought == asset
    assert len(objects(nova, asset)) == 2


def test_run_in_progress_keeps_its_pictures_and_statistics_stay(nova: CreatorStudio) -> None:
    engine = Engine()
    job = nova.start(variants=3)
    nova.work(job, lambda: engine)
    assets = sorted(shown(nova))
    with nova.scope() as scope:
        since = scope.now - timedelta(hours=1)
        before = productivity.output_since(scope, nova.creator_id, since)
        made = quotas.count_generated_since(scope, since)
    shelve(nova, assets[0])
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET state = 'running' WHERE tenant_id = :t", t=nova.tenant_id)
        assert erasure.erasure_obstacles(scope, assets[:1], ()) == {assets[0]: "running"}
        scope.run("UPDATE jobs SET state = 'done' WHERE tenant_id = :t", t=nova.tenant_id)
    erase(nova, assets[0])
    assert shown(nova) == set(assets[1:])
    with nova.scope() as scope:
        assert productivity.output_since(scope, nova.creator_id, since).made == before.made == 3
        assert quotas.count_generated_since(scope, since) == made == 3, (
            "erasure frees no quota on the same day"
        )


def test_retention_days_decide_what_is_erased(
    nova: CreatorStudio, moved: Callable[[int], None]
) -> None:
    old, kept = photo(nova, 1), photo(nova, 2, away=False)
    moved(9)
    young = photo(nova, 3)
    with nova.scope() as scope:
        assert erasure.schedule_erasures(scope, nothing, most=10) == 0, (
            "nothing is erased until days are set"
        )
        erasure.set_retention_days(scope, 10)
        assert erasure.schedule_erasures(scope, nothing, most=10) == 0
    moved(2)
    with nova.scope() as scope:
        assert erasure.schedule_erasures(scope, nothing, most=10) == 1
        assert erasure.schedule_erasures(scope, lambda scope, creator: [old], most=10) == 0
        waiting = scope.run(WAITING, t=nova.tenant_id)
        assert {row.subject_id for row in waiting} == {old}
        erasure.set_retention_days(scope, None)
        assert erasure.schedule_erasures(scope, nothing, most=10) == 0
    assert shown(nova) == {old, kept, young}


@pytest.mark.parametrize("days", [0, -1, 6, 3651])
def test_invalid_retention_days_are_refused(nova: CreatorStudio, days: int) -> None:
    with nova.scope() as scope, pytest.raises(BadInput):
        erasure.set_retention_days(scope, days)


def test_another_agency_cannot_erase_a_picture(nova: CreatorStudio, services: Services) -> None:
    asset, other = photo(nova), create_studio(services)
    event = ErasureDue(other.tenant_id, asset, erasure.ERASURE_ACTOR)
    erasure.erase_picture(event, tenant=services.tenant, store=services.store, posted=nothing)
    assert objects(nova, asset)
    assert shown(nova) == {asset}
    with other.scope() as scope:
        assert erasure.due_for_erasure(scope, nothing, after=0) == []


def test_unauthorised_erasure_is_refused_and_a_late_one_is_reported(nova: CreatorStudio) -> None:
    asset = photo(nova)
    with nova.scope() as scope, pytest.raises(Refused):
        erasure.request_erasure(scope, asset, ())  # # not a member
    with nova.scope() as scope:
        marc = agencies.add_member(
            scope, name="Marc", email="marc@example.test", role=Role.OWNER, language="fr", zone=ZONE
        )
    with nova.scope(f"member:{marc}") as scope:
        with pytest.raises(Refused, match="posted"):
            erasure.request_erasure(scope, asset, [asset])
        erasure.request_erasure(scope, asset, ())
        erasure.request_erasure(scope, asset, ())
        waiting = scope.run(WAITING, t=nova.tenant_id)
        assert [row.args["by"] for row in waiting] == [f"member:{marc}"], (
            "requested twice, queued once"
        )
    shelve(nova, asset, ShelfState.KEPT)
    event = ErasureDue(nova.tenant_id, asset, f"member:{marc}")
    erasure.erase_picture(
        event, tenant=nova.services.tenant, store=nova.services.store, posted=nothing
    )
    assert objects(nova, asset)
    with nova.scope() as scope:
        assert notices.has_been_notified(scope, f"picture.erase:{asset}")
