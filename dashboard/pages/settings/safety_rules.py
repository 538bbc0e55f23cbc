"""Rules of the safety check: those of platforms, stricter ones, those of plugins, and the monthly
report."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.settings import platform_rules, third_party_rules
from dashboard.pages.settings.queries import SafetyRulesView, load_safety_rules
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.reviews.events import PlaceLimitRequested
from insights.reports import transparency_report
from tenants.agencies.rights import Right

RETAINED: Mapping[str, str] = {
    "messages": "18 months",
    "readers": "12 months",
    "audit": "5 years",
    "complaints": "5 years",
    "devices": "90 days",
    "addresses": "30 days",
    "decisions": "forever",
    "ledger": "10 years",
}
"""Kinds of data with the periods for which the tables keep them."""


def render_safety_rules(page: PageContext) -> None:
    """Draw the rules that are due, the stricter and third-party rules, the classifier and the
    monthly report."""
    found = page.read(load_safety_rules)
    st.write(page.text("settings.policy_version", version=found.policy))
    platform_rules.render_platform_rules(page, found)
    _render_place_limits(page, found)
    third_party_rules.render_third_party_rules(page, found)
    st.subheader(page.text("system.eyes"))
    draw_template(
        "pages/settings/templates/calibration.html",
        eyes=found.eyes,
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )
    _render_retention(page)
    _render_transparency_report(page, found)


def _render_retention(page: PageContext) -> None:
    """Draw how long each kind of data is stored."""
    st.subheader(page.text("settings.retention"))
    draw_template("pages/settings/templates/retention.html", kinds=RETAINED, word=page.text)


def _render_place_limits(page: PageContext, found: SafetyRulesView) -> None:
    """Draw the stricter rules of the agency. One member can add a rule; its removal requires two
    members."""
    with forms.open_fields(page, "limit"):
        if not found.places:
            return
        st.subheader(page.text("system.limits"))
        for number, kept in enumerate(found.limits):
            with st.container(border=True):
                draw_template(
                    "pages/settings/templates/limit.html",
                    kept=kept,
                    place=place_name(page, found, kept.place),
                    found=found,
                    voice=page.localizer,
                    word=page.text,
                )
                act = partial(request_place_limit, kept.place, kept.rating, kept.verdict, end=True)
                actions.action_button(
                    page, "system.limit_end", act, right=Right.REOPEN, key=f"limit:{number}"
                )
        with st.container(border=True):
            st.write(page.text("system.limits_explained"))
            offered = {
                "place": {one: place_name(page, found, one) for one in found.places},
                "from": {
                    str(one): page.text(f"rating.{one}") for one in Rating if one is not Rating.X
                },
                "what": {one: page.text(f"system.limit_{one}") for one in "HB"},
            }
            for column, (name, said) in zip(st.columns([2, 1, 1]), offered.items(), strict=True):
                label = page.text(f"system.limit_{name}")
                column.selectbox(label, list(said), format_func=said.__getitem__, key=f"l.{name}")
            st.text_input(page.text("system.why"), key="l.why", max_chars=200)
            forms.show_field_error("reason")
            actions.action_button(
                page, "system.limit_keep", _add_place_limit, right=Right.RUN, key="limit"
            )


def place_name(page: PageContext, found: SafetyRulesView, name: str) -> str:
    """Return the display name of a place. If the rules of another place apply to it, the name
    includes both."""
    rules = found.places.get(name, [name])
    said = ", ".join(page.text(f"place.{rule}") for rule in rules)
    return (
        said
        if rules == [name]
        else page.text(
            "system.place_by", place=said, by=page.text(f"platform.{name.partition('.')[0]}")
        )
    )


def _add_place_limit(scope: Scope, press_id: UUID) -> Message:
    place, rating, verdict = (
        str(actions.typed_value(key)) for key in ("l.place", "l.from", "l.what")
    )
    return request_place_limit(place, rating, verdict, scope, press_id, end=False)


def request_place_limit(
    place: str, rating: str, verdict: str, scope: Scope, press_id: UUID, *, end: bool
) -> Message:
    why = "" if end else str(actions.typed_value("l.why") or "").strip()
    wanted = PlaceLimitRequested(
        scope.tenant_id,
        press_id,
        place=place,
        rating=rating,
        verdict=verdict,
        why=why,
        end=end,
        by=scope.actor,
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"limit:{press_id}")
    return Message("system.limit_ending" if end else "system.limit_keeping")


def _render_transparency_report(page: PageContext, found: SafetyRulesView) -> None:
    """Draw the download of a monthly report of the safety check."""
    st.subheader(page.text("transparency.month"))
    st.write(page.text("transparency.month_explained"))
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    month = left.selectbox(
        page.text("transparency.which"),
        found.months,
        format_func=page.localizer.format_month,
        key="month",
    )

    def made(form: str) -> bytes:
        whole = page.read(lambda scope: transparency_report.load_transparency_report(scope, month))
        text = (
            transparency_report.render_transparency_csv(whole)
            if form == "csv"
            else transparency_report.render_transparency_html(whole, page.localizer.language)
        )
        return text.encode()

    for column, form, mime in ((middle, "html", "text/html"), (right, "csv", "text/csv")):
        column.download_button(
            page.text(f"insights.take_{form}"),
            data=partial(made, form),
            file_name=f"safety-{month:%Y-%m}.{form}",
            mime=mime,
            on_click="ignore",
            key=f"take:{form}",
        )
