"""The books of a creator: a month with its sums and its close, and statements of other platforms brought in."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import shop_columns
from dashboard.frame import Page
from dashboard.printing import Sheet, pdf
from dashboard.reads import shop as reads
from dashboard.reads.shop import Books
from dashboard.widgets import draw, render
from foundation.database import Scope
from foundation.errors import BadInput, GreenroomError
from foundation.money import Money
from foundation.words import Message
from schedules.calendar import local_day
from subscribers import closing, earning, statement_columns, statements
from subscribers.closing import Month
from subscribers.rails import columns, statement
from subscribers.rails.statement import Sheet as File
from subscribers.statements import Fate, Weighed
from tenants import reads as tenant_reads
from tenants.reads import Creator
from tenants.roles import Right

MONTH, SOURCE, FILE, SAMPLE = "shop:month", "shop:source", "shop:file", "shop:sample"
SHOWN = 60
"""Lines of a report that are shown; all of them count."""


def show(page: Page, creator: Creator) -> None:
    """Draw the month, then the statements."""
    left, right = st.columns(2, gap="large")
    with left:
        _month(page, creator)
    with right:
        today = _statements(page, creator)
    given = _given(creator, today) if page.may(Right.BOOKS) else None
    if given is not None:
        _report(page, creator, today, given[1])


def _month(page: Page, creator: Creator) -> None:
    known = page.read(lambda scope: reads.months(scope, creator))
    first = st.selectbox(
        page.word("shop.month"),
        known,
        format_func=page.voice.month,
        key=f"{MONTH}:{creator.id}",
    )
    books = page.read(lambda scope: reads.month(scope, page, creator.id, first))
    found = books.month
    draw("shop_month.html", **_values(page, creator, books))
    with st.container(horizontal=True, gap="small"):
        if found.lines:
            _downloads(page, creator, books)
        if found.close is None and page.may(Right.BOOKS):
            act = partial(_close, page, creator.id, first)
            key = f"shop:close:{creator.id}:{first}"
            acting.button(page, "shop.close", act, right=Right.BOOKS, key=key, disabled=not _over(page, found))


def _values(page: Page, creator: Creator, books: Books) -> dict[str, object]:
    """What the page and the statement show of a month."""
    shown: dict[str, object] = {"creator": creator, "found": books.month, "spent": books.spent, "names": books.names}
    return shown | {"requests": books.requests, "money": Money, "voice": page.voice, "word": page.word}


def _downloads(page: Page, creator: Creator, books: Books) -> None:
    """The month as a table, as a page and as a PDF; each is made when it is asked for."""
    found, names = books.month, books.names
    name, title = f"{creator.slug}-{found.month:%Y-%m}", _title(page, creator, found.month)
    agency = page.read(tenant_reads.agency).name
    close = found.close
    when = page.voice.moment(close.at, found.until) if close is not None else ""
    by = names.get(close.by, page.word("shop.by.house")) if close is not None else ""
    about = page.word("shop.closed_by", name=by, when=when) if close is not None else ""
    sheet = Sheet(title, agency, creator.name, about, found, books.spent, page.voice, books.requests)
    values = {**_values(page, creator, books), "title": title}
    ways: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "csv": (f"{name}.csv", "text/csv", partial(reads.table, found)),
        "html": (f"{name}.html", "text/html", partial(render, "shop_statement.html", **values)),
        "pdf": (f"{name}.pdf", "application/pdf", partial(pdf, sheet)),
    }
    for way, (file, mime, make) in ways.items():
        st.download_button(page.word(f"shop.{way}"), make, file, mime, key=f"shop:{way}", on_click="ignore")


def _over(page: Page, found: Month) -> bool:
    return page.read(lambda scope: scope.now) >= found.until


def _title(page: Page, creator: Creator, first: date) -> str:
    said = page.voice.month(first)
    return page.word("shop.statement_of", creator=creator.name, month=said)


def _close(page: Page, creator_id: UUID, first: date, scope: Scope, _press: UUID) -> Message:
    page.my(scope, creator_id)
    closing.close(scope, creator_id, first)
    return Message("shop.closed")


def _statements(page: Page, creator: Creator) -> date:
    """Where a file is handed in; the day it is there."""
    draw("shop_note.html", note=page.word("shop.import_what"))
    today, demo = page.read(lambda scope: (local_day(scope.now, creator.zone), tenant_reads.agency(scope).demo))
    _read_there(page, creator)
    if not page.may(Right.BOOKS):
        return today
    with st.container(horizontal=True, gap="small"):
        example = reads.sample(creator, today)
        st.download_button(page.word("shop.template"), example, "releve.csv", "text/csv", key="shop:template")
        if demo:
            st.button(page.word("shop.use_sample"), key="shop:use_sample", on_click=_use_sample)
    if SOURCE not in st.session_state:
        st.session_state[SOURCE] = page.word("shop.other_platform")
    st.text_input(page.word("shop.source"), key=SOURCE, max_chars=statements.LONGEST_NAME)
    st.file_uploader(page.word("shop.file"), ["csv", "txt"], key=FILE)
    return today


def _read_there(page: Page, creator: Creator) -> None:
    """A line for each account whose platform tells by itself what it earned."""
    found, now = page.read(lambda scope: (earning.readings(scope, creator.id), scope.now))
    for one in found:
        at = page.voice.moment(one.read_at, now)
        said = [page.word("shop.earning", source=one.source, account=one.name, at=at)]
        odd = {"unread": one.unread, "left_out": one.left_out, "gone": one.gone}
        said += [page.word(f"shop.earning.{name}", count=count) for name, count in odd.items() if count]
        draw("shop_note.html", note=" ".join(said))


def _use_sample() -> None:
    st.session_state[SAMPLE] = True


def _given(creator: Creator, today: date) -> tuple[str, bytes] | None:
    """The file that was handed in, or the example where it was asked for."""
    uploaded = acting.typed(FILE)
    if uploaded is not None:
        return str(uploaded.name), bytes(uploaded.getvalue())
    return ("releve.csv", reads.sample(creator, today).encode()) if acting.typed(SAMPLE) else None


def _report(page: Page, creator: Creator, today: date, data: bytes) -> None:
    """What bringing the file in would do, line by line; nothing is written by looking."""
    try:
        typed = str(acting.typed(SOURCE) or "")
        source = page.read(lambda scope: statements.named(scope, creator.id, typed))
        table = statement.table(data)
        known = page.read(lambda scope: statement_columns.known(scope, table.heading))
        if known is None or _asked_again(page, table.heading):
            shop_columns.ask(page, table, known)
        sheet = statement.read(data, source, known)
    except GreenroomError as refused:
        st.error(page.voice.say(refused.message))
        return
    weighed = page.read(lambda scope: statements.weigh(scope, creator.id, sheet, source=source))
    _lines(page, sheet, weighed)
    fresh = sum(one.fate in statements.BOOKED for one in weighed)
    act = partial(_bring_in, page, creator.id, today)
    blocked = bool(sheet.unread) or not fresh
    key = f"shop:import:{sheet.digest[:12]}"
    acting.button(
        page, "shop.import", act, right=Right.BOOKS, key=key, kind="primary", params={"count": fresh}, disabled=blocked
    )


def _asked_again(page: Page, heading: Sequence[str]) -> bool:
    """Whether somebody wants to say once more how such files are read; our own template is read one way."""
    if columns.ours(heading) is not None:
        return False
    return st.toggle(page.word("shop.columns.again"), key=f"shop:columns:{columns.fingerprint(heading)[:12]}:again")


def _lines(page: Page, sheet: File, weighed: list[Weighed]) -> None:
    draw(
        "shop_report.html",
        weighed=weighed[:SHOWN],
        more=max(len(weighed) - SHOWN, 0),
        counts={fate: sum(one.fate is fate for one in weighed) for fate in Fate},
        unread=sheet.unread,
        sums=[page.voice.money(money) for money in sheet.nets().values()],
        voice=page.voice,
        word=page.word,
    )


def _bring_in(page: Page, creator_id: UUID, today: date, scope: Scope, _press: UUID) -> Message:
    creator = page.my(scope, creator_id)
    given = _given(creator, today)
    if given is None:
        raise BadInput("shop.no_file")
    name, data = given
    source = statements.named(scope, creator.id, str(acting.typed(SOURCE) or ""))
    sheet = statement_columns.read(scope, data, source)
    count = statements.bring_in(scope, creator.id, sheet, source=source, name=name)
    return Message("shop.imported", {"count": count, "source": source})
