"""What `greenroom gate` does with the log: write it into a file, verify it, say what was found in plain words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.words import Message
from gate import exporting, proof
from gate.proof import Proof, Verified
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers.terminal import note, tell
from workers.visiting import at_home
from workers.wiring import Services

ASKING = "system:terminal"


def export(path: Path, *, agency: str) -> int:
    """Write the log of an agency, or of all, of the house that runs here; how many lines it has. See `write`."""
    with at_home("gate") as services:
        return write(services, path, agency=agency)


def write(services: Services, path: Path, *, agency: str = "") -> int:
    """Write the log of an agency, or of all, into a file, whole or not at all; how many lines it has.

    Raises NotFound for an agency nobody knows, Unavailable where the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            count = 0
            for line in _lines(services, agency):
                file.write(line + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise Unavailable("cli.log.unwritable", file=str(path), detail=error.strerror or "?") from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _lines(services: Services, agency: str) -> Iterator[bytes]:
    chosen = tenants(services, agency)
    return exporting.lines(
        chosen, every=not agency, tenant=services.tenant, archive=services.archive, key=services.log_key
    )


def tenants(services: Services, agency: str) -> list[UUID]:
    """The tenants of this name; all of them without one. Raises NotFound."""
    found = []
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, ASKING) as scope:
            if not agency or tenant_reads.agency(scope).name.casefold() == agency.casefold():
                found.append(tenant_id)
    if agency and not found:
        raise NotFound("cli.log.no_agency", agency=agency)
    return found


def key() -> str:
    """The public key of this installation's log, in base64."""
    with at_home("gate") as services:
        return services.log_key.public


def verify(path: Path | None, *, agency: str, key: str) -> Proof:
    """Verify a file, without the house; or, without one, what stands in the database and the archive.

    Raises BadInput for a file that cannot be opened.
    """
    if path is not None:
        with _opened(path) as lines:
            return proof.verify(lines, key=key)
    with at_home("gate") as services:
        return prove(services, agency=agency)


def prove(services: Services, *, agency: str = "") -> Proof:
    """Verify what stands in the database and the archive, of an agency or of all. Raises NotFound."""
    return proof.verify(_lines(services, agency), key=services.log_key.public)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as file:
            yield iter(file)
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error


def show(found: Proof) -> int:
    """Say what was found; the exit code: 0 when all of it is whole, else 1."""
    for one in found.logs:
        _show_log(one)
    if found.fault is not None:
        tell(Message(f"cli.log.fault.{found.fault.what}", {"at": found.fault.at}))
    else:
        tell(Message("cli.log.root", {"links": found.links}))
    if found.key:
        tell(Message("cli.log.checked_with", {"key": found.key}))
    tell(Message("cli.log.all_whole" if found.whole else "cli.log.not_whole"))
    return 0 if found.whole else 1


def _show_log(one: Verified) -> None:
    span: dict[str, str | int] = {"agency": one.agency, "entries": one.entries}
    span |= {"first": _day(one.first), "last": _day(one.last)}
    if one.fault is not None:
        tell(Message("cli.log.broken", {"agency": one.agency}))
        note(Message(f"cli.log.fault.{one.fault.what}", {"at": one.fault.at}))
        if one.entries:
            note(Message("cli.log.whole_before", span))
    elif not one.entries:
        tell(Message("cli.log.empty", {"agency": one.agency}))
        return
    else:
        tell(Message("cli.log.whole", span))
    if one.checkpoints:
        at = _day(one.anchored_at)
        note(Message("cli.log.signed", {"anchored": one.anchored, "at": at, "checkpoints": one.checkpoints}))
    if one.fault is None:
        note(Message("cli.log.tail" if one.tail else "cli.log.no_tail", {"tail": one.tail}))


def _day(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
