"""The form of a schedule. A refused form keeps everything that was typed."""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.pages.reports.queries import ReportsView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import render_time_zone_picker
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from insights.reports import schedules
from insights.reports.options import ATTACHABLE, AUDIENCES, INTERNALS, ReportFormat
from insights.reports.periods import MAX_MONTH_DAY, ReportKind
from insights.reports.schedules import MAX_NAME_LENGTH, Recipient, ReportForm
from tenants.agencies import queries
from tenants.agencies.rights import Right

OPEN = "reports:open"
NEW = "new"
FIELD = "reports:form:"


def is_open() -> bool:
    """Return True if the form is shown in place of the list."""
    return OPEN in st.session_state


def open_form(schedule_id: UUID | None = None) -> None:
    """Open the form of a schedule, or of a new one, with its stored values."""
    close_form()
    st.session_state[OPEN] = str(schedule_id or NEW)


def close_form() -> None:
    """Close the form and forget what was typed."""
    st.session_state.pop(OPEN, None)
    for key in [one for one in st.session_state if str(one).startswith(FIELD)]:
        del st.session_state[key]


def render_form(page: PageContext, found: ReportsView) -> None:
    """Draw the form of the chosen schedule."""
    key = str(st.session_state[OPEN])
    with forms.open_fields(page, f"reports:{key}"):
        view = next((one for one in found.schedules if str(one.schedule.id) == key), None)
        if view is None and key != NEW:  # It was deleted in another window.
            close_form()
            st.rerun()
        form = view.schedule.form if view is not None else _default_form(page, found)
        st.subheader(page.text("reports.edit_title" if view is not None else "reports.new_title"))
        _render_content(page, found, form)
        _render_times(page, form)
        _render_recipients(page, found, form)
        schedule_id = view.schedule.id if view is not None else None
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "reports.save",
                partial(_save, page, schedule_id),
                right=Right.MONEY,
                key=f"reports.save:{key}",
                kind="primary",
            )
            st.button(page.text("reports.cancel"), key="reports:cancel", on_click=close_form)


def _default_form(page: PageContext, found: ReportsView) -> ReportForm:
    member = page.viewer.member
    return ReportForm(
        name="",
        kind=ReportKind.WEEKLY,
        audience="team",
        creators=tuple(one.id for one in found.creators) if member.creators else (),
        hour=8,
        zone=found.agency.zone,
        language=found.agency.language,
        recipients=(Recipient("email", member.id),) if member.id in found.members else (),
    )


def _render_content(page: PageContext, found: ReportsView, form: ReportForm) -> None:
    names = {str(one.id): one.name for one in found.creators}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            page.text("reports.name_label"),
            form.name,
            max_chars=MAX_NAME_LENGTH,
            key=f"{FIELD}name",
            width=320,
        )
        forms.show_field_error("name")
        st.segmented_control(
            page.text("reports.audience_label"),
            AUDIENCES,
            default=form.audience,
            required=True,
            format_func=lambda one: page.text(f"reports.audience.{one}"),
            help=page.text("reports.audience_why"),
            key=f"{FIELD}audience",
        )
    st.multiselect(
        page.text("reports.creators"),
        list(names),
        default=[str(one) for one in form.creators if str(one) in names],
        format_func=lambda one: names[one],
        placeholder=page.text("reports.all_creators"),
        key=f"{FIELD}creators",
        select_all=False,
    )
    if _typed("audience", form.audience) == "client":
        st.pills(
            page.text("reports.allowed"),
            INTERNALS,
            selection_mode="multi",
            default=sorted(form.allowed),
            format_func=lambda one: page.text(f"reports.internal.{one}"),
            key=f"{FIELD}allowed",
        )


def _render_times(page: PageContext, form: ReportForm) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            page.text("reports.kind"),
            list(ReportKind),
            default=form.kind,
            required=True,
            format_func=lambda one: page.text(f"reports.kind.{one}"),
            key=f"{FIELD}kind",
        )
        kind = ReportKind(_typed("kind", form.kind))
        if kind is ReportKind.WEEKLY:
            st.selectbox(
                page.text("reports.weekday"),
                range(7),
                index=form.weekday,
                format_func=lambda day: page.text(f"queue.day.{day}"),
                key=f"{FIELD}weekday",
                width=160,
            )
        if kind is ReportKind.MONTHLY:
            st.number_input(
                page.text("reports.month_day_label"),
                1,
                MAX_MONTH_DAY,
                form.month_day,
                key=f"{FIELD}month_day",
                width=160,
            )
        st.selectbox(
            page.text("reports.hour_label"),
            range(24),
            index=form.hour,
            format_func=lambda hour: f"{hour:02}:00",
            key=f"{FIELD}hour",
            width=120,
        )
        render_time_zone_picker(page, f"{FIELD}zone", own=form.zone)
    draw_template("shell/templates/note.html", note=page.text("reports.period_why"))


def _render_recipients(page: PageContext, found: ReportsView, form: ReportForm) -> None:
    members = {str(key): f"{one.name} ({one.email})" for key, one in found.members.items()}
    chats = {str(one): found.members[one].name for one in found.chats}
    left, right = st.columns(2)
    left.multiselect(
        page.text("reports.members_email"),
        list(members),
        default=_members_of(form, "email", members),
        format_func=lambda one: members[one],
        placeholder=page.text("reports.choose_members"),
        key=f"{FIELD}email",
        select_all=False,
    )
    right.multiselect(
        page.text("reports.members_telegram"),
        list(chats),
        default=_members_of(form, "telegram", chats),
        format_func=lambda one: chats[one],
        placeholder=page.text("reports.choose_members" if chats else "reports.no_chats"),
        disabled=not chats,
        key=f"{FIELD}telegram",
        select_all=False,
    )
    left, right = st.columns(2)
    left.text_area(
        page.text("reports.addresses"),
        "\n".join(one.address for one in form.recipients if one.address),
        help=page.text("reports.addresses_why"),
        key=f"{FIELD}addresses",
        height=100,
    )
    forms.show_field_error("addresses", left)
    with right:
        st.pills(
            page.text("reports.attach"),
            list(ATTACHABLE),
            selection_mode="multi",
            default=list(form.formats),
            format_func=lambda one: page.text(f"reports.format.{one}"),
            help=page.text("reports.attach_why"),
            key=f"{FIELD}formats",
        )
        st.selectbox(
            page.text("reports.language_outside"),
            LANGUAGES,
            index=LANGUAGES.index(form.language),
            format_func=lambda one: page.text(f"settings.language_{one}"),
            key=f"{FIELD}language",
        )
        st.checkbox(
            page.text("reports.phrased"),
            form.phrased,
            help=page.text("reports.phrased_why"),
            key=f"{FIELD}phrased",
        )


def _members_of(form: ReportForm, route: str, known: dict[str, str]) -> list[str]:
    found = (str(one.member_id) for one in form.recipients if one.route == route)
    return [one for one in found if one in known]


def _typed(name: str, usual: Any) -> Any:
    value = actions.typed_value(f"{FIELD}{name}")
    return usual if value is None else value


def _save(page: PageContext, schedule_id: UUID | None, scope: Scope, press_id: UUID) -> Message:
    member = queries.get_member(scope, page.viewer.member.id)
    form = _read_form()
    if schedule_id is None:
        schedules.create_schedule(scope, press_id, form, member)
    else:
        schedules.update_schedule(scope, schedule_id, form, member)
    close_form()
    return Message("reports.saved")


def _read_form() -> ReportForm:
    """Return the typed form. Raises BadInput for an invalid address."""
    outside = schedules.parse_addresses(str(_typed("addresses", "")))
    return ReportForm(
        name=str(_typed("name", "")),
        kind=ReportKind(_typed("kind", ReportKind.WEEKLY)),
        audience=_typed("audience", "team"),
        creators=tuple(map(UUID, _typed("creators", ()))),
        hour=int(_typed("hour", 8)),
        zone=str(_typed("zone", "")),
        language=str(_typed("language", "")),
        weekday=int(_typed("weekday", 0)),
        month_day=int(_typed("month_day", 1)),
        formats=tuple(map(ReportFormat, _typed("formats", ()))),
        recipients=(
            *(Recipient("email", UUID(one)) for one in _typed("email", ())),
            *(Recipient("telegram", UUID(one)) for one in _typed("telegram", ())),
            *(Recipient("email", None, one) for one in outside),
        ),
        allowed=frozenset(_typed("allowed", ())),
        phrased=bool(_typed("phrased", False)),
    )
