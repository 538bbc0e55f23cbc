"""Object stores: bytes under their SHA-256 digest, one folder or bucket per tenant."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Protocol
from uuid import UUID

from foundation.errors import NotFound, Unavailable
from foundation.ops.settings import Settings, StorageSettings

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ObjectStore(Protocol):
    """A content-addressed store: the same bytes are stored once, and a key only ever means those
    bytes.

    Each method raises Unavailable, with instructions, if the storage is unreachable, full or
    refuses the request.
    """

    @property
    def quota_bytes(self) -> int | None:
        """Return the maximum bytes per tenant for new files, or None if there is no limit.

        It is enforced by `studio/library/storage_quota.py`.
        """
        ...

    def put(self, tenant_id: UUID, data: bytes) -> str:
        """Store `data` and return its SHA-256 in hexadecimal, once it can be read back. Safe to
        repeat.

        An intact object is not written again; a damaged one is.
        """
        ...

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        """Return the verified bytes. Raises NotFound, also for another tenant's object.

        Raises Unavailable for a damaged or truncated object; other bytes are never returned.
        """
        ...

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        """Delete the object. A second call has no effect."""
        ...

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        """Return True if the object exists, intact or not."""
        ...

    def delete_all(self, tenant_id: UUID) -> int:
        """Delete all objects of a tenant and return their number."""
        ...


def bytes_digest(data: bytes) -> str:
    """Return the key of `data`."""
    return hashlib.sha256(data).hexdigest()


def check_object_key(sha256: str) -> None:
    """Raise NotFound for an invalid key, which must not become a path."""
    if not _DIGEST.fullmatch(sha256):
        raise NotFound("object.unknown", sha256=sha256[:12])


def _keep_names(folder: Path) -> None:
    """Sync a folder to disk; without it, a power failure can lose a complete file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileStore:
    """A store of files, used by default.

    Each file is written temporarily, synced and renamed, and its folder synced. Partial files are
    never visible, and stored files survive a power failure.
    """

    def __init__(self, root: Path, *, allowed: int | None = None) -> None:
        self._root = root
        self.quota_bytes = allowed

    def _object_path(self, tenant_id: UUID, sha256: str) -> Path:
        check_object_key(sha256)
        return self._root / str(tenant_id) / sha256[:2] / sha256

    def put(self, tenant_id: UUID, data: bytes) -> str:
        sha256 = bytes_digest(data)
        path = self._object_path(tenant_id, sha256)
        try:
            if path.exists() and path.read_bytes() == data:
                return sha256
            new = [one for one in (path.parent, *path.parent.parents) if not one.exists()]
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._write_file(path, data)
            for folder in (path.parent, *(one.parent for one in new)):
                _keep_names(folder)
        except OSError as error:
            raise Unavailable("storage.unwritable", detail=error.strerror or "?") from error
        return sha256

    def _write_file(self, path: Path, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).rename(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)  # Failed attempts must not fill the disk.
                raise

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        try:
            data = self._object_path(tenant_id, sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("object.unknown", sha256=sha256[:12]) from error
        except OSError as error:
            raise Unavailable("storage.unreadable", detail=error.strerror or "?") from error
        if bytes_digest(data) != sha256:
            raise Unavailable("storage.damaged", sha256=sha256[:12])
        return data

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        self._object_path(tenant_id, sha256).unlink(missing_ok=True)

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        return self._object_path(tenant_id, sha256).exists()

    def delete_all(self, tenant_id: UUID) -> int:
        folder = self._root / str(tenant_id)
        count = sum(path.is_file() for path in folder.rglob("*"))
        shutil.rmtree(folder, ignore_errors=True)
        return count


def open_library_store(settings: Settings) -> ObjectStore:
    """Return the store of the creators' files."""
    return _open_store(
        settings.storage, settings.objects_folder, "", allowed=settings.storage.allowed_bytes
    )


def open_page_store(settings: Settings) -> ObjectStore:
    """Return the store of the files on creators' pages, which are deleted with their items."""
    return _open_store(settings.storage, settings.page_files_folder, "-pages", allowed=None)


def _open_store(
    chosen: StorageSettings, folder: Path, kind: str, *, allowed: int | None
) -> ObjectStore:
    if not chosen.url:
        return FileStore(folder, allowed=allowed)
    # The SDK is imported only if there is a server.
    from foundation.storage.s3 import S3Store  # noqa: PLC0415  see above

    return S3Store(chosen, kind=kind, allowed=allowed)
