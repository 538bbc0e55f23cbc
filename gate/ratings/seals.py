"""Seals on bytes suspected to show the abuse of a minor.

Sealed bytes are never shown, processed or copied, and they are retained. No function lifts a seal
or deletes sealed bytes. The transaction of the suspicion writes the seal and freezes the bytes;
`gate/removal/seal_response.py` recalls copies and alerts the officer afterwards.

18 U.S.C. 2258A(h) requires a provider to preserve reported material for one year:
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
"""Prefix of `by` for bytes sealed because they look like a sealed picture."""


class Seal(TenantRow, table=True):
    """Sealed bytes, by digest. The gate writes it, append-only; the database keeps them frozen."""

    __tablename__ = "seals"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "sha256", name="seals_once"),
        ForeignKeyConstraint(["tenant_id", "asset_id"], ["assets.tenant_id", "assets.id"]),
        about="person",
        keep="forever: at least one year, then as the external archive decides",
    )
    asset_id: UUID
    sha256: str
    by: str
    """The actor or source of the suspicion."""


@dataclass(frozen=True)
class SealDue:
    """Bytes were sealed; the subject is the seal. Recall the copies and alert the officer."""

    kind: ClassVar[str] = "seal.put"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


_PUT = """
INSERT INTO seals (tenant_id, id, asset_id, sha256, by) VALUES (:tenant, :id, :asset, :sha256, :by)
ON CONFLICT DO NOTHING
"""


def seal_bytes(scope: Scope, sha256: str, *, by: str) -> None:
    """Seal bytes; a second call has no effect. Raises NotFound for unknown bytes."""
    row = asset_records.find_rendition_by_digest(scope, sha256)
    # The trigger `sealed_stay_frozen` keeps sealed bytes frozen from now on.
    ratings.freeze_bytes(scope, sha256)
    seal_id = uuid7()
    with scope.acting_as("gate"):
        done = scope.run(
            _PUT, tenant=scope.tenant_id, id=seal_id, asset=row.asset_id, sha256=sha256, by=by
        )
    if done.rowcount:
        outbox.put(scope, SealDue(scope.tenant_id, seal_id), priority=0)


def sealed_digests(scope: Scope, digests: Collection[str]) -> frozenset[str]:
    """Return the digests that are sealed."""
    if not digests:
        return frozenset()
    rows = scope.session.exec(
        select(Seal.sha256).where(
            Seal.tenant_id == scope.tenant_id, col(Seal.sha256).in_(list(digests))
        )
    )
    return frozenset(rows)
