"""Speed of the dashboard with the demo's data: script time of its pages, first paint, and memory
per session.

An installation is started, and its pages are opened in Chromium with Playwright, which are
installed with the tests. Script time is what the dashboard logs for each run.
"""

import json
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import create_engine, make_url, text

from channels.accounts import account_connectors, queries
from connectors.registry import loader
from foundation.db.database import Database, OpenScope, Scope
from foundation.errors import Unavailable
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import child_environment, load_settings_of
from foundation.ops.wall_time import WallTime
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from tenants.agencies.queries import list_creators, list_members
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.scope import list_tenant_ids, scope_opener
from workers.installation.data_services import DATABASE_NAME, superuser_url
from workers.installation.folder import MIB, InstallationFolder
from workers.installation.state_file import read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import start_failure

PATIENCE_SECONDS = 600.0
ROUNDS = 6
SESSIONS = 10

POSTS = 1_250
ACCOUNTS = 4
DAYS = 89
LARGE_AGENCY = {"creators": 8, "posts": 100_000, "fans": 50_000}
"""Rows that are added to the demo agency, with four messages of each fan and a sale to every second
one; `large_agency.sql`."""

LARGE_AGENCY_SQL = Path(__file__).with_name("large_agency.sql")
AT_ONCE = 50
"""Posts written in one transaction. In total there are 5,000 deliveries in the days of the longest
view."""

VIEWS = ("day", "week", "month", "list", "quarter")
DRAWN = "dashboard.drawn"
CONTENT = "[data-testid=stMainBlockContainer] :is(h1, .gr, [data-testid=stHeading])"
"""Selector of a page's own heading or text, without the frame around it."""

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)


def measure_pages() -> dict[str, float]:
    """Return milliseconds (p95 over all pages, and over the views of a full calendar), seconds and
    MiB.

    Raises Unavailable without Chromium.
    """
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
        home = InstallationFolder(Path(folder) / "home")
        with _run_installation(home), _launch_browser() as browser:
            paint = _first_paint(browser, home)
            worst = _measure_pages(browser, home)
            memory = _measure_session_memory(browser, home)
            full = _measure_calendar(browser, home)
            _fill_agency(home)
            large = {f"large_{name}": ms for name, ms in _measure_pages(browser, home).items()}
    return {"first_paint_s": paint, **worst, "session_mib": memory, **full, **large}


@contextmanager
def _run_installation(home: InstallationFolder) -> Iterator[None]:
    command = [sys.executable, "-m", "workers.cli.main", "up", "--no-browser"]
    environment = child_environment(home.folder, code=CODE_ROOT)
    process = spawn_process(
        command, home.log_file("bench"), environment=environment, ending=signal.SIGKILL
    )
    started = monotonic()
    try:
        while not read_status(home).is_ready:
            if process.poll() is not None or monotonic() - started > PATIENCE_SECONDS:
                raise start_failure(home, "bench")
            sleep(0.2)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


@contextmanager
def _launch_browser() -> Iterator[Any]:
    try:
        # installed with the tests only
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  see above
    except ImportError as error:
        raise Unavailable("bench.no_browser") from error
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise Unavailable("bench.no_browser")
    with sync_playwright() as played:
        browser = played.chromium.launch(executable_path=program, args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


def _sign_in(browser: Any, home: InstallationFolder) -> Any:
    """Return a new browser context with the demo's owner signed in."""
    settings = load_settings_of(home.folder)
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{settings.dashboard.public_url}/auth/link/{_create_sign_in_secret(home)}")
    page.locator("button").first.click()
    page.wait_for_selector(CONTENT, timeout=60_000)
    return page


@contextmanager
def _open_demo_agency(home: InstallationFolder) -> Iterator[tuple[OpenScope, UUID]]:
    """Open a scope of the demo agency with several creators. Raises Unavailable without it."""
    database = Database(
        load_settings_of(home.folder).database.work_url.get_secret_value(),
        pool_size=1,
        application="bench",
    )
    tenant = scope_opener(database)
    try:
        for tenant_id in list_tenant_ids(tenant):
            with tenant(tenant_id, "system:bench") as scope:
                several = len(list_creators(scope)) > 1
            if several:
                yield tenant, tenant_id
                return
        raise Unavailable("bench.no_demo")
    finally:
        database.close()


def _fill_agency(home: InstallationFolder) -> None:
    """Add the rows of a large agency to the demo agency, as the superuser."""
    with _open_demo_agency(home) as (_, tenant_id):
        address = make_url(superuser_url(load_settings_of(home.folder)))
        engine = create_engine(address.set(database=DATABASE_NAME))
        with engine.begin() as connection:
            for statement in LARGE_AGENCY_SQL.read_text(encoding="utf-8").split(";\n\n"):
                connection.execute(text(statement), {"tenant": tenant_id, **LARGE_AGENCY})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM (ANALYZE)"))
        engine.dispose()


def _create_sign_in_secret(home: InstallationFolder) -> str:
    with _open_demo_agency(home) as (tenant, tenant_id), tenant(tenant_id, "system:bench") as scope:
        return sessions.create_sign_in_link(
            scope, next(one for one in list_members(scope) if one.role is Role.OWNER).id
        )


def _first_paint(browser: Any, home: InstallationFolder) -> float:
    """Return the median time of several loads of Home with a warm cache, until its text
    is visible."""
    page = _sign_in(browser, home)
    taken = []
    for _ in range(ROUNDS):
        started = monotonic()
        page.goto(load_settings_of(home.folder).dashboard.public_url)
        page.wait_for_selector(CONTENT)
        taken.append(monotonic() - started)
    page.context.close()
    return statistics.median(taken)


def _measure_pages(browser: Any, home: InstallationFolder) -> dict[str, float]:
    """Open each page of the menu several times; returns the p95 over all runs and the median of
    each page."""
    page = _sign_in(browser, home)
    names = [
        link.get_attribute("href").rpartition("/")[2] or "home" for link in page.locator(MENU).all()
    ]
    base = load_settings_of(home.folder).dashboard.public_url
    begun = len(_read_render_records(home))
    for _ in range(ROUNDS):
        for name in names:
            page.goto(f"{base}/{'' if name == 'home' else name}")
            page.wait_for_selector(CONTENT)
            sleep(0.5)
    page.context.close()
    runs = _read_render_records(home)[
        begun + len(names) :
    ]  # the first run of each page loads its modules
    spent = [run["ms"] for run in runs]
    pages = {name: [run["ms"] for run in runs if run["page"] == name] for name in names}
    each = {
        f"{name}_ms": float(statistics.median(taken))
        for name, taken in sorted(pages.items())
        if taken
    }
    return {"page_p95_ms": float(statistics.quantiles(spent, n=20)[-1]), **each}


MENU = "[data-testid=stSidebarNavLink]"


def _read_render_records(home: InstallationFolder) -> list[dict[str, Any]]:
    lines = home.log_file("dashboard").read_text("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if DRAWN in line and line.startswith("{")]


def _measure_session_memory(browser: Any, home: InstallationFolder) -> float:
    """Return the memory that one more open Home takes in the dashboard's process."""
    process = psutil.Process(
        next(one.pid for one in read_status(home).processes if one.name == "dashboard" and one.pid)
    )
    before = process.memory_info().rss
    pages = [_sign_in(browser, home) for _ in range(SESSIONS)]
    sleep(5.0)
    grown = process.memory_info().rss - before
    for page in pages:
        page.context.close()
    return max(grown, 0) / MIB / SESSIONS


def _measure_calendar(browser: Any, home: InstallationFolder) -> dict[str, float]:
    """Open each view of a calendar with `POSTS` posts on `ACCOUNTS` accounts; returns the p95 of
    all runs and medians."""
    _plan_many(home)
    page = _sign_in(browser, home)
    base = load_settings_of(home.folder).dashboard.public_url
    spent: dict[str, list[float]] = {}
    for view in VIEWS:
        begun = len(_read_render_records(home))
        for _ in range(ROUNDS):
            page.goto(f"{base}/calendar?view={view}")
            page.wait_for_selector(CONTENT)
            sleep(1.0)
        spent[view] = [
            run["ms"] for run in _read_render_records(home)[begun:] if run["page"] == "calendar"
        ]
    page.context.close()
    each = {f"calendar_{view}_ms": float(statistics.median(taken)) for view, taken in spent.items()}
    every = [one for taken in spent.values() for one in taken]
    return {"calendar_p95_ms": float(statistics.quantiles(every, n=20)[-1]), **each}


def _list_text_accounts(scope: Scope, creator_id: UUID) -> tuple[UUID, ...]:
    """Return the accounts that accept a post without an image."""
    found = []
    for one in queries.list_creator_channels(scope, creator_id):
        can = account_connectors.connector_for(loader.load_connectors(), one).capabilities
        if not can.required_content(one.surface):
            found.append(one.id)
    return tuple(found)


def _plan_many(home: InstallationFolder) -> None:
    with _open_demo_agency(home) as (tenant, tenant_id):
        with tenant(tenant_id, "system:bench") as scope:
            creator, accounts = next(
                (one, found[:ACCOUNTS])
                for one in list_creators(scope)
                if len(found := _list_text_accounts(scope, one.id)) >= ACCOUNTS
            )
            author = f"member:{list_members(scope)[0].id}"
        for first in range(0, POSTS, AT_ONCE):
            with tenant(tenant_id, author) as scope:
                for number in range(first, first + AT_ONCE):
                    day = scope.now.date() + timedelta(days=1 + number % DAYS)
                    at = WallTime(day, time(9 + number // DAYS % 12), creator.zone)
                    draft = Draft(
                        creator.id, "", f"The {number} pictures of the week.", (), accounts
                    )
                    drafts.plan_draft(scope, draft, key=uuid7(), at=at, author=author)
