"""What pictures cost: the estimate before a run, what the month has cost, and the agency's cap on it."""

from collections.abc import Set as AbstractSet
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.studio import engine_of
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.money import Money, amounts, parse, rounded_up, token_prices
from foundation.settings import GeneratorsSettings
from foundation.words import Message
from studio import estimating, spending
from studio.estimating import price_of
from studio.recipes import Spec
from studio.spending import Budget, Caps
from tenants.roles import Right

CAP = "spending:cap"


def estimate(page: Page, spec: Spec, lasts: str, count: int) -> str:
    """How long a run takes and what it costs; of what costs nothing, that it does."""
    known = _known()
    if not known.hosted_model(engine_of(known, spec.engine)):
        return page.word("studio.estimate", lasts=lasts)
    price = price_of(known, spec)
    if price is None:
        return page.word("studio.estimate_unpriced")
    found = _budget(page, price.currency)
    costs = page.word("studio.estimate_priced", lasts=lasts, cost=page.voice.money(price.times(count)))
    return f"{costs} {_spent(page, found)}"


def edit(page: Page, spec: Spec) -> None:
    """The cap of the agency, in each currency that the model or texts are paid in; nothing where none is."""
    currencies = _currencies(spec)
    if not currencies or not page.may(Right.RUN):
        return
    with st.expander(page.word("studio.spending"), icon=":material/payments:"):
        for currency in currencies:
            with st.form(f"spending:{currency}", border=False):
                found = _budget(page, currency)
                own = _written(found.own) if found.own is not None else ""
                st.text_input(page.word("studio.cap", currency=currency), own, key=f"{CAP}:{currency}")
                draw("studio_note.html", note=_spent(page, found))
                keep = partial(_keep, currency)
                acting.submit(page, "studio.cap_keep", keep, right=Right.RUN, key=f"cap_keep:{currency}")


def _currencies(spec: Spec) -> list[str]:
    price, texts = price_of(_known(), spec), token_prices(_known().text_prices).values()
    return list(dict.fromkeys([*([price.currency] if price else []), *(one.asked.currency for one in texts)]))


def check(scope: Scope, spec: Spec, count: int, asks: AbstractSet[str] = estimating.NOTHING) -> None:
    """Raise CapReached for a run that its recipe's budget, or the month's cap, does not hold; `asks` is what it asks of
    its engine beside words and its look."""
    estimating.afford(scope, _known(), spec, count, asks)


def sold(spec: Spec) -> bool:
    """Whether pictures of a recipe have a price here."""
    return price_of(_known(), spec) is not None


def _keep(currency: str, scope: Scope, _: UUID) -> Message:
    text = str(acting.typed(f"{CAP}:{currency}") or "").strip()
    try:
        cap = parse(text, currency) if text else None
    except ValueError as error:
        raise BadInput("spending.cap_wrong", currency=currency) from error
    spending.set_cap(scope, currency, cap)
    return Message("studio.cap_kept")


def _spent(page: Page, found: Budget) -> str:
    spent = page.voice.money(rounded_up(found.spent.minor, found.spent.currency))
    if found.cap is None:
        return page.word("studio.spent", spent=spent)
    return page.word("studio.spent_capped", spent=spent, cap=page.voice.money(found.cap))


def _written(cap: Money) -> str:
    """As it is typed: without its currency."""
    return str(cap).rpartition(" ")[0]


def _budget(page: Page, currency: str) -> Budget:
    return page.read(lambda scope: spending.budget(scope, currency, _caps()))


def _caps() -> Caps:
    return amounts(_known().spending_caps)


def _known() -> GeneratorsSettings:
    return settings.load().generators
