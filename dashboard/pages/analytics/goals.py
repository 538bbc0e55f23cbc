"""Goals of the current month: how far each is reached, and the form that sets one."""

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.shell import forms
from dashboard.shell.actions import action_button, submit_button, typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.tables import Table, TableCell, TableColumn, TableRow, draw_table
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money, list_currencies, parse_money
from foundation.ops.wall_time import local_day
from insights.metrics.catalog import METRICS
from insights.workspace.goals import (
    Goal,
    GoalMetric,
    GoalProgress,
    GoalStatus,
    delete_goal,
    list_goal_progress,
    set_goal,
)
from tenants.agencies.queries import Creator, get_agency
from tenants.agencies.rights import Right

FORM = "goal"
COMMON_CURRENCIES = ("EUR", "USD", "GBP", "CHF")
MONTHS_AHEAD = 3
TONES = {
    GoalStatus.REACHED: "good",
    GoalStatus.ON_TRACK: "good",
    GoalStatus.UPCOMING: "open",
    GoalStatus.BEHIND: "bad",
    GoalStatus.MISSED: "bad",
}


def render_goals(page: PageContext, currencies: list[str]) -> None:
    """Render the goals of the chosen creators. `currencies` are those of their sales."""

    def read(scope: Scope) -> tuple[list[Creator], date, list[GoalProgress]]:
        chosen = filters.list_chosen_creators(page, scope)
        today = local_day(scope.now, get_agency(scope).zone)
        return chosen, today, list_goal_progress(scope, chosen, today)

    creators, today, found = page.read(read)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.subheader(page.text("analytics.goals", month=page.localizer.format_month(today)))
        with st.popover(page.text("analytics.goals.edit"), icon=":material/flag:"):
            _render_list(page, creators, found)
            _render_form(page, creators, today, currencies)
    if not found:
        draw_template("shell/templates/note.html", note=page.text("analytics.goals.none"))
        return
    names = {one.id: one.name for one in creators}
    table = Table(
        caption=page.text("analytics.goals", month=page.localizer.format_month(today)),
        columns=[
            TableColumn(page.text(f"analytics.goals.column.{name}"), is_number=is_number)
            for name, is_number in (
                *(("creator", False), ("metric", False), ("value", True), ("target", True)),
                *(("percent", True), ("status", False)),
            )
        ],
        rows=[TableRow(_build_cells(page, names, one)) for one in found],
    )
    draw_table(page, table, key="analytics:goals", on_press=lambda _: None)


def _build_cells(page: PageContext, names: dict[UUID, str], one: GoalProgress) -> list[TableCell]:
    status = page.text(f"analytics.goals.status.{one.status}")
    return [
        TableCell(names[one.goal.creator_id]),
        TableCell(_metric_name(page, one.goal.metric)),
        TableCell(_format(page, one.goal, one.value)),
        TableCell(_format(page, one.goal, one.goal.target)),
        TableCell(page.text("overview.percent", percent=str(one.percent))),
        TableCell(status, tone=TONES[one.status]),
    ]


def _metric_name(page: PageContext, metric: GoalMetric) -> str:
    return page.localizer.message_text(METRICS[metric].name)


def _format(page: PageContext, goal: Goal, value: int) -> str:
    if goal.currency:
        return page.localizer.format_money(Money(value, goal.currency))
    return page.localizer.format_number(value)


def _render_list(page: PageContext, creators: list[Creator], found: list[GoalProgress]) -> None:
    names = {one.id: one.name for one in creators}
    for one in found:
        goal = one.goal
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            parts = (
                names[goal.creator_id],
                _metric_name(page, goal.metric),
                _format(page, goal, goal.target),
            )
            st.text(" · ".join(parts), width="stretch")
            action_button(
                page,
                "analytics.goals.delete",
                partial(_delete, page, goal.id),
                right=Right.MONEY,
                key=f"goal:delete:{goal.id}",
                kind="tertiary",
                icon=":material/delete:",
            )


def _render_form(
    page: PageContext, creators: list[Creator], today: date, currencies: list[str]
) -> None:
    months = [today.replace(day=1)]
    for _ in range(MONTHS_AHEAD):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    known = dict.fromkeys((*currencies, *COMMON_CURRENCIES, *list_currencies()))
    with forms.open_form(page, "analytics:goal"):
        fields: tuple[tuple[str, list[Any], Any], ...] = (
            ("creator", creators, lambda one: one.name),
            ("month", months, page.localizer.format_month),
            ("metric", list(GoalMetric), partial(_metric_name, page)),
        )
        for name, options, label in fields:
            st.selectbox(
                page.text(f"analytics.goals.column.{name}"),
                options,
                format_func=label,
                key=f"{FORM}:{name}",
            )
        st.text_input(page.text("analytics.goals.target_value"), max_chars=20, key=f"{FORM}:target")
        forms.show_field_error("target")
        st.selectbox(
            page.text("analytics.goals.currency"),
            list(known),
            format_func=page.localizer.format_currency,
            help=page.text("analytics.goals.currency_help"),
            key=f"{FORM}:currency",
        )
        submit_button(
            page,
            "analytics.goals.save",
            partial(_save, page),
            right=Right.MONEY,
            key=f"{FORM}:save",
        )


def _save(page: PageContext, scope: Scope, press_id: UUID) -> Message:
    metric = GoalMetric(typed_value(f"{FORM}:metric"))
    currency = str(typed_value(f"{FORM}:currency"))
    creator: Creator = typed_value(f"{FORM}:creator")
    set_goal(
        scope,
        member_id=page.viewer.member.id,
        creator_id=creator.id,
        month=typed_value(f"{FORM}:month"),
        metric=str(metric),
        target=parse_target(str(typed_value(f"{FORM}:target") or ""), metric, currency),
        currency=currency,
        key=press_id,
    )
    forms.set_on_success(f"{FORM}:target", "")
    return Message("analytics.goals.was_saved", {"creator": creator.name})


def parse_target(text: str, metric: GoalMetric, currency: str) -> int:
    """Return a typed target: minor units of the currency, or a whole count. Raises BadInput."""
    try:
        if metric.is_money:
            return parse_money(text, currency).minor
        return int("".join(text.split()))
    except ValueError:
        raise BadInput("goal.target_wrong").about("target") from None


def _delete(page: PageContext, goal_id: UUID, scope: Scope, _: UUID) -> Message:
    delete_goal(scope, goal_id, member_id=page.viewer.member.id)
    return Message("analytics.goals.was_deleted")
