"""Seals: bytes suspected to show the abuse of a minor. From the moment one is put they are shown to
nobody, looked at by no machine, copied nowhere and kept; nothing in here ever lifts one or deletes
what lies under it.

Putting one writes a row and freezes the bytes, in the transaction that suspects them; what takes
longer, calling copies back and alerting the officer, is done by `gate/removal/seal_response.py` in
a row of its own. 18 U.S.C. 2258A(h) asks a provider to preserve for one year what it reported:
https://www.law.cornell.edu/uscode/text/18/2258A.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import col, select

import gate.assets.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import TenantRow, table_arguments
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.outbox.outbox import Queue
from gate.assets import asset_records
from gate.ratings import ratings

LOOKALIKE_SEAL = "seal:"
"""How `by` begins of what was sealed because it looks like a sealed picture."""


class Seal(TenantRow, table=True):
    """Sealed bytes, by digest. Written by the gate, append-only; the database itself keeps them
    frozen."""

    __tablename__ = "seals"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", name="seals_once"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="person",
        keep="forever: at least one year, then until who keeps it outside says otherwise",
    )
    asset_id: UUID
    sha256: str
    by: str
    """Who or what suspected it, as an actor or a source."""


@dataclass(frozen=True)
class SealDue:
    """Bytes were sealed, the subject is the seal: call what is outside back, and alert the
    officer."""

    kind: ClassVar[str] = "seal.put"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


_PUT = """
INSERT INTO seals (tenant_id, id, asset_id, sha256, by) VALUES (:tenant, :id, :asset, :sha256, :by)
ON CONFLICT DO NOTHING
"""


def seal_bytes(scope: Scope, sha256: str, *, by: str) -> None:
    """Seal bytes, once. Raises NotFound for bytes nobody recorded."""
    row = asset_records.find_rendition_by_digest(scope, sha256)
    ratings.freeze_bytes(scope, sha256)
    seal_id = uuid7()
    with scope.acting_as("gate"):
        done = scope.run(
            _PUT, tenant=scope.tenant_id, id=seal_id, asset=row.asset_id, sha256=sha256, by=by
        )
    if done.rowcount:
        outbox.put(scope, SealDue(scope.tenant_id, seal_id), priority=0)


def sealed_digests(scope: Scope, digests: Collection[str]) -> frozenset[str]:
    """Those of these bytes that are sealed."""
    if not digests:
        return frozenset()
    rows = scope.session.exec(
        select(Seal.sha256).where(
            Seal.tenant_id == scope.tenant_id, col(Seal.sha256).in_(list(digests))
        )
    )
    return frozenset(rows)
