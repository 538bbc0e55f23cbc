"""The Experiments view: tests of posts and of bot scripts with their results, and forms that start
them."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.posting import script_tests
from dashboard.pages.planning import ab_tests
from dashboard.pages.planning.ab_test_queries import AbTestsView, load_ab_tests
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


def render_experiments(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the tests of the chosen creators, running ones first, whatever the period."""
    creators = page.read(partial(filters.list_chosen_creators, page))
    actions.show_notices(page, "experiments")
    draw_template("shell/templates/note.html", note=page.text("experiments.about"))
    if page.has_right(Right.RUN) and len(creators) > 1:
        draw_template("shell/templates/note.html", note=page.text("experiments.choose_creator"))
    _render_post_tests(page, creators)
    st.subheader(page.text("scripts.title"))
    script_tests.render_script_tests(page, creators)


def _render_post_tests(page: PageContext, creators: Sequence[Creator]) -> None:
    st.subheader(page.text("experiments.posts"))
    found = page.read(partial(_load, page, creators))
    if not any(one.tests for one in found):
        draw_template("shell/templates/note.html", note=page.text("experiments.no_posts"))
    for view in found:
        for one in view.tests:
            ab_tests.render_ab_test(page, one)
    if len(found) == 1 and page.has_right(Right.RUN):
        ab_tests.render_ab_test_form(page, found[0])


def _load(page: PageContext, creators: Sequence[Creator], scope: Scope) -> list[AbTestsView]:
    return [load_ab_tests(scope, page.get_creator(scope, one.id)) for one in creators]
