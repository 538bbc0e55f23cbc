"""The contract of both object stores: content is stored once, verified when read, and private to
its tenant."""

import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import uuid7
from foundation.ops.settings import Settings, StorageSettings
from foundation.storage.object_store import (
    FileStore,
    ObjectStore,
    bytes_digest,
    open_library_store,
    open_page_store,
)
from tests.fakes.s3 import S3, s3

DATA = bytes(range(256)) * 64
NOWHERE = "0" * 64


@dataclass(frozen=True)
class Place:
    """A store and a function that damages an object behind its back."""

    store: ObjectStore
    spoil: Callable[[UUID, str, bytes], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture(params=["files", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "files":

        def overwrite(tenant_id: UUID, sha256: str, data: bytes) -> None:
            (tmp_path / str(tenant_id) / sha256[:2] / sha256).write_bytes(data)

        return Place(FileStore(tmp_path), overwrite)
    server: S3 = request.getfixturevalue("server")

    def put(tenant_id: UUID, sha256: str, data: bytes) -> None:
        server.keep(f"/greenroom-{tenant_id}/{sha256}", data)

    return Place(open_library_store(Settings(storage=server.settings)), put)


def test_stored_object_is_returned(place: Place, tenant_id: UUID) -> None:
    sha256 = place.store.put(tenant_id, DATA)
    assert sha256 == bytes_digest(DATA)
    assert place.store.get(tenant_id, sha256) == DATA
    assert place.store.exists(tenant_id, sha256)


@pytest.mark.parametrize("data", [b"", b"x", bytes(6_000_000)], ids=["empty", "one byte", "6 MB"])
def test_objects_of_any_size_are_stored(place: Place, tenant_id: UUID, data: bytes) -> None:
    assert place.store.get(tenant_id, place.store.put(tenant_id, data)) == data


def test_same_bytes_are_stored_once(place: Place, tenant_id: UUID) -> None:
    assert place.store.put(tenant_id, DATA) == place.store.put(tenant_id, DATA)
    assert place.store.delete_all(tenant_id) == 1


def test_missing_object_raises_not_found(place: Place, tenant_id: UUID) -> None:
    with pytest.raises(NotFound) as raised:
        place.store.get(tenant_id, NOWHERE)
    assert raised.value.message.code == "object.unknown"
    assert not place.store.exists(tenant_id, NOWHERE)
    place.store.delete(tenant_id, NOWHERE)
    assert place.store.delete_all(tenant_id) == 0


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "/.."])
def test_invalid_digest_raises_not_found(place: Place, tenant_id: UUID, key: str) -> None:
    for ask in (place.store.get, place.store.exists, place.store.delete):
        with pytest.raises(NotFound):
            ask(tenant_id, key)


def test_another_tenant_sees_no_objects(place: Place, tenant_id: UUID) -> None:
    sha256, other = place.store.put(tenant_id, DATA), uuid7()
    assert not place.store.exists(other, sha256)
    with pytest.raises(NotFound):
        place.store.get(other, sha256)
    place.store.put(other, DATA)
    place.store.delete(other, sha256)
    assert place.store.delete_all(other) == 0
    assert place.store.get(tenant_id, sha256) == DATA


def test_delete_is_idempotent(place: Place, tenant_id: UUID) -> None:
    sha256 = place.store.put(tenant_id, DATA)
    place.store.delete(tenant_id, sha256)
    place.store.delete(tenant_id, sha256)
    assert not place.store.exists(tenant_id, sha256)


def test_cleared_tenant_is_empty_and_usable(place: Place, tenant_id: UUID) -> None:
    keys = [place.store.put(tenant_id, bytes([number])) for number in range(3)]
    assert place.store.delete_all(tenant_id) == 3
    assert not any(place.store.exists(tenant_id, key) for key in keys)
    assert place.store.get(tenant_id, place.store.put(tenant_id, DATA)) == DATA


@pytest.mark.parametrize(
    "spoilt", [DATA[:-1], b"", DATA[:-1] + b"\x00"], ids=["cut off", "empty", "one byte"]
)
def test_damaged_object_is_not_returned_until_stored_again(
    place: Place, tenant_id: UUID, spoilt: bytes
) -> None:
    sha256 = place.store.put(tenant_id, DATA)
    place.spoil(tenant_id, sha256, spoilt)
    with pytest.raises(Unavailable) as raised:
        place.store.get(tenant_id, sha256)
    assert raised.value.message.code == "storage.damaged"
    place.store.put(tenant_id, DATA)
    assert place.store.get(tenant_id, sha256) == DATA


def test_failed_write_leaves_no_file(tmp_path: Path, tenant_id: UUID) -> None:
    """Partial files of repeated attempts would fill the disk."""
    store = FileStore(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (len(DATA) // 2, before[1])
    )  # No file can exceed this size.
    try:
        for _ in range(3):
            with pytest.raises(Unavailable):
                store.put(tenant_id, DATA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.get(tenant_id, store.put(tenant_id, DATA)) == DATA


def test_page_store_is_separate_from_library_store(
    server: S3, tmp_path: Path, tenant_id: UUID
) -> None:
    for settings in (Settings(home=tmp_path), Settings(storage=server.settings)):
        sha256 = open_library_store(settings).put(tenant_id, DATA)
        assert not open_page_store(settings).exists(tenant_id, sha256)
        open_page_store(settings).put(tenant_id, DATA)
        open_page_store(settings).delete(tenant_id, sha256)
        assert open_library_store(settings).exists(tenant_id, sha256)


@pytest.mark.parametrize(
    "address", ["minio:9000", "ftp://minio", "http://minio/bucket?x=1", "http://"]
)
def test_invalid_storage_address_is_rejected(address: str) -> None:
    with pytest.raises(BadInput) as raised:
        open_library_store(Settings(storage=StorageSettings(url=address)))
    assert raised.value.message.code == "storage.bad_address"


def test_stored_object_survives_power_loss(
    tmp_path: Path, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renamed file is durable only after its folder is synced, and a new folder only after its
    parent is."""
    written: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        written.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    monkeypatch.setattr(os, "fsync", noted)
    store = FileStore(tmp_path / "objects")
    sha256 = store.put(tenant_id, DATA)
    folder = tmp_path / "objects" / str(tenant_id) / sha256[:2]
    assert written[1:] == [folder, folder.parent, folder.parent.parent, tmp_path]
    written.clear()
    other = next(
        data for data in (b"%d" % n for n in range(10_000)) if bytes_digest(data)[:2] == sha256[:2]
    )
    store.put(tenant_id, other)
    assert written[1:] == [folder]
