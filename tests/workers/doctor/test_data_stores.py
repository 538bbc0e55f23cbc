"""Doctor checks of the object store: its location and its faults."""

from pathlib import Path

from foundation.i18n.translation import render_message
from foundation.ops.settings import Settings
from tests.conftest import free_port
from tests.fakes.s3 import s3
from workers.doctor.data_stores import check_object_store
from workers.doctor.findings import FindingLevel


def test_folder_store_is_named(tmp_path: Path) -> None:
    found = check_object_store(Settings(home=tmp_path))
    assert found.level is FindingLevel.OK
    assert str(tmp_path / "objects") in render_message(found.message, "en")


def test_object_store_server_is_tested(tmp_path: Path) -> None:
    with s3(tmp_path) as server:
        settings = Settings(home=tmp_path, storage=server.settings)
        found = check_object_store(settings)
        assert (found.level, found.message.code) == (FindingLevel.OK, "doctor.store")
        server.public = True
        opened = check_object_store(settings)
        server.fail("PUT", "refuse")
        refused = check_object_store(settings)
    assert (opened.level, opened.message.code) == (FindingLevel.ERROR, "doctor.store_open")
    assert (refused.level, refused.message.code) == (FindingLevel.ERROR, "storage.refused")
    assert render_message(refused.message, "fr")


def test_unreachable_object_store_is_an_error(tmp_path: Path) -> None:
    chosen = {"url": f"http://127.0.0.1:{free_port()}", "key": "house", "secret": "test-only"}
    found = check_object_store(Settings.model_validate({"home": tmp_path, "storage": chosen}))
    assert (found.level, found.message.code) == (FindingLevel.ERROR, "storage.away")
