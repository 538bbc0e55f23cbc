"""Productivity of generation: images made and kept, engine time per kept image, and costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.money import Money, round_up
from studio.library.states import ShelfState


@dataclass(frozen=True)
class GenerationOutput:
    """The output of a period.

    `seconds_per_kept` is the total engine time divided by the kept images, or None without any;
    `cost` is by currency.
    """

    made: int
    kept: int
    seconds_per_kept: float | None
    cost: Sequence[Money]


_OUTPUT = """
SELECT count(*) AS made, count(*) FILTER (WHERE shelf = :kept) AS kept, coalesce(sum(seconds), 0)
AS seconds,
  currency, coalesce(sum(cost), 0) AS cost
FROM (
  SELECT shelf, seconds, currency, cost FROM creations
  WHERE tenant_id = :tenant AND creator_id = :creator AND job_id IS NOT NULL AND created_at >=
  :since
  UNION ALL SELECT '', seconds, currency, cost FROM erased_pictures
  WHERE tenant_id = :tenant AND creator_id = :creator AND job_id IS NOT NULL AND made_at >=
  :since) made
GROUP BY currency ORDER BY currency
"""


def output_since(scope: Scope, creator_id: UUID, start: datetime) -> GenerationOutput:
    """Return the output of a creator's runs since `start` (UTC-aware)."""
    rows = scope.run(
        _OUTPUT, tenant=scope.tenant_id, creator=creator_id, since=start, kept=str(ShelfState.KEPT)
    ).all()
    kept = sum(row.kept for row in rows)
    seconds = sum(row.seconds for row in rows)
    return GenerationOutput(
        sum(row.made for row in rows),
        kept,
        seconds / kept if kept and seconds else None,
        [round_up(row.cost, row.currency) for row in rows if row.currency],
    )
