"""Objects that are written once and never again: what proves the database must not lie in the
database.

A name means the bytes that were kept under it first, whoever comes later: two writers of one name
agree on one of them, and a writer that died after the write finds its own bytes when it comes
again.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ops.settings import Settings

_NAME = re.compile(r"[a-z0-9]+(/[a-z0-9]+)+")


class Archive(Protocol):
    """Where they lie. Each method raises Unavailable when the place cannot be reached, refuses, or
    is full."""

    def put_once(self, name: str, data: bytes) -> bytes:
        """Keep `data` as `name` (`part/part`, lower case and digits) unless something is kept there
        already.

        Returns what lies there now: `data`, or what was first.
        """
        ...

    def get(self, name: str) -> bytes:
        """What was kept first as `name`. Raises NotFound."""
        ...


def check_archive_name(name: str) -> None:
    """Raise BadInput for what cannot be a name: it must not become a path."""
    if not _NAME.fullmatch(name):
        raise BadInput("archive.name", name=name[:80])


class FileArchive:
    """Files nobody may write to, each made whole and then linked to its name: linking fails where a
    file is."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_once(self, name: str, data: bytes) -> bytes:
        check_archive_name(name)
        path = self._root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write_and_link(path, data)
        except FileExistsError:
            return self.get(name)
        except OSError as error:
            raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error
        return data

    def _write_and_link(self, path: Path, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=path.parent) as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o400)
            os.fsync(file.fileno())
            os.link(file.name, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def get(self, name: str) -> bytes:
        check_archive_name(name)
        try:
            return (self._root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound("archive.unknown", name=name) from error
        except OSError as error:
            raise Unavailable("storage.unreadable", detail=error.strerror or "?") from error


def open_archive(settings: Settings) -> Archive:
    """Where this installation keeps what is written once."""
    if not settings.storage.url:
        return FileArchive(settings.archive_folder)
    # the SDK for those alone who have a server
    from foundation.storage.s3 import S3Archive  # noqa: PLC0415  see above

    return S3Archive(settings.storage)
