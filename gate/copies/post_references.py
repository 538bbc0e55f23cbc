"""What a unit points at on its platform, resolved against our own copies: what is not one of them
is unknown.

An id counts under the platform and the account it was left with, for the same creator: the same
number elsewhere may be somebody else's.
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
"""The copy behind an id, by the words it was last changed to. Where what it was decided on is no
longer kept, or nobody knows whether a change came through, nobody can say what it shows: it is
none."""


def resolve_references(scope: Scope, unit: Unit) -> tuple[ReferenceFacts, ...]:
    """The copies a unit points at, one for each id that is ours and stands."""
    wanted = sorted({each.native_id for each in unit.references})
    return tuple(
        found
        for native_id in wanted
        if (found := _find_reference(scope, unit, native_id)) is not None
    )


def shown_digests(scope: Scope, unit: Unit) -> list[str]:
    """Of everything a unit shows, sorted: of what it and the parts above it carry, and of what it
    points at."""
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
        (ai for ai in (there.text_ai, *(known.text_ai for known in behind)) if ai != "none"), "none"
    )
    return ReferenceFacts(native_id, texts, tuple(sorted(row.media)), made)
