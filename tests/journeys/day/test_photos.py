"""The photo folder: read completely before any change, and refused with the name of the file."""

from pathlib import Path

import pytest

from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, render_message
from tests.journeys.day.invalid_photos import BAD, jpeg
from workers.creator_day import photos
from workers.creator_day.photos import read_photos


def refused(folder: Path) -> BadInput:
    with pytest.raises(BadInput) as error:
        read_photos(folder)
    assert all(render_message(error.value.message, language) for language in LANGUAGES)
    return error.value


@pytest.mark.parametrize("name", BAD)
def test_invalid_photo_is_named(name: str, tmp_path: Path) -> None:
    make, code = BAD[name]
    (tmp_path / "a_good_one.jpg").write_bytes(jpeg())
    make(tmp_path / "holiday.jpg")
    message = refused(tmp_path).message
    assert message.code.startswith(code)
    assert message.params["file"] == "holiday.jpg"


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(jpeg())
    for folder in (tmp_path / "missing", file):
        assert refused(folder).message.code == "day.no_folder"


def test_folder_without_photos_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path).message.code == "day.photo_count"
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "folder.jpg").mkdir()
    assert refused(tmp_path).message.params["count"] == 0


def test_too_many_photos_are_refused(tmp_path: Path) -> None:
    for number in range(photos.MAX_PHOTOS + 1):
        (tmp_path / f"{number}.jpg").touch()
    assert refused(tmp_path).message.params["count"] == photos.MAX_PHOTOS + 1


def test_duplicate_photo_is_read_once(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.JPEG"):
        (tmp_path / name).write_bytes(jpeg())
    (tmp_path / "c.jpg").write_bytes(jpeg(shade=10))
    assert [photo.source.alt for photo in read_photos(tmp_path)] == ["b", "c"]


def test_photos_keep_no_pixels_in_memory(shared: Path) -> None:
    found = read_photos(shared / "data" / "photos")
    assert len(found) >= 3
    for photo in found:
        assert photo.photo.size == (1, 1)
        assert max(photo.rendered.width, photo.rendered.height) > 200
        assert len(photo.data) > 5_000
