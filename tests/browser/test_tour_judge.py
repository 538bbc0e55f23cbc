"""The judge of the tour can fail a step: it names the witness that disagrees and counts browser
errors."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from connectors.conformance.fake_servers import serve_app
from demo.tour import home_scene_check
from demo.tour.browser import BrowserWindow, WitnessDisagreement, open_window
from demo.tour.home_scene_check import ExpectedLine
from demo.tour.judge import TourCheckResult, TourJudge
from tests.browser.chromium import Chromium
from tests.browser.installation import Installation

PAGE = (
    "<!doctype html><html lang=fr><link rel=icon href=data:,><title>Une "
    "page</title><body>{}</body></html>"
)
OPENED = "2026-11-20T10:00:00+00:00"
LINE = '<ul class="gr-live"><li><time datetime="{}">.</time> Publié : la mer</li></ul>'
STRANGE = "<img src='http://127.0.0.1:{}/pixel.gif'>"


async def page(request: Request) -> HTMLResponse:
    """Return a page with this body, delayed if requested."""
    await anyio.sleep(float(request.query_params.get("after", 0)))
    return HTMLResponse(PAGE.format(request.query_params.get("body", "Bonjour")))


@dataclass
class Bench:
    """The judge with a browser window, on a small site."""

    judge: TourJudge
    url: str

    def shows(self, body: str, **more: str) -> None:
        """Open a page with this body."""
        base = self.judge.window.page
        base.goto("about:blank")
        query = "&".join(f"{name}={value}" for name, value in more.items())
        self.judge.window.open(f"{self.url}/?{query}&body={_quoted(body)}", drawn=False)

    def step(self, act: Callable[[TourJudge], object]) -> TourCheckResult:
        """Run a step and return its result."""
        with self.judge.timed_step("1 try"):
            act(self.judge)
        return self.judge.results[-1]


def _quoted(body: str) -> str:
    return "".join(f"%{byte:02x}" for byte in body.encode())


@pytest.fixture
def bench(installation: Installation, chromium: Chromium, tmp_path: Path) -> Iterator[Bench]:
    """Yield a judge for an installation without the demo and with an empty sandbox."""
    (tmp_path / "logs").mkdir()
    port = urlsplit(installation.sandbox.url).port
    settings = installation.services.settings
    sandbox = settings.sandbox.model_copy(update={"port": port})
    services = replace(
        installation.services,
        settings=settings.model_copy(update={"home": tmp_path, "sandbox": sandbox}),
    )
    with serve_app(Starlette(routes=[Route("/", page)])) as url:
        own = frozenset({urlsplit(url).netloc})
        with open_window(chromium.browser, language="fr", own=own) as window:
            yield Bench(TourJudge(services, window, "fr", fast=False), url)


def test_step_with_agreeing_witnesses_passes(bench: Bench) -> None:
    bench.shows("Bonjour")
    result = bench.step(lambda j: j.window.wait_for_text("BONJOUR"))
    assert result.has_passed, result


def test_disagreeing_witness_is_named(bench: Bench) -> None:
    bench.shows("Au revoir")
    text = bench.step(lambda j: j.window.wait_for_text("Bonjour", seconds=0.5))
    assert (text.witness, text.has_passed) == ("text", False)
    assert "Bonjour" in text.told
    database = bench.step(
        lambda j: j.wait_for_witness(
            "database", lambda: bool(_posts(j)), "no post was written", seconds=0.3
        )
    )
    assert (database.witness, database.told) == ("database", "no post was written")
    sandbox = bench.step(
        lambda j: j.check_witness(
            "sandbox", len(j.sandbox_posts("nobody")) == 1, "it was not received"
        )
    )
    assert (sandbox.witness, sandbox.told) == ("sandbox", "it was not received")
    absent = bench.step(lambda j: j.find_creator("mia"))  # the database has no such creator
    assert absent.witness == "database"
    assert (bench.judge.services.settings.home / "logs" / "tour-1-fr.png").exists()


def _posts(j: TourJudge) -> list[object]:
    return j.query_rows("SELECT id FROM posts WHERE tenant_id = :tenant")


def test_missing_button_fails_the_text_witness(bench: Bench) -> None:
    bench.shows("<button>Publier</button>")
    assert bench.step(lambda j: j.window.press_button("Publier")).has_passed
    bench.judge.window.page.set_default_timeout(500)
    assert bench.step(lambda j: j.window.press_button("Retirer")).witness == "text"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<script>console.error('oh non')</script>", "console: oh non"),
        ("<script>throw new Error('oh non')</script>", "script: oh non"),
        ("<p>Le permit attend.</p>", "word: 'permit' on /"),
    ],
)
def test_browser_errors_and_internal_terms_fail_a_step(bench: Bench, body: str, told: str) -> None:
    def look(_: TourJudge) -> None:
        bench.shows(body)
        bench.judge.window.note_internal_words()

    result = bench.step(look)
    assert result.witness == "text"
    assert told in result.told
    bench.shows("Bonjour")
    assert bench.step(
        lambda j: j.window.wait_for_text("Bonjour")
    ).has_passed  # earlier errors are not reported again


def test_foreign_request_fails_a_step(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        stranger.close()
        result = bench.step(lambda _: bench.shows(STRANGE.format(port)))
    assert result.witness == "text"
    assert f"foreign request: 127.0.0.1:{port}" in result.told


def test_slow_pages_are_counted(bench: Bench) -> None:
    bench.shows("Bonjour")
    before = len(bench.judge.window.slow)
    bench.shows("Enfin", after="2.2")
    assert len(bench.judge.window.slow) == before + 1


def test_chosen_option_is_pressed(bench: Bench) -> None:
    bench.shows(
        "<button aria-pressed=false onclick=\"this.ariaPressed='true'\">Ma "
        "page</button><button>X</button>"
    )
    bench.judge.window.choose_option("Ma page")
    assert bench.judge.window.page.locator('[aria-pressed="true"]').count() == 1


def test_late_and_missing_lines_are_reported(bench: Bench) -> None:
    """A line from before the start does not count; a late or missing line is reported."""
    wanted = {"leaves": ExpectedLine(25, ("publié", "le lac"), later=(("publié", "la mer"),))}
    bench.shows(LINE.format("2026-11-20T09:59:00+00:00"))
    home_scene_check.inject_recorder(bench.judge.window, wanted, OPENED, spent=24)
    assert home_scene_check.recorded_lines(bench.judge.window) == {}
    with pytest.raises(WitnessDisagreement, match="never seen: leaves"):
        home_scene_check.check_line_times(bench.judge, wanted)
    _appears(bench.judge.window, LINE.format("2026-11-20T10:00:25+00:00"))
    assert home_scene_check.recorded_lines(bench.judge.window)["leaves"] >= 24
    bench.shows(LINE.format("2026-11-20T10:00:25+00:00"))
    home_scene_check.inject_recorder(bench.judge.window, wanted, OPENED, spent=25)
    home_scene_check.check_line_times(bench.judge, wanted)
    home_scene_check.inject_recorder(bench.judge.window, wanted, OPENED, spent=200)
    with pytest.raises(WitnessDisagreement, match="not in time: leaves"):
        home_scene_check.check_line_times(bench.judge, wanted)
    hurried = replace(bench.judge, fast=True)
    home_scene_check.check_line_times(hurried, wanted)
    # in fast mode late lines are only noted, because the times depend on the machine
    assert "leaves at 200 s" in hurried.window.slow[-1]


def _appears(window: BrowserWindow, line: str) -> None:
    window.page.evaluate("line => { document.body.innerHTML = line; }", line)
    window.wait_for_expression("() => 'leaves' in window.__seen", "it was not noted")
