"""Object store on an S3 server: one bucket per tenant, each object under its SHA-256, no local
copy.

The server is reached over a network and may belong to a third party. Downloads are therefore
hashed, and uploads read back once. All requests are safe to repeat, so a broken connection is
retried once.
"""

import base64
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ops.clock import monotonic, wall_now
from foundation.ops.settings import StorageSettings
from foundation.storage.archive import check_archive_name
from foundation.storage.object_store import bytes_digest, check_object_key

CONNECT_SECONDS = 3.0
READ_SECONDS = 20.0
OBJECT_SECONDS = 120.0
"""Maximum seconds for the download of one object, which limits slow servers."""
CHUNK = 1024 * 1024
CONNECTIONS = 64
"""Maximum number of connections, more than the number of threads of a `send` process."""

MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchObject", "ResourceNotFound"})
LOCKLESS = frozenset(
    {
        "NotImplemented",
        "InvalidRequest",
        "ObjectLockConfigurationNotFoundError",
        "InvalidBucketState",
    }
)
"""Error codes of a server without object lock."""
KEPT_YEARS = 5
OURS_ALREADY = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


class S3Store:
    """A store with buckets named `<prefix><kind>-<tenant>`. Connects at first use; thread-safe."""

    def __init__(
        self,
        chosen: StorageSettings,
        *,
        kind: str = "",
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        allowed: int | None = None,
    ) -> None:
        """Raises BadInput for an invalid address."""
        self.quota_bytes = allowed
        found = urlsplit(chosen.url)
        self._place = found.netloc
        self._prefix = f"{chosen.bucket}{kind}"
        self._region = chosen.region
        pool = PoolManager(
            maxsize=CONNECTIONS,
            timeout=Timeout(connect=connect_seconds, read=read_seconds),
            retries=Retry(total=1, status=0, redirect=0, other=0, allowed_methods=None),
        )
        try:
            if found.scheme not in {"http", "https"} or not found.hostname:
                raise ValueError(found.scheme)
            self._client = Minio(
                f"{found.netloc}{found.path.rstrip('/')}",
                access_key=chosen.key,
                secret_key=chosen.secret.get_secret_value(),
                secure=found.scheme == "https",
                region=chosen.region,
                http_client=pool,
            )
        except ValueError as error:
            raise BadInput("storage.bad_address", place=found.netloc or "-") from error

    def _bucket_name(self, tenant_id: UUID) -> str:
        return f"{self._prefix}-{tenant_id}"

    def put(self, tenant_id: UUID, data: bytes) -> str:
        sha256 = bytes_digest(data)
        if self._has_intact_object(tenant_id, sha256):
            return sha256
        with self._translate_errors(sha256):
            try:
                self._upload_object(tenant_id, sha256, data)
            except S3Error as error:
                if error.code != "NoSuchBucket":
                    raise
                self._make_bucket(tenant_id)
                self._upload_object(tenant_id, sha256, data)
        if not self._has_intact_object(tenant_id, sha256):
            raise Unavailable("storage.damaged", sha256=sha256[:12])
        return sha256

    def _has_intact_object(self, tenant_id: UUID, sha256: str) -> bool:
        """Return True if the object exists and is intact."""
        try:
            return bytes_digest(self._download_object(tenant_id, sha256)) == sha256
        except NotFound:
            return False

    def _upload_object(self, tenant_id: UUID, sha256: str, data: bytes) -> None:
        self._client.put_object(self._bucket_name(tenant_id), sha256, io.BytesIO(data), len(data))

    def _make_bucket(self, tenant_id: UUID) -> None:
        try:
            self._client.make_bucket(self._bucket_name(tenant_id), self._region)
        except S3Error as error:  # another process was faster
            if error.code not in OURS_ALREADY:
                raise

    def get(self, tenant_id: UUID, sha256: str) -> bytes:
        check_object_key(sha256)
        data = self._download_object(tenant_id, sha256)
        if bytes_digest(data) != sha256:
            raise Unavailable("storage.damaged", sha256=sha256[:12])
        return data

    def _download_object(self, tenant_id: UUID, sha256: str) -> bytes:
        until = monotonic() + OBJECT_SECONDS
        with self._translate_errors(sha256):
            response = self._client.get_object(self._bucket_name(tenant_id), sha256)
            try:
                data = bytearray()
                for chunk in response.stream(CHUNK):
                    data += chunk
                    if monotonic() > until:
                        raise Unavailable("storage.away", place=self._place)
                return bytes(data)
            finally:
                response.close()
                response.release_conn()

    def delete(self, tenant_id: UUID, sha256: str) -> None:
        check_object_key(sha256)
        try:
            with self._translate_errors(sha256):
                self._client.remove_object(self._bucket_name(tenant_id), sha256)
        except NotFound:
            return

    def exists(self, tenant_id: UUID, sha256: str) -> bool:
        check_object_key(sha256)
        try:
            with self._translate_errors(sha256):
                self._client.stat_object(self._bucket_name(tenant_id), sha256)
        except NotFound:
            return False
        return True

    def delete_all(self, tenant_id: UUID) -> int:
        bucket = self._bucket_name(tenant_id)
        count = 0
        try:
            with self._translate_errors("*"):
                for found in self._client.list_objects(bucket, recursive=True):
                    if found.object_name is not None:
                        self._client.remove_object(bucket, found.object_name)
                        count += 1
                self._client.remove_bucket(bucket)
        except NotFound:
            return count
        return count

    @contextmanager
    def _translate_errors(self, sha256: str) -> Iterator[None]:
        """Translate errors of the server and the network to errors of the system."""
        try:
            yield
        except S3Error as error:
            if error.code in MISSING:
                raise NotFound("object.unknown", sha256=sha256[:12]) from error
            raise Unavailable(
                "storage.refused", place=self._place, detail=error.code or "?"
            ) from error
        except (MinioException, HTTPError, OSError, ValueError, ParseError) as error:
            raise Unavailable("storage.away", place=self._place) from error


class S3Archive:
    """A bucket with S3 Object Lock in compliance mode: no one can delete or replace a version.

    This includes the server's administrator. A second write creates a second version, and the
    oldest one counts. On a server without object lock the bucket is plain, and objects are merely
    not overwritten by the system.
    """

    def __init__(self, chosen: StorageSettings) -> None:
        """Raises BadInput for an invalid address."""
        self._store = S3Store(chosen, kind="-archive")
        self._bucket = f"{chosen.bucket}-archive"
        self._region = chosen.region
        self._client = self._store._client
        self._asking = self._store._translate_errors

    def put_once(self, name: str, data: bytes) -> bytes:
        check_archive_name(name)
        try:
            return self.get(name)
        except NotFound:
            self._upload_locked_object(name, data)
        return self.get(name)

    def _upload_locked_object(self, name: str, data: bytes) -> None:
        locked = Retention(COMPLIANCE, wall_now() + timedelta(days=365 * KEPT_YEARS))
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        proof = {
            "x-amz-sdk-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": digest,
        }  # required for object lock
        with self._asking(name):
            self._make_bucket()
            try:
                self._client.put_object(
                    self._bucket,
                    name,
                    io.BytesIO(data),
                    len(data),
                    metadata=dict(proof),
                    retention=locked,
                )
            except S3Error as error:
                if error.code not in LOCKLESS:
                    raise
                self._client.put_object(self._bucket, name, io.BytesIO(data), len(data))

    def _make_bucket(self) -> None:
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket, self._region, object_lock=True)
        except S3Error as error:
            if error.code in LOCKLESS:
                self._client.make_bucket(self._bucket, self._region)
            elif error.code not in OURS_ALREADY:  # another process was faster
                raise

    def get(self, name: str) -> bytes:
        check_archive_name(name)
        with self._asking(name):
            found = [
                one
                for one in self._client.list_objects(
                    self._bucket, prefix=name, include_version=True
                )
                if one.object_name == name and not one.is_delete_marker
            ]
            if not found:
                raise NotFound("archive.unknown", name=name)
            version = found[-1].version_id  # Versions are listed newest first.
            response = self._client.get_object(self._bucket, name, version_id=version or None)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()
