"""Resolve a unit's references to posts against the installation's own copies.

References to other posts are unknown. An ID is valid only for the platform and account of its copy
and for the same creator; elsewhere it may belong to another post.
"""

from itertools import chain

from foundation.db.database import Scope
from gate.contract.facts import ReferenceFacts, parse_snapshot, parse_unit
from gate.contract.units import Unit

_COPY = """
SELECT p.media, i.unit, i.snapshot
FROM permits p JOIN decision_inputs i ON i.tenant_id = p.tenant_id AND i.id = coalesce(
  (SELECT e.decision_id FROM permits e WHERE e.tenant_id = p.tenant_id AND e.edits = p.id AND
  e.state = 'consumed'
    AND e.gone_at IS NULL AND e.visible_at IS NOT NULL ORDER BY e.visible_at DESC LIMIT 1),
    p.decision_id)
WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.platform = :platform AND p.account
= :account
  AND p.state = 'consumed' AND p.gone_at IS NULL AND p.recalled_at IS NULL AND NOT EXISTS (SELECT
  FROM permits e
    WHERE e.tenant_id = p.tenant_id AND e.edits = p.id AND e.state = 'consumed' AND e.gone_at IS
    NULL
      AND e.visible_at IS NULL)
  AND (p.native_ids @> to_jsonb(CAST(:native AS text)) OR p.file_ids @> to_jsonb(CAST(:native AS
  text)))
ORDER BY p.minted_at DESC, p.id DESC LIMIT 1
"""
"""Selects the copy with an ID, with its last confirmed text.

A copy without stored decision inputs or with an unconfirmed edit is left out, because its content
is not known.
"""


# Decision inputs are deleted 30 days after their last use; older copies cannot be resolved.
def resolve_references(scope: Scope, unit: Unit) -> tuple[ReferenceFacts, ...]:
    """Return the copies that a unit refers to: one for each ID of a live copy of ours."""
    wanted = sorted({each.native_id for each in unit.references})
    return tuple(
        found
        for native_id in wanted
        if (found := _find_reference(scope, unit, native_id)) is not None
    )


def shown_digests(scope: Scope, unit: Unit) -> list[str]:
    """Return the digests of everything that a unit shows, sorted.

    These are its media, those of earlier parts of its thread, and those of the posts that it refers
    to.
    """
    there = chain.from_iterable(known.media for known in resolve_references(scope, unit))
    return sorted({*(medium.sha256 for medium in unit.all_media), *there})


def _find_reference(scope: Scope, unit: Unit, native_id: str) -> ReferenceFacts | None:
    row = scope.run(
        _COPY,
        tenant=scope.tenant_id,
        creator=unit.creator_id,
        platform=unit.platform,
        account=unit.account,
        native=native_id,
    ).one_or_none()
    if row is None:
        return None
    there = parse_unit(row.unit)
    behind = parse_snapshot(row.snapshot).references if there.references else ()
    texts = (*there.visible_texts, *(text for known in behind for text in known.texts))
    made = next(
        (
            ai
            for ai in (there.text_ai, *(known.text_ai for known in behind))
            if ai not in ("none", "template")
        ),
        there.text_ai,
    )
    return ReferenceFacts(native_id, texts, tuple(sorted(row.media)), made)
