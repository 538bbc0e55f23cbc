"""Forms keep what was typed when a submission is refused, and show the reason beside its field."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.shell.navigation import PAGES
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import LABELLED, TEXTS, Stream, Widget, stream


@dataclass(frozen=True)
class Drawn:
    """An element of the last run: its kind, its label or text, and its place on the page."""

    kind: str
    text: str
    path: tuple[int, ...]
    is_error: bool = False


def drawn_elements(page: Stream) -> tuple[list[Drawn], dict[str, tuple[int, ...]]]:
    """Return the elements of the last run in their order, and the place of each form by its ID."""
    elements: list[Drawn] = []
    places: dict[str, tuple[int, ...]] = {}
    for told in page.told():
        if told.WhichOneof("type") == "new_session":
            elements, places = [], {}
        if told.WhichOneof("type") != "delta":
            continue
        path = tuple(told.metadata.delta_path)
        if told.delta.WhichOneof("type") == "add_block":
            if told.delta.add_block.WhichOneof("type") == "form":
                places[told.delta.add_block.form.form_id] = path
            continue
        element = told.delta.new_element
        kind = element.WhichOneof("type") or ""
        if kind == "alert":
            bad = element.alert.format == Alert.ERROR
            elements.append(Drawn(kind, element.alert.body, path, bad))
        elif kind in LABELLED:
            elements.append(Drawn(kind, getattr(element, kind).label, path))
    return elements, places


def fill_texts(page: Stream, widgets: list[Widget], text: str) -> list[str]:
    """Type into each text field and return the IDs of the fields."""
    for one in widgets:
        page.fill(one, WidgetState(id=one.id, string_value=text))
    return [one.id for one in widgets]


def press_and_draw(page: Stream, button: Widget) -> tuple[list[Drawn], dict[str, tuple[int, ...]]]:
    page.frames.clear()
    page.send(WidgetState(id=button.id, trigger_value=True), fragment_id=button.fragment)
    return drawn_elements(page)


VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    *((row.name, {}) for row in PAGES if not row.demo_only),
)


@pytest.mark.parametrize("text", ["", "x" * 10_001], ids=["empty", "long"])
def test_every_form_keeps_its_texts_and_shows_the_reason(
    door: Door, lumiere: Agency, text: str
) -> None:
    refused: dict[str, bool] = {}
    lumiere.post("Le soir")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        for name, query in VIEWS:
            page.open(f"/{name}", **query)
            ids = {one.form for one in page.widgets if one.kind in TEXTS and one.form}
            for form in sorted(ids):
                page.open(f"/{name}", **query)
                fields = [one for one in page.widgets if one.form == form and one.kind in TEXTS]
                button = next(
                    (one for one in page.widgets if one.form == form and one.kind == "button"), None
                )
                print(name, form, [one.label for one in fields], button and button.label)
                if button is None or not fields:
                    continue
                typed = fill_texts(page, fields, text)
                elements, places = press_and_draw(page, button)
                for e in elements:
                    if e.kind == "alert":
                        print("   ", e)
                print("   lost", set(typed) - set(page._filled))
