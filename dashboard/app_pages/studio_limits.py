"""When and how much is generated: hours of a creator and of the agency, its pictures a day, and what came out."""

from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from studio import animating, jobs, quotas
from studio.output import Output
from studio.quotas import Limits, Window
from tenants.roles import Right

WHEN, OPENS, CLOSES, PER_DAY = "limits:when", "limits:opens", "limits:closes", "limits:per_day"
NIGHT = Window(time(23), time(7))


def came_out(page: Page, found: Output) -> str:
    """One line about the last 30 days; nothing where nothing was generated."""
    if not found.made:
        return ""
    said = [page.word("studio.output", made=found.made, kept=found.kept)]
    if found.seconds_per_kept is not None:
        lasts = page.voice.lasting(timedelta(seconds=max(1, round(found.seconds_per_kept))))
        said.append(page.word("studio.output_time", lasts=lasts))
    said += [page.word("studio.output_cost", cost=page.voice.money(each)) for each in found.cost if each.minor]
    return " · ".join(said)


def edit(page: Page, creator_id: UUID, found: Limits) -> None:
    """Both forms; runs that wait are looked at again when one is kept."""
    if not page.may(Right.RUN):
        return
    with st.expander(page.word("studio.limits"), icon=":material/schedule:"):
        _form(page, _Form(str(creator_id), creator_id, found.own, found.agency), found)
        _form(page, _Form("agency", None, found.agency, None), found)


@dataclass(frozen=True)
class _Form:
    """The hours of a creator, or of the agency (no `creator_id`), and what holds where there are none."""

    mark: str
    creator_id: UUID | None
    window: Window | None
    otherwise: Window | None


def _form(page: Page, form: _Form, found: Limits) -> None:
    mark, window = form.mark, form.window or form.otherwise or NIGHT
    whose = "agency" if form.creator_id is None else "creator"
    with st.form(f"limits:{mark}", border=False):
        st.radio(
            page.word(f"studio.limits_{whose}"),
            ["always", "hours"],
            index=0 if form.window is None else 1,
            format_func=lambda one: _when(page, one, form.otherwise),
            horizontal=True,
            key=f"{WHEN}:{mark}",
        )
        with st.container(horizontal=True, gap="small"):
            st.time_input(page.word("studio.limits_opens", zone=found.zone), window.opens, key=f"{OPENS}:{mark}")
            st.time_input(page.word("studio.limits_closes"), window.closes, key=f"{CLOSES}:{mark}")
        if form.creator_id is None:
            most, per_day = quotas.MOST_PER_DAY, found.agency_per_day or 0
            st.number_input(page.word("studio.limits_per_day"), 0, most, per_day, key=PER_DAY)
        acting.submit(
            page,
            f"studio.limits_keep_{whose}",
            partial(_keep, page, form),
            right=Right.RUN,
            key=f"limits_keep:{mark}",
        )


def _when(page: Page, one: str, otherwise: Window | None) -> str:
    if one == "always" and otherwise is not None:
        return page.word(
            "studio.limits_as_agency", opens=f"{otherwise.opens:%H:%M}", closes=f"{otherwise.closes:%H:%M}"
        )
    return page.word(f"studio.limits_{one}")


def _keep(page: Page, form: _Form, scope: Scope, _: UUID) -> Message:
    if form.creator_id is not None:
        page.my(scope, form.creator_id)
    opens, closes = acting.typed(f"{OPENS}:{form.mark}"), acting.typed(f"{CLOSES}:{form.mark}")
    always = acting.typed(f"{WHEN}:{form.mark}") == "always"
    if not always and (opens is None or closes is None):
        raise BadInput("quota.window_empty")
    window = None if always else Window(opens, closes)
    quotas.set_window(scope, window, creator_id=form.creator_id)
    if form.creator_id is None:
        quotas.set_per_day(scope, int(acting.typed(PER_DAY) or 0) or None)
    jobs.reconsider(scope)
    animating.reconsider(scope)
    return Message("studio.limits_kept")
