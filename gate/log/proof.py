"""Verification of a log export, line by line, with only the file and the public key.

A file contains an opening with the key, the links of the root chain, the ends of logs of removed
agencies, and then each log: its name, its entries, each checkpoint after the entry that it covers,
and an end with the totals. All lines except the entries are signed. The line of an entry contains
exactly the bytes that its hash covers.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gate.contract.public_keys import decode_public_key
from gate.log import hash_chain, signed_checkpoints
from gate.log.hash_chain import GENESIS_HASH
from gate.log.signed_checkpoints import Checkpoint, ForgedStatement, RootLink

EXPORT_FORMAT = 1
_OPENS = b'{"entry":'
_HASH = b',"hash":"'
_CLOSES = b'"}'
_TAIL = len(_HASH) + 64 + len(_CLOSES)


def entry_line(sealed: bytes, digest: str) -> bytes:
    """Return the line of an entry: the bytes that its hash covers, and the hash."""
    return b"".join((_OPENS, sealed, _HASH, digest.encode(), _CLOSES))


@dataclass(frozen=True)
class ExportFault:
    """A fault: `what` is the end of a message code under `cli.log.`, `at` its entry or number."""

    what: str
    at: int


@dataclass(frozen=True)
class LogVerification:
    """The result for one log. With a fault, the counts cover the intact part before it."""

    log: str
    agency: str
    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    checkpoints: int = 0
    anchored: int = 0
    """Entries up to the last checkpoint; later ones are not proven yet."""
    anchored_at: datetime | None = None
    fault: ExportFault | None = None

    @property
    def entries_after_checkpoint(self) -> int:
        """Return the number of entries after the last checkpoint."""
        return self.entries - self.anchored


@dataclass(frozen=True)
class ExportVerification:
    """The result for a whole file."""

    key: str
    links: int
    logs: tuple[LogVerification, ...]
    strangers: tuple[str, ...] = ()
    """Logs that the root chain names and the file lacks: logs of other agencies, or missing ones.
    """
    fault: ExportFault | None = None
    """A fault of the file or of the root chain."""

    @property
    def is_intact(self) -> bool:
        """Return True if there is no fault."""
        return self.fault is None and all(log.fault is None for log in self.logs)


class _Bad(Exception):
    def __init__(self, what: str, at: int) -> None:
        self.fault = ExportFault(what, at)


@dataclass
class _Root:
    """The root chain read so far, and the checkpoints that it names."""

    key: Ed25519PublicKey = field(init=False)
    number: int = 0
    digest: str = GENESIS_HASH
    named: dict[tuple[str, int], str] = field(default_factory=dict)
    reach: dict[str, int] = field(default_factory=dict)
    """The last named checkpoint of each log."""
    digests: set[str] = field(default_factory=lambda: {GENESIS_HASH})

    def add(self, line: bytes) -> None:
        try:
            link = RootLink.from_statement(line, self.key)
        except ForgedStatement as forged:
            raise _Bad("root_forged", self.number + 1) from forged
        if (link.number, link.previous) != (self.number + 1, self.digest):
            raise _Bad("root_missing", self.number + 1)
        self.number = link.number
        self.digest = hash_chain.sha256_hex(line)
        self.digests.add(self.digest)
        for anchor in link.anchors:
            if self.named.setdefault((anchor.log, anchor.number), anchor.digest) != anchor.digest:
                raise _Bad("root_forged", link.number)
            self.reach[anchor.log] = max(self.reach.get(anchor.log, 0), anchor.number)


@dataclass
class _Walk:
    """The state of the verification of one log."""

    found: LogVerification
    root: _Root
    seq: int = 0
    last: str = GENESIS_HASH
    first_at: int | None = None
    last_at: int | None = None
    number: int = 0
    digest: str = GENESIS_HASH
    anchored: int = 0
    anchored_at: int | None = None
    ended: bool = False

    def entry(self, line: bytes) -> None:
        body = line[len(_OPENS) : -_TAIL]
        said = line[-66:-2].decode("ascii", "replace")
        if hash_chain.sha256_hex(body) != said or line[-_TAIL:-66] != _HASH or line[-2:] != _CLOSES:
            raise _Bad("entry_changed", self.seq + 1)
        fields = _parse_json(body, self.seq + 1)
        seq = fields.get("seq")
        at = fields.get("decided_at")
        if not isinstance(seq, int) or not isinstance(at, int):
            raise _Bad("entry_changed", self.seq + 1)
        if seq != self.seq + 1:
            raise _Bad("entry_missing" if seq > self.seq else "entry_moved", self.seq + 1)
        if fields.get("prev_hash") != self.last:
            raise _Bad("entry_moved", self.seq + 1)
        self.seq = seq
        self.last = said
        self.last_at = at
        if self.first_at is None:
            self.first_at = at

    def checkpoint(self, line: bytes) -> None:
        number = self.number + 1
        try:
            found = Checkpoint.from_statement(line, self.root.key)
        except ForgedStatement as forged:
            raise _Bad("checkpoint_forged", number) from forged
        digest = hash_chain.sha256_hex(line)
        if (found.log, found.number, found.previous) != (self.found.log, number, self.digest):
            raise _Bad("checkpoint_missing", number)
        if (
            found.root not in self.root.digests
            or self.root.named.get((found.log, number), digest) != digest
        ):
            raise _Bad("root_differs", number)
        if found.seq != self.seq:
            raise _Bad("cut" if found.seq > self.seq else "checkpoint_missing", self.seq + 1)
        if found.head != self.last:
            raise _Bad("rewritten", self.seq)
        self.number = number
        self.digest = digest
        self.anchored = found.seq
        self.anchored_at = found.at

    def end(self, line: bytes) -> None:
        try:
            said = signed_checkpoints.verify_statement("end", line, self.root.key)
        except ForgedStatement as forged:
            raise _Bad("end_forged", self.seq) from forged
        if said.get("log") != self.found.log:
            raise _Bad("end_forged", self.seq)
        if self.number < max(self.root.reach.get(self.found.log, 0), int(said["checkpoints"])):
            raise _Bad("checkpoint_missing", self.number + 1)
        if said["seq"] != self.seq:
            raise _Bad(
                "cut" if said["seq"] > self.seq else "entry_moved", min(said["seq"], self.seq) + 1
            )
        if said["hash"] != self.last:
            raise _Bad("rewritten", self.seq)
        self.ended = True

    def to_verification(self, fault: ExportFault | None = None) -> LogVerification:
        def when(at: int | None) -> datetime | None:
            return None if at is None else hash_chain.from_microseconds(at)

        return replace(
            self.found,
            entries=self.seq,
            first=when(self.first_at),
            last=when(self.last_at),
            checkpoints=self.number,
            anchored=self.anchored,
            anchored_at=when(self.anchored_at),
            fault=fault,
        )


def _parse_json(line: bytes, at: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise _Bad("unreadable", at) from error
    if not isinstance(found, dict):
        raise _Bad("unreadable", at)
    return found


def verify_export(lines: Iterable[bytes], *, key: str = "") -> ExportVerification:
    """Verify a file given as its lines.

    `key` is the expected public key (base64); if empty, the key in the file is trusted. After a
    fault in one log, the other logs are still verified.
    """
    reading = _Reading(key)
    for line in lines:
        reading.read(line.rstrip(b"\r\n"))
        if reading.fault is not None:
            break
    return reading.proof()


class _Reading:
    """The state of the verification of a file: the opening, the root chain, then the logs."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._root = _Root()
        self._opening: dict[str, Any] = {}
        self._logs: list[_Log] = []
        self._closed: set[str] = set()
        self.fault: ExportFault | None = None

    def read(self, line: bytes) -> None:
        try:
            if not self._opening:
                self._read_header(line)
            elif line.startswith(_OPENS):
                self._current_log.read(line)
            else:
                self._read_statement(line)
        except _Bad as bad:
            self.fault = bad.fault

    @property
    def _current_log(self) -> "_Log":
        if not self._logs:
            raise _Bad("unreadable", 0)
        return self._logs[-1]

    def _read_header(self, line: bytes) -> None:
        try:
            key = str(_parse_json(line, 0)["key"])
            self._root.key = decode_public_key(key)
            self._opening = signed_checkpoints.verify_statement("export", line, self._root.key)
        except (KeyError, ValueError, ForgedStatement) as error:
            raise _Bad("unreadable", 0) from error
        if self._opening["format"] != EXPORT_FORMAT:
            raise _Bad("unreadable", 0)
        if self._wanted and self._wanted != key:
            raise _Bad("other_key", 0)

    def _read_statement(self, line: bytes) -> None:
        kind = _statement_kind(line)
        if kind == "root" and not self._logs:
            self._root.add(line)
        elif kind == "closed" and not self._logs:
            self._closed.add(str(self._verify_line("closed", line)["log"]))
        elif kind == "log":
            said = self._verify_line("log", line)
            self._logs.append(
                _Log(_Walk(LogVerification(str(said["log"]), str(said["agency"])), self._root))
            )
        else:
            self._current_log.read(line)

    def _verify_line(self, kind: Literal["closed", "log"], line: bytes) -> dict[str, Any]:
        try:
            return signed_checkpoints.verify_statement(kind, line, self._root.key)
        except ForgedStatement as forged:
            raise _Bad("unreadable", len(self._logs)) from forged

    def proof(self) -> ExportVerification:
        """Return the result for the whole file."""
        logs = tuple(log.finish_verification() for log in self._logs)
        names = [log.log for log in logs]
        strangers = tuple(sorted(set(self._root.reach) - set(names) - self._closed))
        fault = self.fault
        if fault is None and not self._opening:
            fault = ExportFault("unreadable", 0)
        elif fault is None and self._root.number < self._opening["links"]:
            fault = ExportFault("root_missing", self._root.number + 1)
        elif fault is None and names != self._opening["logs"]:
            fault = ExportFault("log_missing", len(names))
        elif fault is None and self._opening["every"] and strangers:
            fault = ExportFault("log_gone", len(strangers))
        key = str(self._opening.get("key", ""))
        return ExportVerification(key, self._root.number, logs, strangers, fault)


def _statement_kind(line: bytes) -> str:
    try:
        return str(json.loads(line)["kind"])
    except (ValueError, KeyError, TypeError):
        return ""


@dataclass
class _Log:
    """A log and its first fault; later lines are skipped."""

    walk: _Walk
    fault: ExportFault | None = None

    def read(self, line: bytes) -> None:
        if self.fault is not None:
            return
        try:
            self._read_line(line)
        except _Bad as bad:
            self.fault = bad.fault

    def _read_line(self, line: bytes) -> None:
        if self.walk.ended:
            raise _Bad("entry_moved", self.walk.seq + 1)
        if line.startswith(_OPENS):
            self.walk.entry(line)
            return
        match _statement_kind(line):
            case "checkpoint":
                self.walk.checkpoint(line)
            case "end":
                self.walk.end(line)
            case _:
                raise _Bad("unreadable", self.walk.seq + 1)

    def finish_verification(self) -> LogVerification:
        if self.fault is None and not self.walk.ended:
            self.fault = ExportFault("cut", self.walk.seq + 1)
        return self.walk.to_verification(self.fault)
