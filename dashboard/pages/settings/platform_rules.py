"""Rules of the platforms: an owner confirms them, members make them stricter or report that more is
allowed."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.settings.queries import SafetyRulesView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.units import Rating, Verdict
from gate.reviews.events import PlaceLimitRequested, PlatformRulesRead
from gate.reviews.platform_confirmations import MAX_REPORT_LENGTH
from gate.reviews.rule_expiry import DuePlatform
from tenants.agencies.rights import Right

LIMITED_RATINGS = (Rating.S, Rating.N, Rating.E)
"""Ratings from which a stricter rule can hold content; General never stops."""


def render_platform_rules(page: PageContext, found: SafetyRulesView) -> None:
    """Draw one card for each platform whose rules can be confirmed."""
    if not found.due:
        return
    st.subheader(page.text("system.rules"))
    st.write(page.text("system.rules_explained"))
    for due in found.due:
        with st.container(border=True):
            draw_template(
                "pages/settings/templates/platform_rules.html",
                due=due,
                found=found,
                voice=page.localizer,
                word=page.text,
                held=", ".join(page.text(f"rating.{rating}") for rating in due.held_ratings),
                adult=due.last_day_of(Rating.N),
                suggestive=due.last_day_of(Rating.S),
            )
            _render_confirmation(page, due)
            _render_stricter_rule(page, due)
            _render_report(page, due)


def _render_confirmation(page: PageContext, due: DuePlatform) -> None:
    """Draw the pages to read, each with a box to tick, and the button of the owner."""
    with forms.open_fields(page, f"rules:{due.platform}"):
        for number, url in enumerate(due.urls):
            st.checkbox(
                page.text("system.rule_page", page=f"[{_shorten_url(url)}]({url})"),
                key=_page_key(due, number),
            )
        actions.action_button(
            page,
            "system.rule_read",
            partial(_confirm_platform, due),
            right=Right.RULES,
            key=f"rules:{due.platform}:read",
            kind="primary",
        )


def _page_key(due: DuePlatform, number: int) -> str:
    return f"rules:{due.platform}:{due.last}:{number}"


def _shorten_url(url: str) -> str:
    shown = url.removeprefix("https://")
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def _confirm_platform(due: DuePlatform, scope: Scope, press_id: UUID) -> Message:
    if not all(actions.typed_value(_page_key(due, number)) for number in range(len(due.urls))):
        raise BadInput("system.rule_unread")
    _request_reading(scope, press_id, due)
    return Message("system.rule_noted")


def _request_reading(scope: Scope, press_id: UUID, due: DuePlatform, *, looser: str = "") -> None:
    wanted = PlatformRulesRead(
        scope.tenant_id,
        press_id,
        platform=due.platform,
        urls=" ".join(due.urls),
        read_on=scope.now.date().isoformat(),
        by=scope.actor,
        looser=looser,
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"rule:{press_id}")


def _render_stricter_rule(page: PageContext, due: DuePlatform) -> None:
    """Draw the form of a stricter rule for a destination of the platform, which holds at once."""
    with (
        st.expander(page.text("system.rule_stricter")),
        forms.open_fields(page, f"stricter:{due.platform}"),
    ):
        key = f"stricter:{due.platform}"
        st.selectbox(
            page.text("system.limit_place"),
            due.places,
            format_func=lambda place: page.text(f"place.{place}"),
            key=f"{key}:place",
        )
        st.selectbox(
            page.text("system.limit_from"),
            [str(rating) for rating in LIMITED_RATINGS],
            format_func=lambda rating: page.text(f"rating.{rating}"),
            key=f"{key}:from",
        )
        st.text_input(page.text("system.why"), key=f"{key}:why", max_chars=200)
        forms.show_field_error("reason")
        actions.action_button(
            page,
            "system.rule_stricter",
            partial(_add_stricter_rule, key),
            right=Right.RUN,
            key=f"{key}:add",
        )


def _add_stricter_rule(key: str, scope: Scope, press_id: UUID) -> Message:
    place, rating, why = (
        str(actions.typed_value(f"{key}:{name}") or "") for name in ("place", "from", "why")
    )
    wanted = PlaceLimitRequested(
        scope.tenant_id,
        press_id,
        place=place,
        rating=rating,
        verdict=str(Verdict.H),
        why=why.strip(),
        end=False,
        by=scope.actor,
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"limit:{press_id}")
    return Message("system.limit_keeping")


def _render_report(page: PageContext, due: DuePlatform) -> None:
    """Draw the report that the platform allows more. It changes nothing."""
    with (
        st.expander(page.text("system.rule_more")),
        forms.open_fields(page, f"looser:{due.platform}"),
    ):
        key = f"looser:{due.platform}:words"
        st.text_area(page.text("system.rule_more_words"), key=key, max_chars=MAX_REPORT_LENGTH)
        actions.action_button(
            page,
            "system.rule_more",
            partial(_report_looser_rules, due, key),
            right=Right.RUN,
            key=f"looser:{due.platform}:send",
        )


def _report_looser_rules(due: DuePlatform, key: str, scope: Scope, press_id: UUID) -> Message:
    words = str(actions.typed_value(key) or "").strip()
    if not words:
        raise BadInput("rule.no_report", most=MAX_REPORT_LENGTH)
    _request_reading(scope, press_id, due, looser=words)
    forms.set_on_success(key, "")
    return Message("system.rule_reported")
