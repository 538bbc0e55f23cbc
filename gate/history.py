"""What was said before of pictures: of the same bytes, of their family (what they came from, what came from them), and
of look-alikes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foundation.database import Scope
from foundation.words import Message
from gate.looks import NEAR

Kin = Literal["same", "family", "alike"]

_KIN: tuple[Kin, ...] = ("same", "family", "alike")

RECENT = 5_000
"""Look-alikes are searched among the pictures of so many reviews, and of so many ratings, said last: a picture is
compared with each of them."""


@dataclass(frozen=True)
class Past:
    """Something said before: `said` is approve, refuse, a rating, or frozen or removed.

    `by` is `principal:<id>`, `member:<id>`, `rule:…`, `classifier:…`, or empty; `kin` whether it was said of the very
    bytes, of the family, or of bytes that look alike.
    """

    said: str
    by: str
    at: datetime
    reason: Message | None
    kin: Kin


_PAST = """
WITH asked AS (
  SELECT r.sha256, r.asset_id, a.parent_id, r.look FROM renditions r
  JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)),
family AS (
  SELECT sha256 AS about, asset_id FROM asked
  UNION SELECT sha256, parent_id FROM asked WHERE parent_id IS NOT NULL
  UNION SELECT k.sha256, a.id FROM asked k JOIN assets a ON a.tenant_id = :tenant AND a.parent_id = k.asset_id
  UNION SELECT k.sha256, a.id FROM asked k JOIN assets a ON a.tenant_id = :tenant AND a.parent_id = k.parent_id),
spoken AS (
  (SELECT digest FROM human_reviews WHERE tenant_id = :tenant AND about = 'bytes' ORDER BY id DESC LIMIT :recent)
  UNION
  (SELECT sha256 FROM content_ratings WHERE tenant_id = :tenant AND source LIKE 'member:%' ORDER BY id DESC
    LIMIT :recent)),
kin AS (
  SELECT about, digest, min(far) AS far FROM (
    SELECT sha256 AS about, sha256 AS digest, 0 AS far FROM asked
    UNION ALL SELECT f.about, r.sha256, 1 FROM family f
      JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = f.asset_id
    UNION ALL SELECT k.sha256, r.sha256, 2 FROM spoken s
      JOIN renditions r ON r.tenant_id = :tenant AND r.sha256 = s.digest
      JOIN asked k ON bit_count(CAST(k.look # r.look AS bit(64))) <= :near) each
  GROUP BY about, digest),
words AS (
  SELECT k.about, k.far, h.verdict AS said, 'principal:' || h.principal_id AS by, h.created_at AS at, h.reason
  FROM kin k JOIN human_reviews h ON h.tenant_id = :tenant AND h.about = 'bytes' AND h.digest = k.digest
  UNION ALL SELECT k.about, k.far, c.rating, c.source, c.created_at, c.reason
  FROM kin k JOIN content_ratings c ON c.tenant_id = :tenant AND c.sha256 = k.digest
  UNION ALL SELECT k.about, k.far, r.state, '', r.updated_at, NULL
  FROM kin k JOIN renditions r ON r.tenant_id = :tenant AND r.sha256 = k.digest AND r.state <> 'made')
SELECT * FROM (
  SELECT words.*, row_number() OVER (PARTITION BY about ORDER BY at DESC, far, said) AS place FROM words) numbered
WHERE place <= :each ORDER BY about, place
"""


def past(scope: Scope, digests: Collection[str], *, each: int = 4) -> dict[str, tuple[Past, ...]]:
    """What was said before of each of these bytes and their kin, the newest first, `each` at most; bytes nobody spoke
    of are absent."""
    if not digests:
        return {}
    rows = scope.run(_PAST, tenant=scope.tenant_id, digests=list(digests), near=NEAR, recent=RECENT, each=each)
    found: dict[str, tuple[Past, ...]] = {}
    for row in rows:
        reason = Message.from_json(row.reason) if row.reason else None
        found[row.about] = (*found.get(row.about, ()), Past(row.said, row.by, row.at, reason, _KIN[row.far]))
    return found
