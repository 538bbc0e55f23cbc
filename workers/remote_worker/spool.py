"""The files of a remote worker: its instance ID, and pictures that are generated but not yet
submitted.

After a crash, such a picture is found here and need not be generated again.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from foundation.canonical_json import canonical_json
from foundation.errors import Conflict
from foundation.ids import uuid7
from foundation.storage.object_store import bytes_digest
from generators.remote_protocol import LeasedPictures, PictureOrder, PictureResult

_PICTURE = ".picture"


class PictureSpool:
    """A folder for one installation and one key. Files are readable by their owner only."""

    def __init__(self, folder: Path, instance: UUID) -> None:
        self._folder = folder
        self.instance = instance

    def store_picture(self, asked: PictureOrder, made: PictureResult, data: bytes) -> None:
        """Write a picture atomically."""
        write_atomically(
            self._folder / _picture_file_name(asked), made.model_dump_json().encode() + b"\n" + data
        )

    def find_picture(
        self, lent: LeasedPictures, asked: PictureOrder
    ) -> tuple[PictureResult, bytes] | None:
        """Return the picture generated before for the same order, with the current lease."""
        try:
            said, _, data = (self._folder / _picture_file_name(asked)).read_bytes().partition(b"\n")
            made = PictureResult.model_validate_json(said)
        except (OSError, ValidationError):
            return None
        if bytes_digest(data) != made.sha256:
            return None
        return made.model_copy(update={"lease": lent.lease, "number": asked.number}), data

    def delete_picture(self, asked: PictureOrder) -> None:
        """Delete a picture that was submitted or is no longer wanted."""
        (self._folder / _picture_file_name(asked)).unlink(missing_ok=True)

    def delete_unwanted(self, lent: LeasedPictures | None) -> None:
        """Delete pictures that are not in the lease."""
        wanted = (
            {_picture_file_name(asked) for asked in lent.pictures} if lent is not None else set()
        )
        for file in self._folder.glob(f"*{_PICTURE}"):
            if file.name not in wanted:
                file.unlink(missing_ok=True)


@contextmanager
def open_spool(home: Path, url: str, key: str) -> Iterator[PictureSpool]:
    """Open the spool with an exclusive lock. Raises Conflict if another program works for the same
    installation with the same key."""
    folder = home / "joined" / hashlib.sha256(f"{url}\n{key}".encode()).hexdigest()[:16]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict("join.already") from error
        yield PictureSpool(folder, _load_instance_id(folder / "instance"))


def _load_instance_id(file: Path) -> UUID:
    """Return the same ID at each start, so that the installation returns the lease of a killed
    program."""
    try:
        return UUID(file.read_text("ascii"))
    except (OSError, ValueError):
        made = uuid7()
        write_atomically(file, str(made).encode())
        return made


def _picture_file_name(asked: PictureOrder) -> str:
    """Return the file name of an order. Equal orders have equal names."""
    said = asked.model_dump(mode="json", exclude={"number"})
    return hashlib.sha256(canonical_json(said)).hexdigest() + _PICTURE


def write_atomically(file: Path, data: bytes) -> None:
    """Write a file completely or not at all. Raises OSError."""
    descriptor, path = tempfile.mkstemp(dir=file.parent)  # created with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as draft:
            draft.write(data)
        Path(path).replace(file)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
