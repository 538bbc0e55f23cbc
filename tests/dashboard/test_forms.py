"""Forms keep what was typed when a submission is refused, and show the reason beside its field."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.pages.settings.page import SECTIONS
from dashboard.shell.navigation import PAGES
from foundation.i18n.translation import Message, render_message
from tests.channels.builders import connect_account_of
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import LABELLED, TEXTS, Stream, stream

TYPED = "Texte à garder 7"
"""A text that fits every field, and which a refused form must still contain."""


@dataclass(frozen=True)
class DrawnElement:
    """An element of a run: a widget with its label, or an alert with its text. `form` is the ID of
    the form that contains it."""

    kind: str
    text: str
    form: str
    is_error: bool = False


def drawn_elements(page: Stream) -> list[DrawnElement]:
    """Return the widgets and alerts of the last run, in the order in which they were drawn."""
    elements: list[DrawnElement] = []
    forms: dict[tuple[int, ...], str] = {}
    for told in page.told():
        if told.WhichOneof("type") == "new_session":
            elements, forms = [], {}
        if told.WhichOneof("type") != "delta":
            continue
        path = tuple(told.metadata.delta_path)
        if told.delta.WhichOneof("type") == "add_block":
            if told.delta.add_block.WhichOneof("type") == "form":
                forms[path] = told.delta.add_block.form.form_id
            continue
        element = told.delta.new_element
        kind = element.WhichOneof("type") or ""
        form = next((forms[path[:size]] for size in range(len(path)) if path[:size] in forms), "")
        if kind == "alert":
            is_error = element.alert.format == Alert.ERROR
            elements.append(DrawnElement(kind, element.alert.body, form, is_error))
        elif kind in LABELLED:
            elements.append(DrawnElement(kind, getattr(element, kind).label, form))
    return elements


def press(page: Stream, label: str, nth: int = 0) -> list[DrawnElement]:
    """Press a button and return what the page then draws."""
    page.frames.clear()
    page.press(label, nth)
    return drawn_elements(page)


def type_everywhere(page: Stream, form: str, invalid: str) -> set[str]:
    """Type the invalid text into the first text field of a form, and a text to keep into all other
    ones. Return the IDs of the fields."""
    typed = [one for one in page.widgets if one.form == form and one.kind in TEXTS]
    for one in typed:
        text = invalid if one is typed[0] else TYPED[: one.drawn.max_chars or None]
        page.fill(one, WidgetState(id=one.id, string_value=text))
    return {one.id for one in typed}


@pytest.fixture
def page(door: Door, lumiere: Agency) -> Iterator[Stream]:
    lumiere.post("Le soir")
    with lumiere.scope() as scope:
        connect_account_of(scope, lumiere.creator_id, "mastodon")
    with stream(door.url, door.cookie(lumiere)) as opened:
        yield opened


def views_with_forms(agency: Agency) -> list[tuple[str, dict[str, str]]]:
    """Return the pages, and their views and sections that contain forms."""
    return [
        *((row.name, {}) for row in PAGES if not row.demo_only),
        *(("settings", {"section": one.name}) for one in SECTIONS),
        *(("calendar", {one: "mia"}) for one in ("week", "routine", "pool", "compare")),
        *(("calendar", {one: "1"}) for one in ("files", "labels", "new")),
        ("calendar", {"queue": str(agency.channel_id)}),
        ("calendar", {"post": str(agency.posts[0])}),
        *(("shop", {"view": one}) for one in ("packs", "subscriptions", "ledger", "accounting")),
        *(("insights", {"view": one}) for one in ("costs", "links", "posting")),
        ("channels", {"view": "links"}),
    ]


def is_beside_field(elements: list[DrawnElement], error: DrawnElement) -> bool:
    """Return True if the element before the error is a field of its form, not its button."""
    before = elements[elements.index(error) - 1]
    return before.form == error.form and before.kind not in ("button", "alert")


def test_every_form_keeps_its_texts_when_it_is_refused(page: Stream, lumiere: Agency) -> None:
    """The first text is emptied: the reason stands beside a field of the form, and no text is
    gone."""
    seen: set[str] = set()
    refused: set[str] = set()
    for name, query in views_with_forms(lumiere):
        page.open(f"/{name}", **query)
        fields = [one for one in page.widgets if one.form and one.kind in TEXTS]
        for form in {one.form for one in fields} - seen:
            seen.add(form)
            button = page.submit_button(form)
            typed = type_everywhere(page, form, "")
            page.frames.clear()
            page.send(WidgetState(id=button.id, trigger_value=True), fragment_id=button.fragment)
            elements = drawn_elements(page)
            errors = [one for one in elements if one.is_error and one.form == form]
            if errors:
                refused.add(form)
                assert typed <= page.filled_ids(), f"{form} lost a text"
                assert is_beside_field(elements, errors[0]), f"{form}: {errors[0].text}"
    assert len(refused) >= 20, refused


@dataclass(frozen=True)
class FieldsCase:
    """Fields with a button of their own: the message codes of the labels of the field with the
    invalid text, of the fields to keep, and of the button."""

    path: str
    invalid: tuple[str, str]
    kept: tuple[str, ...]
    button: str
    query: tuple[tuple[str, str], ...] = ()


FIELDS = (
    FieldsCase("team", ("team.name", " "), ("team.email",), "team.bring_in_now"),
    FieldsCase("team", ("team.email", "nora@"), ("team.name",), "team.bring_in_now"),
    FieldsCase("persona", ("persona.field.name", ""), ("persona.field.voice",), "persona.save"),
    FieldsCase("persona", ("queue.day.2", "9 to 5"), ("persona.field.greeting",), "persona.save"),
    FieldsCase(
        "settings",
        ("system.hook_url", "ftp://crm.example"),
        ("system.hook_name",),
        "system.hook_add",
        (("section", "webhooks"),),
    ),
    FieldsCase("settings", ("system.key_name", " "), (), "system.key_make", (("section", "keys"),)),
    FieldsCase("calendar", ("post_label.name", " "), (), "post_label.make", (("labels", "1"),)),
    FieldsCase(
        "calendar",
        ("compose.clock", "25 Uhr"),
        ("compose.body",),
        "compose.submit",
        (("new", "1"),),
    ),
    FieldsCase("people", ("people.name", " "), (), "people.add_now"),
)


def label(code: str) -> str:
    said = render_message(Message(code), "fr")
    return said.capitalize() if code.startswith("queue.day") else said


@pytest.mark.parametrize("case", FIELDS, ids=lambda one: f"{one.path}:{one.invalid[0]}")
def test_fields_with_a_button_keep_their_texts(page: Stream, case: FieldsCase) -> None:
    page.open(f"/{case.path}", **dict(case.query))
    if case.button == "compose.submit":
        page.choose(label("compose.accounts"), "Account on mastodon")
        page.choose(label("compose.when"), label("compose.when.at"))
    for code in case.kept:
        page.type(label(code), "nora@atelier.example" if code == "team.email" else TYPED)
    page.type(label(case.invalid[0]), case.invalid[1])
    filled = page.filled_ids()
    elements = press(page, label(case.button))
    places = [place for place, one in enumerate(elements) if one.is_error]
    assert places, "the form was not refused"
    assert elements[places[0] - 1].text == label(case.invalid[0])
    assert filled <= page.filled_ids()


@pytest.mark.parametrize("is_typed", [True, False], ids=["impossible", "unreachable"])
def test_connect_form_keeps_its_texts_when_the_server_is_refused(
    page: Stream, lumiere: Agency, *, is_typed: bool
) -> None:
    """An address that cannot be one is refused at once, any other by the worker that tries it."""
    server = label("connect.bluesky.server")
    page.open("/channels", connect="1")
    page.choose(label("channels.platform"), "Bluesky")
    page.type(label("connect.bluesky.handle"), "mia.example")
    page.type(label("connect.bluesky.app_password"), "abcd-efgh-ijkl-mnop")
    page.type(server, "ftp://pds" if is_typed else "https://10.0.0.7")
    filled = page.filled_ids()
    elements = press(page, label("channels.connect_now"))
    if not is_typed:
        with lumiere.scope() as scope:
            scope.run(
                "UPDATE enrolments SET state = 'refused', updated_at = house_now(), letter = '',"
                " reason = CAST(:reason AS jsonb) WHERE tenant_id = :t",
                reason='{"code": "enrolment.address_refused", "params": {}}',
                t=scope.tenant_id,
            )
        page.frames.clear()
        page.again()
        elements = drawn_elements(page)
    [place] = [place for place, one in enumerate(elements) if one.is_error]
    assert elements[place - 1].text == server
    assert filled <= page.filled_ids()
