"""Public holidays as quiet days: the country, the scope of the setting, excluded holidays and the
coming year."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.queue.holiday_queries import HolidayChoices, load_holidays
from dashboard.pages.queue.queries import QueueView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from schedules.availability import holiday_settings, public_holidays
from schedules.availability.public_holidays import Holiday, HolidaySetting
from tenants.agencies.rights import Right

ALL = "all"
HERS = "hers"
AS_AGENCY = "as_agency"
NONE = ""
WHOSE = "holidays:whose"


def render_holidays(page: PageContext, found: QueueView) -> None:
    """Render the quiet holidays of the coming year and the form that changes them."""
    known = page.read(
        lambda scope: load_holidays(scope, page.list_creators(scope), found.creator.id)
    )
    free = _list_quiet_holidays(
        known.now, public_holidays.list_coming_holidays(known.now, found.today) if known.now else []
    )
    with st.expander(page.text("holidays.title", count=len(free)), icon=":material/event_busy:"):
        draw_template("shell/templates/note.html", note=page.text("holidays.why"))
        whose = _select_holiday_scope(page, found, known)
        of_id = found.channel.tenant_id if whose == ALL else found.creator.id
        stands = known.usual if whose == ALL else known.own
        country = _select_country(page, of_id, stands, agency=whose == ALL)
        wanted = _select_region(
            page, of_id, country, stands or HolidaySetting(of_id, of_id, NONE, "", ())
        )
        shown = known.usual if country == AS_AGENCY else wanted
        ahead = (
            public_holidays.list_coming_holidays(shown, found.today) if shown is not None else []
        )
        names = {
            key: one.display_name(page.localizer.language)
            for one in ahead
            for key in one.holiday_keys
        }
        if country not in (AS_AGENCY, NONE):
            wanted = replace(wanted, left_out=_select_excluded_holidays(page, wanted, names))
            shown = wanted
        act = partial(
            _save_holidays,
            page,
            found.creator.id,
            None if country == AS_AGENCY else wanted,
            whose == ALL,
        )
        actions.action_button(
            page, "holidays.keep", act, right=Right.RUN, key=f"holidays:keep:{of_id}:{country}"
        )
        if shown is not None and shown.country:
            draw_template(
                "pages/queue/templates/holidays.html",
                ahead=ahead,
                left_out=shown.left_out,
                voice=page.localizer,
                word=page.text,
            )


def _list_quiet_holidays(of: HolidaySetting | None, ahead: Sequence[Holiday]) -> list[Holiday]:
    return [one for one in ahead if of is not None and one.is_quiet(of.left_out)]


def _select_holiday_scope(page: PageContext, found: QueueView, known: HolidayChoices) -> str:
    names = {HERS: found.creator.name, ALL: page.text("holidays.everybody")}
    if not known.for_all:
        return HERS
    key = f"{WHOSE}:{found.creator.id}"
    chosen = st.radio(
        page.text("holidays.whose"), list(names), format_func=lambda one: names[one], key=key
    )
    return str(chosen)


def _select_country(
    page: PageContext, of_id: UUID, stands: HolidaySetting | None, *, agency: bool
) -> str:
    """Return the code of the selected country, "" for no holidays, or AS_AGENCY for the agency's
    setting."""
    names = {
        NONE: page.text("holidays.none"),
        **dict(public_holidays.list_countries(page.localizer.language)),
    }
    if not agency:
        names = {AS_AGENCY: page.text("holidays.as_agency"), **names}
    now = stands.country if stands is not None else next(iter(names))
    return st.selectbox(
        page.text("holidays.country"),
        list(names),
        index=list(names).index(now) if now in names else 0,
        format_func=lambda one: names[one],
        key=f"holidays:country:{of_id}",
        width=320,
    )


def _select_region(
    page: PageContext, of_id: UUID, country: str, stands: HolidaySetting
) -> HolidaySetting:
    """Return the setting that would be saved. A new country starts without excluded holidays."""
    if country == stands.country:
        wanted = stands
    else:
        wanted = replace(
            stands, country="" if country == AS_AGENCY else country, region="", left_out=()
        )
    regions = {
        "": page.text("holidays.whole"),
        **dict(public_holidays.list_regions(wanted.country)),
    }
    if len(regions) == 1:
        return wanted
    region = st.selectbox(
        page.text("holidays.region"),
        list(regions),
        index=list(regions).index(wanted.region) if wanted.region in regions else 0,
        format_func=lambda one: regions[one],
        key=f"holidays:region:{of_id}:{country}",
        width=320,
    )
    return replace(wanted, region=region)


def _select_excluded_holidays(
    page: PageContext, wanted: HolidaySetting, names: dict[str, str]
) -> tuple[str, ...]:
    options = {**{key: key for key in wanted.left_out}, **names}
    chosen = st.multiselect(
        page.text("holidays.left_out"),
        list(options),
        default=list(wanted.left_out),
        format_func=lambda one: options[one],
        key=f"holidays:left_out:{wanted.of_id}:{wanted.country}",
        placeholder=page.text("holidays.nothing_left_out"),
        select_all=False,
    )
    return tuple(chosen)


def _save_holidays(
    page: PageContext,
    creator_id: UUID,
    wanted: HolidaySetting | None,
    everybody: bool,
    scope: Scope,
    _: UUID,
) -> Message:
    creator = page.get_creator(scope, creator_id)
    if everybody and not load_holidays(scope, page.list_creators(scope), creator.id).for_all:
        raise Refused("holidays.not_all")
    of_id = scope.tenant_id if everybody else creator.id
    if wanted is None:
        holiday_settings.clear_holiday_country(scope, of_id)
        return Message("holidays.kept")
    holiday_settings.set_holiday_country(
        scope, of_id, country=wanted.country, region=wanted.region, left_out=wanted.left_out
    )
    return Message("holidays.kept" if wanted.country else "holidays.gone")
