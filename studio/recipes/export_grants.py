"""Whether pictures of a creator may be sent to an engine of others: a yes for each, by who runs the
agency.

The yes is needed and never enough: the gate is asked of each picture, and once more right before it
leaves. One that is taken back stays written down, with whoever took it back.
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
    """A yes as it was given; `revoked_at` and `revoked_by` of one that was taken back."""

    engine: str
    by: str
    at: datetime
    words: str
    revoked_at: datetime | None = None
    revoked_by: str = ""


def grant_export(scope: Scope, creator_id: UUID, engine: str, *, words: str) -> None:
    """Let pictures of a creator be sent to an engine from now on; `words` is what the scope's actor
    read of that. One that stands stays as it is.

    Raises NotFound for a creator of nobody here, BadInput for an engine that is none of others or
    without words, Refused where nobody says who the creator is, or who that is did not allow that a
    model makes their likeness.
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
    """Send no more pictures of a creator to an engine: runs under way stop before their next
    picture leaves. Raises NotFound where no yes stands."""
    assets.lock_library(scope, "outgoing", creator_id)
    row = _find_active_grant(scope, creator_id, engine)
    if row is None:
        raise NotFound("outgoing.none")
    row.revoked_at = scope.now
    row.revoked_by = scope.actor
    scope.add(row)
    audit.record(scope, "outgoing.withdrawn", f"creator:{creator_id}", engine=engine)


def active_export_grants(scope: Scope, creator_id: UUID) -> dict[str, ExportGrant]:
    """The yeses that stand, by engine."""
    return {
        one.engine: one for one in list_export_grants(scope, creator_id) if one.revoked_at is None
    }


def list_export_grants(scope: Scope, creator_id: UUID) -> list[ExportGrant]:
    """Every yes for a creator, those that were taken back too, the newest first."""
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
    """Raise Refused unless a yes for this engine stands, with who can give it and what would leave
    the house."""
    if _find_active_grant(scope, creator_id, engine) is None:
        raise Refused(
            "outgoing.no_yes",
            engine=hosted_services.ENGINE_NAMES.get(engine, engine),
            name=queries.get_creator(scope, creator_id).name,
        )


def export_refusal(
    scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]
) -> Message | None:
    """Why these bytes may not be sent, as `check` says; None where they may."""
    try:
        check_export(scope, creator_id, engine, digests)
    except (NotFound, Refused) as why:
        return why.message
    return None


def check_export(scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]) -> None:
    """Whether these bytes may be sent to an engine of others for this creator, now. Raises as
    `check_yes`, and as `gate.permits.reference_images.check_external_reference_use`."""
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
