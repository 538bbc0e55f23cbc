"""The journal: whatever was taken back, frozen, blocked or stopped, kept outside the database too.

A backup that is brought back knows nothing of what was forbidden after it was made; the journal
does. An entry is put with the change, in its transaction, and kept by a task of its own
(`gate/log/restore.py`), one after the other.
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
"""A blocklist entry lifted on appeal, and that a request was decided: both are kept, and never done
again."""

STOP = "stop"
REOPEN = "reopen"
"""An emergency stop was closed, and opened again: `about` is `<where>:<feature>:<target>`."""

VIEWER = "viewer"
"""A viewer was blocked or suspected as a minor, or their proof of age was withdrawn: `about` is
`<platform>:<user id>`, `more` the state."""

BEGIN = "begin"
"""The journal begins, or begins again after it was lost: there is nothing to repeat."""

SEALED_ACTS = frozenset({STOP, REOPEN, VIEWER})
"""Acts that may name a viewer by a platform's id: `about` is encrypted where it is kept outside."""

_AGAIN = "gate.journal.again"


@dataclass(frozen=True)
class JournalDue:
    """Keep one entry; `subject_id` names it. `about` is a person, a digest, a request, a card, a
    stop or a viewer, `more` a permission, a category, a person, a state or what was decided, `look`
    how a picture looks. Viewers alone are named by what a platform calls them (`SEALED_ACTS`)."""

    kind: ClassVar[str] = "journal.keep"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    about: str
    more: str = ""
    look: str = ""


class JournalNote(TenantRow, table=True):
    """A note of an entry of the journal that is kept outside; `id` is the entry's."""

    __tablename__ = "gate_journal"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "number"), about="nobody", keep=FOREVER
    )
    number: int = Field(sa_type=BigInteger)
    digest: str


def record_restriction(
    scope: Scope, act: str, about: object, *, more: str = "", look: str = ""
) -> None:
    """Have something that was forbidden, or allowed again, written down outside; nothing while it
    is done again."""
    if scope.session.info.get(_AGAIN):
        return
    event = JournalDue(scope.tenant_id, uuid7(), act, str(about), more, look)
    outbox.put(scope, event, lane="journal", holds_lane=True, priority=0)


@contextmanager
def replaying(scope: Scope) -> Iterator[None]:
    """What is done in here stands in the journal already."""
    scope.session.info[_AGAIN] = True
    try:
        yield
    finally:
        scope.session.info[_AGAIN] = False
