"""Uploads at the dashboard: one asset each, a reason for each failure, no uploaded bytes left."""

import struct
import zlib
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.storage.object_store import ObjectStore, bytes_digest
from studio.ingest import uploads
from studio.ingest.events import UploadDue
from studio.ingest.states import UploadState
from studio.library import assets, queries
from tenants.agencies import agencies
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import ZONE, CreatorStudio
from tests.studio.ingest.test_pipeline import HOSTILE


def hand_in(
    nova: CreatorStudio, data: bytes, name: str = "IMG_1.jpg", *, generated: bool = False
) -> UUID:
    with nova.scope() as scope:
        return uploads.receive_upload(
            scope,
            creator_id=nova.creator_id,
            name=name,
            data=data,
            by="member:x",
            store=nova.services.store,
            generated=generated,
        )


def work(nova: CreatorStudio, upload_id: UUID) -> uploads.UploadView:
    uploads.ingest_upload(
        UploadDue(nova.tenant_id, upload_id), tenant=nova.services.tenant, store=nova.services.store
    )
    with nova.scope() as scope:
        return uploads.get_upload(scope, upload_id)


def test_file_becomes_an_asset_and_its_upload_is_erased(nova: CreatorStudio) -> None:
    data = encoded(a_picture(), "JPEG")
    upload_id = hand_in(nova, data, "../../été à la plage.jpg")
    with nova.scope() as scope:
        waiting = uploads.get_upload(scope, upload_id)
    assert (waiting.state, waiting.name, waiting.size) == (
        UploadState.WAITING,
        "été à la plage.jpg",
        len(data),
    )
    done = work(nova, upload_id)
    assert done.state is UploadState.READY
    assert [item.asset_id for item in nova.library()] == [done.asset_id]
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(data))
    assert work(nova, upload_id) == done  # # the same row twice


def test_upload_declared_as_generated_is_recorded_so(nova: CreatorStudio) -> None:
    data = encoded(a_picture(seed=21), "JPEG")
    upload_id = hand_in(nova, data)
    assert hand_in(nova, data, generated=True) == upload_id, "declared while it waits"
    done = work(nova, upload_id)
    with nova.scope() as scope:
        assert (
            scope.run("SELECT ai FROM assets WHERE id = :asset", asset=done.asset_id).scalar_one()
            == "generated"
        )


def test_same_file_twice_is_one_asset(nova: CreatorStudio) -> None:
    data = encoded(a_picture(seed=3), "JPEG")
    first = hand_in(nova, data)
    assert hand_in(nova, data, "copy of it.jpg") == first
    assert nova.count("outbox") == 1
    work(nova, first)
    assert hand_in(nova, data) == first
    assert len(nova.library()) == 1
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(data))


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_invalid_picture_is_refused_before_it_is_stored(nova: CreatorStudio, kind: str) -> None:
    with pytest.raises(BadInput):
        hand_in(nova, HOSTILE[kind])
    assert nova.count("uploads") == 0
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(HOSTILE[kind]))


def broken() -> bytes:
    """Build a file with a valid container that no decoder accepts."""
    data = bytearray(encoded(a_picture(seed=8), "PNG"))
    at = data.index(b"IDAT")
    (length,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 : at + 4 + length] = b"\0" * length
    struct.pack_into(">I", data, at + 4 + length, zlib.crc32(data[at : at + 4 + length]))
    return bytes(data)


def test_upload_refused_by_the_workers_has_a_reason_and_can_be_retried(nova: CreatorStudio) -> None:
    upload_id = hand_in(nova, broken())
    refused = work(nova, upload_id)
    assert refused.state is UploadState.REFUSED
    assert refused.reason is not None
    assert refused.reason.code == "photo.corrupt"
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(broken()))
    assert hand_in(nova, broken()) == upload_id
    with nova.scope() as scope:
        again = uploads.get_upload(scope, upload_id)
    assert (again.state, again.reason) == (UploadState.WAITING, None)


def test_lost_and_abandoned_uploads_have_a_reason(nova: CreatorStudio) -> None:
    data = encoded(a_picture(seed=4), "JPEG")
    lost = hand_in(nova, data)
    nova.services.store.delete(nova.tenant_id, bytes_digest(data))
    found = work(nova, lost)
    assert found.reason is not None
    assert found.reason.code == "upload.lost"
    dead = hand_in(nova, encoded(a_picture(seed=5), "JPEG"))
    uploads.fail_upload(
        UploadDue(nova.tenant_id, dead), tenant=nova.services.tenant, store=nova.services.store
    )
    with nova.scope() as scope:
        found = uploads.get_upload(scope, dead)
        recent = uploads.list_recent_uploads(scope, nova.creator_id, since=scope.now)
    assert found.state is UploadState.REFUSED
    assert {one.id for one in recent} <= {lost, dead}
    assert not nova.services.store.exists(
        nova.tenant_id, bytes_digest(encoded(a_picture(seed=5), "JPEG"))
    )


def test_generated_bytes_of_our_own_are_kept(nova: CreatorStudio) -> None:
    asset = nova.upload(encoded(a_picture(seed=6), "JPEG"))
    with nova.scope() as scope:
        sha256 = assets.get_rendition(scope, asset, "x").sha256
    ours = nova.services.store.get(nova.tenant_id, sha256)
    work(nova, hand_in(nova, ours, "again.jpg"))
    assert nova.services.store.get(nova.tenant_id, sha256) == ours


def test_file_of_two_creators_is_ingested_into_both_libraries(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        other = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone=ZONE, languages=["fr"]
        )
    mia, data = replace(nova, creator_id=other), encoded(a_picture(seed=31), "JPEG")
    first, second = hand_in(nova, data), hand_in(mia, data)
    assert work(nova, first).state is UploadState.READY
    done = work(mia, second)
    assert (done.state, done.reason) == (UploadState.READY, None)
    assert [len(one.library()) for one in (nova, mia)] == [1, 1]
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(data))


def test_uploaded_thumbnail_does_not_remove_the_original_thumbnail(nova: CreatorStudio) -> None:
    nova.upload(encoded(a_picture(400, 300, seed=32), "JPEG"))
    with nova.scope() as scope:
        kept = "SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND profile = 'thumb-160'"
        small = scope.run(kept, tenant=nova.tenant_id).scalar_one()
    ours = nova.services.store.get(nova.tenant_id, small)
    assert work(nova, hand_in(nova, ours, "saved.webp")).state is UploadState.READY
    assert nova.services.store.get(nova.tenant_id, small) == ours


@dataclass
class Dying:
    """A store whose worker crashes during a deletion: before or right after it."""

    inner: ObjectStore
    deleted: bool
    quota_bytes: int | None = None

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        return self.inner.get(tenant_id, sha256)

    def put(self, tenant_id: UUID, data: bytes) -> str:
        return self.inner.put(tenant_id, data)

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        return self.inner.exists(tenant_id, sha256)

    def delete_all(self, tenant_id: UUID) -> int:
        return self.inner.delete_all(tenant_id)

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        if self.deleted:
            self.inner.delete(tenant_id, sha256)
        raise KeyboardInterrupt


@pytest.mark.parametrize("deleted", [False, True])
def test_upload_bytes_are_removed_after_a_crash_during_erasure(
    nova: CreatorStudio, deleted: bool
) -> None:
    data = encoded(a_picture(seed=33), "JPEG")
    upload_id = hand_in(nova, data)
    with pytest.raises(KeyboardInterrupt):
        uploads.ingest_upload(
            UploadDue(nova.tenant_id, upload_id),
            tenant=nova.services.tenant,
            store=Dying(nova.services.store, deleted),
        )
    done = work(nova, upload_id)
    assert (done.state, done.reason) == (UploadState.READY, None)
    assert [item.asset_id for item in nova.library()] == [done.asset_id]
    assert not nova.services.store.exists(nova.tenant_id, bytes_digest(data)), (
        "the row records where it was stored"
    )


def test_unknown_upload_is_not_found(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        with pytest.raises(NotFound):
            uploads.get_upload(scope, uuid7())
        assert uploads.get_uploads(scope, [uuid7()]) == {}
        assert uploads.get_uploads(scope, []) == {}


NAMES = {
    "plage d’été 2026.JPG": "plage d’été 2026.JPG",
    "../../etc/passwd": "passwd",
    "C:\\photos\\IMG_0001.HEIC": "IMG_0001.HEIC",
    "<img src=x onerror=alert(1)>.jpg": "<img src=x onerror=alert(1)>.jpg",
    "photo\u202egpj.exe": "photogpj.exe",
    "line\nbreak\x00.jpg": "linebreak.jpg",
    "a" * 400 + ".jpg": "a" * 116 + ".jpg",
    "\x00\n": "photo",
    "": "photo",
}


@pytest.mark.parametrize("name", NAMES)
def test_file_name_is_kept_with_the_asset_until_it_has_an_alt_text(
    nova: CreatorStudio, name: str
) -> None:
    done = work(nova, hand_in(nova, encoded(a_picture(seed=31), "JPEG"), name))
    assert done.asset_id is not None
    with nova.scope() as scope:
        (card,) = queries.get_asset_cards(scope, [done.asset_id])
        (tile,) = assets.list_asset_tiles(scope, nova.creator_id)
        assert card.file_name == card.title == tile.title == NAMES[name]
        assets.set_alt_text(scope, done.asset_id, "A beach.")
        (card,) = queries.get_asset_cards(scope, [done.asset_id])
        assert (card.title, card.file_name) == ("A beach.", NAMES[name])
