"""The mains of the two doors, web and dashboard. They load nothing that may reveal a secret, sign or send."""

from typing import TYPE_CHECKING

from foundation.database import Database
from foundation.settings import Settings
from foundation.storage import library, page_copies
from gate import inforce
from tenants.scope import opener
from workers import door
from workers.serving import Announced, config

if TYPE_CHECKING:
    from starlette.types import ASGIApp

WEB_POOL = 2
"""Connections to PostgreSQL; they open when first needed."""


def web(settings: Settings) -> None:
    """The creators' own pages."""
    from web.app import create  # noqa: PLC0415  FastAPI for the one process that needs it

    inforce.trust(settings.gate.policy_keys)
    database = Database(settings.database.pages_url.get_secret_value(), pool_size=WEB_POOL, application="web")
    public = settings.web.public_url.rstrip("/")
    serve(
        create(
            tenant=opener(database),
            store=page_copies(settings),
            library=library(settings),
            called=settings.public_url,
            public_url=public,
            security_contact=settings.web.security_contact,
            inside_url=settings.web.inside_url,
            letterbox_key=settings.tenants.letterbox_key,
            pictures_per_day=settings.generators.pictures_per_day,
            generators=settings.generators,
        ),
        settings.web.host,
        settings.web.port,
        proxies=settings.workers.trusted_proxies,
    )
    database.close()


def dashboard(settings: Settings) -> None:
    """The members' door."""
    from dashboard.app import create  # noqa: PLC0415  Streamlit for the one process that needs it

    door_of = settings.dashboard
    serve(create(), door_of.host, door_of.port, proxies=settings.workers.trusted_proxies)


def serve(application: "ASGIApp", host: str, port: int, *, proxies: str = "") -> None:
    """Serve an ASGI app until SIGTERM; what was asked is answered first, for five seconds at most.

    `proxies` are the addresses whose word on a visitor's address is taken; nobody's when empty.
    """
    Announced(config(application, proxies=proxies)).run(sockets=[door.listening(host, port)])
