"""Objects: bytes under their own SHA-256, one folder (or bucket) per tenant. As files, or on an S3
server."""

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
    """Where bytes lie. Content-addressed: the same bytes are stored once, and a key can only mean
    those bytes.

    Each method raises Unavailable, with what to do, when the place cannot be reached, refuses, or
    is full.
    """

    @property
    def quota_bytes(self) -> int | None:
        """How many bytes a tenant may keep here, for who brings new ones
        (`studio/library/storage_quota.py`); None: what fits."""
        ...

    def put(self, tenant_id: UUID, data: bytes) -> str:
        """Store `data`; returns its SHA-256 in hex, and only when they can be read again. Safe to
        repeat.

        What lies there whole is not written again; what was damaged is.
        """
        ...

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        """The bytes, proven to be those. Raises NotFound; another tenant's object looks the same.

        Raises Unavailable for an object that is damaged or came back cut off: other bytes are never
        returned.
        """
        ...

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        """Remove the object; removing twice is the same."""
        ...

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        """Whether the object is there, whole or not."""
        ...

    def delete_all(self, tenant_id: UUID) -> int:
        """Remove all that a tenant has; how many objects there were."""
        ...


def bytes_digest(data: bytes) -> str:
    """The key of `data`."""
    return hashlib.sha256(data).hexdigest()


def check_object_key(sha256: str) -> None:
    """Raise NotFound for what cannot be a key: nothing lies under it, and it must not become a
    path."""
    if not _DIGEST.fullmatch(sha256):
        raise NotFound("object.unknown", sha256=sha256[:12])


def _keep_names(folder: Path) -> None:
    """Have the disk hold which files a folder has: without that, a power cut takes a whole file
    back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileStore:
    """The store of `make up`: temporary file, fsync, rename, fsync of the folder; nothing half
    written is ever visible, and nothing that was stored is lost with the power."""

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
                Path(file.name).unlink(
                    missing_ok=True
                )  # a full disk is not filled further by each try
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
    """Where the creators' files lie."""
    return _open_store(
        settings.storage, settings.objects_folder, "", allowed=settings.storage.allowed_bytes
    )


def open_page_store(settings: Settings) -> ObjectStore:
    """Where the own pages keep their copies; removed with the item, while the library's stay."""
    return _open_store(settings.storage, settings.page_files_folder, "-pages", allowed=None)


def _open_store(
    chosen: StorageSettings, folder: Path, kind: str, *, allowed: int | None
) -> ObjectStore:
    if not chosen.url:
        return FileStore(folder, allowed=allowed)
    # the SDK for those alone who have a server
    from foundation.storage.s3 import S3Store  # noqa: PLC0415  see above

    return S3Store(chosen, kind=kind, allowed=allowed)
