"""The facts of a report: every number that it shows, computed once and stored with its unit,
source, age and comparison. Texts, charts, files and messages are made from the facts alone, so that
a stored report stays the same when its sources change later.

Amounts of different currencies are never added.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.ops.wall_time import day_bounds
from gate.contract.units import Text
from gate.surfaces.contents import Content
from gate.surfaces.decisions import show_allowed
from insights.metrics import followers
from insights.reports.options import INTERNALS, Audience
from insights.reports.periods import ReportKind, period_before
from insights.reports.post_facts import PostFact, load_top_posts, post_content, shown_fact
from insights.rollups import queries
from insights.rollups.periods import DateRange
from insights.rollups.queries import DaySales, DayWork
from studio.costs import cost_report
from subscribers.orders import sales
from tenants.agencies.queries import Creator

FACTS_VERSION = 1
"""Version of the stored form. A stored report is rendered by the code of its version."""

Unit = Literal["count", "money"]
Source = Literal["ledger", "posts", "platforms", "chats", "costs"]
SALES_METRICS = ("net", "gross", "refunds", "orders")
SPLIT_METRICS = ("creator_share", "agency_share", "staff_share")
WORK_METRICS = (
    *("posts_published", "posts_failed", "views", "interactions"),
    *("new_fans", "messages_in", "messages_out"),
)
STAFF_METRICS = frozenset({"posts_failed", "messages_in", "messages_out", *SPLIT_METRICS})
CHART_METRICS = ("net", "views")
"""Metrics with a series of their days."""


@dataclass(frozen=True)
class Fact:
    """A number of a report. `value` is in minor units for money and None if it is unknown; `before`
    is the value of the preceding period. `creator` is the ID of a creator, or "" for a total.

    `as_of` is the time of the newest source row (ISO 8601), or "" if there is none.
    """

    metric: str
    creator: str
    unit: Unit
    currency: str
    value: int | None
    before: int | None
    source: Source
    as_of: str


@dataclass(frozen=True)
class DaySeries:
    """A metric of all creators for each day of the period, or of the days before it in a daily
    report."""

    metric: str
    currency: str
    first: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class ReportFacts:
    """All facts of a report. `creators` maps IDs to names, `allowed` are the internal facts that a
    client's report contains; instants are ISO 8601 in UTC."""

    kind: str
    audience: str
    first: str
    last: str
    made_at: str
    currency: str
    creators: Mapping[str, str]
    facts: tuple[Fact, ...]
    series: tuple[DaySeries, ...] = ()
    posts: tuple[PostFact, ...] = ()
    allowed: tuple[str, ...] = ()
    version: int = FACTS_VERSION

    @property
    def period(self) -> DateRange:
        """Return the days of the report."""
        return DateRange(date.fromisoformat(self.first), date.fromisoformat(self.last))

    def of(self, creator: str = "") -> list[Fact]:
        """Return the facts of a creator, or the totals."""
        return [one for one in self.facts if one.creator == creator]

    def find(self, metric: str, currency: str = "", creator: str = "") -> Fact | None:
        """Return one fact, or None."""
        wanted = (metric, currency, creator)
        return next(
            (one for one in self.facts if (one.metric, one.currency, one.creator) == wanted), None
        )

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ReportFacts":
        """Parse the stored form. Raises BadInput for a version that this release cannot render."""
        if stored.get("version") != FACTS_VERSION:
            raise BadInput("reports.version", version=str(stored.get("version"))[:10])
        values = dict(stored)
        values["facts"] = tuple(Fact(**one) for one in stored["facts"])
        values["series"] = tuple(
            DaySeries(**{**one, "values": tuple(one["values"])}) for one in stored["series"]
        )
        values["posts"] = tuple(PostFact(**one) for one in stored["posts"])
        values["allowed"] = tuple(stored.get("allowed", ()))
        return cls(**values)


@dataclass(frozen=True)
class FactsRequest:
    """The subject of a report. `allowed` are the internal facts of a client's report; `currency` is
    the one shown first."""

    kind: ReportKind
    period: DateRange
    audience: Audience
    currency: str
    allowed: frozenset[str] = frozenset(INTERNALS)


def load_report_facts(
    scope: Scope, creators: Sequence[Creator], asked: FactsRequest
) -> ReportFacts:
    """Compute the facts of a report from the rollups, which must be up to date.

    Money comes from the ledger through `sales_daily`: the facts of a period sum up to the ledger of
    that period. Raises BadInput for an invalid period.
    """
    period = asked.period
    before = period_before(asked.kind, period.first)
    ids = [one.id for one in creators]
    money = queries.daily_sales_by_creator(scope, ids, before.first, period.last)
    work = queries.daily_work_by_creator(scope, ids, before.first, period.last)
    as_of = _read_ages(scope, ids, period)
    found: list[Fact] = []
    for one in creators:
        key = str(one.id)
        found += _sales_facts(key, money[one.id], period, before, as_of)
        found += _work_facts(key, work[one.id], period, before, as_of)
        found += _follower_facts(scope, one, period, before)
        found += _cost_facts(scope, one, period, before)
    found += _buyer_facts(scope, creators, period, before, as_of)
    visible = [one for one in found if _is_visible(one, asked)]
    totals = _sum_facts(visible) if len(creators) != 1 else _as_totals(visible)
    return ReportFacts(
        kind=asked.kind,
        audience=asked.audience,
        first=period.first.isoformat(),
        last=period.last.isoformat(),
        made_at=scope.now.isoformat(),
        currency=asked.currency,
        creators={str(one.id): one.name for one in creators},
        facts=(*totals, *visible) if len(creators) != 1 else tuple(totals),
        series=_load_series(scope, ids, asked),
        posts=load_top_posts(scope, creators, period),
        allowed=tuple(sorted(asked.allowed)) if asked.audience == "client" else (),
    )


def _is_visible(fact: Fact, asked: FactsRequest) -> bool:
    """Return True unless the fact is internal and the report is for a client."""
    if asked.audience == "team":
        return True
    if fact.metric == "fees":
        return "fees" in asked.allowed
    if fact.metric == "cost_engines":
        return "costs" in asked.allowed
    return fact.metric not in STAFF_METRICS or "staff" in asked.allowed


def _sales_facts(
    creator: str,
    found: Mapping[date, Collection[DaySales]],
    period: DateRange,
    before: DateRange,
    as_of: Mapping[str, str],
) -> list[Fact]:
    inside = _sum_sales(found, period)
    earlier = _sum_sales(found, before)
    facts: list[Fact] = []
    for currency in sorted(inside.keys() | earlier.keys()):
        now = _sales_values(inside.get(currency, queries.no_sales(currency)))
        then = _sales_values(earlier.get(currency, queries.no_sales(currency)))
        for metric in (*SALES_METRICS, "fees", *SPLIT_METRICS):
            unit: Unit = "count" if metric == "orders" else "money"
            facts.append(
                Fact(
                    *(metric, creator, unit, currency),
                    *(now[metric], then[metric]),
                    *("ledger", as_of.get("sales", "")),
                )
            )
    return facts


def _sum_sales(
    found: Mapping[date, Collection[DaySales]], period: DateRange
) -> dict[str, DaySales]:
    return queries.add_sales(row for day in period.days for row in found.get(day, ()))


def _sales_values(sums: DaySales) -> dict[str, int]:
    """Return the metrics of sales by code."""
    return {
        "gross": sums.gross.minor,
        "refunds": sums.refunds.minor,
        "net": sums.net.minor,
        "fees": sums.fees_minor,
        "orders": sums.orders,
        "creator_share": sums.creator.minor,
        "agency_share": sums.agency.minor,
        "staff_share": sums.staff.minor,
    }


_WORK_FIELDS: Mapping[str, tuple[str, Source]] = {
    "posts_published": ("published", "posts"),
    "posts_failed": ("troubled", "posts"),
    "views": ("views", "platforms"),
    "interactions": ("interactions", "platforms"),
    "new_fans": ("new_fans", "chats"),
    "messages_in": ("messages_in", "chats"),
    "messages_out": ("messages_out", "chats"),
}


def _work_facts(
    creator: str,
    found: Mapping[date, DayWork],
    period: DateRange,
    before: DateRange,
    as_of: Mapping[str, str],
) -> list[Fact]:
    def total(name: str, over: DateRange) -> int | None:
        """Return the sum over the counted days, or None if no day was counted."""
        rows = [found[day] for day in over.days if day in found]
        return sum(int(getattr(row, name)) for row in rows) if rows else None

    facts: list[Fact] = []
    for metric in WORK_METRICS:
        name, source = _WORK_FIELDS[metric]
        value = total(name, period)
        earlier = total(name, before)
        age = as_of.get("work", "")
        facts.append(Fact(metric, creator, "count", "", value, earlier, source, age))
    return facts


def _follower_facts(
    scope: Scope, creator: Creator, period: DateRange, before: DateRange
) -> list[Fact]:
    """Return the followers of all accounts at the end of the period, or nothing without a count."""
    found = followers.followers_by_day(scope, creator.id, before.first, period.last)

    def last_counts(until: date) -> list[int]:
        """Return the last count of each account, up to a day."""
        told = (max((day for day in days if day <= until), default=None) for days in found.values())
        each = zip(found.values(), told, strict=True)
        return [days[day] for days, day in each if day is not None]

    now = last_counts(period.last)
    then = last_counts(before.last)
    if not now:
        return []
    # Accounts that were counted for the first time in this period would look like growth.
    earlier = sum(then) if len(then) == len(now) else None
    return [Fact("followers", str(creator.id), "count", "", sum(now), earlier, "platforms", "")]


def _cost_facts(scope: Scope, creator: Creator, period: DateRange, before: DateRange) -> list[Fact]:
    def spent(over: DateRange) -> dict[str, int]:
        start = day_bounds(over.first, creator.zone)[0]
        end = day_bounds(over.last, creator.zone)[1]
        items = cost_report.spent_between(scope, creator.id, start, end)
        return {one.currency: one.minor for one in cost_report.total_spending(items).spent}

    now = spent(period)
    then = spent(before)
    return [
        Fact(
            *("cost_engines", str(creator.id), "money", currency),
            *(now.get(currency, 0), then.get(currency, 0), "costs", ""),
        )
        for currency in sorted(now.keys() | then.keys())
    ]


def _buyer_facts(
    scope: Scope,
    creators: Sequence[Creator],
    period: DateRange,
    before: DateRange,
    as_of: Mapping[str, str],
) -> list[Fact]:
    now = sales.count_buyers(scope, creators, period.first, period.last) if creators else {}
    then = sales.count_buyers(scope, creators, before.first, before.last) if creators else {}
    none = sales.BuyerCounts()
    facts: list[Fact] = []
    for one in creators:
        inside = now.get(one.id, none)
        earlier = then.get(one.id, none)
        for metric, value, value_before in (
            ("buyers_new", inside.new, earlier.new),
            ("buyers_returning", inside.returning, earlier.returning),
        ):
            age = as_of.get("sales", "")
            facts.append(Fact(metric, str(one.id), "count", "", value, value_before, "ledger", age))
    return facts


def _sum_facts(found: Iterable[Fact]) -> list[Fact]:
    """Return the totals of all creators, one for each metric and currency. Unknown values are left
    out of the sum; a total of unknown values is unknown."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    for one in found:
        groups.setdefault((one.metric, one.currency), []).append(one)
    return [
        Fact(
            *(metric, "", rows[0].unit, currency),
            *(_sum_known(row.value for row in rows), _sum_known(row.before for row in rows)),
            *(rows[0].source, max(row.as_of for row in rows)),
        )
        for (metric, currency), rows in groups.items()
    ]


def _as_totals(found: Iterable[Fact]) -> list[Fact]:
    """Return the facts of the only creator as totals, so that they are not shown twice."""
    return _sum_facts(found)


def _sum_known(values: Iterable[int | None]) -> int | None:
    known = [one for one in values if one is not None]
    return sum(known) if known else None


def _read_ages(scope: Scope, creators: Sequence[UUID], period: DateRange) -> dict[str, str]:
    """Return when the newest rollups of sales and work were computed."""
    found: dict[str, str] = {}
    for name, at in queries.rollup_times(scope, creators, period.first, period.last).items():
        found[name] = at.isoformat()
    return found


def _load_series(
    scope: Scope, creators: Sequence[UUID], asked: FactsRequest
) -> tuple[DaySeries, ...]:
    """Return the days of the charts: those of the period, or of the last 14 days in a daily
    report."""
    last = asked.period.last
    first = asked.period.first
    if asked.kind is ReportKind.DAILY:
        first = date.fromordinal(last.toordinal() - 13)
    days = DateRange(first, last).days
    money = queries.daily_sales_by_creator(scope, creators, first, last)
    work = queries.daily_work_by_creator(scope, creators, first, last)
    nets = {
        day: queries.add_sales(row for rows in money.values() for row in rows.get(day, ()))
        for day in days
    }
    views = {
        day: sum(counted[day].views for counted in work.values() if day in counted) for day in days
    }
    series = [
        DaySeries(
            *("net", currency, first.isoformat()),
            tuple(one[currency].net.minor if currency in one else 0 for one in nets.values()),
        )
        for currency in sorted({code for one in nets.values() for code in one})
    ]
    if any(views.values()):
        series.append(DaySeries("views", "", first.isoformat(), tuple(views.values())))
    return tuple(series)


def show_facts(scope: Scope, facts: ReportFacts, surface: str) -> ReportFacts:
    """Return the facts of a stored report as a surface may show them now, because the safety check
    may have allowed more when they were stored.

    Names of creators that it may not show are
    replaced by numbers, and such posts have no title and no address."""
    ids = {name: key for key, name in facts.creators.items()}
    posts = [one for one in facts.posts if one.creator in ids]
    names = [
        Content(surface, (UUID(key),), (Text("name", name),))
        for key, name in facts.creators.items()
    ]
    titles = [post_content(surface, UUID(ids[one.creator]), one.title) for one in posts]
    shown = show_allowed(scope, [*names, *titles])
    called = {
        key: one.text_of("name", f"#{number}")
        for number, (key, one) in enumerate(
            zip(facts.creators, shown[: len(names)], strict=True), start=1
        )
    }
    return replace(
        facts,
        creators=called,
        posts=tuple(
            replace(shown_fact(post, one), creator=called[ids[post.creator]])
            for post, one in zip(posts, shown[len(names) :], strict=True)
        ),
    )


def order_currencies(found: Iterable[str], first: str) -> list[str]:
    """Return currencies with the agency's own first and Stars last, the others by code."""
    return sorted(set(found), key=lambda code: (code != first, code == "XTR", code))


def parse_instant(stored: str) -> datetime | None:
    """Return an instant of the facts, or None for ""."""
    return datetime.fromisoformat(stored) if stored else None
