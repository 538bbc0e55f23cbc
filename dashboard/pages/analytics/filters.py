"""The period, the comparison, the creator and the filters of views. They are part of the address,
so that a view can be linked and saved; values from the address are validated."""

from collections.abc import Mapping, Sequence
from datetime import date

import streamlit as st

from dashboard.shell import periods
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import Scope
from foundation.errors import BadInput
from insights.rollups.periods import AnalyticsPeriod, Comparison
from subscribers.orders import sales
from tenants.agencies.queries import Creator

PERIOD = "analytics:period"
COMPARE = "analytics:compare"
CREATOR = "analytics:creator"
ALL = ""
"""The choice of all creators."""
CONTROLS = "analytics:controls"
"""True if the controls are unfolded on a phone. A wide window always shows them."""


def select_analytics_period(page: PageContext, today: date) -> AnalyticsPeriod | None:
    """Draw the period and the comparison. Return None, with the reason on screen, for two dates
    that are no period."""
    _restore_period(today)
    found = periods.select_period(page, today, key=PERIOD)
    if COMPARE not in st.session_state:
        asked = st.query_params.get("compare", "")
        known = asked in list(Comparison)
        st.session_state[COMPARE] = Comparison(asked) if known else Comparison.PREVIOUS
    compare = st.selectbox(
        page.text("analytics.compare"),
        list(Comparison),
        format_func=lambda one: page.text(f"analytics.compare.{one}"),
        key=COMPARE,
        width=210,
    )
    choice = str(st.session_state[f"{PERIOD}:choice"])
    custom = choice == periods.CUSTOM
    _set_address("period", choice)
    _set_address("from", found.first.isoformat() if custom else "")
    _set_address("to", found.last.isoformat() if custom else "")
    _set_address("compare", str(compare))
    try:
        sales.check_period(found.first, found.last)
    except BadInput as refused:
        st.error(page.localizer.message_text(refused.message))
        return None
    return AnalyticsPeriod(found.first, found.last, Comparison(str(compare)))


def select_creator(page: PageContext, creators: Sequence[Creator]) -> None:
    """Draw the choice of one or all creators. `list_chosen_creators` returns it."""
    slugs = [one.slug for one in creators]
    if CREATOR not in st.session_state:
        st.session_state[CREATOR] = st.query_params.get("creator", ALL)
    if st.session_state[CREATOR] not in slugs:
        st.session_state[CREATOR] = ALL
    names = {one.slug: one.name for one in creators}
    chosen = st.selectbox(
        page.text("analytics.creator"),
        [ALL, *slugs],
        format_func=lambda one: names.get(one, page.text("analytics.all_creators")),
        key=CREATOR,
        width=168,
    )
    _set_address("creator", str(chosen))


def select_filter(
    page: PageContext,
    name: str,
    options: Mapping[str, str],
    *,
    label: str,
    width: int = 170,
    none: str = "analytics.all",
) -> str:
    """Draw a filter of a view and return its value, or `ALL`. `options` are the texts by value; the
    value is the parameter `name` of the address. `none` is the message code of no choice."""
    key = f"analytics:{name}"
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(name, ALL)
    if st.session_state[key] not in options:
        st.session_state[key] = ALL
    chosen = st.selectbox(
        label,
        [ALL, *options],
        format_func=lambda one: options.get(one, page.text(none)),
        key=key,
        width=width,
    )
    _set_address(name, chosen or ALL)
    return chosen or ALL


def select_option(
    page: PageContext,
    name: str,
    options: Mapping[str, str],
    *,
    label: str,
    start: str = "",
    help_text: str | None = None,
) -> str:
    """Draw one of a few options of a view and return its value, at first `start` or else the first
    one. It is the parameter `name` of the address."""
    key = f"analytics:{name}"
    asked = st.session_state.get(key, st.query_params.get(name, ""))
    st.session_state[key] = asked if asked in options else start or next(iter(options))
    chosen = st.segmented_control(
        label,
        list(options),
        required=True,
        format_func=lambda one: options[one],
        key=key,
        help=help_text,
    )
    found = str(chosen)
    if found not in options:  # the browser may send anything
        found = next(iter(options))
    _set_address(name, found)
    return found


def open_view(view: str, **values: str) -> None:
    """Open a view with filters in a callback, for example `channel`."""
    st.session_state["analytics:view"] = view
    for name, value in values.items():
        st.session_state[f"analytics:{name}"] = value


def open_address(parameters: Mapping[str, str]) -> None:
    """Open an address of Analytics in a callback: everything chosen is read from it again."""
    for key in [key for key in st.session_state if str(key).startswith("analytics:")]:
        del st.session_state[key]
    st.query_params.from_dict(dict(parameters))


def list_chosen_creators(page: PageContext, scope: Scope) -> list[Creator]:
    """Return the creator that is chosen, or all that the member may access."""
    mine = page.list_creators(scope)
    chosen = chosen_slug()
    return [one for one in mine if one.slug == chosen] or mine


def chosen_slug() -> str:
    """Return the slug of the creator that is chosen, or `ALL`."""
    return str(st.session_state.get(CREATOR, ALL))


def is_one_creator_chosen() -> bool:
    """Return True if one creator is chosen rather than all."""
    return chosen_slug() != ALL


def are_controls_open() -> bool:
    """Return True if the controls are unfolded on a phone."""
    return bool(st.session_state.get(CONTROLS, False))


def toggle_controls() -> None:
    """Unfold or fold the controls on a phone, in a callback."""
    st.session_state[CONTROLS] = not are_controls_open()


def controls_key(name: str) -> str:
    """Return the key of a container of controls, by which the style folds it on a phone."""
    return f"analytics-controls-{'open' if are_controls_open() else 'folded'}-{name}"


def describe_choices(page: PageContext, creators: Sequence[Creator], *, has_period: bool) -> str:
    """Return the period and the creator that are chosen, as the label of the folded controls."""
    slug = chosen_slug()
    names = {one.slug: one.name for one in creators}
    parts = [escape_markdown(names.get(slug, page.text("analytics.all_creators")))]
    if has_period:
        choice = st.session_state.get(f"{PERIOD}:choice", periods.DEFAULT)
        parts.insert(0, page.text(f"period.{choice}"))
    return " · ".join(parts)


def choose_creator(slug: str) -> None:
    """Choose a creator in a callback; `ALL` chooses all."""
    st.session_state[CREATOR] = slug


def _restore_period(today: date) -> None:
    """Set the period of the address when the page is opened."""
    if f"{PERIOD}:choice" in st.session_state:
        return
    asked = st.query_params.get("period", "")
    if asked not in periods.CHOICES:
        return
    if asked == periods.CUSTOM:
        for name, param in (("first", "from"), ("last", "to")):
            day = _parse_day(st.query_params.get(param, ""), today)
            if day is None:
                return
            st.session_state[f"{PERIOD}:{name}"] = day
    st.session_state[f"{PERIOD}:choice"] = asked


def _parse_day(text: str, today: date) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date(today.year - 10, 1, 1) <= day <= today else None


def _set_address(name: str, value: str) -> None:
    """Set a parameter of the address, or remove it if the value is empty."""
    if st.query_params.get(name, "") == value:
        return
    if value:
        st.query_params[name] = value
    else:
        del st.query_params[name]
