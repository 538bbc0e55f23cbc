"""The schedules with their next report, the deliveries of the last one, and the stored reports."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.reports import schedule_form
from dashboard.pages.reports.queries import ReportsView, ScheduleView, load_reports
from dashboard.shell import actions, page_context, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from insights.reports import deliveries, runs, schedules
from insights.reports.deliveries import LINK_PATH
from insights.reports.options import ReportFormat
from insights.reports.periods import ReportKind
from insights.reports.report_files import MEDIA_TYPES, render_report
from insights.reports.schedules import ReportForm, ScheduleState
from tenants.agencies import queries
from tenants.agencies.rights import Right

TICK = "10s"
LINK = "reports:link"
TONES = {
    "sent": "good",
    "failed": "bad",
    "unconfirmed": "bad",
    "dropped": "bad",
    "waiting": "open",
    "sending": "open",
}


def render_schedules(page: PageContext, found: ReportsView) -> None:
    """Draw all schedules, and the button that opens the form of a new one."""
    st.button(
        page.text("reports.new"),
        key="reports:new",
        type="primary",
        icon=":material/add:",
        on_click=schedule_form.open_form,
    )
    if not found.schedules:
        draw_template("shell/templates/note.html", note=page.text("reports.none"))
        return
    _render_list(page)


def _render_new_link(page: PageContext) -> None:
    """Show a new link until the member confirms that they have copied it."""
    if LINK in st.session_state:
        with st.container(border=True):
            st.success(page.text("reports.link_made"))
            st.code(st.session_state[LINK], language=None)
            st.button(page.text("reports.link_copied"), key="reports:copied", on_click=_clear_link)


def _clear_link() -> None:
    st.session_state.pop(LINK, None)


@st.fragment(run_every=TICK)
def _render_list(drawn: PageContext) -> None:
    """Draw the schedules in their current state; runs as a polling fragment."""
    page = page_context.current_page()
    # The form replaces the list, so the whole page is drawn again.
    if page is None or page.viewer != drawn.viewer or schedule_form.is_open():
        st.rerun()
    _render_new_link(page)
    actions.show_notices(page, "reports:list")
    found = page.read(lambda scope: load_reports(page, scope))
    for view in found.schedules:
        one = view.schedule
        with st.container(border=True, key=f"report-{one.id}"):
            draw_template(
                "pages/reports/templates/schedule.html",
                form=one.form,
                names=found.creator_names(one),
                when=describe_timing(page, one.form),
                next=view.next_due,
                recipients=found.recipient_names(one),
                deliveries=view.deliveries,
                tones=TONES,
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            _render_runs(page, view)
            _render_actions(page, view)


def describe_timing(page: PageContext, form: ReportForm) -> str:
    """Return when a report is sent, with the city of its time zone."""
    params = {"hour": f"{form.hour:02}:00", "zone": page.localizer.zone_city(form.zone)}
    match form.kind:
        case ReportKind.DAILY:
            return page.text("reports.when_daily", **params)
        case ReportKind.WEEKLY:
            day = page.text(f"queue.day.{form.weekday}")
            return page.text("reports.when_weekly", day=day, **params)
        case ReportKind.MONTHLY:
            return page.text("reports.when_monthly", day=form.month_day, **params)


def _render_runs(page: PageContext, view: ScheduleView) -> None:
    """Draw the choice of a stored report with its files, its link and another sending of it."""
    if not view.runs:
        return
    key = view.schedule.id
    periods = {str(one.id): one.period for one in view.runs}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            page.text("reports.stored"),
            list(periods),
            format_func=lambda one: page.localizer.format_date_range(
                periods[one].first, periods[one].last
            ),
            key=f"reports:run:{key}",
            width=260,
        )
        run_id = UUID(chosen or next(iter(periods)))
        for form in ReportFormat:
            st.download_button(
                page.text(f"reports.take_{form}"),
                data=partial(_make_file, page, run_id, form),
                file_name=f"report-{view.schedule.form.kind}-{periods[str(run_id)].first}.{form}",
                mime=MEDIA_TYPES[form],
                on_click="ignore",
                key=f"reports:file:{form}:{key}",
            )
    with st.container(horizontal=True, gap="small"):
        if view.schedule.form.recipients:
            actions.action_button(
                page,
                "reports.resend",
                partial(_resend, page, run_id),
                right=Right.MONEY,
                key=f"reports.resend:{run_id}",
            )
        st.button(
            page.text("reports.make_link"),
            key=f"reports:link:{key}",
            on_click=_handle_link_press,
            args=(run_id,),
        )
        actions.action_button(
            page,
            "reports.revoke",
            partial(_revoke, page, run_id),
            right=Right.MONEY,
            key=f"reports.revoke:{run_id}",
        )


def _make_file(page: PageContext, run_id: UUID, form: ReportFormat) -> bytes:
    def ask(scope: Scope) -> runs.ReportRun:
        return runs.get_run(scope, run_id, queries.get_member(scope, page.viewer.member.id))

    member = page.viewer.member
    return render_report(page.read(ask).document(page.localizer.language, member.zone), form)


def _render_actions(page: PageContext, view: ScheduleView) -> None:
    one = view.schedule
    active = one.state == "active"
    with st.container(horizontal=True, gap="small"):
        if view.is_missing:
            actions.action_button(
                page,
                "reports.create_now",
                partial(_create_now, page, one.id),
                right=Right.MONEY,
                key=f"reports.now:{one.id}",
            )
        st.button(
            page.text("reports.edit"),
            key=f"reports:edit:{one.id}",
            on_click=schedule_form.open_form,
            args=(one.id,),
        )
        code = "reports.pause" if active else "reports.resume"
        turn = partial(_set_state, page, one.id, "paused" if active else "active")
        actions.action_button(page, code, turn, right=Right.MONEY, key=f"reports.turn:{one.id}")
        with st.popover(page.text("reports.delete")):
            st.write(page.text("reports.delete_asked"))
            end = partial(_set_state, page, one.id, "ended")
            actions.action_button(
                page,
                "reports.delete_sure",
                end,
                right=Right.MONEY,
                key=f"reports.end:{one.id}",
            )


def _set_state(
    page: PageContext, schedule_id: UUID, state: ScheduleState, scope: Scope, _: UUID
) -> Message:
    member = queries.get_member(scope, page.viewer.member.id)
    schedules.set_schedule_state(scope, schedule_id, state, member)
    return Message(f"reports.{state}_done")


def _create_now(page: PageContext, schedule_id: UUID, scope: Scope, _: UUID) -> Message:
    member = queries.get_member(scope, page.viewer.member.id)
    due = runs.create_last_report(scope, schedule_id, member, send=False)
    return Message("reports.creating" if due is not None else "reports.exists")


def _resend(page: PageContext, run_id: UUID, scope: Scope, press_id: UUID) -> Message:
    member = queries.get_member(scope, page.viewer.member.id)
    count = deliveries.resend_report(scope, press_id, run_id, member)
    return Message("reports.sending_to", {"count": count})


def _revoke(page: PageContext, run_id: UUID, scope: Scope, _: UUID) -> Message:
    member = queries.get_member(scope, page.viewer.member.id)
    return Message("reports.revoked", {"count": deliveries.revoke_links(scope, run_id, member)})


def _handle_link_press(run_id: UUID) -> None:
    """Create a link and keep it in the session, because only its digest is stored."""
    tokens: list[str] = []

    def act(scope: Scope, _: UUID) -> Message | None:
        page = page_context.current_page()
        if page is not None:
            member = queries.get_member(scope, page.viewer.member.id)
            language = page.localizer.language
            tokens.append(deliveries.create_link(scope, run_id, member, language=language))
        return None

    actions.run_action(act, Right.MONEY, f"reports.link:{run_id}", label="reports.make_link")
    if tokens:
        base = session.public_url()
        st.session_state[LINK] = f"{base}{LINK_PATH}{tokens[-1]}"
