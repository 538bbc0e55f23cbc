"""People before a real Chromium: what they see, what they press, and everything their browser asked
for."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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
"""How long anything may take on a busy machine."""

TRIES = 6
"""How often a list is opened, that a page which is drawn again by itself may close."""

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
"""With 1 in this variable a machine without a browser fails these tests instead of skipping
them."""

SAID = "(document.body ? document.body.innerText : '')"
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
    """One window. `requests` are the addresses it asked for, `complaints` what its console said was
    wrong."""

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
        """Whom it talked to."""
        return {urlsplit(url).netloc for url in self.requests if url.startswith(("http", "ws"))}

    # looking

    def go(self, url: str) -> None:
        """Open an address and wait until it has loaded."""
        self.page.goto(url, wait_until="load")

    def rest(self) -> None:
        """Wait until the page of the dashboard that is open was drawn to its end."""
        self.page.wait_for_function(AT_REST)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; asked again where the page was just being
        replaced."""
        try:
            return self.page.evaluate(expression)
        except Error as replaced:
            if "context was destroyed" not in str(replaced):
                raise
            self.page.wait_for_load_state()
            return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until an expression holds. Raises AssertionError with what the page says instead.

        Asked from outside again and again: a page may forbid what Playwright's own waiting does
        inside it (eval).
        """
        end = monotonic() + seconds
        while not self._holds(expression):
            assert monotonic() < end, (
                f"{expression} never held; the page says: {self.text()[:3000]!r}"
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
        """Wait until the page says `text`, to the letter: some headings are set in capitals."""
        self.until(f"() => {SAID}.includes({json.dumps(text)})", seconds)

    def hides(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the page no longer says `text`."""
        self.until(f"() => !{SAID}.includes({json.dumps(text)})", seconds)

    def text(self) -> str:
        """What the page says."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def size(self, width: int, height: int = 900) -> None:
        """The size of the window, in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def picture(self, path: Path) -> None:
        """The page as PNG, to its end."""
        self.page.screenshot(path=path, full_page=True)

    # doing

    def button(self, label: str) -> Locator:
        """The first visible button whose words hold `label`."""
        return self.page.locator("button:visible", has_text=label).first

    def press(self, label: str) -> None:
        """Press a button by mouse, once it can be pressed. Raises AssertionError with what the page
        says instead."""
        with self._telling(f"no button {label!r} to press"):
            self.button(label).click()

    def hold(self, label: str) -> Locator:
        """Put the mouse down on a button and leave it there. Raises AssertionError where it never
        lay still for it."""
        button = self.button(label)
        for _ in range(TRIES):
            button.hover()
            self.page.mouse.down()
            if button.evaluate("one => one.matches(':active')"):
                return button
            self.page.mouse.up()
        raise AssertionError(f"{label!r} moves on and on; the page says: {self.text()[:3000]!r}")

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as late:
            raise AssertionError(f"{what}; the page says: {self.text()[:3000]!r}") from late

    def type(self, label: str, text: str) -> None:
        """Write into a field by keyboard and leave it."""
        with self._telling(f"no field {label!r} to write into"):
            box = self.page.get_by_label(label).first
            box.fill("")
            box.press_sequentially(text)
            box.blur()

    def choose(self, label: str, option: str) -> None:
        """Choose in a list that opens, and again where the page was drawn anew under it. Raises
        AssertionError."""
        for _ in range(TRIES):
            box = self.page.get_by_role("combobox", name=label).first
            box.click()
            self.page.wait_for_timeout(300)
            if not self.page.get_by_role(
                "option"
            ).count():  # on a phone the first touch may only lead there
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
    """The running browser; each visitor has cookies of their own."""

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
        """A fresh window; `cookies` as "name=value at url" of a session that is open already."""
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
    """The browser of this machine, if it has one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start the browser without a window; skips the tests where there is none, and fails them where
    one is required."""
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
