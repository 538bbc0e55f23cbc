"""Generation limits: hours of a creator and of the agency, and recent output."""

from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from studio.costs import quotas
from studio.costs.productivity import GenerationOutput
from studio.costs.quotas import GenerationHours, GenerationLimits
from studio.runs import runner
from studio.video import animations
from tenants.agencies.rights import Right

WHEN = "limits:when"
OPENS = "limits:opens"
CLOSES = "limits:closes"
NIGHT = GenerationHours(time(23), time(7))


def describe_output(page: PageContext, found: GenerationOutput) -> str:
    """Return one line about the last 30 days, empty without any generated image."""
    if not found.made:
        return ""
    said = [page.text("studio.output", made=found.made, kept=found.kept)]
    if found.seconds_per_kept is not None:
        lasts = page.localizer.format_duration(
            timedelta(seconds=max(1, round(found.seconds_per_kept)))
        )
        said.append(page.text("studio.output_time", lasts=lasts))
    said += [
        page.text("studio.output_cost", cost=page.localizer.format_money(each))
        for each in found.cost
        if each.minor
    ]
    return " · ".join(said)


def render_generation_limits(page: PageContext, creator_id: UUID, found: GenerationLimits) -> None:
    """Draw the forms of creator and agency. Saving one rechecks waiting runs."""
    if not page.has_right(Right.RUN):
        return
    with st.expander(page.text("studio.limits"), icon=":material/schedule:"):
        _render_limits_form(
            page, _Form(str(creator_id), creator_id, found.own, found.agency), found
        )
        _render_limits_form(page, _Form("agency", None, found.agency, None), found)


@dataclass(frozen=True)
class _Form:
    """Hours of a creator, or of the agency if `creator_id` is None, with the fallback."""

    mark: str
    creator_id: UUID | None
    window: GenerationHours | None
    otherwise: GenerationHours | None


def _render_limits_form(page: PageContext, form: _Form, found: GenerationLimits) -> None:
    mark = form.mark
    window = form.window or form.otherwise or NIGHT
    whose = "agency" if form.creator_id is None else "creator"
    with forms.open_form(page, f"limits:{mark}"):
        st.radio(
            page.text(f"studio.limits_{whose}"),
            ["always", "hours"],
            index=0 if form.window is None else 1,
            format_func=lambda one: _hours_choice_label(page, one, form.otherwise),
            horizontal=True,
            key=f"{WHEN}:{mark}",
        )
        with st.container(horizontal=True, gap="small"):
            st.time_input(
                page.text("studio.limits_opens", zone=found.zone),
                window.opens,
                key=f"{OPENS}:{mark}",
            )
            st.time_input(page.text("studio.limits_closes"), window.closes, key=f"{CLOSES}:{mark}")
        actions.submit_button(
            page,
            f"studio.limits_keep_{whose}",
            partial(_save_generation_limits, page, form),
            right=Right.RUN,
            key=f"limits_keep:{mark}",
        )


def _hours_choice_label(page: PageContext, one: str, otherwise: GenerationHours | None) -> str:
    if one == "always" and otherwise is not None:
        return page.text(
            "studio.limits_as_agency",
            opens=f"{otherwise.opens:%H:%M}",
            closes=f"{otherwise.closes:%H:%M}",
        )
    return page.text(f"studio.limits_{one}")


def _save_generation_limits(page: PageContext, form: _Form, scope: Scope, _: UUID) -> Message:
    if form.creator_id is not None:
        page.get_creator(scope, form.creator_id)
    opens = actions.typed_value(f"{OPENS}:{form.mark}")
    closes = actions.typed_value(f"{CLOSES}:{form.mark}")
    always = actions.typed_value(f"{WHEN}:{form.mark}") == "always"
    if not always and (opens is None or closes is None):
        raise BadInput("quota.window_empty")
    window = None if always else GenerationHours(opens, closes)
    quotas.set_generation_hours(scope, window, creator_id=form.creator_id)
    runner.wake_waiting_runs(scope)
    animations.wake_waiting_animations(scope)
    return Message("studio.limits_kept")
