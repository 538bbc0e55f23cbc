"""The Best time view: the results of each hour of the week with their evidence, the hours that are
better beyond chance, and the uplift of automatic slots."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts.queries import Channel, list_creator_channels
from dashboard.pages.analytics import filters
from dashboard.pages.analytics.data_tables import draw_data_table
from dashboard.pages.queue.best_times import describe_best_hour, describe_evidence
from dashboard.shell import charts
from dashboard.shell.charts import ChartLabels, HeatCell
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from insights.analysis import timing
from insights.analysis.timing import TimingEvidence
from insights.reports.tables import analytics_tables
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.queries import Creator

CHANNEL = "analytics:best_time:channel"
SATURDAY = 5
"""The first weekday of the weekend; 0 is Monday."""
FEW_POSTS = 5
"""Number of posts below which a cell is faded: its result is mostly chance."""
HEAT_MAP_HEIGHT = 300
"""Height in pixels, enough for the name of each weekday."""
MAX_COLORED = 2.0
"""Share above which the color stays the same, so that one viral post does not fade the others."""


def render_best_time(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the posting times of an account. They use its newest posts, whatever the period."""
    channels = page.read(partial(_list_channels, page))
    if not channels:
        draw_template("shell/templates/empty_note.html", note=page.text("analytics.no_channels"))
        return
    by_id = {str(channel.id): (creator, channel) for creator, channel in channels}
    if st.session_state.get(CHANNEL) not in by_id:
        st.session_state[CHANNEL] = next(iter(by_id))
    chosen = st.selectbox(
        page.text("analytics.column.channel"),
        list(by_id),
        format_func=lambda one: f"{by_id[one][1].name} – {by_id[one][0].name}",
        key=CHANNEL,
        width=320,
    )
    creator, channel = by_id[chosen]
    found = page.read(partial(_load, page, creator.id, channel.id))
    draw_template(
        "pages/analytics/templates/best_time.html",
        head=describe_evidence(page, found.advice),
        hours=[describe_best_hour(page, one) for one in found.advice.hours],
        pooled=page.text("best_time.pooled") if found.is_pooled else "",
        uplift=_describe_uplift(page, found),
        zone=page.text("best_time.zone", place=page.localizer.zone_city(creator.zone)),
        queue=f"/calendar?queue={channel.id}",
        word=page.text,
    )
    if not found.cells:
        return
    _draw_heat_map(page, found)
    language = page.localizer.language
    draw_data_table(
        page,
        analytics_tables.posting_hours_table(found.cells, language),
        key="analytics:best_time:hours",
        period=period,
        reload=lambda: analytics_tables.posting_hours_table(
            page.read(partial(_load, page, creator.id, channel.id)).cells, language
        ),
        sort="posts",
    )


def _list_channels(page: PageContext, scope: Scope) -> Sequence[tuple[Creator, Channel]]:
    """Return the accounts of the chosen creators, those with the most measured posts first."""
    creators = filters.list_chosen_creators(page, scope)
    found = [
        (creator, channel)
        for creator in creators
        for channel in list_creator_channels(scope, creator.id)
    ]
    measured = timing.count_measured_posts(scope, [channel.id for _, channel in found])
    return sorted(found, key=lambda each: -measured.get(each[1].id, 0))


def _load(page: PageContext, creator_id: UUID, channel_id: UUID, scope: Scope) -> TimingEvidence:
    creator = page.get_creator(scope, creator_id)
    if channel_id not in {one.id for one in list_creator_channels(scope, creator.id)}:
        raise NotFound("channel.unknown")
    return timing.load_timing_evidence(scope, creator, channel_id)


def _describe_uplift(page: PageContext, found: TimingEvidence) -> str:
    """Describe the uplift, or what it lacks."""
    one = found.uplift
    number = page.localizer.format_number
    if one.share is None or one.low is None or one.high is None:
        if not found.automatic_slots and not one.random + one.chosen:
            return page.text("best_time.no_slots")
        have = number(min(one.random, one.chosen))
        need = number(timing.MIN_RANDOM_POSTS)
        return page.text("best_time.uplift_waits", have=have, need=need)
    shares = {
        name: f"{round(100 * share):+d}".replace("-", "\u2212")  # a minus, not a hyphen
        for name, share in (("share", one.share), ("low", one.low), ("high", one.high))
    }
    return page.text(
        "best_time.uplift" if not one.low <= 0 <= one.high else "best_time.uplift_open",
        **shares,
        chosen=number(one.chosen),
        random=number(one.random),
    )


def _draw_heat_map(page: PageContext, found: TimingEvidence) -> None:
    known = {(one.weekday, one.hour): one for one in found.cells}
    best = {(one.weekend, one.clock) for one in found.advice.hours}
    cells = [
        replace(
            _heat_cell(page, weekday, hour, known.get((weekday, hour))),
            is_marked=(weekday >= SATURDAY, hour) in best,
        )
        for weekday in range(7)
        for hour in range(24)
    ]
    most = max(found.cells, key=lambda one: one.posts)
    summary = page.text(
        "best_time.summary",
        posts=page.localizer.format_number(sum(one.posts for one in found.cells)),
        cells=page.localizer.format_number(len(found.cells)),
        day=page.text(f"analytics.weekday.{most.weekday}"),
        hour=f"{most.hour:02}:00",
        count=page.localizer.format_number(most.posts),
    )
    labels = ChartLabels(
        page.text("analytics.column.hour"), page.text("analytics.column.against_usual"), summary
    )
    charts.draw_heat_map(
        page,
        labels,
        cells,
        key="analytics:best_time:chart",
        down=page.text("analytics.column.weekday"),
        height=HEAT_MAP_HEIGHT,
    )
    note = page.text("best_time.legend_best" if best else "best_time.legend", posts=FEW_POSTS)
    draw_template("shell/templates/note.html", note=note)


def _heat_cell(page: PageContext, weekday: int, hour: int, one: timing.HourCell | None) -> HeatCell:
    day = page.text(f"analytics.weekday.{weekday}")
    if one is None:
        return HeatCell(f"{hour:02}", day, None, page.text("best_time.no_posts"))
    text = page.text(
        "best_time.cell_one" if one.posts == 1 else "best_time.cell",
        share=f"{round(100 * one.share):+d}",
        count=page.localizer.format_number(one.posts),
    )
    value = round(100 * min(one.share, MAX_COLORED))
    return HeatCell(f"{hour:02}", day, value, text, is_faint=one.posts < FEW_POSTS)
