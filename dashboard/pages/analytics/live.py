"""The Live view: what a post or a pack has brought since its launch, refreshed while it is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.shell.browser_components import browser_component
from dashboard.shell.charts import (
    ChartLabels,
    ChartPoint,
    ChartSeries,
    draw_line_chart,
)
from dashboard.shell.page_context import PageContext, current_page
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.ops.clock import monotonic
from insights.metrics.catalog import METRICS
from insights.rollups import launches, post_results
from insights.rollups.launches import LaunchState
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.post_results import LATEST
from studio.packs import packs
from tenants.agencies.queries import Creator

REFRESH = "2s"
MAX_SECONDS = 3600.0
"""Time after which the view stops refreshing itself until a member continues."""
RECENT = timedelta(days=2)
"""Age of the oldest post that can be followed."""
MAX_LISTED = 30
SINCE = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
"""Starts of the launch of a pack, before now."""
STARTED = "live:started"
VISIBILITY = "live:visibility"
METRIC_CODES = ("views", "likes", "comments", "shares", "clicks")


@dataclass(frozen=True)
class LaunchSubject:
    """A post or a pack that can be followed. `at` is the publication of the post."""

    key: str
    name: str
    creator: Creator
    delivery_id: UUID | None = None
    pack_id: UUID | None = None
    at: datetime | None = None


def render_live(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the choice of a post or pack and its launch. The period does not apply."""
    subjects = {one.key: one for one in page.read(partial(_list_subjects, page))}
    if not subjects:
        draw_template("shell/templates/empty_note.html", note=page.text("live.none"))
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        key = filters.select_filter(
            page,
            "launch",
            {one.key: one.name for one in subjects.values()},
            label=page.text("live.subject"),
            width=420,
            none="live.choose_one",
        )
    if key == filters.ALL:
        draw_template("shell/templates/note.html", note=page.text("live.choose"))
        return
    subject = subjects[key]
    start = "post"
    if subject.at is None:
        options = {name: page.text(f"live.since.{name}") for name in SINCE}
        start = filters.select_option(page, "since", options, label=page.text("live.since"))
    _render_launch(page, subject, start)


def _list_subjects(page: PageContext, scope: Scope) -> list[LaunchSubject]:
    """Return the recent posts of the chosen creators, newest first, and their packs."""
    chosen = filters.list_chosen_creators(page, scope)
    first = (scope.now - RECENT).date()
    posts = post_results.list_post_results(
        scope,
        chosen,
        AnalyticsPeriod(first, scope.now.date() + timedelta(days=1)),
        age_hours=LATEST,
    )
    found = [
        LaunchSubject(
            key=f"post:{one.delivery_id}",
            name=page.text(
                "live.post",
                title=one.title[:60],
                channel=one.channel,
                at=page.localizer.format_moment(one.at, scope.now),
            ),
            creator=one.creator,
            delivery_id=one.delivery_id,
            at=one.at,
        )
        for one in posts[:MAX_LISTED]
    ]
    for creator in chosen:
        found += [
            LaunchSubject(
                key=f"pack:{pack.id}",
                name=page.text("live.pack", title=pack.title, creator=creator.name),
                creator=creator,
                pack_id=pack.id,
            )
            for pack in packs.list_active_packs(scope, creator.id)[:MAX_LISTED]
        ]
    return found


def _render_launch(page: PageContext, subject: LaunchSubject, start: str) -> None:
    began, key = st.session_state.get(STARTED, (0.0, ""))
    if key != subject.key:
        began = monotonic()
        st.session_state[STARTED] = (began, subject.key)
    component = browser_component("visibility")(
        key=VISIBILITY, on_hidden_change=lambda: None, height="content"
    )
    is_over = monotonic() - began > MAX_SECONDS
    is_hidden = bool(getattr(component, "hidden", False))
    if is_over:
        st.button(
            page.text("live.continue"),
            key="live:continue",
            icon=":material/play_arrow:",
            on_click=lambda: st.session_state.pop(STARTED, None),
        )
    every = None if is_over or is_hidden else REFRESH
    st.fragment(_draw_launch, run_every=every)(
        page, subject, start, began, refreshes=every is not None
    )


def _draw_launch(
    drawn: PageContext, subject: LaunchSubject, start: str, began: float, *, refreshes: bool
) -> None:
    """Draw the launch with the rights that the member has now."""
    page = current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    if refreshes and monotonic() - began > MAX_SECONDS:
        st.rerun()

    def ask(scope: Scope) -> LaunchState:
        creator = page.get_creator(scope, subject.creator.id)
        since = subject.at or scope.now - SINCE.get(start, SINCE["1h"])
        return launches.load_launch(
            scope, creator, since=since, delivery_id=subject.delivery_id, pack_id=subject.pack_id
        )

    found = page.read(ask)
    draw_template(
        "pages/analytics/templates/live.html",
        found=found,
        figures=_list_figures(page, subject, found),
        refreshes=refreshes,
        voice=page.localizer,
        word=page.text,
    )
    for currency in found.currencies[:1]:
        _draw_course(page, found, currency)


def _list_figures(
    page: PageContext, subject: LaunchSubject, found: LaunchState
) -> Sequence[tuple[str, str]]:
    """Return the names and values of the figures."""
    voice = page.localizer
    values: Mapping[str, int] = found.metrics
    figures = []
    if subject.delivery_id is not None:
        figures += [
            (
                voice.message_text(METRICS[code].name),
                voice.format_number(values[code])
                if code in values
                else page.text("analytics.not_available"),
            )
            for code in METRIC_CODES
            if code in values or code == "views"
        ]
        if found.clicks is not None:
            figures.append((page.text("live.link_clicks"), voice.format_number(found.clicks)))
    figures += [
        (voice.message_text(METRICS["new_fans"].name), voice.format_number(found.new_fans)),
        (voice.message_text(METRICS["messages_in"].name), voice.format_number(found.messages_in)),
        (voice.message_text(METRICS["orders"].name), voice.format_number(found.orders)),
    ]
    net = " · ".join(voice.format_total(one) for one in found.net) or voice.format_number(0)
    return [*figures, (voice.message_text(METRICS["net"].name), net)]


def _draw_course(page: PageContext, found: LaunchState, currency: str) -> None:
    voice = page.localizer
    course = found.course(currency)
    points = [
        ChartPoint(
            voice.format_instant(at, found.now), float(money.decimal), voice.format_money(money)
        )
        for at, money in course
    ]
    labels = ChartLabels(
        across=page.text("live.time"),
        up=page.text("analytics.net_in", currency=currency),
        summary=page.text(
            "live.course",
            net=points[-1].text,
            since=voice.format_moment(found.since, found.now),
        ),
    )
    name = voice.message_text(METRICS["net"].name)
    draw_line_chart(page, labels, [ChartSeries(name, points)], key=f"live:course:{currency}")
