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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
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
    """A file to be brought in, whose it is, the language their agency is told in, and whether a model made it."""

    path: Path
    tenant_id: UUID
    creator_id: UUID
    language: str
    generated: bool


def routes(s: Services) -> tuple[Route, ...]:
    """Who looks into the folder."""
    root = Path(s.settings.storage.watched) if s.settings.storage.watched else None
    return (Route(FolderDue, partial(look, tenant=s.tenant, store=s.store, root=root), deadline_seconds=LOOK_SECONDS),)


def look(event: FolderDue, *, tenant: OpenScope, store: ObjectStore, root: Path | None) -> None:
    """Bring in what lies there, up to `MOST` files. Raises `outbox.Later` while there are more; Unavailable, once the
    others were looked at, where a folder cannot be made or read.

    Killed after a file was kept and before it was moved, it is the same upload the next time.
    """
    if root is None:
        return
    taken, full, unusable = 0, set[UUID](), list[Unavailable]()
    for one in _waiting(tenant, root, unusable):
        if one.tenant_id in full:
            continue
        if taken == MOST:
            raise outbox.Later(timedelta())
        try:
            _take(one, tenant, store)
            taken += 1
        except (storing.Full, Unavailable) as error:
            full.add(one.tenant_id)  # it stays where it is, for when there is room
            _tell(one, tenant, error.message, cause=f"folder:{error.message.code}")
        except OSError as error:
            log.warning("folder.unreadable", error=telemetry.describe(error))
            name = os.fsencode(one.path.name).decode(errors="replace")  # a name may be bytes of another time
            said = Message("folder.unreadable", {"file": name, "folder": one.path.parent.name})
            _tell(one, tenant, said, cause=f"folder:{one.path.parent.name}/{name}"[:200])
    if unusable:
        raise unusable[0]


def _waiting(tenant: OpenScope, root: Path, unusable: list[Unavailable]) -> Iterator[Waiting]:
    """The files of all agencies that nobody writes any more, by name. Why a folder cannot be used is added to
    `unusable`."""
    for tenant_id in all_tenants(tenant):
        with tenant(tenant_id, FOLDER) as scope:
            agency, creators = tenant_reads.agency(scope), tenant_reads.creators(scope)
        for creator in creators:
            hers = root / named(agency.name, tenant_id) / creator.slug
            for folder in (hers, hers / GENERATED):
                try:
                    found = _files(folder)
                except Unavailable as error:  # of one creator: the others' files come in all the same
                    unusable.append(error)
                    break
                for path in filter(_is_whole, found):
                    yield Waiting(path, tenant_id, creator.id, agency.language, folder.name == GENERATED)


def _files(folder: Path) -> list[Path]:
    try:
        _made(folder)
        return sorted(folder.iterdir())
    except OSError as error:
        raise Unavailable("folder.unusable", folder=str(folder), detail=error.strerror or "?") from error


def _made(folder: Path) -> None:
    """Make a folder where there is none. Raises OSError, for a link too: it may lead into another agency's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o770)
    if folder.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def named(name: str, tenant_id: UUID) -> str:
    """The folder of an agency: its name in plain letters, and the end of its id, which tells it from any other."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{re.sub(r'[^a-z0-9]+', '-', plain).strip('-')[:40]}-{tenant_id.hex[-12:]}"


def _is_whole(path: Path) -> bool:
    """A regular file, no link, not hidden, that was not written for a while."""
    if path.name.startswith((".", "~")) or path.suffix.lower() in UNFINISHED:
        return False
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and wall_now().timestamp() - found.st_mtime >= STILL


def _take(one: Waiting, tenant: OpenScope, store: ObjectStore) -> None:
    data = _read(one.path)
    try:
        with tenant(one.tenant_id, FOLDER) as scope:
            uploads.receive(
                scope,
                creator_id=one.creator_id,
                name=one.path.name,
                data=data,
                by=FOLDER,
                store=store,
                generated=one.generated,
            )
            notices.settle(scope, "folder:storage.over")
    except (BadInput, NotFound) as refused:
        where = _move(one.path, REFUSED)
        where.with_name(f"{where.name}.txt").write_text(say(refused.message, one.language) + "\n", "utf-8")
        return
    _move(one.path, TAKEN)


def _read(path: Path) -> bytes:
    """The bytes, one more than any file may have at most; a link that took its place meanwhile is not followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read(MOST_BYTES + 1)


def _move(path: Path, folder: str) -> Path:
    """Put a file into a folder beside it, under a name that is free there."""
    there = path.parent / folder
    _made(there)
    target = there / path.name
    if target.exists():
        target = there / f"{path.stem}-{uuid7().hex}{path.suffix}"
    return path.rename(target)


def _tell(one: Waiting, tenant: OpenScope, message: Message, *, cause: str) -> None:
    with tenant(one.tenant_id, FOLDER) as scope:
        notices.put(scope, message, cause=cause)
