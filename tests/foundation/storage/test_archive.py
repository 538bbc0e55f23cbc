"""The contract of both archives: the first content stored under a name is never replaced."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from minio import Minio
from minio.error import S3Error

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import uuid7
from foundation.ops.settings import Settings
from foundation.storage.archive import Archive, FileArchive, open_archive
from tests.fakes.s3 import S3, s3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture(params=["files", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "files":
        return open_archive(Settings(home=tmp_path))
    return open_archive(Settings(storage=request.getfixturevalue("server").settings))


def administrator(server: S3) -> Minio:
    return Minio(
        server.settings.url.removeprefix("http://"),
        access_key="house",
        secret_key="test-only",
        secure=False,
    )


@pytest.fixture
def name() -> str:
    return f"{uuid7().hex}/0000000001"


def test_first_content_is_never_replaced(place: Archive, name: str) -> None:
    with pytest.raises(NotFound):
        place.get(name)
    assert place.put_once(name, b"first") == b"first"
    assert place.put_once(name, b"first") == b"first"
    assert place.put_once(name, b"second") == b"first"
    assert place.get(name) == b"first"


def test_concurrent_writers_store_one_content(place: Archive, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda number: place.put_once(name, str(number).encode()), range(8)))
    assert place.get(name) in {str(number).encode() for number in range(8)}
    assert set(told) == {place.get(name)}


@pytest.mark.parametrize("bad", ["", "a", "../a", "a/../b", "/a/b", "a/b/", "A/b", "a//b"])
def test_invalid_name_is_rejected(place: Archive, bad: str) -> None:
    for ask in (lambda: place.get(bad), lambda: place.put_once(bad, b"x")):
        with pytest.raises(BadInput):
            ask()


def test_archived_file_is_read_only(tmp_path: Path, name: str) -> None:
    place = FileArchive(tmp_path)
    place.put_once(name, b"first")
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o400
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == ["0000000001"]


def test_server_refuses_to_delete_locked_object(server: S3, name: str) -> None:
    place = open_archive(Settings(storage=server.settings))
    place.put_once(name, b"first")
    client = Minio(
        server.settings.url.removeprefix("http://"),
        access_key="house",
        secret_key="test-only",
        secure=False,
    )
    (one,) = client.list_objects("greenroom-archive", prefix=name, include_version=True)
    with pytest.raises(S3Error):
        client.remove_object("greenroom-archive", name, version_id=one.version_id)
    client.put_object("greenroom-archive", name, io.BytesIO(b"other"), 5)
    client.remove_object("greenroom-archive", name)
    assert place.get(name) == b"first"


def test_failing_server_raises_unavailable(server: S3, name: str) -> None:
    place = open_archive(Settings(storage=server.settings))
    server.fail("GET", "garble", "garble", "garble")
    with pytest.raises(Unavailable):
        place.get(name)
    server.faults.clear()


def test_bucket_without_object_lock_preserves_first_content(server: S3, name: str) -> None:
    client = Minio(
        server.settings.url.removeprefix("http://"),
        access_key="house",
        secret_key="test-only",
        secure=False,
    )
    client.make_bucket("plain-archive")
    place = open_archive(Settings(storage=server.settings.model_copy(update={"bucket": "plain"})))
    assert place.put_once(name, b"first") == b"first"
    assert place.put_once(name, b"second") == b"first"
