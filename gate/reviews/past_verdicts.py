"""Earlier verdicts on pictures: on the same bytes, on related assets, and on look-alikes.

Related assets are the parent, its other derivatives and the asset's own derivatives.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.assets.lookalikes import NEAR_BITS

RelationKind = Literal["same", "family", "alike"]

_KIN: tuple[RelationKind, ...] = ("same", "family", "alike")

RECENT = 2_000
"""Number of latest reviews among which look-alikes are searched for, besides all withheld pictures.

Each of them is compared with every requested picture.
"""


@dataclass(frozen=True)
class PastVerdict:
    """An earlier verdict: `said` is "approve", "refuse", a rating, "frozen" or "removed".

    `by` is `principal:<id>`, `member:<id>`, `rule:…`, `classifier:…` or empty. `kin` is the
    relation between the bytes with the verdict and the requested ones.
    """

    said: str
    by: str
    at: datetime
    reason: Message | None
    kin: RelationKind


_RELATED = """
WITH asked AS (
  SELECT r.sha256, r.asset_id, a.parent_id, r.look FROM renditions r
  JOIN assets a ON a.tenant_id = r.tenant_id AND a.id = r.asset_id
  WHERE r.tenant_id = :tenant AND r.sha256 = ANY(:digests)),
family AS (
  SELECT sha256 AS about, asset_id FROM asked
  UNION SELECT sha256, parent_id FROM asked WHERE parent_id IS NOT NULL
  UNION SELECT k.sha256, a.id FROM asked k JOIN assets a ON a.tenant_id = :tenant AND a.parent_id
  = k.asset_id
  UNION SELECT k.sha256, a.id FROM asked k JOIN assets a ON a.tenant_id = :tenant AND a.parent_id
  = k.parent_id),
spoken AS (
  (SELECT digest FROM human_reviews WHERE tenant_id = :tenant AND about = 'bytes' ORDER BY id
  DESC LIMIT :recent)
  UNION SELECT sha256 FROM renditions WHERE tenant_id = :tenant AND state <> 'made')
SELECT about, digest, min(far) AS far FROM (
  SELECT sha256 AS about, sha256 AS digest, 0 AS far FROM asked
  UNION ALL SELECT f.about, r.sha256, 1 FROM family f
    JOIN renditions r ON r.tenant_id = :tenant AND r.asset_id = f.asset_id
  UNION ALL SELECT k.sha256, r.sha256, 2 FROM spoken s
    JOIN renditions r ON r.tenant_id = :tenant AND r.sha256 = s.digest
    JOIN asked k ON bit_count(CAST(k.look # r.look AS bit(64))) <= :near) each
GROUP BY about, digest
"""

_SAID = """
SELECT digest, verdict AS said, 'principal:' || principal_id AS by, created_at AS at, reason FROM
human_reviews
WHERE tenant_id = :tenant AND about = 'bytes' AND digest = ANY(:digests)
UNION ALL SELECT sha256, rating, source, created_at, reason FROM content_ratings
WHERE tenant_id = :tenant AND sha256 = ANY(:digests)
UNION ALL SELECT sha256, state, '', updated_at, NULL FROM renditions
WHERE tenant_id = :tenant AND sha256 = ANY(:digests) AND state <> 'made'
"""


def past_verdicts(
    scope: Scope, digests: Collection[str], *, each: int = 4
) -> dict[str, tuple[PastVerdict, ...]]:
    """Return the earlier verdicts on each of these bytes and related ones, newest first.

    At most `each` are returned per digest; digests without verdicts are absent.
    """
    if not digests:
        return {}
    kin = scope.run(
        _RELATED, tenant=scope.tenant_id, digests=list(digests), near=NEAR_BITS, recent=RECENT
    ).all()
    words = defaultdict(list)
    for row in scope.run(_SAID, tenant=scope.tenant_id, digests=list({row.digest for row in kin})):
        words[row.digest].append(row)
    found: dict[str, list[PastVerdict]] = defaultdict(list)
    for row in kin:
        found[row.about] += [
            PastVerdict(
                one.said,
                one.by,
                one.at,
                Message.from_json(one.reason) if one.reason else None,
                _KIN[row.far],
            )
            for one in words[row.digest]
        ]
    newest = {about: sorted(said, key=_sort_key)[:each] for about, said in found.items()}
    return {about: tuple(said) for about, said in newest.items() if said}


def _sort_key(past: PastVerdict) -> tuple[float, int, str]:
    """Sort newest first. Of simultaneous verdicts, those on the same bytes come first."""
    return -past.at.timestamp(), _KIN.index(past.kin), past.said
