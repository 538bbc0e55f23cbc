"""Annotations of charts: rules in the charts, and the form that adds and deletes them."""

from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.shell import forms
from dashboard.shell.actions import action_button, submit_button, typed_value
from dashboard.shell.charts import ChartNote
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.rollups.periods import AnalyticsPeriod
from insights.workspace.annotations import (
    MAX_ANNOTATION_LENGTH,
    Annotation,
    add_annotation,
    delete_annotation,
    list_annotations,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

DAY = "annotation:day"
TEXT = "annotation:text"
OF = "annotation:creator"


def list_chart_notes(page: PageContext, period: AnalyticsPeriod) -> list[ChartNote]:
    """Return the annotations of the chosen creators as rules of a chart whose days are written as
    `format_short_day` writes them."""
    found = page.read(partial(_load, page, period))
    return [ChartNote(page.localizer.format_short_day(one.day), one.text) for one in found]


def _load(page: PageContext, period: AnalyticsPeriod, scope: Scope) -> list[Annotation]:
    chosen = [one.id for one in filters.list_chosen_creators(page, scope)]
    return list_annotations(scope, chosen, period.first, period.last)


def render_annotations(page: PageContext, period: AnalyticsPeriod, today: date) -> None:
    """Draw the button that lists the annotations of the period and adds one."""
    with st.popover(page.text("analytics.annotations"), icon=":material/sticky_note_2:"):
        found, creators = page.read(
            lambda scope: (_load(page, period, scope), page.list_creators(scope))
        )
        names = {one.id: one.name for one in creators}
        for one in found:
            whose = names.get(one.creator_id, "") if one.creator_id else ""
            draw_template(
                "pages/analytics/templates/annotation.html",
                day=page.localizer.format_date(one.day),
                whose=whose or page.text("analytics.all_creators"),
                text=one.text,
            )
            if one.creator_id is not None or not page.viewer.member.creators:
                action_button(
                    page,
                    "analytics.annotation.delete",
                    partial(_delete, page, one.id),
                    right=Right.MONEY,
                    key=f"annotation:delete:{one.id}",
                    kind="tertiary",
                    icon=":material/delete:",
                )
        if not found:
            draw_template("shell/templates/note.html", note=page.text("analytics.annotations.none"))
        _render_form(page, creators, today)


def _render_form(page: PageContext, creators: list[Creator], today: date) -> None:
    shares = not page.viewer.member.creators
    options: list[Any] = [*([None] if shares else []), *(one.id for one in creators)]
    names = {one.id: one.name for one in creators}
    with forms.open_form(page, "analytics:annotate"):
        st.date_input(page.text("insights.day"), today, format="DD/MM/YYYY", key=DAY)
        forms.show_field_error("day")
        st.text_input(
            page.text("analytics.annotation.text"), max_chars=MAX_ANNOTATION_LENGTH, key=TEXT
        )
        forms.show_field_error("text")
        st.selectbox(
            page.text("analytics.creator"),
            options,
            format_func=lambda one: names.get(one, page.text("analytics.all_creators")),
            key=OF,
        )
        submit_button(
            page,
            "analytics.annotation.add",
            partial(_add, page),
            right=Right.MONEY,
            key="annotation:add",
        )


def _add(page: PageContext, scope: Scope, press_id: UUID) -> Message:
    creator_id = typed_value(OF)
    add_annotation(
        scope,
        member_id=page.viewer.member.id,
        creator_id=creator_id,
        day=typed_value(DAY),
        text=typed_value(TEXT) or "",
        key=press_id,
    )
    forms.set_on_success(TEXT, "")
    return Message("analytics.annotation.was_added")


def _delete(page: PageContext, annotation_id: UUID, scope: Scope, _: UUID) -> Message:
    delete_annotation(scope, annotation_id, member_id=page.viewer.member.id)
    return Message("analytics.annotation.was_deleted")
