"""Browser of the tour's test: pages, their requests, and the errors in their console."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from foundation.errors import Unavailable
from foundation.ops.clock import monotonic

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

WAIT_SECONDS = 120.0
"""Seconds to wait for a text or element on a busy machine."""

SLOW = 2.0
TRIES = 4
POLL_MILLISECONDS = 100.0
"""Milliseconds between two checks of a page; checking every frame would load a small machine."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)
WORDS = Path(__file__).with_name("internal_words.txt")
"""Internal terms that must not appear on a page."""

EXEMPT = ("/system", "/settings")
"""Pages for operators, who know internal terms."""

LOCALES: Mapping[str, str] = {"fr": "fr-FR", "en": "en-GB"}
CROSSED_NAVIGATION_ERRORS = ("ERR_ABORTED", "interrupted by another navigation")
"""Errors of a navigation while the current page reloads itself."""

CHOSEN_SELECTOR = 'button[aria-pressed="true"]'
PAGE_TEXT_EXPRESSION = "(document.body ? document.body.innerText.toLowerCase() : '')"
DRAWN_EXPRESSION = """
() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState \
=== 'CONNECTED'
    && !document.querySelector('[data-testid="stSkeleton"], [data-stale="true"]');
}
"""
IMAGES_LOADED_EXPRESSION = """
() => [...document.images].every(one => one.complete || one.getBoundingClientRect().top > \
innerHeight)
"""


# not an error of Greenroom: a witness reported something else
class WitnessDisagreement(Exception):
    """Raised if one of the three witnesses (page, database, test network) contradicts the expected
    result."""

    def __init__(self, witness: str, told: str) -> None:
        self.witness = witness
        self.told = told
        super().__init__(f"{witness}: {told}")


@dataclass
class BrowserWindow:
    """A window of one visitor. `complaints` are errors of its console and internal terms on its
    pages."""

    page: "Page"
    own: frozenset[str]
    """Hosts of this installation; requests to any other host are complaints."""
    complaints: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    """Operations that took too long: reported at the end, without failing a step."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(1000 * WAIT_SECONDS)
        self.page.on("request", self._record_foreign_request)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("console", self._record_console_error)

    def _record_foreign_request(self, asked: "Request") -> None:
        parts = urlsplit(asked.url)
        if parts.scheme.startswith(("http", "ws")) and parts.netloc not in self.own:
            self.complaints.append(f"foreign request: {parts.netloc}")

    def _record_console_error(self, said: "ConsoleMessage") -> None:
        if said.type == "error":
            self.complaints.append(f"console: {said.text} {said.location.get('url', '')}".strip())

    def open(self, url: str, *, drawn: bool = True) -> None:
        """Open an address; `drawn` waits until a page of the dashboard is complete."""
        began = monotonic()
        self._load_page(url)
        if drawn:
            self.wait_until_drawn()
        if monotonic() - began > SLOW:
            self.slow.append(f"{urlsplit(url).path} {monotonic() - began:.1f} s")

    def _load_page(self, url: str) -> None:
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import Error as Broken  # noqa: PLC0415  see above

        for left in reversed(range(TRIES)):
            try:
                self.page.goto(url, wait_until="load")
            except Broken as crossed:
                if not left or not any(sign in str(crossed) for sign in CROSSED_NAVIGATION_ERRORS):
                    raise
            else:
                return

    def wait_until_drawn(self) -> None:
        """Wait until a page of the dashboard is complete."""
        self.page.wait_for_function(DRAWN_EXPRESSION, polling=POLL_MILLISECONDS)

    def wait_for_text(self, text: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until the page contains `text`, regardless of case. Raises WitnessDisagreement."""
        self._wait_for_expression(
            f"() => {PAGE_TEXT_EXPRESSION}.includes({json.dumps(text.lower())})",
            f"never said {text!r}",
            seconds,
        )

    def wait_for_expression(
        self, expression: str, told: str, seconds: float = WAIT_SECONDS
    ) -> None:
        """Wait until a JavaScript expression is true; `told` is the message of the error. Raises
        WitnessDisagreement."""
        self._wait_for_expression(expression, told, seconds)

    def _wait_for_expression(self, expression: str, told: str, seconds: float) -> None:
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import TimeoutError as Late  # noqa: PLC0415  see above

        try:
            self.page.wait_for_function(
                expression, timeout=1000 * seconds, polling=POLL_MILLISECONDS
            )
        except Late as late:
            raise WitnessDisagreement(
                "text", f"{told}; {urlsplit(self.page.url).path}: {self.page_text()[-600:]!r}"
            ) from late

    def page_text(self) -> str:
        """Return the text of the page."""
        return str(self.page.evaluate("document.body ? document.body.innerText : ''"))

    def press_button(self, label: str) -> None:
        """Press the first visible button with this label, once it is enabled; icons and shortcuts
        in the label are ignored."""
        self.page.locator("button:visible", has_text=label).first.click()

    def fill_field(self, label: str, text: str) -> None:
        """Fill a field and leave it."""
        box = self.page.get_by_label(label, exact=True).first
        box.fill(text)
        box.blur()

    def choose_option(self, label: str) -> None:
        """Press an option and wait until it is selected."""
        self.page.locator(
            "button:visible", has_text=re.compile(rf"^{re.escape(label)}$")
        ).first.click()
        chosen = (
            f"[...document.querySelectorAll('{CHOSEN_SELECTOR}')].some(one => "
            f"one.innerText.trim() === {json.dumps(label)})"
        )
        self.wait_for_expression(f"() => {chosen}", f"{label!r} is not chosen")

    def upload_photo(self, name: str, jpeg: bytes) -> None:
        """Upload a photo in the page's file field, again if the field was redrawn and lost it."""
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import TimeoutError as Late  # noqa: PLC0415  see above

        box = self.page.locator('[data-testid="stFileUploaderDropzoneInput"]').first
        for _ in range(TRIES):
            try:
                with self.page.expect_request(
                    lambda asked: "upload_file" in asked.url, timeout=1000 * WAIT_SECONDS / TRIES
                ):
                    box.set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": jpeg})
            except Late:
                continue
            return
        raise WitnessDisagreement("text", "the file field takes no photo")

    def scroll_to_text(self, text: str) -> None:
        """Scroll until `text` is in the middle of the window."""
        self.page.get_by_text(text).first.evaluate("one => one.scrollIntoView({block: 'center'})")

    def set_size(self, width: int, height: int = 900) -> None:
        """Set the size of the window in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def note_internal_words(self) -> None:
        """Add the internal terms of the page to the complaints."""
        path = urlsplit(self.page.url).path
        if not path.startswith(EXEMPT):
            self.complaints += [
                f"word: {found!r} on {path}" for found in internal_words(self.page_text())
            ]


@cache
def _load_banned_words() -> re.Pattern[str]:
    lines = (line.strip() for line in WORDS.read_text("utf-8").splitlines())
    words = sorted(
        (line for line in lines if line and not line.startswith("#")), key=len, reverse=True
    )
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})(?![\w-])", re.IGNORECASE)


def internal_words(text: str) -> list[str]:
    """Return the internal terms in a text, without duplicates; URLs are ignored, because they
    contain names."""
    pattern = _load_banned_words()
    bare = re.sub(r"\S+://\S+|\S+@\S+", " ", text)
    return sorted({match[0].lower() for match in pattern.finditer(bare)})


@contextmanager
def launch_browser() -> Iterator["Browser"]:
    """Start a headless Chromium. Raises Unavailable that names what is missing."""
    try:
        # imported here: Playwright is installed with the tests only
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  see above
    except ImportError as missing:
        raise Unavailable("tour.no_playwright") from missing
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise Unavailable("tour.no_browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        try:
            yield running
        finally:
            running.close()


@contextmanager
def open_second_window(window: BrowserWindow) -> Iterator[BrowserWindow]:
    """Open a second window of a visitor who is signed in."""
    page = window.page.context.new_page()
    try:
        yield BrowserWindow(page, window.own)
    finally:
        page.close()


@contextmanager
def open_window(
    running: "Browser", *, language: str, own: frozenset[str]
) -> Iterator[BrowserWindow]:
    """Open a window of 1440 pixels for a new visitor with the language `language`."""
    context = running.new_context(viewport={"width": 1440, "height": 900}, locale=LOCALES[language])
    try:
        yield BrowserWindow(context.new_page(), own)
    finally:
        context.close()


def save_screenshot(window: BrowserWindow, path: Path) -> None:
    """Save a screenshot as a PNG of at most 150 kB: with fewer colours, then with fewer pixels."""
    import io  # noqa: PLC0415  only for screenshots

    from PIL import Image  # noqa: PLC0415  only for screenshots

    window.wait_for_expression(IMAGES_LOADED_EXPRESSION, "a picture does not load")
    image = Image.open(io.BytesIO(window.page.screenshot())).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    for width in (1200, 1000, 800, 640):
        small = (
            image
            if image.width <= width
            else image.resize((width, image.height * width // image.width))
        )
        small.quantize(128).save(path, optimize=True)
        if path.stat().st_size <= MAX_SCREENSHOT_BYTES:
            return


MAX_SCREENSHOT_BYTES = 150_000
"""Maximum size of a screenshot in bytes."""
