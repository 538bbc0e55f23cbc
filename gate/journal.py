"""The journal of revocations, freezes, blocks and emergency stops, stored outside the database.

A restored backup does not contain what was forbidden after it was made; the journal does. An entry
is an outbox event of the transaction that makes the change; a task (`gate/log/restore.py`) writes
the entries to the archive one after the other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field

from foundation.db.database import Scope
from foundation.db.tables import FOREVER, TenantRow, table_arguments
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue

REVOKE = "revoke"
BLOCK_PERSON = "block_person"
FREEZE = "freeze"
THAW = "thaw"
BLOCK = "block"
WITHDRAW = "withdraw"
WITHDRAW_PROOF = "withdraw_proof"
UNBLOCK = "unblock"
RULING = "rule"
"""UNBLOCK lifts a blocklist entry on appeal; RULING decides a removal request. Both are recorded,
but a restore never repeats them."""

STOP = "stop"
REOPEN = "reopen"
"""An emergency stop was pressed (STOP) or ended (REOPEN): `about` is `<where>:<feature>:<target>`.
"""

VIEWER = "viewer"
"""A viewer was blocked, suspected to be a minor, or lost their proof of age: `about` is
`<platform>:<user id>`, `more` the state."""

BEGIN = "begin"
"""The journal begins, or begins again after it was lost. A restore has nothing to repeat for it."""

SEALED_ACTS = frozenset({STOP, REOPEN, VIEWER})
"""Acts that may identify a viewer by their ID on a platform: `about` is encrypted in the archive.
"""

_AGAIN = "gate.journal.again"


@dataclass(frozen=True)
class JournalDue:
    """Write one entry to the archive; `subject_id` identifies it.

    `about` is a person, a digest, a removal request, a shoot card, a stop or a viewer; `more` is a
    permission, a category, a person, a state or a ruling; `look` is a perceptual hash of a picture.
    Only viewers are identified by the ID that a platform gives them (`SEALED_ACTS`).
    """

    kind: ClassVar[str] = "journal.keep"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    about: str
    more: str = ""
    look: str = ""


class JournalNote(TenantRow, table=True):
    """A journal entry that was written to the archive; `id` is that of the entry."""

    __tablename__ = "gate_journal"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "number"), about="none", keep=FOREVER
    )
    number: int = Field(sa_type=BigInteger)
    digest: str


def record_restriction(
    scope: Scope, act: str, about: object, *, more: str = "", look: str = ""
) -> None:
    """Queue a journal entry for something that was forbidden or allowed again. Does nothing inside
    `replaying`."""
    if scope.session.info.get(_AGAIN):
        return
    event = JournalDue(scope.tenant_id, uuid7(), act, str(about), more, look)
    # One lane per tenant: each archived entry refers to the one before.
    outbox.put(scope, event, lane="journal", holds_lane=True, priority=0)


@contextmanager
def replaying(scope: Scope) -> Iterator[None]:
    """Suppress journal entries inside the block, because the journal already contains what is
    repeated there."""
    scope.session.info[_AGAIN] = True
    try:
        yield
    finally:
        scope.session.info[_AGAIN] = False
