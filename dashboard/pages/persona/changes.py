"""The differences between two versions of a persona, in the member's language."""

from collections.abc import Sequence
from functools import partial

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.i18n.translation import Message
from subscribers.replies.persona import FieldChange


def render_changes(
    page: PageContext, changes: Sequence[FieldChange], notes: Sequence[Message] = ()
) -> None:
    """Draw the notes of an import and each field with its removed and added lines."""
    draw_template(
        "pages/persona/templates/changes.html",
        changes=changes,
        notes=[page.localizer.message_text(note) for note in notes],
        line_of=partial(_format_line, page),
        word=page.text,
    )


def _format_line(page: PageContext, field: str, line: str) -> str:
    """Return a line of a field; values of closed lists are translated."""
    match field:
        case "sales_style":
            return page.text(f"persona.sales.{line}")
        case "languages":
            return page.text(f"persona.language.{line}")
        case "virtual":
            return page.text(f"persona.virtual.{line.lower()}")
        case "opening_hours":
            weekday, _, hours = line.partition(" ")
            return f"{page.text(f'queue.day.{weekday}').capitalize()} {hours}"
        case _:
            return line
