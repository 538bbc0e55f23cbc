"""The steps of a routine whose results come from `insights`: the evening report and the review of
the week."""

from collections.abc import Iterable
from datetime import timedelta

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.settings import Settings
from insights.reports import daily_report
from insights.rollups.queries import daily_sales, daily_work
from schedules.posts.states import DeliveryState
from schedules.routines import steps
from schedules.routines.handlers import StepContext, StepOutcome
from schedules.routines.states import StepKind, StepState
from schedules.routines.steps import ROUTINE_ACTOR, StepResults
from tenants.agencies import queries
from tenants.notices import notices
from workers.terminal.lookup import create_reports_folder

REVIEWED_DAYS = 5
"""Days of a weekly review, which ends on the day of the review."""

REPORT_CAUSE = "routine:report:"
REVIEW_CAUSE = "routine:review:"
"""Prefixes of the notice causes, before the creator ID."""


def report_routine_day(
    tenant: OpenScope, context: StepContext, *, settings: Settings
) -> StepOutcome:
    """Save the report of the day as files, and notify the creator's members of its figures."""
    creator = context.creator
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        report = daily_report.rebuild_daily_report(scope, creator.id, context.step.day)
        language = queries.get_agency(scope).language
    folder = create_reports_folder(settings, context.tenant_id, creator)
    daily_report.write_daily_report(report, folder, language)
    published = sum(post.state is DeliveryState.PUBLISHED for post in report.posts)
    counts = {"published": published, "posts": len(report.posts)}
    results = StepResults(counts=counts, sales=tuple(str(row.net) for row in report.sales))
    message = Message(
        "routine.report_ready",
        {"creator": creator.name, **counts, "sales": _format_sales(results.sales)},
    )
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        _notify_members(scope, context, message, REPORT_CAUSE)
    return StepOutcome(StepState.DONE, None, results)


def review_routine_week(tenant: OpenScope, context: StepContext) -> StepOutcome:
    """Sum up the days since Monday, and notify the creator's members: posts, sales, and steps that
    were skipped or failed."""
    creator = context.creator
    last = context.step.day
    first = last - timedelta(days=REVIEWED_DAYS - 1)
    days = [first + timedelta(days=number) for number in range(REVIEWED_DAYS)]
    with tenant(context.tenant_id, ROUTINE_ACTOR) as scope:
        daily_report.rebuild_daily_report(scope, creator.id, last)
        work = daily_work(scope, creator.id, first, last).values()
        sales = daily_sales(scope, creator.id, first, last).values()
        every = [step for day in days for step in steps.list_steps(scope, creator.id, day)]
        unfinished = [one for one in every if one.state in (StepState.SKIPPED, StepState.FAILED)]
        counts = {
            "published": sum(one.published for one in work),
            "troubled": sum(one.troubled for one in work),
            "slots": sum(one.kind is StepKind.PUBLISH for one in every),
            "unfinished": len(unfinished),
        }
        totals = _sum_sales(row.net for rows in sales for row in rows)
        results = StepResults(counts=counts, sales=tuple(map(str, totals)))
        message = Message(
            "routine.review_ready",
            {"creator": creator.name, **counts, "sales": _format_sales(results.sales)},
        )
        _notify_members(scope, context, message, REVIEW_CAUSE)
    return StepOutcome(StepState.DONE, None, results)


def _notify_members(scope: Scope, context: StepContext, message: Message, prefix: str) -> None:
    """Put a notice that replaces the one of the previous period."""
    creator_id = context.creator.id
    cause = f"{prefix}{creator_id}:{context.step.day}"
    notices.close_others(scope, f"{prefix}{creator_id}:", (cause,))
    notices.put(scope, message, cause=cause, creator_id=creator_id)


def _sum_sales(amounts: Iterable[Money]) -> list[Money]:
    sums: dict[str, int] = {}
    for amount in amounts:
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return [Money(minor, currency) for currency, minor in sorted(sums.items())]


def _format_sales(sales: tuple[str, ...]) -> str:
    return ", ".join(sales) or "0"
