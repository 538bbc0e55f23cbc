"""The watch folder: complete files are imported once for the creator of their folder, and no file
is lost."""

import os
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image, PngImagePlugin

from foundation.errors import Unavailable
from foundation.ids import INSTALLATION_ID
from foundation.outbox import outbox
from foundation.storage.object_store import FileStore
from studio.ingest import pipeline, uploads
from studio.ingest.events import UploadDue, WatchFolderDue
from studio.ingest.states import UploadState
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, create_studio
from tests.studio.conftest import nova, services
from workers.event_handlers import watch_folder
from workers.wiring import Services

__all__ = ["nova", "services"]

AGENCY = "Agence Été & Cie"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "watched"


def look(nova: CreatorStudio, root: Path | None, *, store: FileStore | None = None) -> None:
    event = WatchFolderDue(INSTALLATION_ID, INSTALLATION_ID)
    watch_folder.import_waiting_files(
        event, tenant=nova.services.tenant, store=store or nova.services.store, root=root
    )  # type: ignore[arg-type]  # a store


def folder(nova: CreatorStudio, root: Path) -> Path:
    """Return the creator's folder, created by the first run."""
    look(nova, root)
    (found,) = root.glob(f"*-{nova.tenant_id.hex[-12:]}/*")
    return found


def put(where: Path, name: str, data: bytes, *, old: float = 60.0) -> Path:
    path = where / name
    path.write_bytes(data)
    os.utime(path, (path.stat().st_mtime - old,) * 2)
    return path


def there(nova: CreatorStudio) -> list[str]:
    with nova.scope() as scope:
        rows = scope.run(
            "SELECT name FROM uploads WHERE tenant_id = :t ORDER BY created_at, name",
            t=nova.tenant_id,
        )
        return list(rows.scalars())


def told(nova: CreatorStudio) -> list[str]:
    with nova.scope() as scope:
        found = scope.run(
            "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t", t=nova.tenant_id
        )
        return list(found.scalars())


def test_file_is_imported_and_moved_once(nova: CreatorStudio, root: Path) -> None:
    here = folder(nova, root)
    data = encoded(a_picture(seed=5), "JPEG")
    put(here, "été.jpg", data)
    look(nova, root)
    assert there(nova) == ["été.jpg"]
    assert (here / "taken" / "été.jpg").read_bytes() == data
    put(here, "été.jpg", data)  # saved again
    look(nova, root)
    assert there(nova) == ["été.jpg"]
    assert len(list((here / "taken").iterdir())) == 2, "no file is overwritten"
    with nova.scope() as scope:
        (row,) = scope.run("SELECT id FROM uploads WHERE tenant_id = :t", t=nova.tenant_id).all()
    uploads.ingest_upload(
        UploadDue(nova.tenant_id, row.id), tenant=nova.services.tenant, store=nova.services.store
    )
    with nova.scope() as scope:
        assert uploads.get_upload(scope, row.id).state is UploadState.READY
    assert len(nova.library()) == 1


def test_unfinished_hidden_and_linked_files_are_ignored(
    nova: CreatorStudio, root: Path, tmp_path: Path
) -> None:
    here, data = folder(nova, root), encoded(a_picture(seed=6), "JPEG")
    put(here, "fresh.jpg", data, old=0)
    put(here, ".hidden.jpg", data)
    put(here, "half.jpg.part", data)
    secret = put(tmp_path, "secret.jpg", data)
    (here / "link.jpg").symlink_to(secret)
    (here / "folder.jpg").mkdir()
    os.mkfifo(here / "pipe.jpg")
    look(nova, root)
    assert there(nova) == []
    assert secret.exists()


def test_file_in_the_generated_folder_counts_as_generated(nova: CreatorStudio, root: Path) -> None:
    here = folder(nova, root)
    put(here, "photo.jpg", encoded(a_picture(seed=5), "JPEG"))
    put(here / "generated", "export.jpg", encoded(a_picture(seed=6), "JPEG"))
    look(nova, root)
    assert (here / "generated" / "taken" / "export.jpg").exists()
    with nova.scope() as scope:
        ids = list(
            scope.run("SELECT id FROM uploads WHERE tenant_id = :t", t=nova.tenant_id).scalars()
        )
    for upload_id in ids:
        uploads.ingest_upload(
            UploadDue(nova.tenant_id, upload_id),
            tenant=nova.services.tenant,
            store=nova.services.store,
        )
    with nova.scope() as scope:
        made = scope.run(
            "SELECT u.name, a.ai, a.engine FROM uploads u JOIN assets a ON a.id = u.asset_id "
            "WHERE u.tenant_id = :t",
            t=nova.tenant_id,
        ).all()
    assert sorted(tuple(row) for row in made) == [
        ("export.jpg", "generated", "unnamed"),
        ("photo.jpg", "none", "camera"),
    ]


def test_refused_file_is_moved_with_its_reason(nova: CreatorStudio, root: Path) -> None:
    here = folder(nova, root)
    put(here, "words.jpg", b"no picture at all")
    put(here, "good.jpg", encoded(a_picture(seed=7), "JPEG"))
    look(nova, root)
    assert there(nova) == ["good.jpg"]
    assert (here / "refused" / "words.jpg").read_bytes() == b"no picture at all"
    assert (here / "refused" / "words.jpg.txt").read_text("utf-8").strip()


def test_file_that_cannot_be_moved_is_imported_once(nova: CreatorStudio, root: Path) -> None:
    """The same state remains after a crash between import and move."""
    here = folder(nova, root)
    path = put(here, "a.jpg", encoded(a_picture(seed=8), "JPEG"))
    stands_in_the_way = put(here, "taken", b"", old=0)
    look(nova, root)
    look(nova, root)
    assert there(nova) == ["a.jpg"]
    assert path.exists()
    assert told(nova) == ["folder.unreadable"]
    stands_in_the_way.unlink()
    look(nova, root)
    assert there(nova) == ["a.jpg"]
    assert not path.exists()


def test_agency_over_its_quota_keeps_its_file_and_blocks_no_other(
    nova: CreatorStudio, services: Services, root: Path
) -> None:
    other = create_studio(services)
    small = FileStore(root.parent / "small", allowed=10)
    ours, theirs = folder(nova, root), folder(other, root)
    path, bad = (
        put(ours, "a.jpg", encoded(a_picture(seed=9), "JPEG")),
        put(theirs, "words.jpg", b"none"),
    )
    look(nova, root, store=small)
    assert path.exists()
    assert there(nova) == []
    assert not bad.exists()
    assert told(nova) == ["storage.over"]


@pytest.mark.parametrize("which", ["creator", "agency", "generated"])
def test_link_to_another_agencys_folder_imports_nothing(
    nova: CreatorStudio, services: Services, root: Path, which: str
) -> None:
    other = create_studio(services)
    ours, theirs = folder(nova, root), folder(other, root)
    put(theirs, "theirs.jpg", encoded(a_picture(seed=11), "JPEG"))
    linked = {"creator": ours, "agency": ours.parent, "generated": ours / "generated"}[which]
    leads = theirs.parent if which == "agency" else theirs
    linked.rename(root.parent / "before")
    linked.symlink_to(leads)
    look(nova, root)
    assert (there(nova), there(other)) == ([], ["theirs.jpg"])
    assert set(told(nova)) == {"folder.unreadable"}
    assert (theirs / "taken" / "theirs.jpg").exists()


def test_reason_file_is_not_written_through_a_link(
    nova: CreatorStudio, root: Path, tmp_path: Path
) -> None:
    here = folder(nova, root)
    secret = put(tmp_path, "settings.toml", b"kept")
    (here / "refused").mkdir()
    (here / "refused" / "words.jpg.txt").symlink_to(secret)
    put(here, "words.jpg", b"no picture at all")
    look(nova, root)
    assert secret.read_bytes() == b"kept"
    (reason,) = (one for one in (here / "refused").glob("words-*.txt"))
    assert reason.read_text("utf-8").strip()


@pytest.mark.parametrize("name", ["taken", "refused"])
def test_file_is_not_moved_through_a_link(
    nova: CreatorStudio, root: Path, tmp_path: Path, name: str
) -> None:
    here, away = folder(nova, root), tmp_path / "away"
    away.mkdir()
    (here / name).symlink_to(away)
    put(here, "a.jpg", encoded(a_picture(seed=12), "JPEG") if name == "taken" else b"none")
    look(nova, root)
    assert list(away.iterdir()) == []
    assert (here / "a.jpg").exists()
    assert told(nova) == ["folder.unreadable"]


def test_invalid_agency_folder_blocks_no_other(
    nova: CreatorStudio, services: Services, root: Path
) -> None:
    other = create_studio(services)
    ours, theirs = folder(nova, root), folder(other, root)
    for one, seed in ((ours, 13), (theirs, 14)):
        put(one, "a.jpg", encoded(a_picture(seed=seed), "JPEG"))
    ours.rename(root.parent / "before")
    ours.write_text("a file")
    look(nova, root)
    assert (there(nova), there(other)) == ([], ["a.jpg"])
    assert set(told(nova)) == {"folder.unreadable"}


def test_undecodable_file_name_blocks_no_other(
    nova: CreatorStudio, services: Services, root: Path
) -> None:
    other = create_studio(services)
    ours, theirs = folder(nova, root), folder(other, root)
    for one, seed in ((ours, 15), (theirs, 16)):
        put(one, os.fsdecode(b"\xff\n.jpg"), encoded(a_picture(seed=seed), "JPEG"))
    put(ours, "taken", b"", old=0)  # blocks the folder for imported files
    look(nova, root)
    assert (there(nova), there(other)) == ([".jpg"], [".jpg"])
    assert told(nova) == ["folder.unreadable"]


def test_many_files_of_one_creator_leave_capacity_for_others(
    nova: CreatorStudio, services: Services, root: Path
) -> None:
    mia, zoe = create_studio(services), create_studio(services)
    for where, many in [
        (folder(one, root), watch_folder.FILES_PER_RUN if one is nova else 1)
        for one in (nova, mia, zoe)
    ]:
        for number in range(many):
            put(where, f"{number:02}.jpg", encoded(a_picture(seed=number + 200), "JPEG"))
    with pytest.raises(outbox.RetryLater):
        look(nova, root)
    assert [len(there(one)) for one in (nova, mia, zoe)] == [watch_folder.FILES_PER_RUN - 2, 1, 1]


def test_each_folder_belongs_to_one_creator(
    nova: CreatorStudio, services: Services, root: Path
) -> None:
    other = create_studio(services)
    put(folder(other, root), "theirs.jpg", encoded(a_picture(seed=10), "JPEG"))
    look(nova, root)
    assert (there(nova), there(other)) == ([], ["theirs.jpg"])


def test_many_files_are_imported_in_several_runs(nova: CreatorStudio, root: Path) -> None:
    here = folder(nova, root)
    for number in range(watch_folder.FILES_PER_RUN + 2):
        put(here, f"{number:02}.jpg", encoded(a_picture(seed=number + 100), "JPEG"))
    with pytest.raises(outbox.RetryLater):
        look(nova, root)
    assert len(there(nova)) == watch_folder.FILES_PER_RUN
    look(nova, root)
    assert len(there(nova)) == watch_folder.FILES_PER_RUN + 2


def test_missing_setting_is_no_error_and_an_unusable_folder_is(
    nova: CreatorStudio, root: Path
) -> None:
    look(nova, None)
    root.write_text("a file")
    with pytest.raises(Unavailable) as refused:
        look(nova, root)
    assert refused.value.message.code == "folder.unusable"


@pytest.mark.parametrize("name", [AGENCY, "", "../..", "名前", "a" * 300])
def test_agency_folder_is_one_plain_name(name: str) -> None:
    found = watch_folder.agency_folder_name(name, UUID(int=7))
    assert found.endswith("-000000000007")
    assert found.isascii()
    assert len(found) < 60
    assert "/" not in found
    assert not found.startswith(".")


def test_exported_prompt_marks_a_file_as_generated(nova: CreatorStudio, tmp_path: Path) -> None:
    """The description as Midjourney writes it, and an ordinary one."""
    found = {}
    for name, words in {
        "theirs": "a beach --v 6.1 Job ID: 0a1b",
        "ours": "a beach at noon",
    }.items():
        info = PngImagePlugin.PngInfo()
        info.add_text("Description", words)
        path = tmp_path / f"{name}.png"
        a_picture(seed=len(name)).convert("RGB").save(path, "PNG", pnginfo=info)
        with Image.open(path):
            found[name] = pipeline.prepare_upload(path.read_bytes(), name=path.name).source
    assert (found["theirs"].ai, found["ours"].ai) == ("generated", "none")
    assert found["theirs"].parameters["prompt"].endswith("Job ID: 0a1b")


@pytest.mark.parametrize(
    "name", ["é" * 120 + ".jpg", "x" * 251 + ".jpg", "x" * 255, "y." + "z" * 250]
)
def test_long_name_is_moved_with_its_reason(nova: CreatorStudio, root: Path, name: str) -> None:
    """The name of the reason file was once too long for the file system, and the file was read
    every minute."""
    here = folder(nova, root)
    put(here, name, b"no picture")
    look(nova, root)
    assert not (here / name).exists()
    assert len(list((here / "refused").glob("*.txt"))) == 1


def test_pipe_in_place_of_a_file_is_not_awaited(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photo.jpg")
    at = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    with pytest.raises(OSError, match="regular"):
        watch_folder._read_file(at, "photo.jpg")
    os.close(at)
