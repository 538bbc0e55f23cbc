"""Predictions about fans. `insights` computes them; this package stores them, because they are
erased with the fan and shown beside the conversation. None is shown about a fan who may not be
sold to: one who is blocked, such as a minor, or has opted out."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from foundation.db.bulk_insert import insert_rows
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.money import Money
from subscribers.fans.directory import MAY_BE_SOLD_TO
from subscribers.fans.models import FanScore


@dataclass(frozen=True)
class ScoreDraft:
    """A prediction to store; see `FanScore`."""

    fan_id: UUID
    currency: str = ""
    chance: float | None = None
    purchases: float | None = None
    value_minor: int | None = None
    low_minor: int | None = None
    high_minor: int | None = None
    grade: str = ""


@dataclass(frozen=True)
class ScoreView:
    """A prediction about a fan. `value`, `low` and `high` are expected net sales of the next 90
    days with their interval, None if amounts are not predicted."""

    fan_id: UUID
    name: str
    creator_id: UUID
    task: str
    chance: float | None
    purchases: float | None
    value: Money | None
    low: Money | None
    high: Money | None
    grade: str


def replace_scores(scope: Scope, creator_id: UUID, task: str, scores: Sequence[ScoreDraft]) -> None:
    """Replace the predictions of a task about all fans of a creator. Only active fans have any."""
    # An erasure locks the fan before it deletes what is stored about them, so this does too.
    known = set(
        scope.run(
            "SELECT id FROM fans WHERE tenant_id = :tenant AND creator_id = :creator"
            " AND id = ANY(CAST(:fans AS uuid[])) AND status = 'active' ORDER BY id FOR SHARE",
            tenant=scope.tenant_id,
            creator=creator_id,
            fans=[one.fan_id for one in scores],
        ).scalars()
    )
    scope.run(
        "DELETE FROM fan_scores WHERE tenant_id = :tenant AND creator_id = :creator"
        " AND task = :task",
        tenant=scope.tenant_id,
        creator=creator_id,
        task=task,
    )
    insert_rows(
        scope,
        FanScore,
        [
            {
                "id": derived_uuid(one.fan_id, task, one.currency),
                "creator_id": creator_id,
                "task": task,
                "computed_at": scope.now,
                **asdict(one),
            }
            for one in scores
            if one.fan_id in known
        ],
    )


def load_scores(
    scope: Scope, creator_ids: Collection[UUID], task: str, *, limit: int = 100
) -> list[ScoreView]:
    """Return the predictions of a task, highest value or chance first."""
    rows = scope.run(
        "SELECT s.*, f.display_name FROM fan_scores s"  # noqa: S608  a constant
        f" JOIN fans f ON f.tenant_id = s.tenant_id AND f.id = s.fan_id AND {MAY_BE_SOLD_TO}"
        " WHERE s.tenant_id = :tenant AND s.task = :task"
        " AND s.creator_id = ANY(CAST(:creators AS uuid[]))"
        " ORDER BY s.value_minor DESC NULLS LAST, s.chance DESC NULLS LAST, s.id LIMIT :limit",
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        task=task,
        limit=limit,
    )
    return [_view(row) for row in rows]


def load_scores_of_fan(scope: Scope, fan_id: UUID) -> list[ScoreView]:
    """Return all predictions about a fan."""
    rows = scope.run(
        "SELECT s.*, f.display_name FROM fan_scores s"  # noqa: S608  a constant
        f" JOIN fans f ON f.tenant_id = s.tenant_id AND f.id = s.fan_id AND {MAY_BE_SOLD_TO}"
        " WHERE s.tenant_id = :tenant AND s.fan_id = :fan ORDER BY s.task, s.currency",
        tenant=scope.tenant_id,
        fan=fan_id,
    )
    return [_view(row) for row in rows]


def count_grades(scope: Scope, creator_ids: Collection[UUID], task: str) -> dict[str, int]:
    """Return the number of fans with each grade; fans without a grade are not counted."""
    rows = scope.run(
        "SELECT s.grade, count(*) AS fans FROM fan_scores s"  # noqa: S608  a constant
        f" JOIN fans f ON f.tenant_id = s.tenant_id AND f.id = s.fan_id AND {MAY_BE_SOLD_TO}"
        " WHERE s.tenant_id = :tenant AND s.creator_id = ANY(CAST(:creators AS uuid[]))"
        " AND s.task = :task AND s.grade <> '' GROUP BY s.grade ORDER BY s.grade",
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        task=task,
    )
    return {row.grade: int(row.fans) for row in rows}


def _view(row: object) -> ScoreView:
    found = row._mapping  # type: ignore[attr-defined]  # a row of SQLAlchemy
    currency = found["currency"]

    def money(name: str) -> Money | None:
        minor = found[name]
        return Money(int(minor), currency) if minor is not None and currency else None

    return ScoreView(
        fan_id=found["fan_id"],
        name=found["display_name"],
        creator_id=found["creator_id"],
        task=found["task"],
        chance=found["chance"],
        purchases=found["purchases"],
        value=money("value_minor"),
        low=money("low_minor"),
        high=money("high_minor"),
        grade=found["grade"],
    )
