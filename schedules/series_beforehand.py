"""What would be said against a series as it begins, said while somebody still chooses how it repeats."""

from collections.abc import Sequence
from uuid import UUID

from foundation.database import Scope
from foundation.ids import uuid7
from schedules import series, series_rule
from schedules.models import Series
from schedules.recurrence import Repeat


def check(
    scope: Scope, creator_id: UUID, channels: Sequence[UUID], repeat: Repeat, *, instead_of: UUID | None = None
) -> None:
    """Refuse what `series.begin` would refuse of a rule on these accounts of a creator, but how many are made at once,
    which a person is asked about. Nothing is written.

    `instead_of` is the series it takes the place of, which is in nobody's way any more. Raises BadInput; NotFound.
    """
    before = series.series(scope, instead_of) if instead_of is not None else None
    row = Series(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        id=instead_of or uuid7(),
        post_id=uuid7(),
        channels=[str(one) for one in channels],
        rule=str(repeat.rule),
        starts_on=repeat.starts_on,
        clock=repeat.clock.isoformat(),
        zone=repeat.zone,
        gap_min=before.gap_min if before is not None else series.GAP,
        skipped=before.skipped if before is not None else [],
    )
    first = series_rule.coming(scope, row, 1)
    series.check_rule(scope, row, first, confirmed=True, goes_on=before is not None)
