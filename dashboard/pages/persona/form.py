"""The form of a persona. Its values stay in the session of the browser until they are saved."""

from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.persona.queries import PersonaView
from dashboard.shell import actions, forms
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message
from subscribers.replies import content_checks, persona
from subscribers.replies.content_checks import MAX_EXAMPLE_LENGTH, MAX_EXAMPLES, MAX_LENGTHS
from subscribers.replies.opening_hours import OpeningHours, parse_clock
from subscribers.replies.persona import (
    SALES_STYLES,
    PersonaExample,
    PersonaVersion,
    parse_sales_style,
)
from tenants.agencies.rights import Right

LONG_FIELDS = ("card", "voice", "greeting", "suggestions")
LINE_FIELDS = ("rules", "forbidden")
SPARE_EXAMPLES = 2
"""Empty rows below the examples that are filled in."""


def field_key(creator_id: UUID, name: str) -> str:
    """Return the key of a field of the form of a creator."""
    return f"persona:{creator_id}:{name}"


def render_form(page: PageContext, found: PersonaView) -> None:
    """Draw the form with the values that were typed, else with those of the version to edit."""
    creator_id = found.creator.id
    with forms.open_fields(page, field_key(creator_id, "form")):
        if field_key(creator_id, "name") not in st.session_state:
            fill_form(creator_id, found.edited)
        st.subheader(page.text("persona.edit"))
        st.text_input(
            page.text("persona.field.name"),
            key=field_key(creator_id, "name"),
            max_chars=MAX_LENGTHS["name"],
            help=page.text("persona.help.name"),
        )
        forms.show_field_error("name")
        for name in LONG_FIELDS[:3]:
            _render_long_field(page, creator_id, name)
        for name in LINE_FIELDS:
            st.text_area(
                page.text(f"persona.field.{name}"),
                key=field_key(creator_id, name),
                height=110,
                help=page.text(f"persona.help.{name}"),
            )
            forms.show_field_error(name)
        _render_choices(page, creator_id)
        with st.expander(page.text("persona.field.examples")):
            _render_examples(page, creator_id)
        with st.expander(page.text("persona.field.opening_hours")):
            st.caption(page.text("persona.help.opening_hours", zone=found.creator.zone))
            for weekday in range(7):
                st.text_input(
                    page.text(f"queue.day.{weekday}").capitalize(),
                    key=field_key(creator_id, f"hours:{weekday}"),
                    placeholder="09:00-18:00",
                )
                forms.show_field_error(f"hours:{weekday}")
        _render_imported_parts(page, creator_id)
        key = field_key(creator_id, "save")
        actions.action_button(
            page,
            "persona.save",
            partial(_save_draft, page, found),
            right=Right.RUN,
            key=key,
            kind="primary",
        )


def _render_long_field(page: PageContext, creator_id: UUID, name: str) -> None:
    st.text_area(
        page.text(f"persona.field.{name}"),
        key=field_key(creator_id, name),
        max_chars=MAX_LENGTHS[name],
        height=110,
        help=page.text(f"persona.help.{name}"),
    )
    forms.show_field_error(name)


def _render_choices(page: PageContext, creator_id: UUID) -> None:
    st.multiselect(
        page.text("persona.field.languages"),
        LANGUAGES,
        format_func=lambda one: page.text(f"persona.language.{one}"),
        key=field_key(creator_id, "languages"),
        placeholder=page.text("persona.choose_languages"),
        select_all=False,
    )
    forms.show_field_error("languages")
    st.selectbox(
        page.text("persona.field.sales_style"),
        SALES_STYLES,
        format_func=lambda one: page.text(f"persona.sales.{one}"),
        key=field_key(creator_id, "sales_style"),
    )


def _render_examples(page: PageContext, creator_id: UUID) -> None:
    shown = min(MAX_EXAMPLES, _count_examples(creator_id) + SPARE_EXAMPLES)
    for number in range(shown):
        left, right = st.columns(2)
        for column, part in ((left, "fan"), (right, "answer")):
            column.text_area(
                page.text(f"persona.example.{part}", number=number + 1),
                key=field_key(creator_id, f"{part}:{number}"),
                max_chars=MAX_EXAMPLE_LENGTH,
                height=80,
            )
    forms.show_field_error("examples")


def _render_imported_parts(page: PageContext, creator_id: UUID) -> None:
    """Draw the parts that only imported cards have."""
    if typed_value(field_key(creator_id, "suggestions")):
        _render_long_field(page, creator_id, "suggestions")
    lore = st.session_state.get(field_key(creator_id, "lorebook"), ())
    if lore:
        st.checkbox(
            page.text("persona.keep_lorebook", count=len(lore)),
            key=field_key(creator_id, "keep_lorebook"),
        )


def fill_form(creator_id: UUID, shown: PersonaVersion) -> None:
    """Set the fields of the form to the values of a persona. Call it before the form is drawn."""
    values: dict[str, object] = {
        "name": shown.name,
        **{name: getattr(shown, name) for name in LONG_FIELDS},
        **{name: "\n".join(getattr(shown, name)) for name in LINE_FIELDS},
        "languages": list(shown.languages),
        "sales_style": shown.sales_style,
        "lorebook": shown.lorebook,
        "keep_lorebook": True,
    }
    for number in range(MAX_EXAMPLES):
        known = shown.examples[number] if number < len(shown.examples) else None
        values[f"fan:{number}"] = known.fan if known is not None else ""
        values[f"answer:{number}"] = known.answer if known is not None else ""
    for weekday in range(7):
        values[f"hours:{weekday}"] = ", ".join(
            f"{one.start:%H:%M}-{one.end:%H:%M}"
            for one in shown.opening_hours
            if one.weekday == weekday
        )
    for name, value in values.items():
        st.session_state[field_key(creator_id, name)] = value


def _count_examples(creator_id: UUID) -> int:
    filled = [
        number
        for number in range(MAX_EXAMPLES)
        if typed_value(field_key(creator_id, f"fan:{number}"))
        or typed_value(field_key(creator_id, f"answer:{number}"))
    ]
    return filled[-1] + 1 if filled else 0


def read_form(page: PageContext, found: PersonaView) -> PersonaVersion:
    """Return the persona that the form contains. Raises BadInput for opening hours that cannot be
    read."""
    creator_id = found.creator.id

    def value(name: str) -> str:
        return str(typed_value(field_key(creator_id, name)) or "").strip()

    def lines(name: str) -> tuple[str, ...]:
        return tuple(text for line in value(name).splitlines() if (text := line.strip()))

    kept = typed_value(field_key(creator_id, "keep_lorebook"))
    lore = typed_value(field_key(creator_id, "lorebook")) or ()
    return replace(
        found.edited,
        name=value("name"),
        card=value("card"),
        voice=value("voice"),
        greeting=value("greeting"),
        suggestions=value("suggestions"),
        rules=lines("rules"),
        forbidden=lines("forbidden"),
        languages=tuple(typed_value(field_key(creator_id, "languages")) or ()),
        sales_style=parse_sales_style(value("sales_style")),
        examples=tuple(
            PersonaExample(value(f"fan:{number}"), value(f"answer:{number}"))
            for number in range(MAX_EXAMPLES)
            if value(f"fan:{number}") or value(f"answer:{number}")
        ),
        opening_hours=tuple(
            one
            for weekday in range(7)
            for one in actions.parse_field(
                field_key(creator_id, f"hours:{weekday}"),
                f"hours:{weekday}",
                partial(_parse_hours, weekday),
            )
        ),
        lorebook=lore if kept else (),
        level=found.active.persona.level if found.active is not None else "copilot",
    )


def _parse_hours(weekday: int, text: str) -> list[OpeningHours]:
    periods = []
    for part in (one.strip() for one in text.replace("–", "-").split(",")):
        if part:
            start, dash, end = part.partition("-")
            if not dash:
                raise BadInput("persona.bad_clock")
            periods.append(OpeningHours(weekday, parse_clock(start), parse_clock(end)))
    return periods


def _save_draft(page: PageContext, found: PersonaView, scope: Scope, press_id: UUID) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    typed = read_form(page, found)
    content_checks.check_persona(scope, typed)
    saved = persona.create_persona_version(scope, creator.id, typed, key=press_id)
    return Message("persona.saved_draft" if saved == press_id else "persona.unchanged")
