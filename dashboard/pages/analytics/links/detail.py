"""One acquisition link: its short URL to copy, its QR code, its details, and its form."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics.links import forms, table
from dashboard.pages.analytics.links.queries import LinksView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, qr_data_uri, qr_png
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.attribution.link_results import LinkResult
from subscribers.acquisition import links
from tenants.agencies.rights import Right


def render_chosen_link(page: PageContext, found: LinksView) -> None:
    """Render the link that is opened in the table, if any."""
    chosen = st.session_state.get(table.CHOSEN)
    one = next((each for each in found.report.results if each.link.id == chosen), None)
    if one is None:
        return
    with st.container(border=True, key="acquisition:detail"):
        _render_address(page, found, one)
        if page.has_right(Right.RUN):
            with st.expander(page.text("acquisition.edit"), key=f"acquisition:open:{chosen}"):
                forms.render_edit_form(page, found, one.link)
            _render_archive_button(page, one)


def _render_address(page: PageContext, found: LinksView, one: LinkResult) -> None:
    url = one.link.short_url(found.base)
    left, right = st.columns([3, 1])
    with left:
        draw_template(
            "pages/analytics/links/templates/link.html",
            one=one,
            owner=found.members.get(one.link.details.owner_id)
            if one.link.details.owner_id is not None
            else None,
            net_to_date=table.format_amounts(page, one.net_after_fees_to_date),
            buyers=page.localizer.format_share(one.buyers_to_date)
            if one.buyers_to_date is not None
            else "",
            voice=page.localizer,
            word=page.text,
        )
        st.code(url, language=None, wrap_lines=True)
        if start_url := found.start_urls.get(one.link.id):
            st.caption(page.text("acquisition.start_url"))
            st.code(start_url, language=None, wrap_lines=True)
    with right:
        draw_template(
            "pages/analytics/links/templates/qr_code.html",
            uri=qr_data_uri(url),
            label=page.text("acquisition.qr_of", name=one.link.details.name),
        )
        st.download_button(
            page.text("acquisition.take_qr"),
            partial(qr_png, url),
            f"{one.link.slug}.png",
            "image/png",
            key=f"acquisition:qr:{one.link.id}",
            icon=":material/qr_code_2:",
            on_click="ignore",
        )


def _render_archive_button(page: PageContext, one: LinkResult) -> None:
    archived = one.link.archived_at is not None
    code = "acquisition.restore" if archived else "acquisition.archive"
    actions.action_button(
        page,
        code,
        partial(_restore_link if archived else _archive_link, page, one.link.id),
        right=Right.RUN,
        key=f"{code}:{one.link.id}",
        icon=":material/unarchive:" if archived else ":material/archive:",
    )


def _archive_link(page: PageContext, link_id: UUID, scope: Scope, _: UUID) -> Message:
    link = forms.get_own_link(page, scope, link_id)
    links.archive_link(scope, link.id)
    return Message("acquisition.archived", {"name": link.details.name})


def _restore_link(page: PageContext, link_id: UUID, scope: Scope, _: UUID) -> Message:
    link = forms.get_own_link(page, scope, link_id)
    links.restore_link(scope, link.id)
    return Message("acquisition.restored", {"name": link.details.name})
