"""The photos of a day: a folder, read and checked completely before a day starts."""

from dataclasses import replace
from pathlib import Path

from PIL import Image

from foundation.errors import BadInput
from generators.media import pictures
from studio.ingest import pipeline
from studio.ingest.pipeline import PreparedAsset

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif"}
MAX_PHOTOS = 200
MAX_BYTES = 64 * 1024 * 1024


def read_photos(folder: Path) -> list[PreparedAsset]:
    """Decode every photo of a folder and return them without duplicates. Raises BadInput that names
    the first photo that cannot be used."""
    if not folder.is_dir():
        raise BadInput("day.no_folder", folder=str(folder))
    try:
        files = sorted(
            file
            for file in folder.iterdir()
            if file.suffix.lower() in PHOTO_SUFFIXES and file.is_file()
        )
    except OSError as error:
        raise BadInput("day.folder_unreadable", folder=str(folder)) from error
    if not files or len(files) > MAX_PHOTOS:
        raise BadInput("day.photo_count", folder=str(folder), count=len(files), most=MAX_PHOTOS)
    photos = [_prepare_photo(file) for file in files]
    return list({photo.source.key: photo for photo in photos}.values())


def _prepare_photo(file: Path) -> PreparedAsset:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadInput("day.photo_heavy", file=file.name, most=MAX_BYTES // 2**20)
        data = file.read_bytes()
    except OSError as error:
        raise BadInput("day.photo_unreadable", file=file.name) from error
    alt = file.stem.replace("_", " ").replace("-", " ")
    return _drop_pixels(pipeline.prepare_upload(data, name=file.name, alt=alt))


def _drop_pixels(prepared: PreparedAsset) -> PreparedAsset:
    """Return the photo without its decoded pixels: two hundred photos would take 15 GB
    of memory."""
    return replace(prepared, photo=replace(prepared.photo, pixels=Image.new("L", (1, 1))))


def load_pixels(prepared: PreparedAsset) -> PreparedAsset:
    """Return the photo with its pixels decoded again, for a classifier that checks one photo at a
    time."""
    pixels = pictures.decode_photo(prepared.data, name=prepared.source.key).pixels
    return replace(prepared, photo=replace(prepared.photo, pixels=pixels))
