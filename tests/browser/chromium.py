"""Visitors with a real Chromium: what they see and press, and every request of their browser."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    TimeoutError,
    sync_playwright,
)

from foundation.ops.clock import monotonic

SECONDS = 60.0
"""Timeout of any wait, long enough for a busy machine."""

TRIES = 6
"""Attempts to open a list, which a page that redraws itself may close."""

TABS = 120
"""Presses of Tab within which every control of a page is reached."""

FLAGS = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
REQUIRED = "GREENROOM_REQUIRE_BROWSER"
"""Environment variable: with the value 1, a machine without a browser fails these tests instead of
skipping them."""

SAID = "(document.body ? document.body.innerText : '')"
FOCUSED = """
((one) => one.getAttribute('aria-label') || one.labels?.[0]?.innerText || one.innerText || '')
  (document.activeElement)
"""
AT_REST = """
() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState \
=== 'CONNECTED'
    && document.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
}
"""


@dataclass
class Visitor:
    """A browser window. `requests` lists the requested URLs, `complaints` the errors of its
    console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("request", lambda asked: self.requests.append(asked.url))
        self.page.on("websocket", lambda opened: self.requests.append(opened.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(f"{said.text} {said.location.get('url', '')}".strip())

    @property
    def hosts(self) -> set[str]:
        """Hosts that received requests or WebSocket connections."""
        return {urlsplit(url).netloc for url in self.requests if url.startswith(("http", "ws"))}

    # Reading the page.

    def go(self, url: str) -> None:
        """Open a URL and wait until it has loaded."""
        self.page.goto(url, wait_until="load")

    def rest(self) -> None:
        """Wait until the open dashboard page is completely drawn."""
        self.page.wait_for_function(AT_REST)

    def run(self, expression: str) -> Any:
        """Evaluate a JavaScript expression and return its value; try again if the page was just
        replaced."""
        try:
            return self.page.evaluate(expression)
        except Error as replaced:
            if "context was destroyed" not in str(replaced):
                raise
            self.page.wait_for_load_state()
            return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until an expression is true. Raises AssertionError with the text of the page.

        The expression is evaluated repeatedly from outside, because Playwright's own waiting uses
        eval inside the page, which a page may forbid.
        """
        end = monotonic() + seconds
        while not self._holds(expression):
            assert monotonic() < end, (
                f"{expression} never became true; the page says: {self.text()[:3000]!r}"
            )
            self.page.wait_for_timeout(50)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.page.evaluate(expression))
        except Error as replaced:
            if "context" not in str(replaced):
                raise
            return False  # the page was just being replaced

    def shows(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the page shows `text`, compared exactly: some headings are in capitals."""
        self.until(f"() => {SAID}.includes({json.dumps(text)})", seconds)

    def hides(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the page no longer shows `text`."""
        self.until(f"() => !{SAID}.includes({json.dumps(text)})", seconds)

    def text(self) -> str:
        """Return the visible text of the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def size(self, width: int, height: int = 900) -> None:
        """Set the size of the window, in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    @property
    def overflow(self) -> int:
        """Number of pixels by which the page is wider than the window."""
        return int(
            self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def picture(self, path: Path) -> None:
        """Save the full page as PNG."""
        self.page.screenshot(path=path, full_page=True)

    # Using the page.

    def button(self, label: str) -> Locator:
        """Return the first visible button whose label contains `label`."""
        return self.page.locator("button:visible", has_text=label).first

    def press(self, label: str) -> None:
        """Click a button once it is enabled. Raises AssertionError with the text of the page."""
        with self._telling(f"no button {label!r} to press"):
            self.button(label).click()

    def tab_to(self, label: str) -> None:
        """Press Tab until the field or button with the label has the focus. Raises AssertionError."""
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            if str(self.run(FOCUSED)).strip() == label:
                return
        raise AssertionError(f"Tab does not reach {label!r}; the page says: {self.text()[:3000]!r}")

    def hold(self, label: str) -> Locator:
        """Press the mouse on a button without releasing it. Raises AssertionError if the button
        keeps moving."""
        button = self.button(label)
        for _ in range(TRIES):
            button.hover()
            self.page.mouse.down()
            if button.evaluate("one => one.matches(':active')"):
                return button
            self.page.mouse.up()
        raise AssertionError(f"{label!r} keeps moving; the page says: {self.text()[:3000]!r}")

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as late:
            raise AssertionError(f"{what}; the page says: {self.text()[:3000]!r}") from late

    def type(self, label: str, text: str) -> None:
        """Type into a field and leave it."""
        with self._telling(f"no field {label!r} to write into"):
            box = self.page.get_by_label(label).first
            box.fill("")
            box.press_sequentially(text)
            box.blur()

    def pick(self, label: str, day: date) -> None:
        """Type a date into a date picker, part by part, and leave it."""
        with self._telling(f"no date picker {label!r}"):
            picker = self.page.get_by_role("group", name=label, exact=True).first
            picker.get_by_role("spinbutton").first.click()
            self.page.keyboard.type(f"{day:%d%m%Y}", delay=20)
            self.page.keyboard.press("Escape")  # closes the list of days

    def pick_time(self, label: str, clock: time) -> None:
        """Type a time into a time picker, part by part, and leave it."""
        with self._telling(f"no time picker {label!r}"):
            picker = self.page.get_by_role("group", name=label, exact=True).first
            picker.get_by_role("spinbutton").first.click()
            self.page.keyboard.type(f"{clock:%H%M}", delay=20)
            self.page.keyboard.press("Escape")  # closes the list of times

    def choose(self, label: str, option: str) -> None:
        """Choose an option of a list, again if the page was redrawn. Raises AssertionError."""
        for _ in range(TRIES):
            box = self.page.get_by_role("combobox", name=label).first
            box.click()
            self.page.wait_for_timeout(300)
            if not self.page.get_by_role(
                "option"
            ).count():  # on a phone the first touch may only scroll there
                box.press("ArrowDown")
            with suppress(TimeoutError):
                self.page.get_by_role("option", name=option).first.click(
                    timeout=1000 * SECONDS / TRIES
                )
                return
            box.press("Escape")
        raise AssertionError(f"no {option!r} in {label!r}; the page says: {self.text()[:3000]!r}")


@dataclass(frozen=True)
class Chromium:
    """The running browser; each visitor has separate cookies."""

    browser: Browser

    @contextmanager
    def visitor(
        self,
        width: int = 1440,
        height: int = 900,
        *,
        language: str = "fr",
        dark: bool = False,
        cookies: str = "",
    ) -> Iterator[Visitor]:
        """Yield a new window. `cookies` has the form "name=value at url" and continues an open
        session."""
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            locale={"fr": "fr-FR", "en": "en-GB"}[language],
            color_scheme="dark" if dark else "light",
            is_mobile=width < 600,
            has_touch=width < 600,
        )
        if cookies:
            pair, _, url = cookies.partition(" at ")
            name, _, value = pair.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": url}])
        try:
            yield Visitor(context.new_page())
        finally:
            context.close()


def find_browser() -> str | None:
    """Return the path of the installed browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start a headless browser. If none is installed, skip or fail the tests (see `REQUIRED`)."""
    found = find_browser()
    if found is None:
        said = "no Chromium on this machine (apt-get install chromium)"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(said)
        pytest.skip(said)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield Chromium(browser)
        finally:
            browser.close()
