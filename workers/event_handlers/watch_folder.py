"""The watched folder: what is saved there by any program is in the library a minute later.

Below it lie a folder for each agency, which its id ends, in that one for each creator, and in that
`generated`, for what a model made: all are made here. A file that was taken is moved to `taken`
beside it, one that cannot be to `refused` with the reason beside it; none is ever deleted.
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
"""What lies here was made by a model, whatever the file says: exports often lose their marks."""

UNCHANGED_SECONDS = 5.0
"""Seconds since a file was last written: before that somebody may still be writing it."""

FILES_PER_RUN = 20
"""Files of one turn; the next one takes the others."""

MAX_KEPT_NAME = 200
"""Bytes of a name beside which its reason still fits; a file system takes 255."""

MAX_SUFFIX = 12
LOOK_SECONDS = 120
PARTIAL_SUFFIXES = (".part", ".crdownload", ".tmp", ".download")

log = telemetry.get_logger("workers.event_handlers.watch_folder")


@dataclass(frozen=True)
class WaitingFile:
    """A file to be brought in: below which folder, by which parts of its path, under which name;
    whose it is, the language their agency is told in, and whether a model made it."""

    root: Path
    parts: tuple[str, ...]
    name: str
    tenant_id: UUID
    creator_id: UUID
    language: str
    generated: bool


def watch_folder_routes(s: Services) -> tuple[EventRoute, ...]:
    """Who looks into the folder."""
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
    """Bring in what lies there, up to `MOST` files, of each agency in turn. Raises
    `outbox.RetryLater` while there are more, Unavailable where the folder itself cannot be made or
    read: what is wrong with one agency's is told to them.

    Killed after a file was kept and before it was moved, it is the same upload the next time.
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
        ) as error:  # it stays where it is, for when there is room
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
    """The files of an agency that nobody writes any more, by creator and name."""
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
    """A folder below the watched one, opened, and made where it is not there. None of the parts is
    a link, which might lead to what is another agency's, or nobody's. Raises OSError."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            at, above = _open_subfolder(at, part), at
            os.close(above)
        yield at
    finally:
        os.close(at)


def _open_subfolder(at: int, part: str) -> int:
    """A folder in an open one. Raises OSError, also for a link."""
    with suppress(FileExistsError):
        os.mkdir(part, 0o770, dir_fd=at)
    return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)


def agency_folder_name(name: str, tenant_id: UUID) -> str:
    """The folder of an agency: its name in plain letters, and the end of its id, which tells it
    from any other."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40]}-{tenant_id.hex[-12:]}"


def _is_whole(folder: int, name: str) -> bool:
    """A regular file, no link, not hidden, that was not written for a while."""
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
    """Return the bytes, one more than any file may have at most. Raises OSError for a link, a pipe
    or a device that took the place of the file; opening a pipe would wait for a writer."""
    mode = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(name, mode, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(MAX_MEDIA_BYTES + 1)


def _move_file(folder: int, name: str, where: str, *, why: str = "") -> None:
    """Put a file into a folder beside it, under a name that is free there, and `why` beside it
    again."""
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
            mode = (
                os.O_WRONLY | os.O_CREAT | os.O_EXCL
            )  # never what lies there already, nor what a link leads to
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
    where = parts[-1]  # it may be no text at all
    name = " ".join(remove_invisible(name).split())
    said = Message("folder.unreadable", {"file": name, "folder": where})
    _notify_agency(tenant_id, tenant, said, cause=f"folder:{where}/{name}"[:200])


def _notify_agency(tenant_id: UUID, tenant: OpenScope, message: Message, *, cause: str) -> None:
    with tenant(tenant_id, WATCH_FOLDER_ACTOR) as scope:
        notices.put(scope, message, cause=cause)
