"""The watch folder: files that any program saves there are imported into the library within a
minute.

It contains a folder for each agency, whose name ends in the agency's ID. An agency's folder
contains a folder for each creator, and a creator's folder contains a folder `generated` for AI
output. All folders are created here. An imported file is moved to `taken`, a refused one to
`refused` with the reason in a text file. Files are never deleted.
"""

import errno
import os
import re
import stat
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePath
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.i18n.translation import Message, render_message
from foundation.i18n.visible_text import remove_invisible
from foundation.ids import uuid7
from foundation.ops import telemetry
from foundation.ops.clock import wall_now
from foundation.outbox import outbox
from foundation.storage.object_store import ObjectStore
from generators.containers.tracks import MAX_MEDIA_BYTES
from studio.ingest import uploads
from studio.ingest.events import WatchFolderDue
from studio.library import storage_quota
from tenants.agencies import queries
from tenants.notices import notices
from tenants.scope import list_tenant_ids
from workers.relay.dispatch import EventRoute
from workers.wiring import Services

WATCH_FOLDER_ACTOR = "system:folder"
IMPORTED_FOLDER = "taken"
REFUSED_FOLDER = "refused"
GENERATED_FOLDER = "generated"
"""Files in this folder count as AI-generated whatever their metadata say, because exports often
lose their marks."""

UNCHANGED_SECONDS = 5.0
"""Seconds without a write after which a file counts as complete; before that, a program may still
be writing it."""

FILES_PER_RUN = 20
"""Maximum number of files per run; the next run imports the others."""

MAX_KEPT_NAME = 200
"""Maximum length of a file name in bytes, so that the name of the file with the reason stays within
the 255 bytes that file systems allow."""

MAX_SUFFIX = 12
LOOK_SECONDS = 120
PARTIAL_SUFFIXES = (".part", ".crdownload", ".tmp", ".download")

log = telemetry.get_logger("workers.event_handlers.watch_folder")


@dataclass(frozen=True)
class WaitingFile:
    """A file to import: its folder below the root, its name, its agency and creator, the language
    of the agency, and a flag for AI output."""

    root: Path
    parts: tuple[str, ...]
    name: str
    tenant_id: UUID
    creator_id: UUID
    language: str
    generated: bool


def watch_folder_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the route of the watch folder."""
    root = Path(s.settings.storage.watched) if s.settings.storage.watched else None
    return (
        EventRoute(
            WatchFolderDue,
            partial(import_waiting_files, tenant=s.tenant, store=s.store, root=root),
            deadline_seconds=LOOK_SECONDS,
        ),
    )


def import_waiting_files(
    event: WatchFolderDue, *, tenant: OpenScope, store: ObjectStore, root: Path | None
) -> None:
    """Import up to `FILES_PER_RUN` waiting files, alternating between agencies.

    Raises `outbox.RetryLater` if more are waiting, and Unavailable if the root cannot be created or
    read. An agency is notified about problems in its folder. If the process is killed after a file
    was stored and before it was moved, the next import finds the same upload.
    """
    if root is None:
        return
    _check_root(root)
    taken = 0
    agencies = deque(_list_waiting_files(tenant, root, one) for one in list_tenant_ids(tenant))
    while agencies:
        agency = agencies.popleft()
        one = next(agency, None)
        if one is None:
            continue
        if taken == FILES_PER_RUN:
            raise outbox.RetryLater(timedelta())
        try:
            _receive_file(one, tenant, store)
            taken += 1
        except (
            storage_quota.StorageFull,
            Unavailable,
        ) as error:  # the file stays until there is space
            _notify_agency(
                one.tenant_id, tenant, error.message, cause=f"folder:{error.message.code}"
            )
            continue
        except OSError as error:
            _tell_unreadable(one.tenant_id, tenant, one.parts, one.name, error)
        agencies.append(agency)


def _check_root(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o770)
        if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise Unavailable(
            "folder.unusable", folder=str(root), detail=error.strerror or "?"
        ) from error


def _list_waiting_files(tenant: OpenScope, root: Path, tenant_id: UUID) -> Iterator[WaitingFile]:
    """Yield the complete files of an agency, by creator and name."""
    with tenant(tenant_id, WATCH_FOLDER_ACTOR) as scope:
        agency = queries.get_agency(scope)
        creators = queries.list_creators(scope)
    for creator in creators:
        hers = (agency_folder_name(agency.name, tenant_id), creator.slug)
        for parts in (hers, (*hers, GENERATED_FOLDER)):
            try:
                with _open_folder(root, *parts) as folder:
                    names = sorted(name for name in os.listdir(folder) if _is_whole(folder, name))
            except OSError as error:
                _tell_unreadable(tenant_id, tenant, parts[:-1], parts[-1], error)
                continue
            for name in names:
                yield WaitingFile(
                    root,
                    parts,
                    name,
                    tenant_id,
                    creator.id,
                    agency.language,
                    GENERATED_FOLDER in parts[2:],
                )


@contextmanager
def _open_folder(root: Path, *parts: str) -> Iterator[int]:
    """Open a folder below the root, creating it if needed. Symbolic links are refused, since they
    could lead to files of another agency or of the system. Raises OSError."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            at, above = _open_subfolder(at, part), at
            os.close(above)
        yield at
    finally:
        os.close(at)


def _open_subfolder(at: int, part: str) -> int:
    """Open a folder inside an open one. Raises OSError, also for a symbolic link."""
    with suppress(FileExistsError):
        os.mkdir(part, 0o770, dir_fd=at)
    return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)


def agency_folder_name(name: str, tenant_id: UUID) -> str:
    """Return the folder name of an agency: its name in ASCII and the end of its ID, which makes it
    unique."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40]}-{tenant_id.hex[-12:]}"


def _is_whole(folder: int, name: str) -> bool:
    """Return True for a regular, visible file that has not been written recently."""
    if name.startswith((".", "~")) or PurePath(name).suffix.lower() in PARTIAL_SUFFIXES:
        return False
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (
        stat.S_ISREG(found.st_mode) and wall_now().timestamp() - found.st_mtime >= UNCHANGED_SECONDS
    )


def _receive_file(one: WaitingFile, tenant: OpenScope, store: ObjectStore) -> None:
    with _open_folder(one.root, *one.parts) as folder:
        data = _read_file(folder, one.name)
        try:
            with tenant(one.tenant_id, WATCH_FOLDER_ACTOR) as scope:
                uploads.receive_upload(
                    scope,
                    creator_id=one.creator_id,
                    name=one.name,
                    data=data,
                    by=WATCH_FOLDER_ACTOR,
                    store=store,
                    generated=one.generated,
                )
                notices.close(scope, "folder:storage.over")
        except (BadInput, NotFound) as refused:
            _move_file(
                folder, one.name, REFUSED_FOLDER, why=render_message(refused.message, one.language)
            )
            return
        _move_file(folder, one.name, IMPORTED_FOLDER)


def _read_file(folder: int, name: str) -> bytes:
    """Return the content, at most one byte more than the maximum size. Raises OSError for a link, a
    pipe or a device; opening a pipe would wait for a writer."""
    mode = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(name, mode, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(MAX_MEDIA_BYTES + 1)


def _move_file(folder: int, name: str, where: str, *, why: str = "") -> None:
    """Move a file to a subfolder under a free name, and write the reason `why` next to it."""
    there = _open_subfolder(folder, where)
    try:
        target = name
        if (
            len(os.fsencode(name)) > MAX_KEPT_NAME
            or _is_there(there, name)
            or _is_there(there, f"{name}.txt")
        ):
            path = PurePath(name)
            begin = os.fsdecode(os.fsencode(path.stem)[: MAX_KEPT_NAME // 2])
            end = path.suffix if path.suffix.isascii() and len(path.suffix) <= MAX_SUFFIX else ""
            target = f"{begin}-{uuid7().hex}{end}"
        if why:
            mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # never overwrites a file or follows a link
            with os.fdopen(
                os.open(f"{target}.txt", mode, 0o660, dir_fd=there), "w", encoding="utf-8"
            ) as file:
                file.write(why + "\n")
        os.rename(name, target, src_dir_fd=folder, dst_dir_fd=there)
    finally:
        os.close(there)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _tell_unreadable(
    tenant_id: UUID, tenant: OpenScope, parts: Sequence[str], name: str, error: OSError
) -> None:
    log.warning("folder.unreadable", error=telemetry.describe_error(error))
    where = parts[-1]  # may contain bytes that are not text
    name = " ".join(remove_invisible(name).split())
    said = Message("folder.unreadable", {"file": name, "folder": where})
    _notify_agency(tenant_id, tenant, said, cause=f"folder:{where}/{name}"[:200])


def _notify_agency(tenant_id: UUID, tenant: OpenScope, message: Message, *, cause: str) -> None:
    with tenant(tenant_id, WATCH_FOLDER_ACTOR) as scope:
        notices.put(scope, message, cause=cause)
