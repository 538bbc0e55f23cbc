"""Accounting of a creator: the totals and closing of a month, and imports of statement files from
other platforms."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard.pages.shop import payouts, queries, statement_columns
from dashboard.pages.shop.queries import AccountingView
from dashboard.pages.shop.statement_pdf import (
    MonthlyStatement,
    account_label,
    render_statement_pdf,
)
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, render_template
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message
from foundation.money import Money
from foundation.ops.wall_time import local_day
from subscribers.checkout import platform_earnings
from subscribers.ledger import month_close
from subscribers.ledger.month_close import LedgerMonth
from subscribers.statements import bookings, column_mappings, columns, file_reader
from subscribers.statements.bookings import CheckedLine, LineOutcome
from subscribers.statements.file_reader import StatementFile
from tenants.agencies.queries import Creator, get_agency
from tenants.agencies.rights import Right

MONTH = "shop:month"
SOURCE = "shop:source"
FILE = "shop:file"
SAMPLE = "shop:sample"
SHOWN = 60
"""Maximum number of lines of an import report that the page shows. The counts above them cover
every line."""


def render_accounting(page: PageContext, creator: Creator) -> None:
    """Render the selected month and the import of statement files."""
    left, right = st.columns(2, gap="large")
    with left:
        _render_month(page, creator)
    with right:
        today = _render_statement_import(page, creator)
    given = _find_uploaded_file(creator, today) if page.has_right(Right.BOOKS) else None
    if given is not None:
        _render_import_preview(page, creator, today, given[1])


def _render_month(page: PageContext, creator: Creator) -> None:
    known = page.read(lambda scope: queries.list_months(scope, creator))
    first = st.selectbox(
        page.text("shop.month"),
        known,
        format_func=page.localizer.format_month,
        key=f"{MONTH}:{creator.id}",
    )
    books = page.read(lambda scope: queries.load_month(scope, page, creator.id, first))
    found = books.month
    draw_template("pages/shop/templates/month.html", **_build_template_values(page, creator, books))
    with st.container(horizontal=True, gap="small"):
        if found.lines:
            _render_downloads(page, creator, books)
        if found.close is None and page.has_right(Right.BOOKS):
            act = partial(_close_month, page, creator.id, first)
            key = f"shop:close:{creator.id}:{first}"
            actions.action_button(
                page,
                "shop.close",
                act,
                right=Right.BOOKS,
                key=key,
                disabled=not _is_month_over(page, found),
            )
    payouts.render_payouts(page, creator, first)


def _build_template_values(
    page: PageContext, creator: Creator, books: AccountingView
) -> dict[str, object]:
    """Return the template values that the page and the monthly statement share."""
    shown: dict[str, object] = {
        "creator": creator,
        "found": books.month,
        "spent": books.spent,
        "names": books.names,
    }
    return shown | {
        "requests": books.requests,
        "account": account_label,
        "money": Money,
        "voice": page.localizer,
        "word": page.text,
    }


def _render_downloads(page: PageContext, creator: Creator, books: AccountingView) -> None:
    """Render download buttons for the month as CSV, HTML and PDF. Each file is generated on
    request."""
    found = books.month
    names = books.names
    name = f"{creator.slug}-{found.month:%Y-%m}"
    title = _statement_title(page, creator, found.month)
    agency = page.read(get_agency).name
    close = found.close
    when = page.localizer.format_moment(close.at, found.until) if close is not None else ""
    by = names.get(close.by, page.text("shop.by.house")) if close is not None else ""
    about = page.text("shop.closed_by", name=by, when=when) if close is not None else ""
    sheet = MonthlyStatement(
        title, agency, creator.name, about, found, books.spent, page.localizer, books.requests
    )
    values = {**_build_template_values(page, creator, books), "title": title}
    ways: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "csv": (f"{name}.csv", "text/csv", partial(queries.month_csv, found)),
        "html": (
            f"{name}.html",
            "text/html",
            partial(render_template, "pages/shop/templates/statement.html", **values),
        ),
        "pdf": (f"{name}.pdf", "application/pdf", partial(render_statement_pdf, sheet)),
    }
    for way, (file, mime, make) in ways.items():
        st.download_button(
            page.text(f"shop.{way}"), make, file, mime, key=f"shop:{way}", on_click="ignore"
        )


def _is_month_over(page: PageContext, found: LedgerMonth) -> bool:
    return page.read(lambda scope: scope.now) >= found.until


def _statement_title(page: PageContext, creator: Creator, first: date) -> str:
    said = page.localizer.format_month(first)
    return page.text("shop.statement_of", creator=creator.name, month=said)


def _close_month(
    page: PageContext, creator_id: UUID, first: date, scope: Scope, _press: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    month_close.close_month(scope, creator_id, first)
    return Message("shop.closed")


def _render_statement_import(page: PageContext, creator: Creator) -> date:
    """Render the upload of a statement file. Return today's date in the creator's time zone."""
    draw_template("shell/templates/empty_note.html", note=page.text("shop.import_what"))
    today, demo = page.read(
        lambda scope: (local_day(scope.now, creator.zone), get_agency(scope).demo)
    )
    _render_earnings_accounts(page, creator)
    if not page.has_right(Right.BOOKS):
        return today
    with st.container(horizontal=True, gap="small"):
        example = queries.sample_statement(creator, today)
        st.download_button(
            page.text("shop.template"),
            example,
            page.text("shop.template_file"),
            "text/csv",
            key="shop:template",
        )
        if demo:
            st.button(page.text("shop.use_sample"), key="shop:use_sample", on_click=_use_sample)
    if SOURCE not in st.session_state:
        st.session_state[SOURCE] = page.text("shop.other_platform")
    st.text_input(page.text("shop.source"), key=SOURCE, max_chars=bookings.MAX_SOURCE_NAME_LENGTH)
    st.file_uploader(page.text("shop.file"), ["csv", "txt"], key=FILE)
    return today


def _render_earnings_accounts(page: PageContext, creator: Creator) -> None:
    """Render a line for each account whose platform reports its earnings."""
    found, now = page.read(
        lambda scope: (platform_earnings.list_earnings_accounts(scope, creator.id), scope.now)
    )
    for one in found:
        at = page.localizer.format_moment(one.read_at, now)
        said = [page.text("shop.earning", source=one.source, account=one.name, at=at)]
        odd = {"unread": one.unread, "left_out": one.left_out, "gone": one.gone}
        said += [
            page.text(f"shop.earning.{name}", count=count) for name, count in odd.items() if count
        ]
        draw_template("shell/templates/empty_note.html", note=" ".join(said))


def _use_sample() -> None:
    st.session_state[SAMPLE] = True


def _find_uploaded_file(creator: Creator, today: date) -> tuple[str, bytes] | None:
    """Return the name and content of the uploaded file, or of the sample file if the user
    chose it."""
    uploaded = actions.typed_value(FILE)
    if uploaded is not None:
        return str(uploaded.name), bytes(uploaded.getvalue())
    return (
        ("statement.csv", queries.sample_statement(creator, today).encode())
        if actions.typed_value(SAMPLE)
        else None
    )


def _render_import_preview(page: PageContext, creator: Creator, today: date, data: bytes) -> None:
    """Preview the import of a file line by line, without writing anything."""
    try:
        typed = str(actions.typed_value(SOURCE) or "")
        source = page.read(lambda scope: bookings.ledger_source_name(scope, creator.id, typed))
        table = file_reader.parse_table(data)
        known = page.read(lambda scope: column_mappings.known_format(scope, table.heading))
        if known is None or _render_remap_toggle(page, table.heading):
            statement_columns.render_column_form(page, table, known)
        sheet = file_reader.read_statement(data, source, known)
    except GreenroomError as refused:
        st.error(page.localizer.message_text(refused.message))
        return
    weighed = page.read(
        lambda scope: bookings.preview_statement(scope, creator.id, sheet, source=source)
    )
    _render_import_lines(page, creator.zone, sheet, weighed)
    fresh = sum(one.fate in bookings.BOOKED_OUTCOMES for one in weighed)
    act = partial(_import_statement, page, creator.id, today)
    blocked = bool(sheet.unread) or not fresh
    key = f"shop:import:{sheet.digest[:12]}"
    actions.action_button(
        page,
        "shop.import",
        act,
        right=Right.BOOKS,
        key=key,
        kind="primary",
        params={"count": fresh},
        disabled=blocked,
    )


def _render_remap_toggle(page: PageContext, heading: Sequence[str]) -> bool:
    """Return True if the user wants to map the columns of this heading again. Our own template has
    a fixed mapping, so it has no toggle."""
    if columns.own_format(heading) is not None:
        return False
    return st.toggle(
        page.text("shop.columns.again"),
        key=f"shop:columns:{columns.heading_fingerprint(heading)[:12]}:again",
    )


def _render_import_lines(
    page: PageContext, zone: str, sheet: StatementFile, weighed: list[CheckedLine]
) -> None:
    draw_template(
        "pages/shop/templates/import_report.html",
        weighed=weighed[:SHOWN],
        more=max(len(weighed) - SHOWN, 0),
        counts={fate: sum(one.fate is fate for one in weighed) for fate in LineOutcome},
        unread=sheet.unread,
        clock=ZoneInfo(zone),
        zone="" if all(one.zoned or one.whole_day for one in sheet.movements) else zone,
        sums=[page.localizer.format_money(money) for money in sheet.net_by_currency().values()],
        voice=page.localizer,
        word=page.text,
    )


def _import_statement(
    page: PageContext, creator_id: UUID, today: date, scope: Scope, _press: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    given = _find_uploaded_file(creator, today)
    if given is None:
        raise BadInput("shop.no_file")
    name, data = given
    source = bookings.ledger_source_name(scope, creator.id, str(actions.typed_value(SOURCE) or ""))
    sheet = column_mappings.read_known_statement(scope, data, source)
    lines = bookings.preview_statement(scope, creator.id, sheet, source=source)
    count = bookings.import_statement(scope, creator.id, sheet, source=source, name=name)
    _select_imported_month(scope, creator, lines)
    return Message("shop.imported", {"count": count, "source": source})


def _select_imported_month(scope: Scope, creator: Creator, lines: list[CheckedLine]) -> None:
    """Select the newest month that the import added lines to."""
    months = {
        local_day(line.at, creator.zone).replace(day=1)
        for line in lines
        if line.fate is LineOutcome.NEW
    }
    if selectable := months.intersection(queries.list_months(scope, creator)):
        forms.set_on_success(f"{MONTH}:{creator.id}", max(selectable))
