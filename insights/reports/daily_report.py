"""The daily report of a creator from the rollup of the day, as HTML, Markdown and CSV."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from channels.accounts.queries import Channel
from channels.limits import request_costs
from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.i18n.translation import Message, format_money, render_message
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, load_zone
from insights.metrics import followers
from insights.metrics.followers import AccountFollowers
from insights.metrics.queries import latest_metrics
from insights.metrics.readings import POST_METRICS
from insights.rollups import daily_rollups, queries
from insights.rollups.queries import DaySales, DayWork
from schedules.posts import labels
from schedules.posts.post_costs import MonthCost
from schedules.posts.queries import DeliveryEntry, entries_of_day
from studio.costs import cost_report
from studio.costs.cost_report import SpendingTotal
from subscribers.history import fan_timeline
from subscribers.history.fan_timeline import SaleLine
from subscribers.ledger import entries
from tenants.agencies.queries import Creator, get_creator

USUAL_DAYS = 28
"""Number of preceding days whose mean is the usual value."""

SHORT = 80
"""Maximum length of a post's text in a list, in characters."""

_MARKS = re.compile(r"[\\`*_\[\]~|!]")
"""Characters with a meaning inside a line of Markdown. User text never starts a line."""


@dataclass(frozen=True)
class DailyReport:
    """One local day of one creator. `usual` is the mean net of the preceding days, by currency."""

    creator: Creator
    day: date
    made_at: datetime
    work: DayWork
    sales: tuple[DaySales, ...]
    usual: dict[str, Money]
    posts: tuple[DeliveryEntry, ...]
    labels: Mapping[UUID, tuple[str, ...]]
    """Names of the labels by post; posts without labels are absent."""
    numbers: Mapping[UUID, Mapping[str, int]]
    """Latest metrics by delivery; unknown ones are absent."""
    crowds: tuple[AccountFollowers, ...]
    orders: tuple[SaleLine, ...]
    spent: SpendingTotal
    """Content costs of the day; they are not deducted from sales."""
    balanced: bool
    """True if rail movements, ledger and rollup agree to the minor unit."""

    def best_posts(self, post: DeliveryEntry) -> dict[str, int]:
        """Return the known metrics of a post in a fixed order."""
        told = self.numbers.get(post.delivery_id, {})
        return {name: told[name] for name in POST_METRICS if name in told}

    def label_totals(self, post: DeliveryEntry) -> tuple[str, ...]:
        """Return the names of the labels of a post."""
        return self.labels.get(post.post_id, ())


def rebuild_daily_report(scope: Scope, creator_id: UUID, day: date) -> DailyReport:
    """Roll up a day and return its report. Raises NotFound for an unknown creator."""
    daily_rollups.rebuild_day(scope, creator_id, day)
    return load_daily_report(scope, creator_id, day)


def load_daily_report(scope: Scope, creator_id: UUID, day: date) -> DailyReport:
    """Return the report of a day that was rolled up. Raises NotFound for an unknown creator."""
    creator = get_creator(scope, creator_id)
    money = queries.daily_sales(scope, creator_id, day, day).get(day, [])
    start, end = day_bounds(day, creator.zone)
    orders = fan_timeline.sales_between(scope, creator_id, start, end)
    booked = _without_zeros(
        {
            row.currency: row.net_minor
            for row in entries.creator_totals(scope, creator_id, start, end)
        }
    )
    posts = tuple(entries_of_day(scope, creator_id, day, creator.zone))
    return DailyReport(
        creator=creator,
        day=day,
        made_at=scope.now,
        work=queries.daily_work(scope, creator_id, day, day).get(day, DayWork()),
        sales=tuple(money),
        usual=_load_usual_sales(scope, creator_id, day),
        posts=posts,
        labels=_load_label_names(scope, posts),
        numbers=latest_metrics(scope, [post.delivery_id for post in posts]),
        crowds=tuple(followers.followers_on_day(scope, creator_id, day)),
        orders=tuple(orders),
        spent=cost_report.total_spending(cost_report.spent_between(scope, creator_id, start, end)),
        balanced=_net_by_currency(money) == _orders_by_currency(orders) == booked,
    )


def _load_label_names(scope: Scope, posts: Sequence[DeliveryEntry]) -> dict[UUID, tuple[str, ...]]:
    found = labels.labels_of_posts(scope, {post.post_id for post in posts}) if posts else {}
    return {post_id: tuple(one.name for one in each) for post_id, each in found.items()}


def _load_usual_sales(scope: Scope, creator_id: UUID, day: date) -> dict[str, Money]:
    """Return the mean over the preceding days that were rolled up, so that a new creator is not
    compared with empty weeks."""
    first = day - timedelta(days=USUAL_DAYS)
    last = day - timedelta(days=1)
    known = len(queries.daily_work(scope, creator_id, first, last))
    sums: dict[str, int] = {}
    for rows in queries.daily_sales(scope, creator_id, first, last).values():
        for row in rows:
            sums[row.net.currency] = sums.get(row.net.currency, 0) + row.net.minor
    return {
        currency: Money(round(Fraction(total, max(known, 1))), currency)
        for currency, total in sums.items()
    }


def _without_zeros(sums: Mapping[str, int]) -> dict[str, int]:
    return {currency: minor for currency, minor in sums.items() if minor}


def _net_by_currency(rows: list[DaySales]) -> dict[str, int]:
    return _without_zeros({row.net.currency: row.net.minor for row in rows})


def _orders_by_currency(orders: list[SaleLine]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for order in orders:
        sums[order.amount.currency] = sums.get(order.amount.currency, 0) + order.amount.minor
    return _without_zeros(sums)


def report_templates() -> Environment:
    """Return the template environment of reports: HTML is escaped, and an undefined name is an
    error."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["short"] = _truncate_text
    return made


def _render_report(
    template: str, report: DailyReport, language: str, plain: Callable[[str], str] = str
) -> str:
    """Render a template; `plain` escapes user text. HTML is escaped by the environment."""
    zone = load_zone(report.creator.zone)

    def sentence(message: Message) -> str:
        params = {
            name: plain(value) if isinstance(value, str) else value
            for name, value in message.params.items()
        }
        return render_message(Message(message.code, params), language)

    def word(code: str, **params: str | int) -> str:
        return render_message(Message(code, params), language)

    def clock(instant: datetime) -> str:
        return f"{instant.astimezone(zone):%H:%M}"

    said = {
        "word": word,
        "clock": clock,
        "sentence": sentence,
        "plain": plain,
        "language": language,
    }
    return (
        report_templates()
        .get_template(template)
        .render(report=report, amount=lambda one: format_money(one, language), **said)
    )


def render_daily_html(report: DailyReport, language: str) -> str:
    """Return the report as a self-contained HTML page without scripts or external resources."""
    return _render_report("daily.html", report, language)


def render_daily_markdown(report: DailyReport, language: str) -> str:
    """Return the report as Markdown; user text is escaped to one line."""
    return _render_report("daily.md", report, language, escape_markdown)


def _truncate_text(text: str, most: int = SHORT) -> str:
    """Return the text on one line, truncated to `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def escape_markdown(text: str) -> str:
    """Return user text on one line with all Markdown characters escaped."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;"))


def render_daily_csv(report: DailyReport) -> str:
    """Return the report as CSV, one fact per line, amounts in minor units."""
    rows: list[Sequence[CsvCell]] = [
        ["kind", "at_utc", "name", "state", "amount_minor", "currency", "count"]
    ]
    for post in report.posts:
        said = _truncate_text(post.title or post.body)
        rows.append(["post", post.due_at.isoformat(), said, post.state, "", "", ""])
        for label in report.label_totals(post):
            rows.append(["post_label", post.due_at.isoformat(), said, label, "", "", ""])
        for name, count in report.best_posts(post).items():
            rows.append([f"post_{name}", post.due_at.isoformat(), said, "", "", "", count])
    for order in report.orders:
        amount = order.amount
        at = order.at.isoformat()
        rows.append([order.kind, at, order.title, "", amount.minor, amount.currency, ""])
    for row in report.sales:
        for name, part in (("gross", row.gross), ("refunds", row.refunds), ("net", row.net)):
            rows.append([name, "", str(report.day), "", part.minor, part.currency, ""])
    for name, sums in (("spent", report.spent.spent), ("spent_lost", report.spent.lost_spending)):
        for part in sums:
            rows.append([name, "", str(report.day), "", part.minor, part.currency, ""])
    for crowd in report.crowds:
        rows.append(["followers", "", crowd.account, "", "", "", crowd.followers])
    return render_csv_table(rows)


def render_costs_csv(
    month: MonthCost, requests: Sequence[tuple[Channel, request_costs.AccountBill]] = ()
) -> str:
    """Return the costs of a month as CSV, per currency: a line for each post, for costs of unused
    content and for the total.

    Amounts are exact in minor units, so that posts and the rest add up to the total. Machine time
    and the request costs of each account are on separate lines and not part of the total.
    """
    rows: list[Sequence[CsvCell]] = [
        [
            "kind",
            "month",
            "post",
            "name",
            "amount_minor",
            "lost_minor",
            "currency",
            "seconds",
            "things",
        ]
    ]
    bills = [
        ("post", str(post.post_id), _truncate_text(post.called), post.own) for post in month.posts
    ]
    bills += [
        ("shared", str(post.post_id), _truncate_text(post.called), post.shared)
        for post in month.posts
    ]
    bills += [("unassigned", "", "", month.unassigned), ("total", "", "", month.total)]
    for kind, post_id, called, bill in bills:
        if not bill.things and kind == "shared":
            continue
        rows.append(
            [kind, month.month, post_id, called, "", "", "", round(bill.seconds, 3), bill.things]
        )
        for currency, minor in sorted(bill.exact.items()):
            lost = bill.lost.get(currency, Decimal(0))
            rows.append([kind, month.month, post_id, called, minor, lost, currency, "", ""])
    for account, asked in requests:
        name = f"{account.platform} {account.name}"
        price = asked.price
        many = sum(asked.many.values())
        rows.append(["requests", month.month, "", name, price.minor, "", price.currency, "", many])
    return render_csv_table(rows)


def write_daily_report(report: DailyReport, folder: Path, language: str) -> Path:
    """Write the report as HTML, Markdown and CSV to `folder` and return the path of the HTML page.
    An earlier report of the day is replaced."""
    # Reports contain sales figures: only the user of the installation may read them.
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    page = folder / f"{report.day}.html"
    page.write_text(render_daily_html(report, language), encoding="utf-8")
    page.with_suffix(".md").write_text(render_daily_markdown(report, language), encoding="utf-8")
    page.with_suffix(".csv").write_text(render_daily_csv(report), encoding="utf-8")
    return page
