"""Failures of an S3 server and its network raise a documented error; they never return other bytes
or hang."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest

from foundation.errors import Unavailable
from foundation.i18n.translation import render_message
from foundation.ops.clock import monotonic
from foundation.ops.settings import StorageSettings
from foundation.storage.s3 import S3Store
from tests.conftest import free_port
from tests.fakes.s3 import S3, Fault, s3

DATA = b"a picture" * 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def store(server: S3) -> Iterator[S3Store]:
    yield S3Store(server.settings, connect_seconds=1.0, read_seconds=1.0)
    server.faults.clear()


def code_of(error: Unavailable) -> str:
    for language in ("fr", "en"):
        assert render_message(error.message, language)
    return error.message.code


def test_interrupted_request_is_retried_once(server: S3, store: S3Store, tenant_id: UUID) -> None:
    sha256 = store.put(tenant_id, DATA)
    server.fail("GET", "hang")
    assert store.get(tenant_id, sha256) == DATA


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cut", "storage.away"),
        ("falsify", "storage.damaged"),
        ("hang", "storage.away"),
        ("refuse", "storage.refused"),
        ("garble", "storage.away"),
        ("swallow", "storage.damaged"),
    ],
)
def test_bad_response_raises_unavailable(
    server: S3, store: S3Store, tenant_id: UUID, fault: Fault, code: str
) -> None:
    sha256 = store.put(tenant_id, DATA)
    server.fail("GET", fault, fault)
    started = monotonic()
    with pytest.raises(Unavailable) as raised:
        store.get(tenant_id, sha256)
    assert code_of(raised.value) == code
    assert monotonic() - started < 5
    server.faults.clear()
    assert store.get(tenant_id, sha256) == DATA


@pytest.mark.parametrize(
    ("fault", "code"),
    [("swallow", "storage.damaged"), ("hang", "storage.away"), ("refuse", "storage.refused")],
)
def test_failed_put_raises_unavailable(
    server: S3, store: S3Store, tenant_id: UUID, fault: Fault, code: str
) -> None:
    store.put(tenant_id, b"the bucket exists")
    server.fail("PUT", fault, fault)
    with pytest.raises(Unavailable) as raised:
        store.put(tenant_id, DATA)
    assert code_of(raised.value) == code
    server.faults.clear()
    assert store.get(tenant_id, store.put(tenant_id, DATA)) == DATA


def test_secret_is_not_in_error(server: S3, tenant_id: UUID) -> None:
    chosen = server.settings.model_copy(update={"url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(Unavailable) as raised:
        S3Store(chosen).put(tenant_id, DATA)
    told = f"{raised.value!r} {raised.value.message} {raised.value.__cause__!r}"
    assert "test-only" not in told
    assert "test-only" not in repr(chosen)


def test_unreachable_server_raises_unavailable_for_all_operations(
    tmp_path: Path, tenant_id: UUID
) -> None:
    with s3(tmp_path) as gone:
        sha256 = S3Store(gone.settings).put(tenant_id, DATA)
        held = S3Store(gone.settings)
        held.get(tenant_id, sha256)  # The connection stays open.
    for ask in (
        lambda: held.put(tenant_id, DATA),
        lambda: held.get(tenant_id, sha256),
        lambda: held.exists(tenant_id, sha256),
        lambda: held.delete(tenant_id, sha256),
        lambda: held.delete_all(tenant_id),
    ):
        with pytest.raises(Unavailable) as raised:
            ask()
        assert code_of(raised.value) == "storage.away"


def test_concurrent_first_puts_create_one_bucket(server: S3, tenant_id: UUID) -> None:
    store, failed = S3Store(server.settings), []

    def put(number: int) -> None:
        try:
            store.put(tenant_id, bytes([number]))
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert store.delete_all(tenant_id) == 8


def test_installations_on_one_server_are_separate(server: S3, tenant_id: UUID) -> None:
    other = S3Store(StorageSettings.model_validate({**dict(server.settings), "bucket": "other"}))
    sha256 = S3Store(server.settings).put(tenant_id, DATA)
    assert not other.exists(tenant_id, sha256)
