"""Which column of a statement is what: asked once for each heading that is not ours, and kept."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw, plain
from foundation.database import Scope
from foundation.words import Message
from subscribers import statement_columns
from subscribers.rails import columns
from subscribers.rails.columns import FIELDS, KINDS, WORDS, Columns
from subscribers.rails.statement import Table
from tenants.roles import Right

NONE = -1
LONGEST_WORDS = 400
SAID = 24
"""Characters of an example that are shown beside its column."""


def ask(page: Page, table: Table, known: Columns | None) -> None:
    """Draw the form; `known` is how the heading is read now."""
    mark = columns.fingerprint(table.heading)[:12]
    draw("shop_note.html", note=page.word("shop.columns.what"))
    with st.form(f"shop:columns:{mark}"):
        proposed = known.places if known is not None else columns.named(table.heading)
        options = [NONE, *range(len(table.heading))]
        for name in FIELDS:
            place = proposed.get(name, NONE)
            st.selectbox(
                page.word(f"shop.columns.{name}"),
                options,
                index=options.index(place) if place in options else 0,
                format_func=lambda one: _shown(page, table, one),
                key=_key(mark, name),
            )
        _ways(page, mark, known or Columns({}))
        act = partial(_keep, table.heading, mark)
        acting.submit(page, "shop.columns.keep", act, right=Right.BOOKS, key=_key(mark, "go"))


def _ways(page: Page, mark: str, known: Columns) -> None:
    st.text_input(page.word("shop.columns.default"), known.currency, key=_key(mark, "default"), max_chars=3)
    dates, decimals = ("day_first", "month_first"), ("point", "comma")
    st.selectbox(
        page.word("shop.columns.dates"),
        dates,
        index=dates.index(known.dates),
        format_func=lambda one: page.word(f"shop.columns.{one}"),
        key=_key(mark, "dates"),
    )
    st.selectbox(
        page.word("shop.columns.decimals"),
        decimals,
        index=decimals.index(known.decimals) if known.decimals in decimals else 0,
        format_func=lambda one: page.word(f"shop.columns.{one}"),
        key=_key(mark, "decimals"),
    )
    for kind in KINDS:
        said = ", ".join(known.words.get(kind, WORDS[kind]))
        label = page.word("shop.columns.words", kind=page.word(f"shop.kind.{kind}"))
        st.text_input(label, said, key=_key(mark, f"words:{kind}"), max_chars=LONGEST_WORDS)


def _shown(page: Page, table: Table, place: int) -> str:
    """A column with the first thing that stands in it."""
    if place == NONE:
        return page.word("shop.columns.none")
    name = table.heading[place] or page.word("shop.columns.unnamed", number=place + 1)
    example = next((row[place] for _, row in table.rows if place < len(row) and row[place]), "")
    return page.word("shop.columns.option", name=plain(name), example=plain(example[:SAID]) or "…")


def _key(mark: str, name: str) -> str:
    return f"shop:columns:{mark}:{name}"


def _keep(heading: Sequence[str], mark: str, scope: Scope, _press: UUID) -> Message:
    typed = {name: acting.typed(_key(mark, name)) for name in FIELDS}
    words = {
        kind: tuple(
            word.strip() for word in str(acting.typed(_key(mark, f"words:{kind}")) or "").split(",") if word.strip()
        )
        for kind in KINDS
    }
    said = Columns(
        {name: place for name, place in typed.items() if isinstance(place, int) and place != NONE},
        str(acting.typed(_key(mark, "default")) or "").strip().upper(),
        acting.typed(_key(mark, "dates")),
        acting.typed(_key(mark, "decimals")),
        words,
    )
    statement_columns.keep(scope, heading, said)
    return Message("shop.columns.kept")
