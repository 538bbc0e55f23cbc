"""The Analytics page: the choice of view, period and creator. Each view is a module of its own."""

from collections.abc import Callable

import streamlit as st

from dashboard.pages.analytics import (
    annotations,
    audience,
    channels,
    content,
    costs,
    filters,
    forecasts,
    live,
    overview,
    sales,
    saved_views,
    share,
)
from dashboard.pages.analytics.links.view import render_links
from dashboard.pages.analytics.posting import best_time, experiments, running_posts
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.ops.wall_time import local_day
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.queries import get_agency

VIEW = "analytics:view"
PHONE_VIEW = "analytics:view:phone"
TOGGLE = "analytics-controls-toggle"

RenderView = Callable[[PageContext, AnalyticsPeriod], None]

VIEWS: tuple[tuple[str, RenderView], ...] = (
    ("overview", overview.render_overview),
    ("content", content.render_content),
    ("channels", channels.render_channels),
    ("sales", sales.render_sales),
    ("audience", audience.render_audience),
    ("costs", costs.render_costs),
    ("links", render_links),
    ("forecasts", forecasts.render_forecasts),
    ("best_time", best_time.render_best_time),
    ("experiments", experiments.render_experiments),
    ("post_forecasts", running_posts.render_running_posts),
    ("live", live.render_live),
)
"""The views in the order of the menu: the code, which is also the parameter `view` of the address
and the end of the message code of its name, and the function that draws it."""

WITHOUT_PERIOD = frozenset({"live", "best_time", "experiments", "post_forecasts"})
"""Views that show what happens now and have no choice of a period."""


def render_page(page: PageContext) -> None:
    """Render the chosen view for a period."""
    st.title(page.text("dashboard.page.insights"))
    creators, today = page.read(
        lambda scope: (page.list_creators(scope), local_day(scope.now, get_agency(scope).zone))
    )
    if not creators:
        draw_template("shell/templates/empty_note.html", note=page.text("insights.no_creators"))
        return
    view = _select_view(page)
    toggle = st.container(key=TOGGLE)
    key = filters.controls_key("period")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=key):
        if view in WITHOUT_PERIOD:
            period: AnalyticsPeriod | None = AnalyticsPeriod(today, today)
        else:
            period = filters.select_analytics_period(page, today)
        filters.select_creator(page, creators)
        saved_views.render_saved_views(page)
        if period is not None and view not in WITHOUT_PERIOD:
            annotations.render_annotations(page, period, today)
            share.render_share_links(page, period)
    with toggle:
        st.button(
            filters.describe_choices(page, creators, has_period=view not in WITHOUT_PERIOD),
            key="analytics:toggle",
            icon=":material/expand_less:" if filters.are_controls_open() else ":material/tune:",
            on_click=filters.toggle_controls,
        )
    if period is not None:
        dict(VIEWS)[view](page, period)


def _choose_on_phone() -> None:
    st.session_state[VIEW] = st.session_state[PHONE_VIEW]


def _select_view(page: PageContext) -> str:
    """Draw the choice of a view twice: as buttons, and as a list that the style shows on a phone
    only."""
    views = dict(VIEWS)
    if VIEW not in st.session_state:
        asked = st.query_params.get("view", "")
        st.session_state[VIEW] = asked if asked in views else VIEWS[0][0]
    chosen = st.segmented_control(
        page.text("insights.view"),
        list(views),
        required=True,
        format_func=lambda one: page.text(f"insights.view.{one}"),
        key=VIEW,
        label_visibility="collapsed",
    )
    view = chosen if chosen in views else VIEWS[0][0]  # the browser may send anything
    st.session_state[PHONE_VIEW] = view
    st.selectbox(
        page.text("insights.view"),
        list(views),
        format_func=lambda one: page.text(f"insights.view.{one}"),
        key=PHONE_VIEW,
        label_visibility="collapsed",
        on_change=_choose_on_phone,
    )
    st.query_params["view"] = view
    return view
