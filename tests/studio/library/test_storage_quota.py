"""Storage quota: each object counts once; anything beyond it is refused before a byte is stored."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import uuid7
from foundation.storage.object_store import FileStore, bytes_digest
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from studio.library import assets, storage_quota
from studio.library.states import ShelfState
from studio.runs import runner
from studio.runs.events import RunDue
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, CreatorStudio, Engine, create_studio
from workers.wiring import Services


def used(nova: CreatorStudio) -> int:
    with nova.scope() as scope:
        return storage_quota.used_bytes(scope)


def on_disk(root: Path, tenant_id: UUID) -> int:
    return sum(file.stat().st_size for file in (root / str(tenant_id)).rglob("*") if file.is_file())


def hand_in(nova: CreatorStudio, data: bytes, store: FileStore) -> UUID:
    with nova.scope() as scope:
        return uploads.receive_upload(
            scope, creator_id=nova.creator_id, name="a.jpg", data=data, by="member:x", store=store
        )


def test_used_bytes_equal_the_stored_bytes(nova: CreatorStudio, tmp_path: Path) -> None:
    store, data = FileStore(tmp_path), encoded(a_picture(seed=1), "JPEG")
    first = hand_in(nova, data, store)
    assert hand_in(nova, data, store) == first
    assert used(nova) == on_disk(tmp_path, nova.tenant_id) == len(data), (
        "a waiting upload counts once"
    )
    uploads.ingest_upload(
        UploadDue(nova.tenant_id, first), tenant=nova.services.tenant, store=store
    )
    assert used(nova) == on_disk(tmp_path, nova.tenant_id) > 0
    with nova.scope() as scope:
        mine = assets.list_assets(scope, nova.creator_id)[0].sha256
    before = used(nova)
    hand_in(nova, store.get(nova.tenant_id, mine), store)
    assert used(nova) == on_disk(tmp_path, nova.tenant_id) == before, (
        "uploading our own bytes adds nothing"
    )


def test_file_beyond_the_quota_is_refused_and_not_stored(
    nova: CreatorStudio, tmp_path: Path
) -> None:
    data = encoded(a_picture(seed=1), "JPEG")
    full = FileStore(tmp_path, allowed=len(data) - 1)
    with pytest.raises(storage_quota.StorageFull, match=r"storage\.over"):
        hand_in(nova, data, full)
    assert (nova.count("uploads"), full.exists(nova.tenant_id, bytes_digest(data)), used(nova)) == (
        0,
        False,
        0,
    )
    fits = FileStore(tmp_path, allowed=len(data))
    known = hand_in(nova, data, fits)
    assert hand_in(nova, data, FileStore(tmp_path, allowed=1)) == known, (
        "stored bytes need no further storage"
    )


def test_run_without_storage_fails_with_a_reason(nova: CreatorStudio, tmp_path: Path) -> None:
    engine, job = Engine(), nova.start(variants=2)
    runner.generate_pictures(
        RunDue(nova.tenant_id, job),
        tenant=nova.services.tenant,
        engine=lambda: engine,
        store=FileStore(tmp_path, allowed=1),
        credential=lambda: CREDENTIAL,
    )
    with nova.scope() as scope:
        why = runner.failure_reason(scope, job)
    assert (nova.progress(job), why and why.code, nova.library()) == (
        ("failed", 0, 2),
        "storage.over",
        [],
    )
    assert on_disk(tmp_path, nova.tenant_id) == 0


def test_archiving_needs_no_storage_and_other_agencies_are_not_counted(
    nova: CreatorStudio, services: Services
) -> None:
    asset, other = nova.upload(encoded(a_picture(seed=1), "JPEG")), create_studio(services)
    with nova.scope() as scope:
        with pytest.raises(storage_quota.StorageFull):
            storage_quota.check_storage(scope, 1, 1)
        assets.set_shelf_state(scope, asset, ShelfState.RETIRED)
    assert (used(other), used(nova) > 0) == (0, True)


@given(allowed=st.integers(0, 2**40), size=st.integers(0, 2**40))
def test_quota_refuses_exactly_the_sizes_beyond_it(
    services: Services, allowed: int, size: int
) -> None:
    with services.tenant(uuid7(), "system:test") as scope:
        try:
            storage_quota.check_storage(scope, allowed, size)
        except storage_quota.StorageFull:
            assert size > allowed
        else:
            assert size <= allowed
        storage_quota.check_storage(scope, None, size)
