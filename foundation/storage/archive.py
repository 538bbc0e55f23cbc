"""Write-once archives: evidence about the database must not be stored in the database.

A name refers to the bytes stored first under it. Two concurrent writers of one name get the same
bytes, and a writer that failed after the write finds its own bytes on retry.
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
    """A write-once archive. Each method raises Unavailable if the storage is unreachable, full or
    refuses the request."""

    def put_once(self, name: str, data: bytes) -> bytes:
        """Store `data` as `name` (`part/part`, lower case and digits) unless the name is taken.

        Return the stored bytes: `data`, or those stored first.
        """
        ...

    def get(self, name: str) -> bytes:
        """Return the bytes stored first as `name`. Raises NotFound."""
        ...


def check_archive_name(name: str) -> None:
    """Raise BadInput for an invalid name, which must not become a path."""
    if not _NAME.fullmatch(name):
        raise BadInput("archive.name", name=name[:80])


class FileArchive:
    """Read-only files, each written completely and then linked to its name; an existing file is
    kept."""

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
    """Return the archive of this installation."""
    if not settings.storage.url:
        return FileArchive(settings.archive_folder)
    # The SDK is imported only if there is a server.
    from foundation.storage.s3 import S3Archive  # noqa: PLC0415  see above

    return S3Archive(settings.storage)
