"""Costs of images: estimate of a run, spending of the month and the agency's cap."""

from collections.abc import Set as AbstractSet
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.recipes.queries import engine_name
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.money import Money, parse_amounts, parse_money, parse_token_prices, round_up
from foundation.ops import settings
from foundation.ops.settings import GeneratorsSettings
from studio.costs import spending_caps
from studio.costs.spending_caps import MonthlyBudget, SpendingCaps
from studio.recipes.specs import RecipeSpec
from studio.runs import estimates
from studio.runs.estimates import price_per_picture
from tenants.agencies.rights import Right

CAP = "spending:cap"


def describe_estimate(page: PageContext, spec: RecipeSpec, lasts: str, count: int) -> str:
    """Return the estimated duration and cost of a run."""
    known = _load_generator_settings()
    if not known.hosted_model(engine_name(known, spec.engine)):
        return page.text("studio.estimate", lasts=lasts)
    price = price_per_picture(known, spec)
    if price is None:
        return page.text("studio.estimate_unpriced")
    found = _load_monthly_budget(page, price.currency)
    costs = page.text(
        "studio.estimate_priced", lasts=lasts, cost=page.localizer.format_money(price.total(count))
    )
    return f"{costs} {_describe_spending(page, found)}"


def render_cost_cap(page: PageContext, spec: RecipeSpec) -> None:
    """Draw the agency's cap in each currency in which models are paid. Draw nothing if none is
    paid."""
    currencies = _list_cap_currencies(spec)
    if not currencies or not page.has_right(Right.RUN):
        return
    with st.expander(page.text("studio.spending"), icon=":material/payments:"):
        for currency in currencies:
            with forms.open_form(page, f"spending:{currency}"):
                found = _load_monthly_budget(page, currency)
                own = _format_cap_amount(found.own) if found.own is not None else ""
                st.text_input(
                    page.text("studio.cap", currency=currency), own, key=f"{CAP}:{currency}"
                )
                forms.show_field_error("cap")
                draw_template("shell/templates/note.html", note=_describe_spending(page, found))
                keep = partial(_save_spending_cap, currency)
                actions.submit_button(
                    page, "studio.cap_keep", keep, right=Right.RUN, key=f"cap_keep:{currency}"
                )


def _list_cap_currencies(spec: RecipeSpec) -> list[str]:
    price = price_per_picture(_load_generator_settings(), spec)
    texts = parse_token_prices(_load_generator_settings().text_prices).values()
    return list(
        dict.fromkeys(
            [*([price.currency] if price else []), *(one.input.currency for one in texts)]
        )
    )


def require_within_cap(
    scope: Scope, spec: RecipeSpec, count: int, asks: AbstractSet[str] = estimates.NO_INPUTS
) -> None:
    """Raise CapReached if a run exceeds the budget of its template or the monthly cap.

    `asks` contains the inputs of the run besides its prompt and style references, since they change
    the price.
    """
    estimates.check_affordable(scope, _load_generator_settings(), spec, count, asks)


def has_price(spec: RecipeSpec) -> bool:
    """Return True if images of a template have a configured price."""
    return price_per_picture(_load_generator_settings(), spec) is not None


def _save_spending_cap(currency: str, scope: Scope, _: UUID) -> Message:
    text = str(actions.typed_value(f"{CAP}:{currency}") or "").strip()
    try:
        cap = parse_money(text, currency) if text else None
    except ValueError as error:
        raise BadInput("spending.cap_wrong", currency=currency).about("cap") from error
    spending_caps.set_spending_cap(scope, currency, cap)
    return Message("studio.cap_kept")


def _describe_spending(page: PageContext, found: MonthlyBudget) -> str:
    spent = page.localizer.format_money(round_up(found.spent.minor, found.spent.currency))
    if found.cap is None:
        return page.text("studio.spent", spent=spent)
    return page.text("studio.spent_capped", spent=spent, cap=page.localizer.format_money(found.cap))


def _format_cap_amount(cap: Money) -> str:
    """Return the amount without its currency."""
    return str(cap).rpartition(" ")[0]


def _load_monthly_budget(page: PageContext, currency: str) -> MonthlyBudget:
    return page.read(
        lambda scope: spending_caps.monthly_budget(scope, currency, _parse_spending_caps())
    )


def _parse_spending_caps() -> SpendingCaps:
    return parse_amounts(_load_generator_settings().spending_caps)


def _load_generator_settings() -> GeneratorsSettings:
    return settings.load_settings().generators
