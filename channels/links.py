"""Short addresses on the tenant's own domain."""

import secrets
from uuid import UUID

from channels.models import LinkRow
from foundation.database import Scope
from foundation.errors import BadInput
from gate.units import Subject

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""No letter that is mistaken for another."""

LENGTH = 9


def shorten(scope: Scope, channel_id: UUID, target: str, *, subject: Subject | None = None) -> str:
    """A new slug that leads to `target` (http or https). Raises BadInput for any other address."""
    if not target.startswith(("https://", "http://")):
        raise BadInput("link.not_web")
    slug = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    kind, of = (subject.kind, subject.id) if subject is not None else ("", None)
    row = LinkRow(
        tenant_id=scope.tenant_id, slug=slug, target=target, channel_id=channel_id, subject_kind=kind, subject_id=of
    )
    scope.add(row)
    return slug


def target(scope: Scope, slug: str) -> str | None:
    """Where a slug leads; None when it leads nowhere."""
    found: str | None = scope.run(
        "SELECT target FROM links WHERE tenant_id = :tenant AND slug = :slug", tenant=scope.tenant_id, slug=slug
    ).scalar()
    return found
