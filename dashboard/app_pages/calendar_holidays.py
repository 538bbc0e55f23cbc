"""Public holidays that are quiet days: whose, for whom, which are left out, and the year ahead."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.holidays import Holidays, holidays
from dashboard.reads.queue import Queue
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Refused
from foundation.words import Message
from schedules import holiday_choices, public_holidays
from schedules.public_holidays import Choice, Holiday
from tenants.roles import Right

ALL, HERS = "all", "hers"
AS_AGENCY, NONE = "as_agency", ""
WHOSE = "holidays:whose"


def show(page: Page, found: Queue) -> None:
    """What is kept free of the year ahead, and the choice of it."""
    known = page.read(lambda scope: holidays(scope, page.mine(scope), found.creator.id))
    free = _kept(known.now, public_holidays.year_ahead(known.now, found.today) if known.now else [])
    with st.expander(page.word("holidays.title", count=len(free)), icon=":material/event_busy:"):
        draw("calendar_note.html", note=page.word("holidays.why"))
        whose = _whose(page, found, known)
        of_id = found.channel.tenant_id if whose == ALL else found.creator.id
        stands = known.usual if whose == ALL else known.own
        country = _country(page, of_id, stands, agency=whose == ALL)
        wanted = _wanted(page, of_id, country, stands or Choice(of_id, of_id, NONE, "", ()))
        shown = known.usual if country == AS_AGENCY else wanted
        ahead = public_holidays.year_ahead(shown, found.today) if shown is not None else []
        names = {key: one.named(page.voice.language) for one in ahead for key in one.keys}
        if country not in (AS_AGENCY, NONE):
            wanted = replace(wanted, left_out=_left_out(page, wanted, names))
            shown = wanted
        act = partial(_keep, page, found.creator.id, None if country == AS_AGENCY else wanted, whose == ALL)
        acting.button(page, "holidays.keep", act, right=Right.RUN, key=f"holidays:keep:{of_id}:{country}")
        if shown is not None and shown.country:
            draw("calendar_holidays.html", ahead=ahead, left_out=shown.left_out, voice=page.voice, word=page.word)


def _kept(of: Choice | None, ahead: Sequence[Holiday]) -> list[Holiday]:
    return [one for one in ahead if of is not None and one.is_quiet(of.left_out)]


def _whose(page: Page, found: Queue, known: Holidays) -> str:
    names = {HERS: found.creator.name, ALL: page.word("holidays.everybody")}
    if not known.for_all:
        return HERS
    key = f"{WHOSE}:{found.creator.id}"
    chosen = st.radio(page.word("holidays.whose"), list(names), format_func=lambda one: names[one], key=key)
    return str(chosen)


def _country(page: Page, of_id: UUID, stands: Choice | None, *, agency: bool) -> str:
    """The code of a country, none of any, or a creator's wish to have what the agency has."""
    names = {NONE: page.word("holidays.none"), **dict(public_holidays.countries(page.voice.language))}
    if not agency:
        names = {AS_AGENCY: page.word("holidays.as_agency"), **names}
    now = stands.country if stands is not None else next(iter(names))
    return st.selectbox(
        page.word("holidays.country"),
        list(names),
        index=list(names).index(now) if now in names else 0,
        format_func=lambda one: names[one],
        key=f"holidays:country:{of_id}",
        width=320,
    )


def _wanted(page: Page, of_id: UUID, country: str, stands: Choice) -> Choice:
    """What would be kept: another country begins with nothing left out."""
    if country == stands.country:
        wanted = stands
    else:
        wanted = replace(stands, country="" if country == AS_AGENCY else country, region="", left_out=())
    regions = {"": page.word("holidays.whole"), **dict(public_holidays.regions(wanted.country))}
    if len(regions) == 1:
        return wanted
    region = st.selectbox(
        page.word("holidays.region"),
        list(regions),
        index=list(regions).index(wanted.region) if wanted.region in regions else 0,
        format_func=lambda one: regions[one],
        key=f"holidays:region:{of_id}:{country}",
        width=320,
    )
    return replace(wanted, region=region)


def _left_out(page: Page, wanted: Choice, names: dict[str, str]) -> tuple[str, ...]:
    options = {**{key: key for key in wanted.left_out}, **names}
    chosen = st.multiselect(
        page.word("holidays.left_out"),
        list(options),
        default=list(wanted.left_out),
        format_func=lambda one: options[one],
        key=f"holidays:left_out:{wanted.of_id}:{wanted.country}",
        placeholder=page.word("holidays.nothing_left_out"),
        select_all=False,
    )
    return tuple(chosen)


def _keep(page: Page, creator_id: UUID, wanted: Choice | None, everybody: bool, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, creator_id)
    if everybody and not holidays(scope, page.mine(scope), creator.id).for_all:
        raise Refused("holidays.not_all")
    of_id = scope.tenant_id if everybody else creator.id
    if wanted is None:
        holiday_choices.forget(scope, of_id)
        return Message("holidays.kept")
    holiday_choices.choose(scope, of_id, country=wanted.country, region=wanted.region, left_out=wanted.left_out)
    return Message("holidays.kept" if wanted.country else "holidays.gone")
