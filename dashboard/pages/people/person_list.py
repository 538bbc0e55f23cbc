"""The section "Models": a searchable list of people, one of them opened."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.people import profile
from dashboard.pages.people.person_summary import render_summary
from dashboard.pages.people.queries import PeopleView, load_people, load_profile_context
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.evidence.person_dossiers import PersonDossier
from gate.people import persons
from gate.people.persons import MAX_PERSON_NAME, PERSON_KINDS, REAL_PERSON
from tenants import audit
from tenants.agencies.rights import Right

OPEN = "people:open"
FIND = "people:find"
NOBODY = ""


def render_person_list(page: PageContext) -> None:
    """Draw the opened person, the list, and the form that adds a person."""
    named = str(actions.typed_value(FIND) or "")
    chosen = st.session_state.get(OPEN)
    # Read the context first: a change saved between the two reads then still counts as pending, and
    # the page redraws a moment later.
    near = page.read(lambda scope: load_profile_context(scope, UUID(chosen))) if chosen else None
    found = page.read(
        lambda scope: load_people(scope, page.list_creators(scope), named=named, only=None)
    )
    opened = next((one for one in found.dossiers if str(one.id) == chosen), None)
    if opened is not None and near is not None:
        with st.container(border=True, key="people_open"):
            profile.render_profile(page, found, opened, near)
            st.button(
                page.text("people.close"),
                key="people:close",
                on_click=partial(st.session_state.pop, OPEN, None),
            )
    if not found.dossiers and not named:
        draw_template("pages/people/templates/note.html", said=page.text("people.nobody"))
    else:
        st.text_input(page.text("people.find"), key=FIND, max_chars=MAX_PERSON_NAME)
    for one in found.dossiers:
        if one is not opened:
            _render_person_row(page, found, one)
    if found.more:
        st.caption(page.text("people.more", count=len(found.dossiers)))
    with st.expander(
        page.text("people.add"),
        icon=":material/person_add:",
        expanded=not found.dossiers and not named,
    ):
        _render_person_form(page, found)


def render_own_entries(page: PageContext) -> None:
    """Draw the entries of the creators that the member is, read-only."""

    def load_own_entries(scope: Scope) -> PeopleView:
        creators = page.list_creators(scope)
        return load_people(scope, creators, named="", only=[one.id for one in creators])

    found = page.read(load_own_entries)
    if not found.dossiers:
        draw_template("pages/people/templates/note.html", said=page.text("people.none_of_yours"))
    for one in found.dossiers:
        with st.container(border=True):
            render_summary(page, found, one)
    draw_template("pages/people/templates/note.html", said=page.text("people.own_how"))


def _render_person_row(page: PageContext, found: PeopleView, one: PersonDossier) -> None:
    with st.container(border=True):
        render_summary(page, found, one)
        st.button(
            page.markdown("people.open", name=one.name),
            key=f"open:{one.id}",
            on_click=_open_person,
            args=(str(one.id),),
        )


def _open_person(person_id: str) -> None:
    st.session_state[OPEN] = person_id


def _render_person_form(page: PageContext, found: PeopleView) -> None:
    with forms.open_fields(page, "person"):
        st.radio(
            page.text("people.kind"),
            PERSON_KINDS,
            format_func=lambda one: page.text(f"people.kind.{one}"),
            key="person:kind",
        )
        kind = str(actions.typed_value("person:kind") or REAL_PERSON)
        st.caption(page.text(f"people.kind_how.{kind}"))
        left, right = st.columns(2)
        left.text_input(page.text("people.name"), key="person:name", max_chars=MAX_PERSON_NAME)
        forms.show_field_error("name", left)
        creators = {str(one.id): one.name for one in found.creators}
        right.selectbox(
            page.text("people.creator"),
            [NOBODY, *creators] if kind == REAL_PERSON else list(creators),
            format_func=lambda one: creators.get(one) or page.text("people.no_creator"),
            key=f"person:creator:{kind == REAL_PERSON}",
        )
        if kind == "digital_twin":
            real = {
                str(one.id): one.name for one in found.dossiers if one.facts.kind == REAL_PERSON
            }
            st.selectbox(
                page.text("people.twin_of"),
                list(real),
                format_func=real.__getitem__,
                key="person:twin",
            )
        actions.action_button(
            page,
            "people.add_now",
            partial(_add_person, kind),
            right=Right.RUN,
            key="person:add",
            kind="primary",
        )


def _add_person(kind: str, scope: Scope, _: UUID) -> Message:
    name = str(actions.typed_value("person:name") or "").strip()
    chosen = str(actions.typed_value(f"person:creator:{kind == REAL_PERSON}") or "")
    twin = str(actions.typed_value("person:twin") or "") if kind == "digital_twin" else ""
    if kind != REAL_PERSON and not chosen:
        raise BadInput("person.no_creator")
    person_id = persons.add_person(
        scope,
        kind=kind,
        display_ref=name,
        twin_of=UUID(twin) if twin else None,
        creator_id=UUID(chosen) if chosen else None,
    )
    audit.record(scope, "person.added", f"person:{person_id}")
    forms.set_on_success(OPEN, str(person_id))
    return Message(f"people.added_{kind}", {"name": name})
