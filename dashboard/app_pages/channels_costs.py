"""What platforms ask for requests of a program this month, and the agency's cap on it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels import charging
from channels.charging import Month
from dashboard import acting
from dashboard.frame import Page
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.money import Money, parse, rounded_up
from foundation.words import Message
from tenants.roles import Right

CAP = "requests:cap"


def show(page: Page, months: Sequence[Month]) -> None:
    """Draw the part; nothing where no platform of the agency asks anything."""
    if not months:
        return
    st.subheader(page.word("channels.costs_title"), anchor="costs")
    st.write(page.word("channels.costs_explained"))
    for found in months:
        _of(page, found)


def _of(page: Page, found: Month) -> None:
    name, key = page.word(f"platform.{found.platform}"), f"{CAP}:{found.platform}"
    spent = page.voice.money(rounded_up(found.spent.minor, found.spent.currency))
    st.write(page.word("channels.costs_spent", platform=name, spent=spent))
    with st.form(f"costs:{found.platform}"):
        own = _written(found.cap) if found.cap is not None else ""
        st.text_input(page.word("channels.cap", platform=name, currency=found.spent.currency), own, key=key)
        keep = partial(_keep, found.platform, found.spent.currency)
        acting.submit(page, "channels.cap_keep", keep, right=Right.RUN, key=f"cap_keep:{found.platform}")


def _keep(platform: str, currency: str, scope: Scope, _: UUID) -> Message:
    text = str(acting.typed(f"{CAP}:{platform}") or "").strip()
    try:
        cap = parse(text, currency) if text else None
    except ValueError as error:
        raise BadInput("channel.cap_wrong", currency=currency) from error
    charging.set_cap(scope, platform, cap)
    return Message("channels.cap_kept")


def _written(cap: Money) -> str:
    """As it is typed: without its currency."""
    return str(cap).rpartition(" ")[0]
