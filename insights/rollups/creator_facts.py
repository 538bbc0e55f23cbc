"""Facts of creators by local day that no reading contains: response times, sentiments, generation,
costs, and published and failed posts of each account."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from channels.limits import request_costs
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import day_bounds, local_day
from schedules.posts.daily_counts import DeliveryCounts, count_deliveries_by_day
from studio.costs.daily_output import DailyOutput, output_by_day
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import SentimentCounts
from subscribers.conversations.response_times import ResponseFacts, response_facts_by_day
from tenants.agencies.queries import get_agency, get_creator

API_COST = "cost_api"
POST_COUNTS = ("posts_published", "posts_failed", "posts_late")
COMMENT_SENTIMENTS = {one: f"{one}_comments" for one in message_sentiments.CLEAR}
MESSAGE_SENTIMENTS = {one: f"{one}_messages" for one in message_sentiments.CLEAR}
"""Metrics of the sentiments of comments and messages."""

FACTS = frozenset(
    (
        *("conversations", "hand_offs", "answered", "unanswered"),
        *("response_time_median", "response_time_p90"),
        *COMMENT_SENTIMENTS.values(),
        *MESSAGE_SENTIMENTS.values(),
        *("generations", "generations_failed", "generation_time", "cost_engines", API_COST),
    )
)
"""Metrics of a creator that are stored for each day."""

_REPLACE_FACTS = """
WITH wanted AS (
  SELECT id, day, metric, currency, value
  FROM jsonb_populate_recordset(CAST(NULL AS creator_facts), CAST(:page AS jsonb))
), gone AS (
  DELETE FROM creator_facts f WHERE f.tenant_id = :tenant AND f.creator_id = :creator
    AND f.day BETWEEN :first AND :last AND f.metric <> :kept AND NOT EXISTS (SELECT 1 FROM wanted w
      WHERE w.day = f.day AND w.metric = f.metric AND w.currency = f.currency)
)
INSERT INTO creator_facts AS f (tenant_id, id, creator_id, day, metric, currency, value)
SELECT :tenant, id, :creator, day, metric, currency, value FROM wanted
ON CONFLICT (tenant_id, creator_id, day, metric, currency) DO UPDATE SET value = EXCLUDED.value,
  updated_at = house_now() WHERE f.value <> EXCLUDED.value
"""

_REPLACE_COUNTS = """
WITH wanted AS (
  SELECT id, channel_id, day, metric, value
  FROM jsonb_populate_recordset(CAST(NULL AS channel_days), CAST(:page AS jsonb))
), gone AS (
  DELETE FROM channel_days c WHERE c.tenant_id = :tenant AND c.creator_id = :creator
    AND c.day BETWEEN :first AND :last AND c.metric = ANY(CAST(:metrics AS text[]))
    AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.channel_id = c.channel_id AND w.day = c.day
      AND w.metric = c.metric)
)
INSERT INTO channel_days AS c (tenant_id, id, creator_id, channel_id, day, metric, value,
  interpolated)
SELECT :tenant, id, :creator, channel_id, day, metric, value, false FROM wanted
ON CONFLICT (tenant_id, creator_id, day, metric, channel_id) DO UPDATE SET value = EXCLUDED.value,
  updated_at = house_now() WHERE c.value <> EXCLUDED.value
"""

_SPENT_EARLIER = """
SELECT currency, sum(value) AS value FROM creator_facts WHERE tenant_id = :tenant
  AND creator_id = :creator AND metric = :metric AND day >= :first AND day < :today
GROUP BY currency
"""


def rebuild_facts(scope: Scope, creator_id: UUID, first: date, last: date) -> None:
    """Store the facts of a creator's local days from `first` to `last` inclusive. Idempotent.

    Request costs are metered by month only, so today's are what the month has cost since the days
    before; those of other days are not changed.
    """
    zone = get_creator(scope, creator_id).zone
    period = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    facts = [
        *_response_rows(response_facts_by_day(scope, creator_id, *period, zone=zone)),
        *_sentiment_rows(
            message_sentiments.count_sentiments_by_day(scope, creator_id, *period, zone=zone)
        ),
        *_output_rows(output_by_day(scope, creator_id, *period, zone=zone)),
    ]
    today = local_day(scope.now, zone)
    if first <= today <= last:
        facts += _request_cost_rows(scope, creator_id, today)
    whose = {"tenant": scope.tenant_id, "creator": creator_id, "first": first, "last": last}
    scope.run(
        _REPLACE_FACTS, **whose, kept=API_COST, page=json.dumps(_with_ids(facts), default=str)
    )
    counts = _count_rows(count_deliveries_by_day(scope, creator_id, *period, zone=zone))
    scope.run(
        _REPLACE_COUNTS,
        **whose,
        metrics=list(POST_COUNTS),
        page=json.dumps(_with_ids(counts), default=str),
    )


Row = Mapping[str, Any]


def _with_ids(rows: Iterable[Row]) -> list[Row]:
    return [{"id": uuid7(), **row} for row in rows]


def _fact(day: date, metric: str, value: Decimal | float, currency: str = "") -> Row:
    return {"day": day, "metric": metric, "currency": currency, "value": round(value, 4)}


def _response_rows(found: Mapping[date, ResponseFacts]) -> list[Row]:
    rows: list[Row] = []
    for day, facts in found.items():
        rows += [
            _fact(day, "conversations", facts.conversations),
            _fact(day, "hand_offs", facts.hand_offs),
            _fact(day, "answered", facts.answered),
            _fact(day, "unanswered", facts.unanswered),
        ]
        if facts.median_seconds is not None and facts.p90_seconds is not None:
            rows.append(_fact(day, "response_time_median", facts.median_seconds))
            rows.append(_fact(day, "response_time_p90", facts.p90_seconds))
    return rows


def _sentiment_rows(found: Mapping[tuple[date, bool], SentimentCounts]) -> list[Row]:
    return [
        _fact(day, metric, getattr(counts, sentiment))
        for (day, is_comment), counts in found.items()
        for sentiment, metric in (COMMENT_SENTIMENTS if is_comment else MESSAGE_SENTIMENTS).items()
    ]


def _output_rows(found: Mapping[date, DailyOutput]) -> list[Row]:
    rows: list[Row] = []
    for day, output in found.items():
        rows += [
            _fact(day, "generations", output.generated),
            _fact(day, "generations_failed", output.failed),
            _fact(day, "generation_time", output.seconds),
        ]
        rows += [
            _fact(day, "cost_engines", minor, currency) for currency, minor in output.costs.items()
        ]
    return rows


def _request_cost_rows(scope: Scope, creator_id: UUID, today: date) -> list[Row]:
    month = local_day(scope.now, get_agency(scope).zone)
    if (month.year, month.month) != (today.year, today.month):
        return []  # the creator's month begins at another hour than the agency's
    spent: dict[str, Decimal] = {}
    for _, bill in request_costs.creator_bills(scope, creator_id):
        currency = bill.price.currency
        spent[currency] = spent.get(currency, Decimal(0)) + bill.price.minor
    if not spent:
        return []
    earlier = scope.run(
        _SPENT_EARLIER,
        tenant=scope.tenant_id,
        creator=creator_id,
        metric=API_COST,
        first=today.replace(day=1),
        today=today,
    )
    before = {row.currency: row.value for row in earlier}
    return [
        _fact(today, API_COST, minor - before.get(currency, Decimal(0)), currency)
        for currency, minor in spent.items()
    ]


def _count_rows(found: Sequence[DeliveryCounts]) -> list[Row]:
    rows: list[Row] = []
    for one in found:
        counts = zip(POST_COUNTS, (one.published, one.failed, one.late), strict=True)
        rows += [
            {"channel_id": one.channel_id, "day": one.day, "metric": metric, "value": value}
            for metric, value in counts
        ]
    return rows
