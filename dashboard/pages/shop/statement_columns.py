"""Column mapping of statement files. The user maps each unknown heading once; the mapping is
stored."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.money import STARS, list_currencies
from subscribers.statements import column_mappings, columns
from subscribers.statements.columns import (
    COLUMN_FIELDS,
    KIND_WORDS,
    STATEMENT_LINE_KINDS,
    StatementFormat,
)
from subscribers.statements.file_reader import StatementTable
from tenants.agencies.queries import get_agency
from tenants.agencies.rights import Right

NONE = -1
MAX_MAPPING_LENGTH = 400
SAID = 24
"""Maximum number of characters of the example value in a column's label."""


def render_column_form(
    page: PageContext, table: StatementTable, known: StatementFormat | None
) -> None:
    """Render the mapping form. `known` is the current mapping of the heading, if there is one."""
    mark = columns.heading_fingerprint(table.heading)[:12]
    currency = page.read(get_agency).currency if known is None else ""
    draw_template("shell/templates/empty_note.html", note=page.text("shop.columns.what"))
    with forms.open_form(page, f"shop:columns:{mark}", border=True):
        proposed = known.places if known is not None else columns.guess_columns(table.heading)
        options = [NONE, *range(len(table.heading))]
        for name in COLUMN_FIELDS:
            place = proposed.get(name, NONE)
            st.selectbox(
                page.text(f"shop.columns.{name}"),
                options,
                index=options.index(place) if place in options else 0,
                format_func=lambda one: _column_label(page, table, one),
                key=_field_key(mark, name),
            )
        _render_format_fields(page, mark, known or StatementFormat({}, currency=currency))
        act = partial(_save_column_mapping, table.heading, mark)
        actions.submit_button(
            page, "shop.columns.keep", act, right=Right.BOOKS, key=_field_key(mark, "go")
        )


def _render_format_fields(page: PageContext, mark: str, known: StatementFormat) -> None:
    st.selectbox(
        page.text("shop.columns.default"),
        list(dict.fromkeys((known.currency, *list_currencies(), STARS))),
        format_func=lambda code: page.localizer.format_currency(code) if code else "–",
        key=_field_key(mark, "default"),
    )
    dates = ("day_first", "month_first")
    decimals = ("point", "comma")
    st.selectbox(
        page.text("shop.columns.dates"),
        dates,
        index=dates.index(known.dates),
        format_func=lambda one: page.text(f"shop.columns.{one}"),
        key=_field_key(mark, "dates"),
    )
    st.selectbox(
        page.text("shop.columns.decimals"),
        decimals,
        index=decimals.index(known.decimals) if known.decimals in decimals else 0,
        format_func=lambda one: page.text(f"shop.columns.{one}"),
        key=_field_key(mark, "decimals"),
    )
    for kind in STATEMENT_LINE_KINDS:
        said = ", ".join(known.words.get(kind, KIND_WORDS[kind]))
        label = page.text("shop.columns.words", kind=page.text(f"shop.kind.{kind}"))
        st.text_input(
            label, said, key=_field_key(mark, f"words:{kind}"), max_chars=MAX_MAPPING_LENGTH
        )


def _column_label(page: PageContext, table: StatementTable, place: int) -> str:
    """Return the name of a column with its first non-empty value as an example."""
    if place == NONE:
        return page.text("shop.columns.none")
    name = table.heading[place] or page.text("shop.columns.unnamed", number=place + 1)
    example = next((row[place] for _, row in table.rows if place < len(row) and row[place]), "")
    return page.text(
        "shop.columns.option",
        name=escape_markdown(name),
        example=escape_markdown(example[:SAID]) or "…",
    )


def _field_key(mark: str, name: str) -> str:
    return f"shop:columns:{mark}:{name}"


def _save_column_mapping(heading: Sequence[str], mark: str, scope: Scope, _press: UUID) -> Message:
    typed = {name: actions.typed_value(_field_key(mark, name)) for name in COLUMN_FIELDS}
    words = {
        kind: tuple(
            word.strip()
            for word in str(actions.typed_value(_field_key(mark, f"words:{kind}")) or "").split(",")
            if word.strip()
        )
        for kind in STATEMENT_LINE_KINDS
    }
    said = StatementFormat(
        {name: place for name, place in typed.items() if isinstance(place, int) and place != NONE},
        str(actions.typed_value(_field_key(mark, "default")) or "").strip().upper(),
        actions.typed_value(_field_key(mark, "dates")),
        actions.typed_value(_field_key(mark, "decimals")),
        words,
    )
    column_mappings.store_format(scope, heading, said)
    return Message("shop.columns.kept")
