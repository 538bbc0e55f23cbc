"""The view Links: what each acquisition link brought, by a model of attribution."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.links import detail, forms, table
from dashboard.pages.analytics.links.queries import LinksView, load_links
from dashboard.shell import session
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.attribution.credits import AttributionModel
from insights.reports.tables.link_table import build_link_sheet
from insights.reports.tables.table_files import FILE_TYPES, FileFormat, render_table_file
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.rights import Right

ACTIVE = "active"
ARCHIVED = "archived"
DEFAULT_MODEL = AttributionModel.LAST


def render_links(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the choices, the table with its downloads, the chosen link and the forms."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        model = _select_model(page)
        shown = {one: page.text(f"acquisition.shown.{one}") for one in (ACTIVE, ARCHIVED)}
        label = page.text("acquisition.shown")
        archived = filters.select_option(page, "shown", shown, label=label) == ARCHIVED
    found = page.read(partial(_load, page, period, model, archived))
    if found.report.results:
        table.draw_links(page, found)
        _render_downloads(page, period, partial(_load, page, period, model, archived))
    else:
        code = "acquisition.none_archived" if archived else "acquisition.none"
        draw_template("shell/templates/empty_note.html", note=page.text(code))
    detail.render_chosen_link(page, found)
    if page.has_right(Right.RUN):
        forms.render_link_form(page, found)
        forms.render_domain_form(page, found)
    draw_template("pages/analytics/links/templates/about.html", model=str(model), word=page.text)


def _select_model(page: PageContext) -> AttributionModel:
    names = {str(one): page.text(f"acquisition.model.{one}") for one in AttributionModel}
    chosen = filters.select_option(
        page,
        "model",
        names,
        label=page.text("acquisition.model"),
        start=str(DEFAULT_MODEL),
        help_text=page.text("acquisition.model.help"),
    )
    return AttributionModel(chosen)


def _load(
    page: PageContext,
    period: AnalyticsPeriod,
    model: AttributionModel,
    archived: bool,
    scope: Scope,
) -> LinksView:
    return load_links(
        scope,
        page,
        period,
        model,
        archived=archived,
        public_url=session.public_url(),
        connectors=platform_connectors(),
    )


def _render_downloads(
    page: PageContext, period: AnalyticsPeriod, load: Callable[[Scope], LinksView]
) -> None:
    """Render the downloads. A file is read with the rights that the member has then."""

    def make(form: FileFormat) -> bytes:
        found = page.read(load)
        return render_table_file(form, build_link_sheet(found.report, found.base, found.members))

    with st.container(horizontal=True, gap="small"):
        for form, mime in FILE_TYPES.items():
            st.download_button(
                page.text(f"analytics.download.{form}"),
                partial(make, form),
                f"links-{period.first}-{period.last}.{form}",
                mime,
                key=f"acquisition:{form}",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )
