"""Whether pictures of a creator may be sent to an engine of others: a yes for each, by who runs the agency.

The yes is needed and never enough: the gate is asked of each picture, and once more right before it leaves. One that is
taken back stays written down, with whoever took it back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import col, select

from foundation.database import CreatorRow, Scope, instant, table
from foundation.errors import BadInput, NotFound, Refused
from foundation.words import Message
from gate import imitating
from generators import hosting
from studio import library
from tenants import audit
from tenants import reads as tenant_reads

MOST_WORDS = 2000


class OutgoingGrant(CreatorRow, table=True):
    """A yes, in force until it was taken back."""

    __tablename__ = "outgoing_grants"
    __table_args__ = table(
        Index(
            "outgoing_grants_stands",
            "tenant_id",
            "creator_id",
            "engine",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        about="creator",
        keep="while the tenant is here",
    )
    engine: str
    by: str
    """The actor who said it."""
    words: str
    """What they read of what leaves the house."""
    revoked_at: datetime | None = instant(optional=True)
    revoked_by: str | None = None


@dataclass(frozen=True)
class Grant:
    """A yes as it was given; `revoked_at` and `revoked_by` of one that was taken back."""

    engine: str
    by: str
    at: datetime
    words: str
    revoked_at: datetime | None = None
    revoked_by: str = ""


def allow(scope: Scope, creator_id: UUID, engine: str, *, words: str) -> None:
    """Let pictures of a creator be sent to an engine from now on; `words` is what the scope's actor read of that. One
    that stands stays as it is.

    Raises NotFound for a creator of nobody here, BadInput for an engine that is none of others or without words,
    Refused where nobody says who the creator is, or who that is did not allow that a model makes their likeness.
    """
    tenant_reads.creator(scope, creator_id)
    if engine not in hosting.ENGINES or not 0 < len(words.strip()) <= MOST_WORDS:
        raise BadInput("outgoing.engine", engine=engine[:40])
    imitating.check_creator(scope, creator_id)
    library.alone(scope, "outgoing", creator_id)
    if _standing(scope, creator_id, engine) is not None:
        return
    scope.add(
        OutgoingGrant(
            tenant_id=scope.tenant_id, creator_id=creator_id, engine=engine, by=scope.actor, words=words.strip()
        )
    )
    audit.note(scope, "outgoing.allowed", f"creator:{creator_id}", engine=engine)


def withdraw(scope: Scope, creator_id: UUID, engine: str) -> None:
    """Send no more pictures of a creator to an engine: runs under way stop before their next picture leaves. Raises
    NotFound where no yes stands."""
    library.alone(scope, "outgoing", creator_id)
    row = _standing(scope, creator_id, engine)
    if row is None:
        raise NotFound("outgoing.none")
    row.revoked_at, row.revoked_by = scope.now, scope.actor
    scope.add(row)
    audit.note(scope, "outgoing.withdrawn", f"creator:{creator_id}", engine=engine)


def standing(scope: Scope, creator_id: UUID) -> dict[str, Grant]:
    """The yeses that stand, by engine."""
    return {one.engine: one for one in given(scope, creator_id) if one.revoked_at is None}


def given(scope: Scope, creator_id: UUID) -> list[Grant]:
    """Every yes for a creator, those that were taken back too, the newest first."""
    rows = scope.session.exec(
        select(OutgoingGrant)
        .where(OutgoingGrant.tenant_id == scope.tenant_id, OutgoingGrant.creator_id == creator_id)
        .order_by(col(OutgoingGrant.created_at).desc(), col(OutgoingGrant.id).desc())
    ).all()
    return [
        Grant(row.engine, row.by, row.created_at or scope.now, row.words, row.revoked_at, row.revoked_by or "")
        for row in rows
    ]


def check_yes(scope: Scope, creator_id: UUID, engine: str) -> None:
    """Raise Refused unless a yes for this engine stands, with who can give it and what would leave the house."""
    if _standing(scope, creator_id, engine) is None:
        raise Refused(
            "outgoing.no_yes",
            engine=hosting.NAMES.get(engine, engine),
            name=tenant_reads.creator(scope, creator_id).name,
        )


def refusal(scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]) -> Message | None:
    """Why these bytes may not be sent, as `check` says; None where they may."""
    try:
        check(scope, creator_id, engine, digests)
    except (NotFound, Refused) as why:
        return why.message
    return None


def check(scope: Scope, creator_id: UUID, engine: str, digests: Collection[str]) -> None:
    """Whether these bytes may be sent to an engine of others for this creator, now. Raises as `check_yes`, and as
    `gate.imitating.check_leaves`."""
    check_yes(scope, creator_id, engine)
    imitating.check_leaves(scope, creator_id, digests)


def _standing(scope: Scope, creator_id: UUID, engine: str) -> OutgoingGrant | None:
    return scope.session.exec(
        select(OutgoingGrant).where(
            OutgoingGrant.tenant_id == scope.tenant_id,
            OutgoingGrant.creator_id == creator_id,
            OutgoingGrant.engine == engine,
            col(OutgoingGrant.revoked_at).is_(None),
        )
    ).first()
