"""Export of the log as lines for `gate.log.proof` and for auditors.

It contains the entries of the database, the checkpoints of the archive and a signed end. The system
continues to write during the export. The root chain is read first, then each log. Items created
after the root was read are left to the next export and distinguished from missing ones.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.ids import INSTALLATION_ID
from foundation.storage.archive import Archive
from gate.log import decision_log, hash_chain, signed_checkpoints
from gate.log.hash_chain import GENESIS_HASH
from gate.log.proof import EXPORT_FORMAT, entry_line
from gate.log.signed_checkpoints import Checkpoint, ForgedStatement, LogKey, RootLink
from tenants.agencies import queries

ACTOR = "system:export"


@dataclass
class _Source:
    tenant: OpenScope
    archive: Archive
    key: LogKey
    links: int = 0
    digests: set[str] = field(default_factory=lambda: {GENESIS_HASH})
    named: set[str] = field(default_factory=set)

    def kept(self, name: str) -> bytes | None:
        with suppress(NotFound):
            return self.archive.get(name)
        return None


def export_lines(
    tenant_ids: Sequence[UUID], *, every: bool, tenant: OpenScope, archive: Archive, key: LogKey
) -> Iterator[bytes]:
    """Yield the lines of the logs of these tenants, without line endings.

    `every` states that there are no other tenants. Entries are read in pages as the caller
    iterates.
    """
    source = _Source(tenant, archive, key)
    names = [_log_name_of_tenant(source, each) for each in tenant_ids]
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        noted = _last_checkpoint_number(scope)
        now = hash_chain.to_microseconds(scope.now)
    opening = {
        "format": EXPORT_FORMAT,
        "key": key.public_key_text,
        "logs": names,
        "every": every,
        "links": noted,
        "at": now,
    }
    yield signed_checkpoints.sign_statement("export", opening, key)
    yield from _iter_root_lines(source)
    for name in sorted(source.named - set(names)):
        closed = source.kept(signed_checkpoints.closing_name(name))
        if closed is not None:
            yield closed
    for tenant_id, name in zip(tenant_ids, names, strict=True):
        with tenant(tenant_id, ACTOR) as scope:
            yield from _of_tenant(scope, source, name)


def _log_name_of_tenant(source: _Source, tenant_id: UUID) -> str:
    with source.tenant(tenant_id, ACTOR) as scope:
        head = decision_log.chain_head(scope)
    return "" if head is None else source.key.log_name(tenant_id, head.began)


def _last_checkpoint_number(scope: Scope) -> int:
    count: int = scope.run(
        "SELECT coalesce(max(number), 0) FROM log_checkpoints WHERE tenant_id = :tenant",
        tenant=scope.tenant_id,
    ).scalar_one()
    return count


def _iter_root_lines(source: _Source) -> Iterator[bytes]:
    while (line := source.kept(signed_checkpoints.root_link_name(source.links + 1))) is not None:
        source.links += 1
        source.digests.add(hash_chain.sha256_hex(line))
        with suppress(ForgedStatement):
            source.named |= {
                each.log
                for each in RootLink.from_statement(line, source.key.signing.public_key()).anchors
            }
        yield line


def _of_tenant(scope: Scope, source: _Source, name: str) -> Iterator[bytes]:
    head = decision_log.chain_head(scope) if name else None
    noted = _last_checkpoint_number(scope)
    yield signed_checkpoints.sign_statement(
        "log", {"agency": queries.get_agency(scope).name, "log": name}, source.key
    )
    said = {
        "log": name,
        "seq": 0,
        "hash": GENESIS_HASH,
        "checkpoints": 0,
        "at": hash_chain.to_microseconds(scope.now),
    }
    if head is not None:
        waiting = _Checkpoints(scope, source, name, head, noted)
        for fields in decision_log.list_entries(scope, until=head.last):
            yield from waiting.before(fields["seq"])
            found = fields.pop("hash")
            yield entry_line(hash_chain.hashed_bytes(fields), found)
        yield from waiting.before(None)
        said |= {"seq": head.seq, "hash": head.hash, "checkpoints": waiting.promised}
    yield signed_checkpoints.sign_statement("end", said, source.key)


class _Checkpoints:
    """The checkpoints of a log, each yielded after the entry that it covers."""

    def __init__(
        self, scope: Scope, source: _Source, name: str, head: decision_log.ChainHead, noted: int
    ) -> None:
        self._scope = scope
        self._source = source
        self._name = name
        self._head = head
        self._noted = noted
        self._number = 0
        self._newer = False
        self._next = self._read_next()

    @property
    def promised(self) -> int:
        """Return the number of checkpoints in the export: the recorded ones, without those created
        since."""
        return self._number if self._newer else max(self._number, self._noted)

    def before(self, seq: int | None) -> Iterator[bytes]:
        """Yield the checkpoints that precede an entry, or all remaining ones for None."""
        while self._next is not None and (seq is None or self._next[0] < seq):
            self._number += 1
            yield self._next[1]
            self._next = self._read_next()

    def _read_next(self) -> tuple[int, bytes] | None:
        line = self._source.kept(signed_checkpoints.checkpoint_name(self._name, self._number + 1))
        if line is None:
            return None
        try:
            found = Checkpoint.from_statement(line, self._source.key.signing.public_key())
        except ForgedStatement:
            return self._head.last, line  # The verifier reports the forgery.
        self._newer = self._is_newer(found)
        return None if self._newer else (found.seq, line)

    def _is_newer(self, found: Checkpoint) -> bool:
        """Return True if a checkpoint was created during the export.

        Otherwise entries or links are missing.
        """
        if found.root not in self._source.digests:
            return (
                self._source.kept(signed_checkpoints.root_link_name(self._source.links + 1))
                is not None
            )
        if found.seq > self._head.last:
            now = decision_log.chain_head(self._scope)
            return now is not None and now.last >= found.seq
        return False
