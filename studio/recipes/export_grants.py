"""Export grants: permissions to send images of a creator to an external engine.

A grant is necessary but not sufficient: the gate checks each image, and again right before it is
sent. Revoked grants are retained with the member who revoked them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from gate.permits import reference_images
from generators.contract import hosted_services
from studio.library import assets
from studio.recipes.models import ExportGrantRow
from tenants import audit
from tenants.agencies import queries

MAX_WORDS = 2000


@dataclass(frozen=True)
class ExportGrant:
    """A grant. If it was revoked, `revoked_at` and `revoked_by` are set."""

    engine: str
    by: str
    at: datetime
    words: str
    revoked_at: datetime | None = None
    revoked_by: str = ""


def grant_export(scope: Scope, creator_id: UUID, engine: str, *, words: str) -> None:
    """Allow sending images of a creator to an engine; `words` is the text that the acting member
    confirmed.

    An active grant is not changed. Raises NotFound for an unknown creator; BadInput for an engine
    that is not external and for an empty text; Refused if the creator has no identified person, or
    that person did not consent to generation of their likeness.
    """
    queries.get_creator(scope, creator_id)
    if engine not in hosted_services.HOSTED_ENGINES or not 0 < len(words.strip()) <= MAX_WORDS:
        raise BadInput("outgoing.engine", engine=engine[:40])
    reference_images.check_creator_may_be_generated(scope, creator_id)
    assets.lock_library(scope, "outgoing", creator_id)
    if _find_active_grant(scope, creator_id, engine) is not None:
        return
    scope.add(
        ExportGrantRow(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            engine=engine,
            by=scope.actor,
            words=words.strip(),
        )
    )
    audit.record(scope, "outgoing.allowed", f"creator:{creator_id}", engine=engine)


def revoke_export(scope: Scope, creator_id: UUID, engine: str) -> None:
    """Revoke a grant. Active runs stop before their next image is sent.

    Raises NotFound without an active grant.
    """
    assets.lock_library(scope, "outgoing", creator_id)
    row = _find_active_grant(scope, creator_id, engine)
    if row is None:
        raise NotFound("outgoing.none")
    row.revoked_at = scope.now
    row.revoked_by = scope.actor
    scope.add(row)
    audit.record(scope, "outgoing.withdrawn", f"creator:{creator_id}", engine=engine)


def active_export_grants(scope: Scope, creator_id: UUID) -> dict[str, ExportGrant]:
    """Return the active grants of a creator by engine."""
    return {
        one.engine: one for one in list_export_grants(scope, creator_id) if one.revoked_at is None
    }


def list_export_grants(scope: Scope, creator_id: UUID) -> list[ExportGrant]:
    """Return all grants of a creator, including revoked ones, newest first."""
    rows = scope.session.exec(
        select(ExportGrantRow)
        .where(ExportGrantRow.tenant_id == scope.tenant_id, ExportGrantRow.creator_id == creator_id)
        .order_by(col(ExportGrantRow.created_at).desc(), col(ExportGrantRow.id).desc())
    ).all()
    return [
        ExportGrant(
            row.engine,
            row.by,
            row.created_at or scope.now,
            row.words,
            row.revoked_at,
            row.revoked_by or "",
        )
        for row in rows
    ]


def check_export_granted(scope: Scope, creator_id: UUID, engine: str) -> None:
    """Raise Refused unless a grant for this engine is active."""
    if _find_active_grant(scope, creator_id, engine) is None:
        raise Refused(
            "outgoing.no_yes",
            engine=hosted_services.ENGINE_NAMES.get(engine, engine),
            name=queries.get_creator(scope, creator_id).name,
        )


def export_refusal(
    scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]
) -> Message | None:
    """Return the reason why these bytes may not be sent, or None if they may."""
    try:
        check_export(scope, creator_id, engine, digests)
    except (NotFound, Refused) as why:
        return why.message
    return None


def check_export(scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]) -> None:
    """Check that these bytes may be sent to an external engine for this creator now.

    Raises the errors of `check_export_granted` and of
    `gate.permits.reference_images.check_external_reference_use`.
    """
    check_export_granted(scope, creator_id, engine)
    reference_images.check_external_reference_use(scope, creator_id, digests)


def _find_active_grant(scope: Scope, creator_id: UUID, engine: str) -> ExportGrantRow | None:
    return scope.session.exec(
        select(ExportGrantRow).where(
            ExportGrantRow.tenant_id == scope.tenant_id,
            ExportGrantRow.creator_id == creator_id,
            ExportGrantRow.engine == engine,
            col(ExportGrantRow.revoked_at).is_(None),
        )
    ).first()
