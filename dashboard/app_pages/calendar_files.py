"""Import and export: a file of posts is brought in, looked at, written and taken back; the calendar goes out."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import calendar_addresses, calendar_feeds, calendar_filters
from dashboard.frame import Page
from dashboard.reads import files as reads
from dashboard.reads.files import Files, Window
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import imports
from schedules.imports import Brought
from schedules.imports_rows import MAX_BYTES, MAX_ROWS
from schedules.states import ImportState
from tenants.roles import Right

TICK = "3s"
FILE, ROUND, CHOSEN = "files:file", "files:round", "files:chosen"
FIRST, LAST = "files:first", "files:last"
SHOWN = 60
"""Findings on the page; the report has them all."""


def show(page: Page) -> None:
    """Draw the page."""
    calendar_filters.way_back(page)
    draw("files_head.html", title=page.word("files.title"))
    mine = page.read(page.mine)
    if not mine:
        draw("calendar_empty.html", code="dashboard.no_creators", word=page.word)
        return
    if page.may(Right.RUN):
        _bring(page)
        _brought(page)
    _out(page, page.read(lambda scope: reads.usual(scope, mine[0].zone)))
    if page.may(Right.RUN):
        calendar_addresses.show(page, mine)
        calendar_feeds.show(page, mine)


def _bring(page: Page) -> None:
    draw("files_part.html", title=page.word("files.in"), note=page.word("files.in_what"))
    key = f"{FILE}:{st.session_state.get(ROUND, 0)}"
    st.file_uploader(
        page.word("files.file", lines=page.voice.count(MAX_ROWS)),
        ["csv"],
        key=key,
        max_upload_size=MAX_BYTES // 2**20,
        on_change=partial(_handed_in, page, key),
    )
    st.download_button(
        page.word("files.example"),
        partial(_example, page),
        "greenroom.csv",
        "text/csv",
        key="files:example",
        on_click="ignore",
    )


def _example(page: Page) -> bytes:
    return page.read(lambda scope: reads.example(scope, page.mine(scope)))


def _handed_in(page: Page, key: str) -> None:
    """Hand the file over; the field is then empty again, and the file is the one that is shown."""
    file = st.session_state.get(key)
    if file is None:
        return
    made: list[UUID] = []
    act = partial(_receive, page, (str(file.name), bytes(file.getvalue())), made)
    acting.press(act, Right.RUN, f"files:{file.file_id}")
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    if made:
        st.session_state[CHOSEN] = made[0]


def _receive(page: Page, file: tuple[str, bytes], made: list[UUID], scope: Scope, _: UUID) -> Message:
    name, data = file
    if len(data) > MAX_BYTES:
        raise BadInput("import.too_large", most=MAX_BYTES // 2**20)
    made.append(imports.receive(scope, data, name=name, creators=_ids(page, scope)))
    return Message("files.received", {"name": name[:60]})


def _ids(page: Page, scope: Scope) -> set[UUID]:
    return {one.id for one in page.mine(scope)}


@st.fragment(run_every=TICK)
def _brought(drawn: Page) -> None:
    """The files so far, and one of them with what was found in it; read again while it is worked on."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "files:brought")
    chosen = st.session_state.get(CHOSEN)
    found = page.read(lambda scope: reads.files(scope, page.mine(scope), chosen))
    if found.shown is None:
        draw("calendar_note.html", note=page.word("files.none"))
        return
    if len(found.known) > 1:
        _choice(page, found, found.shown)
    draw("files_report.html", shown=found.shown, most=SHOWN, voice=page.voice, now=found.now, word=page.word)
    _acts(page, found.shown)


def _choice(page: Page, found: Files, shown: Brought) -> None:
    names = {one.id: one for one in found.known}

    def label(one: UUID) -> str:
        return f"{names[one].name} · {page.voice.moment(names[one].at, found.now)}"

    ids = list(names)
    st.selectbox(page.word("files.known"), ids, ids.index(shown.id), format_func=label, key=CHOSEN, width=420)


def _acts(page: Page, shown: Brought) -> None:
    """What can be done with a file as it stands."""
    with st.container(horizontal=True, gap="small"):
        if shown.state is ImportState.READY:
            _ways(page, shown)
        if shown.findings:
            make = partial(reads.report, shown, page.voice)
            key = f"files:report:{shown.id}"
            st.download_button(page.word("files.report"), make, "report.csv", "text/csv", key=key, on_click="ignore")
        if shown.state is ImportState.WRITTEN:
            with st.popover(page.word("files.undo")):
                draw("calendar_note.html", note=page.word("files.undo_asked", name=shown.name))
                act = partial(_undo, page, shown.id)
                acting.button(page, "files.undo_sure", act, right=Right.RUN, key=f"files:undo:{shown.id}")


def _ways(page: Page, shown: Brought) -> None:
    """Writing it, as drafts or planned at once."""
    one, params = shown.lines == 1, {"count": page.voice.count(shown.lines)}
    draft, plan = (partial(_ask, page, shown.id, plan) for plan in (False, True))
    code, key = "files.write_one" if one else "files.write", f"files:write:{shown.id}"
    acting.button(page, code, draft, right=Right.RUN, key=key, kind="primary", params=dict(params))
    code, key = "files.plan_one" if one else "files.plan", f"files:plan:{shown.id}"
    acting.button(page, code, plan, right=Right.RUN, key=key, params=dict(params))


def _ask(page: Page, import_id: UUID, plan: bool, scope: Scope, _: UUID) -> Message:
    imports.ask(scope, import_id, plan=plan, creators=_ids(page, scope))
    return Message("files.asked")


def _undo(page: Page, import_id: UUID, scope: Scope, _: UUID) -> Message:
    taken, left = imports.undo(scope, import_id, creators=_ids(page, scope))
    return Message("files.undone", {"taken": taken, "left": left})


def _out(page: Page, usual: Window) -> None:
    """Days that go out, as a table and for calendars."""
    draw("files_part.html", title=page.word("files.out"), note=page.word("files.out_what"))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for key, day in ((FIRST, usual.first), (LAST, usual.last)):
            if key not in st.session_state:
                st.session_state[key] = f"{day:%d/%m/%Y}"
            st.text_input(page.word("files.first" if key == FIRST else "files.last"), key=key, width=180)
        try:
            days = reads.window(str(acting.typed(FIRST)), str(acting.typed(LAST)))
            page.read(lambda scope: reads.check_room(scope, page.mine(scope), days))
        except BadInput as refused:
            st.error(page.voice.say(refused.message))
            return
        for form, mime in (("csv", "text/csv"), ("ics", "text/calendar")):
            st.download_button(
                page.word(f"files.take_{form}"),
                partial(_outgoing, page, days, form),
                f"greenroom-{days.first}-{days.last}.{form}",
                mime,
                key=f"files:{form}",
                on_click="ignore",
            )


def _outgoing(page: Page, days: Window, form: str) -> bytes:
    """Read when it is asked for."""
    return page.read(lambda scope: reads.outgoing(scope, page.mine(scope), page.voice, days, form))
