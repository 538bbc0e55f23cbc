"""A Streamlit client without a browser: runs, refreshes, clicks, and the text drawn."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs, FileURLsRequest, StringTriggerValue
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

SECONDS = 60.0
FAILED = "Impossible de charger cette page"
"""Beginning of the message of a failed page."""
TEXTS = ("text_input", "text_area")
ONE = ("selectbox", "radio")
SEVERAL = ("multiselect", "button_group")
OTHERS = (
    "button",
    "checkbox",
    "date_input",
    "time_input",
    "number_input",
    "file_uploader",
    "chat_input",
    "slider",
    "menu_button",
)
LABELLED = (*TEXTS, *ONE, *SEVERAL, *OTHERS, "select_slider", "download_button", "link_button")


@dataclass(frozen=True)
class Widget:
    """A drawn widget. `fragment` is the part of the page that contains it, `form` its form."""

    kind: str
    drawn: Any
    fragment: str

    @property
    def id(self) -> str:
        return str(self.drawn.id)

    @property
    def label(self) -> str:
        return str(getattr(self.drawn, "label", ""))

    @property
    def options(self) -> list[str]:
        """The labels of the options."""
        return [getattr(one, "content", one) for one in getattr(self.drawn, "options", [])]

    @property
    def form(self) -> str:
        return str(getattr(self.drawn, "form_id", ""))


@dataclass
class Stream:
    """An open page. `ticks` lists the fragments that refresh themselves, `widgets` what can be used
    now."""

    line: ClientConnection
    url: str = ""
    cookie: str = ""
    ticks: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    widgets: list[Widget] = field(default_factory=list)
    query: str = ""
    may_fail: bool = False
    """A failed page fails the test, unless this is True."""
    _filled: dict[str, WidgetState] = field(default_factory=dict)
    _page: str = ""
    _session: str = ""

    def open(self, path: str = "/", **query: object) -> str:
        """Run the page at `path` from its start and return the drawn text, including labels of
        widgets."""
        self.ticks, self.query, self._filled = [], urlencode(query), {}
        return self._run(ClientState(page_name=path.strip("/"), query_string=self.query))

    def again(self) -> str:
        """Run the open page again with all filled fields."""
        return self._rerun()

    def tick(self, which: int = -1) -> str:
        """Refresh a fragment once, as the browser does, and return the drawn text."""
        return self._rerun(fragment_id=self.ticks[which], is_auto_rerun=True)

    def labels(self, kind: str = "button") -> list[str]:
        """Return the labels of the widgets of this kind."""
        return [one.label for one in self.widgets if one.kind == kind]

    def press(self, label: str, nth: int = 0) -> str:
        """Click the nth button with this label and return the drawn text."""
        found = self.find(label, "button", nth=nth)
        assert not found.drawn.disabled, f"{label} cannot be pressed now"
        state = WidgetState(id=found.id, trigger_value=True)
        return self._rerun(state, fragment_id=found.fragment)

    def press_twice(self, label: str) -> str:
        """Click a button again before the page has responded."""
        found = self.find(label, "button")
        client = self._client(
            WidgetState(id=found.id, trigger_value=True), fragment_id=found.fragment
        )
        self.line.send(BackMsg(rerun_script=client).SerializeToString())
        return self._run(client)

    def type(self, label: str, text: str, nth: int = 0) -> str:
        """Type into a field and leave it. Fields in a form take effect with its button."""
        found = self.find(label, *TEXTS, "number_input", "time_input", "chat_input", nth=nth)
        state = WidgetState(id=found.id, string_value=text)
        if found.kind == "number_input":
            state = WidgetState(id=found.id, double_value=float(text))
        if found.kind == "chat_input":
            state = WidgetState(id=found.id)
            state.chat_input_value.data = text
            return self._rerun(state, fragment_id=found.fragment)
        return self.fill(found, state)

    def type_and_press(self, label: str, text: str, button: str) -> str:
        """Type a number into a field and click a button before the page has responded."""
        field = self.find(label, "number_input")
        self._filled[field.id] = WidgetState(id=field.id, double_value=float(text))
        return self.press(button)

    def choose(self, label: str, *options: str, nth: int = 0) -> str:
        """Choose options by their labels or by parts of them."""
        found = self.find(label, *ONE, *SEVERAL, nth=nth)
        chosen = [next(one for one in found.options if option in one) for option in options]
        state = WidgetState(id=found.id)
        if found.kind in ONE:
            state.string_value = chosen[0]
        else:
            state.string_array_value.data.extend(chosen)
        return self.fill(found, state)

    def check(self, label: str, *, on: bool = True, nth: int = 0) -> str:
        """Check or uncheck a checkbox."""
        found = self.find(label, "checkbox", nth=nth)
        return self.fill(found, WidgetState(id=found.id, bool_value=on))

    def menu(self, label: str, option: str, nth: int = 0) -> str:
        """Choose an option of the nth menu button with this label."""
        found = self.find(label, "menu_button", nth=nth)
        assert option in found.options, f"{option} is not offered: {found.options}"
        chosen = StringTriggerValue(data=option)
        return self._rerun(WidgetState(id=found.id, string_trigger_value=chosen))

    def pick(self, label: str, day: date, nth: int = 0) -> str:
        """Choose a date."""
        found = self.find(label, "date_input", nth=nth)
        state = WidgetState(id=found.id)
        state.string_array_value.data.append(f"{day:%Y/%m/%d}")
        return self.fill(found, state)

    def attach(self, label: str, files: dict[str, bytes], nth: int = 0) -> str:
        """Attach files to a file field: uploaded first, as the browser does."""
        found = self.find(label, "file_uploader", nth=nth)
        state = WidgetState(id=found.id)
        for name, (place, data) in zip(files, self._upload(files), strict=True):
            state.file_uploader_state_value.uploaded_file_info.add(
                name=name, size=len(data), file_id=place.file_id, file_urls=place
            )
        return self.fill(found, state)

    def send(self, state: WidgetState, *, fragment_id: str = "") -> str:
        """Send the state of a widget that is not a button."""
        return self._rerun(state, fragment_id=fragment_id)

    def filled_ids(self) -> set[str]:
        """Return the IDs of the fields that still contain what was filled in."""
        return set(self._filled)

    def told(self) -> Iterator[ForwardMsg]:
        """Yield all messages of the server since `frames` was cleared."""
        for frame in self.frames:
            yield ForwardMsg.FromString(frame)

    def find(self, label: str, *kinds: str, nth: int = 0) -> Widget:
        """Return a widget by its label, or by the beginning of its label if no label is equal."""
        kinds = kinds or LABELLED
        ours = [one for one in self.widgets if one.kind in kinds]
        same = [one for one in ours if one.label == label] or [
            one for one in ours if one.label.startswith(label)
        ]
        assert len(same) > nth, (
            f"no {'/'.join(kinds)} {label!r}; there are {[one.label for one in ours]}"
        )
        return same[nth]

    def submit_button(self, form: str) -> Widget:
        """Return the first button of a form by the form's ID."""
        return next(one for one in self.widgets if one.form == form and one.kind == "button")

    def fill(self, found: Widget, state: WidgetState) -> str:
        """Set the value of a field. Fields in a form take effect with the button of the form."""
        self._filled[found.id] = state
        return "" if found.form else self._rerun(fragment_id=found.fragment)

    def _upload(self, files: dict[str, bytes]) -> list[tuple[FileURLs, bytes]]:
        ask = FileURLsRequest(request_id="files", file_names=list(files), session_id=self._session)
        self.line.send(BackMsg(file_urls_request=ask).SerializeToString())
        told = ForwardMsg()
        while told.WhichOneof("type") != "file_urls_response":
            told = self._next()
        places = list(told.file_urls_response.file_urls)
        with httpx.Client(
            base_url=self.url, headers={"cookie": self.cookie}, timeout=SECONDS, verify=False
        ) as browser:
            token = browser.get("/_stcore/health").cookies["_streamlit_xsrf"]
            for place, (name, data) in zip(places, files.items(), strict=True):
                headers = {
                    "x-xsrftoken": token,
                    "cookie": f"{self.cookie}; _streamlit_xsrf={token}",
                }
                put = browser.put(place.upload_url, files={name: (name, data)}, headers=headers)
                assert put.status_code == 204, put.text
        return list(zip(places, files.values(), strict=True))

    def _rerun(self, *states: WidgetState, **ask: Any) -> str:
        return self._run(self._client(*states, **ask))

    def _client(self, *states: WidgetState, **ask: Any) -> ClientState:
        client = ClientState(page_script_hash=self._page, query_string=self.query, **ask)
        client.widget_states.widgets.extend([*self._filled.values(), *states])
        return client

    def _next(self) -> ForwardMsg:
        frame = self.line.recv(timeout=SECONDS)
        assert isinstance(frame, bytes)
        self.frames.append(frame)
        told: ForwardMsg = ForwardMsg.FromString(frame)
        return told

    def _run(self, client: ClientState) -> str:
        self.line.send(BackMsg(rerun_script=client).SerializeToString())
        drawn: list[str] = []
        fresh: list[Widget] = []
        ticks: list[str] = []
        while True:
            told = self._next()
            match told.WhichOneof("type"):
                case "new_session":
                    drawn, fresh, ticks = [], [], []
                    self._page = told.new_session.page_script_hash
                    self._session = told.new_session.initialize.session_id or self._session
                case "navigation":
                    self._page = told.navigation.page_script_hash
                case "delta":
                    drawn.append(_text(told))
                    fresh.extend(self._widgets(told))
                case "auto_rerun":
                    ticks.append(told.auto_rerun.fragment_id)
                case "page_info_changed":
                    self.query = told.page_info_changed.query_string
                case "script_finished" if (
                    told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
                ):
                    part = told.script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
                    self._stand(fresh, ticks, client.fragment_id if part else "")
                    text = "\n".join(filter(None, drawn))
                    assert self.may_fail or FAILED not in text, text
                    return text

    def _stand(self, fresh: list[Widget], ticks: list[str], part: str) -> None:
        """Update the widgets after a run; the run of a fragment keeps those of the others."""
        others = [one for one in self.widgets if part and one.fragment != part]
        self.widgets = [*others, *fresh]
        # fields that are no longer drawn are no longer filled
        there = {one.id for one in self.widgets}
        self._filled = {key: state for key, state in self._filled.items() if key in there}
        self.ticks = [*(one for one in self.ticks if part and one not in ticks), *ticks]

    def _widgets(self, told: ForwardMsg) -> list[Widget]:
        kind = told.delta.new_element.WhichOneof("type") or ""
        if kind not in LABELLED:
            return []
        drawn = getattr(told.delta.new_element, kind)
        if getattr(drawn, "set_value", False):  # the page set the value: the typed text is gone
            self._filled.pop(drawn.id, None)
        return [Widget(kind, drawn, told.delta.fragment_id)]


def _text(told: ForwardMsg) -> str:
    element = told.delta.new_element
    kind = element.WhichOneof("type") or ""
    body = {
        "html": element.html.body,
        "markdown": element.markdown.body,
        "alert": element.alert.body,
    }
    body["code"] = element.code.code_text
    body["bidi_component"] = _component_html(element.bidi_component.json)
    if kind in LABELLED:
        one = Widget(kind, getattr(element, kind), "")
        return "\n".join([one.label, *one.options])
    said = body.get(kind, "") or (str(element) if kind == "exception" else "")
    return re.sub(r"<style>.*?</style>", "", said, flags=re.DOTALL)


def _component_html(data: str) -> str:
    """Return the HTML that a browser component draws, or "" for one that draws its own."""
    said = json.loads(data) if data else None
    return str(said.get("html", "")) if isinstance(said, dict) else ""


@contextmanager
def stream(url: str, cookie: str, *, origin: str = "", host: str = "") -> Iterator[Stream]:
    """Open the stream of the page with a cookie, as the browser does."""
    address = url.replace("http://", "ws://") + "/_stcore/stream"
    headers = {"Cookie": cookie} if cookie else {}
    if host:
        headers["Host"] = host
    with connect(
        address,
        additional_headers=headers,
        origin=Origin(origin or url),
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
        open_timeout=SECONDS,
    ) as line:
        yield Stream(line, url, cookie)
