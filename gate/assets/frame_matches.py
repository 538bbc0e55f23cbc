"""Comparison of videos with the blocklist, frame by frame.

A video frame that matches a blocked picture counts as that picture. A blocked video matches only by
a share of its frames, since two videos may have the same title card. The comparison runs when bytes
are recorded or blocked; decisions read the stored mark.
"""

from collections.abc import Sequence
from typing import Any

from foundation.db.database import Scope
from gate.assets import lookalikes

SAME_SHARE = 0.3
"""Minimum share of the frames of either video for a match; a smaller share needs a review."""

_SHARES = """
SELECT i.sha256, b.sha256 AS blocked,
  (SELECT count(*) FROM jsonb_array_elements_text(i.frames) f(hex) WHERE EXISTS (
    SELECT FROM jsonb_array_elements_text(g.frames) h(hex)
    WHERE bit_count(CAST('x' || f.hex AS bit(64)) # CAST('x' || h.hex AS bit(64))) <= :near)
  ) / CAST(jsonb_array_length(i.frames) AS double precision) AS of_it,
  (SELECT count(*) FROM jsonb_array_elements_text(g.frames) h(hex) WHERE EXISTS (
    SELECT FROM jsonb_array_elements_text(i.frames) f(hex)
    WHERE bit_count(CAST('x' || f.hex AS bit(64)) # CAST('x' || h.hex AS bit(64))) <= :near)
  ) / CAST(jsonb_array_length(g.frames) AS double precision) AS of_blocked
FROM inspections i, blocklist b
JOIN inspections g ON g.tenant_id = b.tenant_id AND g.sha256 = b.sha256 AND g.source = 'house'
WHERE i.tenant_id = :tenant AND i.source = 'house' AND i.frames <> '[]'
  AND b.tenant_id = :tenant AND g.frames <> '[]' AND b.sha256 <> i.sha256
"""

_IN_FILM = """
SELECT r.sha256, min(bit_count(CAST(r.look AS bit(64)) # CAST('x' || h.hex AS bit(64)))) AS bits
FROM renditions r, blocklist b
JOIN inspections g ON g.tenant_id = b.tenant_id AND g.sha256 = b.sha256 AND g.source = 'house'
  AND g.frames <> '[]', LATERAL jsonb_array_elements_text(g.frames) h(hex)
WHERE r.tenant_id = :tenant AND b.tenant_id = :tenant AND b.sha256 <> r.sha256
  AND bit_count(CAST(r.look AS bit(64)) # CAST('x' || h.hex AS bit(64))) <= :close
  AND NOT EXISTS (
    SELECT FROM inspections o WHERE o.tenant_id = :tenant AND o.sha256 = r.sha256 AND o.frames <>
    '[]')
"""
"""Selects pictures that are close to a frame of a blocked video."""

_OF_PICTURE = """
SELECT i.sha256, min(bit_count(CAST(b.look AS bit(64)) # CAST('x' || f.hex AS bit(64)))) AS bits
FROM inspections i, LATERAL jsonb_array_elements_text(i.frames) f(hex), blocklist b
WHERE i.tenant_id = :tenant AND i.source = 'house' AND i.frames <> '[]' AND b.tenant_id = :tenant
  AND b.sha256 <> i.sha256
  AND bit_count(CAST(b.look AS bit(64)) # CAST('x' || f.hex AS bit(64))) <= :close
"""
"""Selects videos with a frame close to a blocked picture."""


def match_frames(scope: Scope, sha256: str, frames: Sequence[str]) -> str:
    """Return the blocklist match of a recorded picture or video: "near", "close" or "".

    `frames` are the perceptual hashes of a video's frames, in hexadecimal.
    """
    said = {"tenant": scope.tenant_id, "one": sha256}
    found = [lookalikes.nearest_blocklist_match(scope, frames)]
    found += [
        _as_near(row)
        for row in scope.run(f"{_SHARES} AND i.sha256 = :one", near=lookalikes.NEAR_BITS, **said)
    ]
    still = f"{_IN_FILM} AND r.sha256 = :one GROUP BY r.sha256"
    found += [
        lookalikes.match_of_distance(row.bits)
        for row in scope.run(still, close=lookalikes.CLOSE_BITS, **said)
    ]
    return max(found, key=lookalikes.MATCH_ORDER.index)


def find_frame_lookalikes(scope: Scope, blocked: str) -> dict[str, str]:
    """Return the look-alikes of newly blocked bytes, by digest: "near" or "close"."""
    said = {"tenant": scope.tenant_id, "one": blocked}
    found = dict[str, str]()
    for row in scope.run(f"{_SHARES} AND b.sha256 = :one", near=lookalikes.NEAR_BITS, **said):
        found[row.sha256] = _as_near(row)
    for query, of in ((_IN_FILM, "r"), (_OF_PICTURE, "i")):
        rows = scope.run(
            f"{query} AND b.sha256 = :one GROUP BY {of}.sha256", close=lookalikes.CLOSE_BITS, **said
        )
        for row in rows:
            found[row.sha256] = lookalikes.stricter_match(
                found.get(row.sha256, ""), lookalikes.match_of_distance(row.bits)
            )
    return {sha256: answer for sha256, answer in found.items() if answer}


def _as_near(row: Any) -> str:
    share = max(row.of_it, row.of_blocked)
    if share >= SAME_SHARE:
        return "near"
    return "close" if share > 0 else ""
