"""The audit log: every action of the members with its changes, filters, pages and a CSV file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

import streamlit as st

from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.csv_tables import CsvCell, render_csv_table
from foundation.db.database import Scope
from foundation.i18n.translation import load_catalogue
from foundation.ops.wall_time import day_bounds
from tenants import audit
from tenants.agencies.queries import Creator, list_creators, names_by_actor
from tenants.audit import AuditFilter, AuditRecord
from tenants.audit_areas import AUDIT_AREAS

PAGE_SIZE = 200
"""Entries on a page. Equal actions in a row share a line."""
MAX_EXPORT = 10_000
"""Maximum number of entries in a CSV file."""
AFTER = "audit:after"
MEMBER = "audit:member"
CREATOR = "audit:creator"
AREA = "audit:area"
FIRST = "audit:first"
LAST = "audit:last"
_ENDED = "system:terminal"


@dataclass(frozen=True)
class AuditLine:
    """Entries that share a line: the newest one and their number."""

    record: AuditRecord
    times: int


@dataclass(frozen=True)
class AuditLogView:
    """A page of the audit log. `names` maps actors to the names of members and `creators` are those
    of this member; `after` is the position of the next page, None on the last one."""

    lines: Sequence[AuditLine]
    names: Mapping[str, str]
    creators: Sequence[Creator]
    after: tuple[datetime, UUID] | None
    now: datetime


def render_audit_log(page: PageContext) -> None:
    """Draw the filters, a page of entries with their changes, and the download."""
    st.subheader(page.text("system.acts"))
    members, creators = page.read(
        lambda scope: (
            names_by_actor(scope),
            _mine(page, scope),
        )
    )
    _render_filters(page, members, creators)
    found = page.read(partial(load_audit_log, page, st.session_state.get(AFTER)))
    draw_template(
        "pages/system/templates/audit_log.html",
        found=found,
        actor=partial(_actor_name, page, found.names),
        creator=_creator_names(found.creators),
        label=partial(_button_label, page),
        value=partial(format_value, page),
        voice=page.localizer,
        word=page.text,
        known=load_catalogue(page.localizer.language),
    )
    with st.container(horizontal=True, gap="small"):
        if st.session_state.get(AFTER) is not None:
            st.button(
                page.text("audit_log.newest"), key="audit:newest", on_click=_show, args=(None,)
            )
        if found.after is not None:
            st.button(
                page.text("audit_log.older"),
                key="audit:older",
                on_click=_show,
                args=(found.after,),
            )
        if found.lines:
            st.download_button(
                page.text("audit_log.csv"),
                partial(_render_csv, page),
                f"audit-log-{found.now:%Y-%m-%d}.csv",
                "text/csv",
                key="audit:csv",
                on_click="ignore",
            )


def _mine(page: PageContext, scope: Scope) -> list[Creator]:
    return page.list_creators(scope)


def _render_filters(
    page: PageContext, members: Mapping[str, str], creators: Sequence[Creator]
) -> None:
    names = _creator_names(creators)
    choices: dict[str, tuple[str, Sequence[Any], Mapping[Any, str]]] = {
        MEMBER: ("audit_log.member", [None, *members], members),
        CREATOR: ("audit_log.creator", [None, *names], names),
        AREA: (
            "audit_log.area",
            [None, *AUDIT_AREAS],
            {area: page.text(f"audit_log.area.{area}") for area in AUDIT_AREAS},
        ),
    }
    every = {MEMBER: "everyone", CREATOR: "all_creators", AREA: "all_areas"}
    for column, (key, (label, options, texts)) in zip(
        st.columns(len(choices)), choices.items(), strict=True
    ):
        column.selectbox(
            page.text(label),
            options,
            format_func=partial(_option_text, texts, page.text(f"audit_log.{every[key]}")),
            key=key,
            on_change=_show,
            args=(None,),
        )
    for column, (key, label) in zip(
        st.columns(2), {FIRST: "audit_log.first", LAST: "audit_log.last"}.items(), strict=True
    ):
        column.date_input(
            page.text(label), None, format="DD/MM/YYYY", key=key, on_change=_show, args=(None,)
        )


def _option_text(texts: Mapping[Any, str], every: str, option: Any) -> str:
    return texts.get(option, every)


def _show(after: tuple[datetime, UUID] | None) -> None:
    st.session_state[AFTER] = after


def load_audit_log(
    page: PageContext, after: tuple[datetime, UUID] | None, scope: Scope
) -> AuditLogView:
    """Return a page of the entries that the filters select. A member to whom only some creators are
    assigned gets the entries of these creators."""
    found = audit.list_audit_records(
        scope, _selected_filter(page, scope), after=after, limit=PAGE_SIZE
    )
    last = found[-1] if len(found) == PAGE_SIZE else None
    return AuditLogView(
        lines=group_repeated_acts(found),
        names=names_by_actor(scope),
        creators=_mine(page, scope),
        after=(last.at, last.id) if last is not None else None,
        now=scope.now,
    )


def _selected_filter(page: PageContext, scope: Scope) -> AuditFilter:
    mine = frozenset(one.id for one in _mine(page, scope))
    area = AUDIT_AREAS.get(str(actions.typed_value(AREA)))
    first = actions.typed_value(FIRST)
    last = actions.typed_value(LAST)
    zone = str(page.localizer.zone)
    return AuditFilter(
        creators=mine if len(mine) < len(list_creators(scope)) else None,
        creator_id=actions.typed_value(CREATOR),
        actor=actions.typed_value(MEMBER) or "",
        acts=area.acts if area is not None else (),
        item_kinds=area.item_kinds if area is not None else (),
        since=day_bounds(first, zone)[0] if isinstance(first, date) else None,
        until=day_bounds(last, zone)[1] if isinstance(last, date) else None,
    )


def group_repeated_acts(found: Sequence[AuditRecord]) -> list[AuditLine]:
    """Return the newest of each run of equal actions without changes, with the length of the run.
    Entries with changes have a line of their own."""
    lines = []
    for _, equal in groupby(
        found, key=lambda one: (one.actor, one.act, str(one.id) if one.changes else "")
    ):
        run = list(equal)
        lines.append(AuditLine(run[0], len(run)))
    return lines


def _creator_names(creators: Sequence[Creator]) -> dict[UUID | None, str]:
    return {one.id: one.name for one in creators}


def _actor_name(page: PageContext, names: Mapping[str, str], actor: str) -> str:
    """Return the name of a member, or what acted instead of one."""
    if actor in names:
        return names[actor]
    if actor == _ENDED:
        return page.text("audit.by.terminal")
    return page.text("audit.by.guest" if actor.startswith("guest:") else "system.house")


def _button_label(page: PageContext, record: AuditRecord) -> str:
    """Return the label of the button that was pressed, empty for other actions."""
    code = record.details.get("label")
    if record.act != audit.PRESSED or code not in load_catalogue(page.localizer.language):
        return ""
    return page.text(str(code), **dict(record.details.get("params", {})))


def format_value(page: PageContext, value: object) -> str:
    """Return a recorded value as text: instants in the member's time zone, IDs by their last eight
    digits, lists separated by commas."""
    if value in (None, "", [], {}):
        return page.text("audit.value.empty")
    if isinstance(value, bool):
        return page.text(f"audit.value.{str(value).lower()}")
    if isinstance(value, list):
        return ", ".join(format_value(page, each) for each in value)
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return _format_text(page, value)


def _format_text(page: PageContext, value: str) -> str:
    state = f"state.delivery.{value}"
    if state in load_catalogue(page.localizer.language):
        return page.text(state)
    try:
        return UUID(value).hex[-8:] if len(value) == 36 else _format_moment(page, value)
    except ValueError:
        return value


def _format_moment(page: PageContext, value: str) -> str:
    """Return an instant in the member's time zone, and any other text unchanged."""
    if "T" not in value:
        return value
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        return value
    return f"{page.localizer.format_day_of_month(at)} {page.localizer.format_clock(at)}"


def _render_csv(page: PageContext) -> str:
    """Return the selected entries as CSV, one line for each change, with instants in UTC."""

    def read(scope: Scope) -> list[AuditRecord]:
        return audit.list_audit_records(scope, _selected_filter(page, scope), limit=MAX_EXPORT)

    return render_audit_csv(
        page.read(read),
        page.read(names_by_actor),
    )


def render_audit_csv(found: Sequence[AuditRecord], names: Mapping[str, str]) -> str:
    """Return entries as CSV with one line for each change and stable columns in English."""
    rows: list[Sequence[CsvCell]] = [
        [
            *("at_utc", "member", "actor", "act", "about", "details"),
            *("item", "item_id", "change", "before", "after", "other_fields"),
        ]
    ]
    for one in found:
        entry = [
            one.at.isoformat(),
            names.get(one.actor, ""),
            one.actor,
            one.act,
            one.about,
            json.dumps(one.details, ensure_ascii=False, sort_keys=True) if one.details else "",
        ]
        for change in one.changes:
            before, after = (
                json.dumps(values, ensure_ascii=False, sort_keys=True)
                for values in (change.before, change.after)
            )
            about = (change.item_kind, str(change.item_id), change.change)
            rows.append([*entry, *about, before, after, change.others])
        if not one.changes:
            rows.append([*entry, "", "", "", "", "", 0])
    return render_csv_table(rows)
