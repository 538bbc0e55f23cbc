"""Cost report: every generated image and text request with its price, engine time and outcome.

A purchased image is one order and a text prompt one request, so nothing is counted twice.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.money import Money, Price, round_up
from studio.costs.states import PurchaseState, TextRequestState
from studio.costs.text_requests import TextPurpose
from studio.library.assets import run_source_key
from studio.runs.states import JobState
from tenants.agencies import queries

ABANDONED_AFTER = timedelta(minutes=15)
"""Age after which an unused text request counts as lost. Generating a text takes minutes at most.
"""


class SpendingFate(StrEnum):
    """The outcome of a paid item. LOST: billed, or possibly billed, without a result."""

    KEPT = "kept"
    OPEN = "open"
    LOST = "lost"


@dataclass(frozen=True)
class SpentItem:
    """A generated image or a text request. `price` is None if it was free; `seconds` is engine
    time."""

    id: UUID
    kind: Literal["picture", "text"]
    month: str
    price: Price | None
    seconds: float
    fate: SpendingFate
    asset_id: UUID | None = None
    job_id: UUID | None = None
    purpose: str = ""
    """For a text, its `studio.costs.text_requests.TextPurpose`, which determines the type of
    `subject_id`."""
    subject_id: UUID | None = None


@dataclass(frozen=True)
class SpendingTotal:
    """A sum of items.

    `exact` and `lost` are minor units by currency with four decimals; lost amounts are included in
    `exact`.
    """

    things: int = 0
    seconds: float = 0.0
    exact: Mapping[str, Decimal] = field(default_factory=dict)
    lost: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def spent(self) -> Sequence[Money]:
        """The total per currency, rounded up once."""
        return [round_up(minor, currency) for currency, minor in sorted(self.exact.items())]

    @property
    def lost_spending(self) -> Sequence[Money]:
        """The lost part per currency, rounded up once."""
        return [round_up(minor, currency) for currency, minor in sorted(self.lost.items())]


def total_spending(things: Iterable[SpentItem]) -> SpendingTotal:
    """Return the sum of the items. Pure."""
    count = 0
    seconds = 0.0
    exact: dict[str, Decimal] = {}
    lost: dict[str, Decimal] = {}
    for one in things:
        count = count + 1
        seconds = seconds + one.seconds
        for sums in (exact, lost) if one.fate is SpendingFate.LOST else (exact,):
            if one.price is not None:
                sums[one.price.currency] = (
                    sums.get(one.price.currency, Decimal(0)) + one.price.minor
                )
    return SpendingTotal(count, seconds, exact, lost)


_BOUGHT = """
SELECT o.id, o.creator_id, o.job_id, o.number, o.minor, o.currency, o.month, o.state, j.state AS
run, c.asset_id,
  c.seconds
FROM engine_orders o JOIN jobs j ON j.tenant_id = o.tenant_id AND j.id = o.job_id
LEFT JOIN creations c ON c.tenant_id = o.tenant_id AND c.creator_id = o.creator_id
  AND c.job_id = o.job_id AND c.source_key = 'job:' || o.job_id || ':' || o.number
WHERE o.tenant_id = :tenant AND o.state <> 'released'
"""
_ERASED = "SELECT id, seconds FROM erased_pictures WHERE tenant_id = :tenant AND id = ANY(:ids)"
_FREE = """
SELECT id, asset_id, job_id, seconds, to_char(made_at AT TIME ZONE :zone, 'YYYY-MM') AS month FROM (
  SELECT id, asset_id, job_id, seconds, created_at AS made_at, creator_id FROM creations
  WHERE tenant_id = :tenant AND cost IS NULL AND seconds IS NOT NULL
  UNION ALL SELECT id, asset_id, job_id, seconds, made_at, creator_id FROM erased_pictures
  WHERE tenant_id = :tenant AND cost IS NULL AND seconds IS NOT NULL) made
WHERE true
"""
_TEXTS = """
SELECT id, purpose, subject_id, state, seconds, minor, currency, month, created_at FROM
text_requests
WHERE tenant_id = :tenant AND state <> 'unheard'
"""
_OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})


def spent_in_month(scope: Scope, creator_id: UUID, month: str) -> list[SpentItem]:
    """Return all items of a creator in a month (`2026-11`) of the agency's time zone."""
    which = {"creator": creator_id, "month": month}
    bought = _list_purchased_items(
        scope, " AND o.creator_id = :creator AND o.month = :month", which
    )
    month_of = (
        " AND creator_id = :creator AND to_char(made_at AT TIME ZONE :zone, 'YYYY-MM') = :month"
    )
    return [
        *bought,
        *_list_free_items(scope, month_of, which),
        *_list_text_items(scope, " AND creator_id = :creator AND month = :month", which),
    ]


_MONTHS = """
SELECT creator_id, month, currency, sum(minor) AS minor FROM (
  SELECT creator_id, month, currency, minor FROM engine_orders
  WHERE tenant_id = :tenant AND state <> 'released'
  UNION ALL SELECT creator_id, month, currency, minor FROM text_requests
  WHERE tenant_id = :tenant AND state <> 'unheard' AND minor IS NOT NULL) spent
WHERE creator_id = ANY(:creators) AND month BETWEEN :first AND :last
GROUP BY creator_id, month, currency
"""


def spending_by_month(
    scope: Scope, creators: Collection[UUID], first_month: str, last_month: str
) -> dict[tuple[UUID, str], dict[str, Decimal]]:
    """Return the exact spending of creators in minor units by currency, from `first_month` to
    `last_month` (`2026-11`) inclusive; months without spending are absent. Each is the `exact` sum
    of `spent_in_month`."""
    rows = scope.run(
        _MONTHS,
        tenant=scope.tenant_id,
        creators=list(creators),
        first=first_month,
        last=last_month,
    )
    found: dict[tuple[UUID, str], dict[str, Decimal]] = {}
    for row in rows:
        found.setdefault((row.creator_id, row.month), {})[row.currency] = row.minor
    return found


def spent_between(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime
) -> list[SpentItem]:
    """Return all items of a creator from `since` (inclusive) to `until` (exclusive), both
    UTC-aware.

    Each item has one timestamp, so that the days of a period add up to the period.
    """
    which = {"creator": creator_id, "since": since, "until": until}
    then = " AND {of}creator_id = :creator AND {of}{at} >= :since AND {of}{at} < :until"
    return [
        *_list_purchased_items(scope, then.format(of="o.", at="created_at"), which),
        *_list_free_items(scope, then.format(of="", at="made_at"), which),
        *_list_text_items(scope, then.format(of="", at="created_at"), which),
    ]


def spent_by_run(scope: Scope, jobs: Collection[UUID]) -> dict[UUID, list[SpentItem]]:
    """Return the items of each of these runs."""
    which = {"jobs": list(jobs)}
    things = [
        *_list_purchased_items(scope, " AND o.job_id = ANY(:jobs)", which),
        *_list_free_items(scope, " AND job_id = ANY(:jobs)", which),
    ]
    return {job: [one for one in things if one.job_id == job] for job in jobs}


def spent_on_assets(scope: Scope, assets: Collection[UUID]) -> list[SpentItem]:
    """Return the costs of these assets themselves, without those of their sources.

    Assets that no engine made are not in the result.
    """
    which = {"assets": list(assets)}
    return [
        *_list_purchased_items(scope, " AND c.asset_id = ANY(:assets)", which),
        *_list_free_items(scope, " AND asset_id = ANY(:assets)", which),
    ]


def spent_on_subjects(scope: Scope, subjects: Collection[UUID]) -> list[SpentItem]:
    """Return the text requests for these subjects."""
    return _list_text_items(scope, " AND subject_id = ANY(:subjects)", {"subjects": list(subjects)})


def _list_purchased_items(scope: Scope, where: str, which: Mapping[str, Any]) -> list[SpentItem]:
    rows = scope.run(_BOUGHT + where, tenant=scope.tenant_id, **which).all()
    gone = [_asset_id_of_order(scope, row) for row in rows if row.asset_id is None]
    erased = {
        made.id: made.seconds for made in scope.run(_ERASED, tenant=scope.tenant_id, ids=gone)
    }
    found = []
    for row in rows:
        there = row.asset_id is not None or _asset_id_of_order(scope, row) in erased
        over = row.state != PurchaseState.RESERVED and row.run not in _OPEN
        if there:
            fate = SpendingFate.KEPT
        elif over:
            fate = SpendingFate.LOST
        else:
            fate = SpendingFate.OPEN
        seconds = (
            row.seconds if row.asset_id is not None else erased.get(_asset_id_of_order(scope, row))
        )
        price = Price(row.minor, row.currency)
        found.append(
            SpentItem(
                row.id, "picture", row.month, price, seconds or 0.0, fate, row.asset_id, row.job_id
            )
        )
    return found


def _asset_id_of_order(scope: Scope, row: Any) -> UUID:
    """Return the asset ID of the image of an order, as `pipeline.ingest_asset` derives it."""
    return derived_uuid(scope.tenant_id, row.creator_id, run_source_key(row.job_id, row.number))


def _list_free_items(scope: Scope, where: str, which: Mapping[str, Any]) -> list[SpentItem]:
    zone = queries.get_agency(scope).zone
    rows = scope.run(_FREE + where, tenant=scope.tenant_id, zone=zone, **which)
    return [
        SpentItem(
            row.id,
            "picture",
            row.month,
            None,
            row.seconds,
            SpendingFate.KEPT,
            row.asset_id,
            row.job_id,
        )
        for row in rows
    ]


def _list_text_items(scope: Scope, where: str, which: Mapping[str, Any]) -> list[SpentItem]:
    found = []
    for row in scope.run(_TEXTS + where, tenant=scope.tenant_id, **which):
        left = row.state == TextRequestState.LOST or row.created_at < scope.now - ABANDONED_AFTER
        if row.state == TextRequestState.KEPT:
            fate = SpendingFate.KEPT
        else:
            fate = SpendingFate.LOST if left else SpendingFate.OPEN
        price = Price(row.minor, row.currency) if row.minor is not None else None
        # The cost is attributed to the image.
        of = row.subject_id if row.purpose == TextPurpose.PICTURE else None
        about = {"purpose": row.purpose, "subject_id": row.subject_id, "asset_id": of}
        found.append(SpentItem(row.id, "text", row.month, price, row.seconds or 0.0, fate, **about))
    return found
