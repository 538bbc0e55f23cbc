"""The toolbar of the calendar: view, navigation, filters, search and new post. Everything else is
in one menu."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import streamlit as st

from dashboard.pages.calendar import display_options, filters
from dashboard.pages.calendar.filters import CalendarChoice
from dashboard.pages.calendar.views import VIEW_MODES, ViewRequest, ViewWindow
from dashboard.pages.compose import draft
from dashboard.pages.posts import labels
from dashboard.pages.posts.accounts import PostAccount
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.i18n.search_words import clean_search
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

VIEW = "calendar:view"
SEARCH = "calendar:search"

VIEWS_SHOWN = ("month", "week", "day", "list", "queue")
"""Views offered in the toolbar. The others are in the menu."""

WAY_ICONS = {
    "calendar.before": ":material/chevron_left:",
    "calendar.after": ":material/chevron_right:",
}
"""Icons that the page shows instead of the labels, which screen readers read."""


@dataclass(frozen=True)
class MenuEntry:
    """An entry of the menu: its message code, icon, keyboard shortcut and address."""

    code: str
    icon: str
    key: str
    address: Mapping[str, str]
    plans: bool = True
    """True if the entry requires the right to run the calendar."""


MENU: Mapping[str, MenuEntry] = {
    "schedule": MenuEntry("calendar.queue", "schedule", "S", {"queue": "1"}),
    "plan": MenuEntry("calendar.week", "auto_awesome", "B", {"week": "1"}),
    "routine": MenuEntry("calendar.routine", "repeat", "U", {"routine": "1"}),
    "pool": MenuEntry("calendar.pool", "all_inclusive", "A", {"pool": "1"}),
    "variants": MenuEntry("calendar.variants", "science", "V", {"compare": "1"}),
    "drafts": MenuEntry("calendar.aside", "edit_note", "K", {"aside": "1"}),
    "labels": MenuEntry("post_label.open", "label", "", {"labels": "1"}),
    "quarter": MenuEntry(
        "calendar.view.quarter", "calendar_view_month", "Y", {"view": "quarter"}, plans=False
    ),
    "ahead": MenuEntry("outlook.open", "play_circle", "P", {"ahead": "1"}, plans=False),
    "files": MenuEntry("files.open", "import_export", "E", {"files": "1"}, plans=False),
}
"""Entries of the menu by name."""


def list_menu(page: PageContext) -> dict[str, MenuEntry]:
    """Return the entries of the menu that the member may open, by name."""
    runs = page.has_right(Right.RUN)
    return {name: one for name, one in MENU.items() if runs or not one.plans}


def list_keys(page: PageContext) -> dict[str, str]:
    """Return the names of views and menu entries by the key that opens them. The other buttons of
    the toolbar have shortcuts of their own."""
    views = {VIEW_MODES[name].key.lower(): name for name in VIEWS_SHOWN}
    return views | {one.key.lower(): name for name, one in list_menu(page).items() if one.key}


def find_address(page: PageContext, name: str) -> dict[str, str]:
    """Return the address of a view or menu entry, {} for an unknown or forbidden one. A view keeps
    the day."""
    if name in VIEW_MODES:
        return {"view": name, "day": st.query_params.get("day", "")}
    found = list_menu(page).get(name)
    return dict(found.address) if found is not None else {}


def set_address(address: Mapping[str, str]) -> None:
    """Replace the query parameters by those that are not empty."""
    st.query_params.from_dict({name: value for name, value in address.items() if value})


def get_search() -> str:
    """Return the words to search for, or ""."""
    return clean_search(str(actions.typed_value(SEARCH) or ""))


def render_heading(page: PageContext, view: str, shown: ViewWindow, today: date) -> None:
    """Render the period, or that posts are searched, as heading."""
    draw_template(
        "pages/calendar/templates/header.html",
        view=view,
        search=get_search(),
        first=shown.begins,
        last=shown.ends,
        today=today,
        voice=page.localizer,
        word=page.text,
    )


def render_toolbar(
    page: PageContext, asked: ViewRequest, mine: list[Creator], offered: list[PostAccount]
) -> CalendarChoice:
    """Render the toolbar and return the selected filters."""
    view = asked.view
    shown = asked.shown
    day = asked.today if shown.begins <= asked.today <= shown.ends else shown.begins
    with st.container(
        horizontal=True, gap="small", vertical_alignment="center", key="gr_row_tools"
    ):
        _render_views(page, view, day)
        with st.container(horizontal=True, gap=None, width="content", key="gr_row_ways"):
            _render_way(page, "calendar.before", "Left", {"view": view, "day": str(shown.before)})
            _render_way(page, "calendar.today", "T", {"view": view})
            _render_way(page, "calendar.after", "Right", {"view": view, "day": str(shown.after)})
        choice = _render_filters(page, view, mine, offered)
        st.text_input(
            page.text("calendar.search"),
            key=SEARCH,
            type="search",
            placeholder=page.text("calendar.search"),
            icon=":material/search:",
            label_visibility="collapsed",
            width="stretch",
        )
        if page.has_right(Right.RUN):
            st.button(
                page.text("calendar.new"),
                type="primary",
                icon=":material/add:",
                shortcut="N",
                key="calendar:new",
                on_click=draft.start_draft,
            )
        _render_menu(page)
    return choice


def _render_views(page: PageContext, view: str, day: date) -> None:
    wanted = view if view in VIEWS_SHOWN else None
    # Assigning sends the value to the browser again, which would overwrite a concurrent selection.
    if st.session_state.get(VIEW) != wanted:
        st.session_state[VIEW] = wanted
    st.segmented_control(
        page.text("calendar.view"),
        VIEWS_SHOWN,
        format_func=lambda name: page.text(f"calendar.view.{name}"),
        key=VIEW,
        label_visibility="collapsed",
        on_change=partial(_open_view, view, day),
        wrap=False,
    )


def _open_view(view: str, day: date) -> None:
    """Open the selected view. Pressing the open view again clears the selection and changes
    nothing."""
    set_address({"view": st.session_state.get(VIEW) or view, "day": str(day)})


def _render_way(page: PageContext, code: str, shortcut: str, address: dict[str, str]) -> None:
    st.button(
        page.text(code),
        key=f"go:{code}",
        icon=WAY_ICONS.get(code),
        shortcut=shortcut,
        on_click=partial(set_address, address),
    )


def _render_filters(
    page: PageContext, view: str, mine: list[Creator], offered: list[PostAccount]
) -> CalendarChoice:
    on = filters.count_filters()
    label = page.text("calendar.filters_on", count=on) if on else page.text("calendar.filters")
    with st.popover(label, icon=":material/filter_list:", key="calendar:filters"):
        choice = filters.render_filters(page, mine, offered)
        labels.render_label_filter(page)
        theirs: Sequence[Creator] = [one for one in mine if choice.creator in (None, one.id)]
        display_options.render_display_options(page, view, theirs)
        if on:
            st.button(
                page.text("calendar.filters_clear"),
                key="calendar:filters:clear",
                on_click=filters.clear_filters,
            )
    return choice


def _render_menu(page: PageContext) -> None:
    with st.popover(page.text("calendar.menu"), icon=":material/more_horiz:", key="calendar:menu"):
        for name, one in list_menu(page).items():
            st.button(
                page.text(one.code),
                key=f"go:{name}",
                type="tertiary",
                icon=f":material/{one.icon}:",
                on_click=partial(set_address, one.address),
            )
