<<<<<<< ours
"""Users with a real Chromium: displayed text, input, and every request of the browser."""
||||||| base
"""People before a real Chromium: what they see, what they press, and everything their browser asked
for."""
=======
"""Visitors with a real Chromium: what they see and press, and every request of their browser."""
>>>>>>> theirs

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
"""Timeout of any step, for slow machines."""

TRIES = 6
"""Attempts to open a select box, which a page that refreshes itself may close."""

FLAGS = (
    "--no-sandbox",  # The sandbox is not available to root in containers.
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
<<<<<<< ours
"""If this variable is 1, a missing browser fails these tests instead of skipping them."""
||||||| base
"""With 1 in this variable a machine without a browser fails these tests instead of skipping
them."""
=======
"""Environment variable: with the value 1, a machine without a browser fails these tests instead of
skipping them."""
>>>>>>> theirs

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
<<<<<<< ours
    """A browser window. `requests` are the requested URLs, `complaints` the errors of its console."""
||||||| base
    """One window. `requests` are the addresses it asked for, `complaints` what its console said was
    wrong."""
=======
    """A browser window. `requests` lists the requested URLs, `complaints` the errors of its
    console."""
>>>>>>> theirs

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
        """Hosts that the window connected to."""
        return {urlsplit(url).netloc for url in self.requests if url.startswith(("http", "ws"))}

    # Output

    def go(self, url: str) -> None:
        """Open a URL and wait until it has loaded."""
        self.page.goto(url, wait_until="load")

    def rest(self) -> None:
        """Wait until the current dashboard page has been rendered completely."""
        self.page.wait_for_function(AT_REST)

    def run(self, expression: str) -> Any:
<<<<<<< ours
        """Return the value of a JavaScript expression. Retry if the page was being replaced."""
||||||| base
        """The value of a JavaScript expression; asked again where the page was just being
        replaced."""
=======
        """Evaluate a JavaScript expression and return its value; try again if the page was just
        replaced."""
>>>>>>> theirs
        try:
            return self.page.evaluate(expression)
        except Error as replaced:
            if "context was destroyed" not in str(replaced):
                raise
            self.page.wait_for_load_state()
            return self.page.evaluate(expression)

    def until(self, expression: str, seconds: float = SECONDS) -> None:
        """Wait until an expression is true. Raise AssertionError with the text of the page.

<<<<<<< ours
        It polls from outside, because a page may forbid the `eval` that Playwright's waiting uses.
||||||| base
        Asked from outside again and again: a page may forbid what Playwright's own waiting does
        inside it (eval).
=======
        The expression is evaluated repeatedly from outside, because Playwright's own waiting uses
        eval inside the page, which a page may forbid.
>>>>>>> theirs
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
            return False  # The page was being replaced.

    def shows(self, text: str, seconds: float = SECONDS) -> None:
<<<<<<< ours
        """Wait until the page contains `text`. The comparison is case-sensitive, and some headings
        are in capitals."""
||||||| base
        """Wait until the page says `text`, to the letter: some headings are set in capitals."""
=======
        """Wait until the page shows `text`, compared exactly: some headings are in capitals."""
>>>>>>> theirs
        self.until(f"() => {SAID}.includes({json.dumps(text)})", seconds)

    def hides(self, text: str, seconds: float = SECONDS) -> None:
        """Wait until the page no longer contains `text`."""
        self.until(f"() => !{SAID}.includes({json.dumps(text)})", seconds)

    def text(self) -> str:
        """Return the text of the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def size(self, width: int, height: int = 900) -> None:
        """Set the size of the window in CSS pixels."""
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

    # Input

    def button(self, label: str) -> Locator:
        """Return the first visible button whose text contains `label`."""
        return self.page.locator("button:visible", has_text=label).first

    def press(self, label: str) -> None:
<<<<<<< ours
        """Click a button once it is enabled. Raise AssertionError with the text of the page."""
||||||| base
        """Press a button by mouse, once it can be pressed. Raises AssertionError with what the page
        says instead."""
=======
        """Click a button once it is enabled. Raises AssertionError with the text of the page."""
>>>>>>> theirs
        with self._telling(f"no button {label!r} to press"):
            self.button(label).click()

    def hold(self, label: str) -> Locator:
        """Press the mouse button on a button without releasing it. Raise AssertionError if the
        button never stops moving."""
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

    def choose(self, label: str, option: str) -> None:
<<<<<<< ours
        """Select an option of a select box, again if the page is rerendered. Raise AssertionError."""
||||||| base
        """Choose in a list that opens, and again where the page was drawn anew under it. Raises
        AssertionError."""
=======
        """Choose an option of a list, again if the page was redrawn. Raises AssertionError."""
>>>>>>> theirs
        for _ in range(TRIES):
            box = self.page.get_by_role("combobox", name=label).first
            box.click()
            self.page.wait_for_timeout(300)
<<<<<<< ours
            # On a phone the first touch may only focus the box.
            if not self.page.get_by_role("option").count():
||||||| base
            if not self.page.get_by_role(
                "option"
            ).count():  # on a phone the first touch may only lead there
=======
            if not self.page.get_by_role(
                "option"
            ).count():  # on a phone the first touch may only scroll there
>>>>>>> theirs
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
    """The running browser. Each visitor has separate cookies."""

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
<<<<<<< ours
        """Open a window. `cookies` is "name=value at url" of an existing session."""
||||||| base
        """A fresh window; `cookies` as "name=value at url" of a session that is open already."""
=======
        """Yield a new window. `cookies` has the form "name=value at url" and continues an open
        session."""
>>>>>>> theirs
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
    """Return the path of an installed browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium() -> Iterator[Chromium]:
<<<<<<< ours
    """Run a headless browser. Skip the tests if there is none, or fail them if one is required."""
||||||| base
    """Start the browser without a window; skips the tests where there is none, and fails them where
    one is required."""
=======
    """Start a headless browser. If none is installed, skip or fail the tests (see `REQUIRED`)."""
>>>>>>> theirs
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
