"""The doctor says which store it is, and what is wrong with it."""

from pathlib import Path

from foundation.settings import Settings
from foundation.words import say
from tests.conftest import free_port
from tests.fakes.s3 import s3
from workers.doctor_services import store
from workers.findings import Verdict


def test_a_folder_is_named(tmp_path: Path) -> None:
    found = store(Settings(home=tmp_path))
    assert found.verdict is Verdict.FINE
    assert str(tmp_path / "objects") in say(found.says, "en")


def test_a_server_is_proven(tmp_path: Path) -> None:
    with s3(tmp_path) as server:
        settings = Settings(home=tmp_path, storage=server.settings)
        found = store(settings)
        assert (found.verdict, found.says.code) == (Verdict.FINE, "doctor.store")
        server.public = True
        opened = store(settings)
        server.fail("PUT", "refuse")
        refused = store(settings)
    assert (opened.verdict, opened.says.code) == (Verdict.BAD, "doctor.store_open")
    assert (refused.verdict, refused.says.code) == (Verdict.BAD, "storage.refused")
    assert say(refused.says, "fr")


def test_a_server_that_is_away_is_bad(tmp_path: Path) -> None:
    chosen = {"url": f"http://127.0.0.1:{free_port()}", "key": "house", "secret": "test-only"}
    found = store(Settings.model_validate({"home": tmp_path, "storage": chosen}))
    assert (found.verdict, found.says.code) == (Verdict.BAD, "storage.away")
