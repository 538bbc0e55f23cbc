"""API routes of Analytics. They read what the pages read, with the same rights: the `money:read`
scope, and the creators of the key."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.ops.wall_time import local_day
from insights.metrics.catalog import METRICS
from insights.rollups import costs, metric_queries
from insights.rollups.periods import AnalyticsPeriod, Comparison
from insights.rollups.queries import daily_sales_by_creator
from insights.rollups.sales_analysis import SalesAnalysis, load_sales_analysis
from subscribers.orders import sales
from subscribers.orders.cohorts import CohortTable, load_cohorts
from subscribers.orders.sales import SaleFilter
from subscribers.orders.sales_breakdowns import (
    SalesBreakdown,
    SalesDimension,
    SalesGroup,
    break_down_sales,
)
from tenants.agencies.queries import Creator
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.schemas import (
    AmountOut,
    CohortOut,
    CohortsOut,
    CreatorQuery,
    FunnelStepOut,
    GroupsQuery,
    HourOut,
    HoursOut,
    MetricOut,
    MetricsOut,
    PeriodQuery,
    PostsOut,
    PostsQuery,
    PostValuesOut,
    ProfitMonthOut,
    ProfitOut,
    SalesGroupOut,
    SalesGroupsOut,
    SalesOut,
    SalesQuery,
    SalesTotalOut,
    SeriesOut,
    SeriesPointOut,
    SeriesQuery,
    amounts_of,
)
from web.api.common import pagination
from web.api.common.calls import ApiCall, Caller, read_dependency
from web.api.common.schemas import PageQuery

T = TypeVar("T")
PREFIX = "/analytics"


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/analytics` that read."""
    routes = APIRouter(prefix=PREFIX, tags=["analytics"])
    _add_metric_routes(routes, tenant)
    _add_sales_routes(routes, tenant)
    _add_profit_route(routes, tenant)
    return routes


def list_queried_creators(
    sight: Caller, creator_id: UUID | None, period: PeriodQuery
) -> list[Creator]:
    """Return the creator of a query, or all of the key.

    Raises NotFound for another creator and without any, and BadInput for an invalid period.
    """
    sales.check_period(period.first, period.last)
    return _choose_creators(sight, creator_id)


def _choose_creators(sight: Caller, creator_id: UUID | None) -> list[Creator]:
    if creator_id is not None:
        return [sight.get_creator(creator_id)]
    if not sight.creators:
        raise NotFound("creator.unknown", creator="")
    return list(sight.creators.values())


def _add_metric_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/metrics", response_model=MetricsOut)
    def list_metrics(call: Annotated[ApiCall, can_read]) -> MetricsOut:
        """List the metrics with their units, formulas and platforms. Requires the `money:read`
        scope."""
        call.read(lambda scope, sight: None)  # checks the member's rights
        return MetricsOut(items=[MetricOut.of(one) for one in METRICS.values()])

    @routes.get("/series", response_model=SeriesOut)
    def get_series(
        call: Annotated[ApiCall, can_read], which: Annotated[SeriesQuery, Query()]
    ) -> SeriesOut:
        """Return a metric by local day, for each account or creator. Requires the `money:read`
        scope."""
        points = call.read(lambda scope, sight: _load_series(scope, sight, which))
        items, following = cut_page("series", which, points)
        return SeriesOut(metric=which.metric, items=items, next=following)

    @routes.get("/posts", response_model=PostsOut)
    def list_posts(
        call: Annotated[ApiCall, can_read], which: Annotated[PostsQuery, Query()]
    ) -> PostsOut:
        """List the metrics of the posts of a period at an equal age. Requires the `money:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> list[PostValuesOut]:
            mine = list_queried_creators(sight, which.creator, which)
            found = metric_queries.load_post_values(
                scope,
                [one.id for one in mine],
                list(METRICS),
                age_hours=which.age_hours,
                first=which.first,
                last=which.last,
            )
            return [PostValuesOut(id=one, values=values) for one, values in sorted(found.items())]

        items, following = cut_page("posts", which, call.read(ask))
        return PostsOut(age_hours=which.age_hours, items=items, next=following)


def _load_series(scope: Scope, sight: Caller, which: SeriesQuery) -> list[SeriesPointOut]:
    ids = [one.id for one in list_queried_creators(sight, which.creator, which)]
    metric = METRICS.get(which.metric)
    if metric is None:
        raise BadInput("api.unknown_metric", metric=which.metric)
    if not metric_queries.has_series(metric):
        raise BadInput("api.no_series", metric=metric.code)
    if metric.level != "creator":
        found = metric_queries.load_channel_days(scope, ids, [metric.code], which.first, which.last)
        return [SeriesPointOut.of(one) for one in found]
    if metric.code in metric_queries.SALES_SERIES:
        return _load_sales_series(scope, ids, which)
    facts = metric_queries.load_creator_facts(scope, ids, [metric.code], which.first, which.last)
    return [
        SeriesPointOut(
            creator_id=one.creator_id,
            channel_id=None,
            day=one.day,
            value=_as_number(one.value),
            currency=one.currency,
            interpolated=False,
        )
        for one in facts
    ]


def _as_number(value: Decimal) -> int | float:
    """Return a value as a whole number, or with decimals: engines cost parts of a minor unit."""
    return int(value) if value == int(value) else float(value)


def _load_sales_series(
    scope: Scope, ids: Sequence[UUID], which: SeriesQuery
) -> list[SeriesPointOut]:
    found = daily_sales_by_creator(scope, ids, which.first, which.last)
    points = [
        (day, creator, row) for creator, days in found.items() for day in days for row in days[day]
    ]
    return [
        SeriesPointOut(
            creator_id=creator,
            channel_id=None,
            day=day,
            value=row.orders if which.metric == "orders" else getattr(row, which.metric).minor,
            currency=row.gross.currency,
            interpolated=False,
        )
        for day, creator, row in sorted(points, key=lambda one: (*one[:2], one[2].gross.currency))
    ]


def _add_sales_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/sales", response_model=SalesOut)
    def get_sales(
        call: Annotated[ApiCall, can_read], which: Annotated[SalesQuery, Query()]
    ) -> SalesOut:
        """Return the sales of a period with buyers and the steps to a purchase. Requires the
        `money:read` scope."""
        compare = Comparison(which.compare)
        found = call.read(lambda scope, sight: _load_analysis(scope, sight, which, compare))
        totals = []
        for one in found.breakdown.totals.values():
            before = found.net_before(one.currency)
            net_before = before.minor if before is not None else None
            totals.append(SalesTotalOut(**amounts_of(one), net_before=net_before))
        return SalesOut(
            totals=totals,
            buyers_new=found.buyers.new,
            buyers_returning=found.buyers.returning,
            funnel=[FunnelStepOut.of(one) for one in found.funnel],
        )

    @routes.get("/sales/groups", response_model=SalesGroupsOut)
    def list_sales_groups(
        call: Annotated[ApiCall, can_read], which: Annotated[GroupsQuery, Query()]
    ) -> SalesGroupsOut:
        """List the sales of a period by creator, pack, channel or fan. Requires the `money:read`
        scope."""
        found = call.read(lambda scope, sight: _load_breakdown(scope, sight, which))
        groups = [_build_group(one, which.by) for one in found.groups[which.by]]
        items, following = cut_page("groups", which, groups)
        return SalesGroupsOut(items=items, next=following)

    @routes.get("/sales/hours", response_model=HoursOut)
    def list_sales_hours(
        call: Annotated[ApiCall, can_read], which: Annotated[PeriodQuery, Query()]
    ) -> HoursOut:
        """List the sales of a period by hour of the week. Requires the `money:read` scope."""
        found = call.read(lambda scope, sight: _load_breakdown(scope, sight, which))
        return HoursOut(items=[HourOut.of(one) for one in found.hours])

    @routes.get("/cohorts", response_model=CohortsOut)
    def list_cohorts(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorQuery, Query()]
    ) -> CohortsOut:
        """List the cohorts of the last twelve months by month of first purchase. Requires the
        `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> CohortTable:
            mine = _choose_creators(sight, which.creator)
            today = max(local_day(scope.now, one.zone) for one in mine)
            return load_cohorts(scope, mine, today)

        found = call.read(ask)
        return CohortsOut(
            items=[CohortOut.of(one) for one in found.cohorts],
            unassigned=[AmountOut.of(one) for one in found.unassigned],
        )


def _load_analysis(
    scope: Scope, sight: Caller, which: PeriodQuery, compare: Comparison
) -> SalesAnalysis:
    mine = list_queried_creators(sight, which.creator, which)
    return load_sales_analysis(scope, mine, AnalyticsPeriod(which.first, which.last, compare))


def _load_breakdown(scope: Scope, sight: Caller, which: PeriodQuery) -> SalesBreakdown:
    mine = list_queried_creators(sight, which.creator, which)
    return break_down_sales(scope, SaleFilter(tuple(mine), which.first, which.last))


def _build_group(one: SalesGroup, by: SalesDimension) -> SalesGroupOut:
    name = "" if by is SalesDimension.FAN else one.name
    return SalesGroupOut(**amounts_of(one), key=one.key, name=name)


def _add_profit_route(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/profit", response_model=ProfitOut)
    def list_profit(
        call: Annotated[ApiCall, can_read], which: Annotated[PeriodQuery, Query()]
    ) -> ProfitOut:
        """List sales, costs and profit of the whole months of a period. Requires the `money:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> list[ProfitMonthOut]:
            mine = list_queried_creators(sight, which.creator, which)
            found = costs.load_costs(scope, mine, which.first, which.last)
            return [ProfitMonthOut.of(one) for one in found.months]

        return ProfitOut(items=call.read(ask))


def cut_page(name: str, which: PageQuery, rows: Sequence[T]) -> tuple[list[T], str | None]:
    """Return a page of rows that are always in the same order, and the cursor of the next page. The
    cursor is the number of the rows before it."""
    question = [name, which.model_dump(mode="json", exclude={"cursor", "limit"})]
    start = 0
    if which.cursor is not None:
        (place,) = pagination.decode_cursor(question, which.cursor, parts=1)
        start = int(place) if place.isascii() and place.isdigit() and len(place) <= 9 else 0
    end = start + which.limit
    following = pagination.encode_cursor(question, [str(end)]) if end < len(rows) else None
    return list(rows[start:end]), following
