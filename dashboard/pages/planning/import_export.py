"""Import and export: upload, check, import and undo a file of posts; download the calendar."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning import calendar_subscriptions, feeds, import_export_queries
from dashboard.pages.planning.import_export_queries import DateRange, ImportsView
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from schedules.imports import import_files
from schedules.imports.csv_rows import MAX_BYTES, MAX_ROWS
from schedules.imports.import_files import ImportView
from schedules.imports.states import ImportState
from tenants.agencies.rights import Right

TICK = "3s"
FILE = "files:file"
ROUND = "files:round"
CHOSEN = "files:chosen"
FIRST = "files:first"
LAST = "files:last"
SHOWN = 60
"""Maximum number of findings on the page. The report contains all of them."""


def render_import_export(page: PageContext) -> None:
    """Draw imports, export, calendar subscriptions and feeds."""
    render_back_button(page)
    draw_template("pages/planning/templates/import_header.html", title=page.text("files.title"))
    mine = page.read(page.list_creators)
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    if page.has_right(Right.RUN):
        _render_import_upload(page)
        _render_imports(page)
    _render_export_form(
        page, page.read(lambda scope: import_export_queries.default_date_range(scope, mine[0].zone))
    )
    if page.has_right(Right.RUN):
        calendar_subscriptions.render_calendar_subscriptions(page, mine)
        feeds.render_feeds(page, mine)


def _render_import_upload(page: PageContext) -> None:
    draw_template(
        "pages/planning/templates/section.html",
        title=page.text("files.in"),
        note=page.text("files.in_what"),
    )
    key = f"{FILE}:{st.session_state.get(ROUND, 0)}"
    st.file_uploader(
        page.text("files.file", lines=page.localizer.format_number(MAX_ROWS)),
        ["csv"],
        key=key,
        max_upload_size=MAX_BYTES // 2**20,
        on_change=partial(_submit_import_file, page, key),
    )
    st.download_button(
        page.text("files.example"),
        partial(_load_example_file, page),
        "greenroom.csv",
        "text/csv",
        key="files:example",
        on_click="ignore",
    )


def _load_example_file(page: PageContext) -> bytes:
    return page.read(
        lambda scope: import_export_queries.example_import_file(scope, page.list_creators(scope))
    )


def _submit_import_file(page: PageContext, key: str) -> None:
    """Store the uploaded file, select it and clear the upload field."""
    file = st.session_state.get(key)
    if file is None:
        return
    made: list[UUID] = []
    act = partial(_create_import, page, (str(file.name), bytes(file.getvalue())), made)
    actions.run_action(act, Right.RUN, f"files:{file.file_id}")
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1
    if made:
        st.session_state[CHOSEN] = made[0]


def _create_import(
    page: PageContext, file: tuple[str, bytes], made: list[UUID], scope: Scope, _: UUID
) -> Message:
    name, data = file
    if len(data) > MAX_BYTES:
        raise BadInput("import.too_large", most=MAX_BYTES // 2**20)
    made.append(
        import_files.create_import(scope, data, name=name, creators=_creator_ids(page, scope))
    )
    return Message("files.received", {"name": name[:60]})


def _creator_ids(page: PageContext, scope: Scope) -> set[UUID]:
    return {one.id for one in page.list_creators(scope)}


@st.fragment(run_every=TICK)
def _render_imports(drawn: PageContext) -> None:
    """Draw the list of imports and the chosen one; polls while it is processed."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "files:brought")
    chosen = st.session_state.get(CHOSEN)
    found = page.read(
        lambda scope: import_export_queries.load_imports(scope, page.list_creators(scope), chosen)
    )
    if found.shown is None:
        draw_template("shell/templates/note.html", note=page.text("files.none"))
        return
    if len(found.known) > 1:
        _select_import(page, found, found.shown)
    draw_template(
        "pages/planning/templates/import_report.html",
        shown=found.shown,
        most=SHOWN,
        voice=page.localizer,
        now=found.now,
        word=page.text,
    )
    _render_import_actions(page, found.shown)


def _select_import(page: PageContext, found: ImportsView, shown: ImportView) -> None:
    names = {one.id: one for one in found.known}

    def label(one: UUID) -> str:
        return f"{names[one].name} · {page.localizer.format_moment(names[one].at, found.now)}"

    ids = list(names)
    st.selectbox(
        page.text("files.known"), ids, ids.index(shown.id), format_func=label, key=CHOSEN, width=420
    )


def _render_import_actions(page: PageContext, shown: ImportView) -> None:
    """Draw the actions for an import in its current state."""
    with st.container(horizontal=True, gap="small"):
        if shown.state is ImportState.READY:
            _render_write_buttons(page, shown)
        if shown.findings:
            make = partial(import_export_queries.import_report, shown, page.localizer)
            key = f"files:report:{shown.id}"
            st.download_button(
                page.text("files.report"),
                make,
                "report.csv",
                "text/csv",
                key=key,
                on_click="ignore",
            )
        if shown.state is ImportState.WRITTEN:
            with st.popover(page.text("files.undo")):
                draw_template(
                    "shell/templates/note.html", note=page.text("files.undo_asked", name=shown.name)
                )
                act = partial(_undo_import, page, shown.id)
                actions.action_button(
                    page, "files.undo_sure", act, right=Right.RUN, key=f"files:undo:{shown.id}"
                )


def _render_write_buttons(page: PageContext, shown: ImportView) -> None:
    """Draw the buttons that import the posts as drafts or schedule them."""
    one = shown.lines == 1
    params = {"count": page.localizer.format_number(shown.lines)}
    draft, plan = (partial(_confirm_import, page, shown.id, plan) for plan in (False, True))
    code = "files.write_one" if one else "files.write"
    key = f"files:write:{shown.id}"
    actions.action_button(
        page, code, draft, right=Right.RUN, key=key, kind="primary", params=dict(params)
    )
    code = "files.plan_one" if one else "files.plan"
    key = f"files:plan:{shown.id}"
    actions.action_button(page, code, plan, right=Right.RUN, key=key, params=dict(params))


def _confirm_import(
    page: PageContext, import_id: UUID, plan: bool, scope: Scope, _: UUID
) -> Message:
    import_files.confirm_import(scope, import_id, plan=plan, creators=_creator_ids(page, scope))
    return Message("files.asked")


def _undo_import(page: PageContext, import_id: UUID, scope: Scope, _: UUID) -> Message:
    taken, left = import_files.undo_import(scope, import_id, creators=_creator_ids(page, scope))
    return Message("files.undone", {"taken": taken, "left": left})


def _render_export_form(page: PageContext, usual: DateRange) -> None:
    """Draw the form that selects a period, and the downloads as CSV and ICS."""
    draw_template(
        "pages/planning/templates/section.html",
        title=page.text("files.out"),
        note=page.text("files.out_what"),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        for key, day in ((FIRST, usual.first), (LAST, usual.last)):
            if key not in st.session_state:
                st.session_state[key] = f"{day:%d/%m/%Y}"
            st.text_input(
                page.text("files.first" if key == FIRST else "files.last"), key=key, width=180
            )
        try:
            days = import_export_queries.parse_date_range(
                str(actions.typed_value(FIRST)), str(actions.typed_value(LAST))
            )
            page.read(
                lambda scope: import_export_queries.check_export_size(
                    scope, page.list_creators(scope), days
                )
            )
        except BadInput as refused:
            st.error(page.localizer.message_text(refused.message))
            return
        for form, mime in (("csv", "text/csv"), ("ics", "text/calendar")):
            st.download_button(
                page.text(f"files.take_{form}"),
                partial(_export_posts, page, days, form),
                f"greenroom-{days.first}-{days.last}.{form}",
                mime,
                key=f"files:{form}",
                on_click="ignore",
            )


def _export_posts(page: PageContext, days: DateRange, form: str) -> bytes:
    """Return the export. It is read when the member starts the download."""
    return page.read(
        lambda scope: import_export_queries.export_posts(
            scope, page.list_creators(scope), page.localizer, days, form
        )
    )
