"""`greenroom gate export`, `verify` and `public-key`: export and verification of the
decision log."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.i18n.translation import Message
from gate.log import export, proof
from gate.log.proof import ExportVerification, LogVerification
from tenants.agencies import queries
from tenants.scope import list_tenant_ids
from workers.terminal.exit_codes import ExitCode
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import print_message
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, plain_fields
from workers.wiring import Services


def export_log(path: Path, *, agency: str) -> int:
    """Export the log of one agency, or of all, of this installation; returns the number of lines.
    See `write_log`."""
    with connect_installation("gate") as services:
        return write_log(services, path, agency=agency)


def write_log(services: Services, path: Path, *, agency: str = "") -> int:
    """Write the log of one agency, or of all, to a file, completely or not at all; returns the
    number of lines.

    Raises NotFound for an unknown agency, Unavailable if the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            count = 0
            for line in _export_log_lines(services, agency):
                file.write(line + b"\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise Unavailable(
            "cli.log.unwritable", file=str(path), detail=error.strerror or "?"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _export_log_lines(services: Services, agency: str) -> Iterator[bytes]:
    chosen = find_tenants(services, agency)
    return export.export_lines(
        chosen,
        every=not agency,
        tenant=services.tenant,
        archive=services.archive,
        key=services.log_key,
    )


def find_tenants(services: Services, agency: str) -> list[UUID]:
    """Return the tenants whose agency has this name; all tenants for an empty name. Raises
    NotFound."""
    found = []
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            if not agency or queries.get_agency(scope).name.casefold() == agency.casefold():
                found.append(tenant_id)
    if agency and not found:
        raise NotFound("cli.log.no_agency", agency=agency)
    return found


def public_key() -> str:
    """Return the public key of this installation's log, in base64."""
    with connect_installation("gate") as services:
        return services.log_key.public_key_text


def verify_log(path: Path | None, *, agency: str, key: str) -> ExportVerification:
    """Verify an exported file; without one, the log in the database and the archive.

    A file needs no running installation. Raises BadInput for a file that cannot be opened.
    """
    if path is not None:
        with _open_export(path) as lines:
            return proof.verify_export(lines, key=key)
    with connect_installation("gate") as services:
        return verify_stored_log(services, agency=agency)


def verify_stored_log(services: Services, *, agency: str = "") -> ExportVerification:
    """Verify the log in the database and the archive, of one agency or of all. Raises NotFound."""
    return proof.verify_export(
        _export_log_lines(services, agency), key=services.log_key.public_key_text
    )


@contextmanager
def _open_export(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as file:
            yield iter(file)
    except OSError as error:
        raise BadInput("cli.log.no_file", file=str(path), detail=error.strerror or "?") from error


def print_proof(found: ExportVerification, *, as_json: bool = False) -> int:
    """Print the result of a verification. Returns OK if every log is intact, else FAILED."""
    if as_json:
        print(format_json({"intact": found.is_intact, **plain_fields(found)}))
    else:
        _print_result(found)
    return ExitCode.OK if found.is_intact else ExitCode.FAILED


def _print_result(found: ExportVerification) -> None:
    for one in found.logs:
        _show_log(one)
    if found.fault is not None:
        print_message(Message(f"cli.log.fault.{found.fault.what}", {"at": found.fault.at}))
    else:
        print_message(Message("cli.log.root", {"links": found.links}))
    if found.key:
        print_message(Message("cli.log.checked_with", {"key": found.key}))
    print_message(Message("cli.log.all_whole" if found.is_intact else "cli.log.not_whole"))


def _show_log(one: LogVerification) -> None:
    span: dict[str, str | int] = {"agency": one.agency, "entries": one.entries}
    span |= {"first": _format_instant(one.first), "last": _format_instant(one.last)}
    if one.fault is not None:
        print_message(Message("cli.log.broken", {"agency": one.agency}))
        print_message(Message(f"cli.log.fault.{one.fault.what}", {"at": one.fault.at}), indent=2)
        if one.entries:
            print_message(Message("cli.log.whole_before", span), indent=2)
    elif not one.entries:
        print_message(Message("cli.log.empty", {"agency": one.agency}))
        return
    else:
        print_message(Message("cli.log.whole", span))
    if one.checkpoints:
        at = _format_instant(one.anchored_at)
        print_message(
            Message(
                "cli.log.signed",
                {"anchored": one.anchored, "at": at, "checkpoints": one.checkpoints},
            ),
            indent=2,
        )
    if one.fault is None:
        print_message(
            Message(
                "cli.log.tail" if one.entries_after_checkpoint else "cli.log.no_tail",
                {"tail": one.entries_after_checkpoint},
            ),
            indent=2,
        )


def _format_instant(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
