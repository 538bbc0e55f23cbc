"""Events of the browser scripts of the calendar, sent as the browser sends them."""

import json
from typing import Any

from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.dashboard.streamlit_client import Stream


def find_component(page: Stream, name: str) -> tuple[str, str]:
    """Return the ID of a script drawn since `frames` was cleared and of its fragment, or ("", "")
    if the page has none."""
    found = ("", "")
    for told in page.told():
        element = told.delta.new_element
        if element.WhichOneof("type") != "bidi_component":
            continue
        if element.bidi_component.component_name.endswith(f".{name}"):
            found = element.bidi_component.id, told.delta.fragment_id
    return found


def send_event(page: Stream, place: tuple[str, str], event: str, value: Any) -> str:
    """Send an event with any value and return the drawn text."""
    said = json.dumps({"event": event, "value": value})
    state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{place[0]}__events", json_trigger_value=said)
    return page.send(state, fragment_id=place[1])


def choose_item(page: Stream, **value: Any) -> str:
    """Click a card, an open slot or a day, or press a key of the calendar."""
    place = find_component(page, "calendar")
    assert place[0], "the calendar is not open"
    return send_event(page, place, "chosen", {name: str(one) for name, one in value.items()})
