"""The watched folder: what is saved there by any program is in the library a minute later.

Below it lie a folder for each agency, which its id ends, in that one for each creator, and in that `generated`, for
what a model made: all are made here. A file that was taken is moved to `taken` beside it, one that cannot be to
`refused` with the reason beside it; none is ever deleted.
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

from foundation import outbox, telemetry
from foundation.clock import wall_now
from foundation.database import OpenScope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.ids import uuid7
from foundation.storage import ObjectStore
from foundation.words import Message, say
from generators.tracks import MOST_BYTES
from studio import storing, uploads
from studio.events import FolderDue
from tenants import notices
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers.dispatch import Route
from workers.wiring import Services

FOLDER = "system:folder"
TAKEN, REFUSED = "taken", "refused"
GENERATED = "generated"
"""What lies here was made by a model, whatever the file says: exports often lose their marks."""

STILL = 5.0
"""Seconds since a file was last written: before that somebody may still be writing it."""

MOST = 20
"""Files of one turn; the next one takes the others."""

LOOK_SECONDS = 120
UNFINISHED = (".part", ".crdownload", ".tmp", ".download")

log = telemetry.log("workers.watched")


@dataclass(frozen=True)
class Waiting:
    """A file to be brought in: below which folder, by which parts of its path, under which name; whose it is, the
    language their agency is told in, and whether a model made it."""

    root: Path
    parts: tuple[str, ...]
    name: str
    tenant_id: UUID
    creator_id: UUID
    language: str
    generated: bool


def routes(s: Services) -> tuple[Route, ...]:
    """Who looks into the folder."""
    root = Path(s.settings.storage.watched) if s.settings.storage.watched else None
    return (Route(FolderDue, partial(look, tenant=s.tenant, store=s.store, root=root), deadline_seconds=LOOK_SECONDS),)


def look(event: FolderDue, *, tenant: OpenScope, store: ObjectStore, root: Path | None) -> None:
    """Bring in what lies there, up to `MOST` files, of each agency in turn. Raises `outbox.Later` while there are more,
    Unavailable where the folder itself cannot be made or read: what is wrong with one agency's is told to them.

    Killed after a file was kept and before it was moved, it is the same upload the next time.
    """
    if root is None:
        return
    _check(root)
    taken, agencies = 0, deque(_waiting(tenant, root, one) for one in all_tenants(tenant))
    while agencies:
        agency = agencies.popleft()
        one = next(agency, None)
        if one is None:
            continue
        if taken == MOST:
            raise outbox.Later(timedelta())
        try:
            _take(one, tenant, store)
            taken += 1
        except (storing.Full, Unavailable) as error:  # it stays where it is, for when there is room
            _tell(one.tenant_id, tenant, error.message, cause=f"folder:{error.message.code}")
            continue
        except OSError as error:
            _tell_unreadable(one.tenant_id, tenant, one.parts, one.name, error)
        agencies.append(agency)


def _check(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o770)
        if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise Unavailable("folder.unusable", folder=str(root), detail=error.strerror or "?") from error


def _waiting(tenant: OpenScope, root: Path, tenant_id: UUID) -> Iterator[Waiting]:
    """The files of an agency that nobody writes any more, by creator and name."""
    with tenant(tenant_id, FOLDER) as scope:
        agency, creators = tenant_reads.agency(scope), tenant_reads.creators(scope)
    for creator in creators:
        hers = (named(agency.name, tenant_id), creator.slug)
        for parts in (hers, (*hers, GENERATED)):
            try:
                with _folder(root, *parts) as folder:
                    names = sorted(name for name in os.listdir(folder) if _is_whole(folder, name))
            except OSError as error:
                _tell_unreadable(tenant_id, tenant, parts[:-1], parts[-1], error)
                continue
            for name in names:
                yield Waiting(root, parts, name, tenant_id, creator.id, agency.language, GENERATED in parts[2:])


@contextmanager
def _folder(root: Path, *parts: str) -> Iterator[int]:
    """A folder below the watched one, opened, and made where it is not there. None of the parts is a link, which might
    lead to what is another agency's, or nobody's. Raises OSError."""
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:
            at, above = _below(at, part), at
            os.close(above)
        yield at
    finally:
        os.close(at)


def _below(at: int, part: str) -> int:
    """A folder in an open one. Raises OSError, also for a link."""
    with suppress(FileExistsError):
        os.mkdir(part, 0o770, dir_fd=at)
    return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)


def named(name: str, tenant_id: UUID) -> str:
    """The folder of an agency: its name in plain letters, and the end of its id, which tells it from any other."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40]}-{tenant_id.hex[-12:]}"


def _is_whole(folder: int, name: str) -> bool:
    """A regular file, no link, not hidden, that was not written for a while."""
    if name.startswith((".", "~")) or PurePath(name).suffix.lower() in UNFINISHED:
        return False
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and wall_now().timestamp() - found.st_mtime >= STILL


def _take(one: Waiting, tenant: OpenScope, store: ObjectStore) -> None:
    with _folder(one.root, *one.parts) as folder:
        data = _read(folder, one.name)
        try:
            with tenant(one.tenant_id, FOLDER) as scope:
                uploads.receive(
                    scope,
                    creator_id=one.creator_id,
                    name=one.name,
                    data=data,
                    by=FOLDER,
                    store=store,
                    generated=one.generated,
                )
                notices.settle(scope, "folder:storage.over")
        except (BadInput, NotFound) as refused:
            _move(folder, one.name, REFUSED, why=say(refused.message, one.language))
            return
        _move(folder, one.name, TAKEN)


def _read(folder: int, name: str) -> bytes:
    """The bytes, one more than any file may have at most; a link that took its place meanwhile is not followed."""
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read(MOST_BYTES + 1)


def _move(folder: int, name: str, where: str, *, why: str = "") -> None:
    """Put a file into a folder beside it, under a name that is free there, and `why` beside it again."""
    there = _below(folder, where)
    try:
        target = name
        if _is_there(there, name) or _is_there(there, f"{name}.txt"):
            target = f"{PurePath(name).stem}-{uuid7().hex}{PurePath(name).suffix}"
        if why:
            mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # never what lies there already, nor what a link leads to
            with os.fdopen(os.open(f"{target}.txt", mode, 0o660, dir_fd=there), "w", encoding="utf-8") as file:
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


def _tell_unreadable(tenant_id: UUID, tenant: OpenScope, parts: Sequence[str], name: str, error: OSError) -> None:
    log.warning("folder.unreadable", error=telemetry.describe(error))
    where, name = parts[-1], "".join(letter for letter in name if letter.isprintable())  # it may be no text at all
    said = Message("folder.unreadable", {"file": name, "folder": where})
    _tell(tenant_id, tenant, said, cause=f"folder:{where}/{name}"[:200])


def _tell(tenant_id: UUID, tenant: OpenScope, message: Message, *, cause: str) -> None:
    with tenant(tenant_id, FOLDER) as scope:
        notices.put(scope, message, cause=cause)
