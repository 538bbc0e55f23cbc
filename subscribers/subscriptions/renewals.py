"""Renewals of subscriptions by month: how many started, were renewed and ended.

A subscription has ended when it was not renewed within `GRACE` after its paid period. Months are
those of the creator's time zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from foundation.db.database import Scope
from tenants.agencies.queries import Creator

GRACE = timedelta(days=3)
"""Time after the end of the paid period in which a renewal still counts."""


@dataclass(frozen=True)
class RenewalMonth:
    """Subscriptions of a month. `running` are those that were paid when the month began, or still
    within `GRACE`; `is_over` is False for the current month."""

    first_day: date
    running: int
    started: int
    renewed: int
    ended: int
    is_over: bool

    @property
    def churn(self) -> Fraction | None:
        """Return the share of the running subscriptions that ended, or None if there were none or
        the month is not over."""
        return Fraction(self.ended, self.running) if self.running and self.is_over else None


_RENEWALS = """
WITH zones AS (SELECT * FROM unnest(CAST(:creators AS uuid[]), CAST(:zones AS text[]))
    AS z (creator_id, zone)),
  months AS (SELECT CAST(day AS date) AS first_day,
      CAST(day + interval '1 month' AS date) AS next_day
    FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), interval '1 month')
    AS day),
  paid AS (
    SELECT s.id, CAST(s.begun_at AT TIME ZONE z.zone AS date) AS begun,
      CAST((s.until + :grace) AT TIME ZONE z.zone AS date) AS ended,
      s.until + :grace <= :now AS is_over
    FROM zones z JOIN subscriptions s ON s.tenant_id = :tenant AND s.creator_id = z.creator_id
    WHERE s.begun_at IS NOT NULL AND s.until IS NOT NULL
  ),
  payments_of AS (
    SELECT CAST(p.at AT TIME ZONE z.zone AS date) AS day,
      row_number() OVER (PARTITION BY m.subscription_id ORDER BY p.at, p.id) AS number
    FROM zones z JOIN subscription_months m ON m.tenant_id = :tenant AND m.creator_id = z.creator_id
    JOIN payments p ON p.tenant_id = :tenant AND p.id = m.payment_id
  )
SELECT first_day,
  (SELECT count(*) FROM paid WHERE begun < first_day AND (NOT is_over OR ended >= first_day)) AS
    running,
  (SELECT count(*) FROM paid WHERE begun >= first_day AND begun < next_day) AS started,
  (SELECT count(*) FROM payments_of WHERE number > 1 AND day >= first_day AND day < next_day) AS
    renewed,
  (SELECT count(*) FROM paid WHERE begun < first_day AND is_over AND ended >= first_day
    AND ended < next_day) AS ended
FROM months ORDER BY first_day
"""


def load_renewals(
    scope: Scope, creators: Sequence[Creator], first: date, last: date
) -> list[RenewalMonth]:
    """Return the months from that of `first` to that of `last`; empty without any subscription.

    Subscriptions that started and ended within one month are counted as started only, so that
    `ended` is a part of `running`.
    """
    rows = scope.run(
        _RENEWALS,
        tenant=scope.tenant_id,
        creators=[one.id for one in creators],
        zones=[one.zone for one in creators],
        first=first.replace(day=1),
        last=last.replace(day=1),
        grace=GRACE,
        now=scope.now,
    ).all()
    current = scope.now.date().replace(day=1)
    found = [
        RenewalMonth(
            row.first_day, row.running, row.started, row.renewed, row.ended, row.first_day < current
        )
        for row in rows
    ]
    return found if any(one.running or one.started for one in found) else []
