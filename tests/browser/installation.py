"""A running installation with dashboard, public pages, workers, the sandbox and Telegram."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database
from foundation.storage.object_store import FileStore
from tenants.auth import sessions
from tests.browser.chromium import Chromium, Visitor
from tests.browser.page_checks import error_lines
from tests.conftest import Cluster
from tests.dashboard.conftest import serving
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server as fake
from tests.journeys.telegram_creator import TelegramCreator, create_telegram_creator
from tests.schedules.builders import SandboxAgency, wired
from tests.tenants import totp_app
from tests.workers.relay_worker import house
from web.app import create_web_app
from workers.event_routes import registry
from workers.wiring import Services


@dataclass(frozen=True)
class Installation:
    """The part that is shared by all tests; `url` is the address of the dashboard."""

    services: Services
    sandbox: RunningSandbox
    telegram: fake.TelegramServer
    url: str
    database: str
    home: Path


@dataclass
class RunningAgency:
    """Léa's agency in that installation: Marc is its owner, Anne a manager."""

    installation: Installation
    bots: TelegramCreator
    chromium: Chromium

    @property
    def desk(self) -> SandboxAgency:
        return self.bots.desk

    @property
    def url(self) -> str:
        return self.installation.url

    def session(self, member: UUID, url: str = "") -> str:
        """Return the cookie of an open session in the form that `Chromium.visitor` takes."""
        with self.desk.scope() as scope:
            secret = sessions.create_sign_in_link(scope, member)
        tenant = self.desk.services.tenant
        return (
            f"greenroom={totp_app.complete_sign_in(tenant, sessions.redeem_sign_in_link(tenant, secret))} at "
            f"{url or self.url}"
        )

    @contextmanager
    def visitor(self, path: str = "/", member: UUID | None = None, **how: Any) -> Iterator[Visitor]:
        """Open a page as a signed-in member, Marc by default. Browser errors fail the test."""
        with self.chromium.visitor(
            cookies=self.session(member or self.desk.manager), **how
        ) as visitor:
            visitor.go(self.url + path)
            visitor.rest()
            yield visitor
            assert visitor.complaints == []

    def rows(self, statement: str, **params: Any) -> list[Any]:
        """Return the rows of a query for this tenant."""
        with self.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.desk.tenant_id, **params))


@contextmanager
def installed(cluster: Cluster, pages: Database, folder: Path) -> Iterator[Installation]:
    """Start everything except the workers."""
    home, elsewhere = folder / "home", folder / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    database = cluster.url("greenroom_pages", "house")
    with ExitStack() as stack:
        services = stack.enter_context(wired(cluster, home))
        sandbox = stack.enter_context(network(folder / "sandbox.sqlite"))
        telegram = stack.enter_context(fake.network())
        address = stack.enter_context(public_pages(pages, folder / "pages"))
        web = services.settings.web.model_copy(
            update={"inside_url": address, "public_url": address}
        )
        settings = services.settings.model_copy(update={"web": web})
        url, _ = stack.enter_context(serving(database, home, elsewhere))
        yield Installation(
            replace(services, settings=settings), sandbox, telegram, url, database, home
        )


@contextmanager
def public_pages(pages: Database, folder: Path) -> Iterator[str]:
    """Serve the creator pages and yield their address, which the app needs at its creation."""
    rooms: list[ASGIApp] = []

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        await rooms[0](scope, receive, send)

    with serve_app(door) as address:
        rooms.append(
            create_web_app(tenant=pages.scope, store=FileStore(folder), public_url=address)
        )
        yield address


@contextmanager
def living(
    installation: Installation, database: Database, redis_url: str, chromium: Chromium
) -> Iterator[RunningAgency]:
    """Run relay, worker and listeners for Léa's agency. Logged errors and Telegram violations fail
    the test."""
    made = create_telegram_creator(
        installation.services, installation.sandbox, installation.telegram
    )
    before = len(error_lines(installation.home / "log"))
    with house(database, redis_url, registry.build_routes(made.services)):
        made.listen()
        try:
            yield RunningAgency(installation, made, chromium)
        finally:
            made.deaf()
    assert error_lines(installation.home / "log")[before:] == []
    installation.telegram.book.clear_faults()
    installation.sandbox.clear()
    assert not installation.telegram.world.checks.broken, installation.telegram.world.checks.broken
