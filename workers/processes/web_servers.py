"""Main functions of the two web processes, `web` and `dashboard`. They load no code that reveals
secrets, signs or sends."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from foundation.db.database import Database
from foundation.ops.settings import Settings
from foundation.storage.object_store import open_library_store, open_page_store
from gate.policy import active_policy
from gate.text import urls
from tenants.scope import scope_opener
from workers.runtime import listening_socket
from workers.runtime.asgi_server import ReadyServer, server_config
from workers.runtime.tls import TlsListener, open_tls_listener

if TYPE_CHECKING:
    from starlette.types import ASGIApp

WEB_POOL_SIZE = 2
"""Number of PostgreSQL connections, opened when first needed."""


def run_web(settings: Settings) -> None:
    """Serve the creators' pages and the API until SIGTERM."""
    from web.app import create_web_app  # noqa: PLC0415  FastAPI for the one process that needs it

    active_policy.set_trusted_keys(settings.gate.policy_keys)
    urls.set_own_hosts((urlsplit(settings.web.public_url).netloc,))
    database = Database(
        settings.database.pages_url.get_secret_value(), pool_size=WEB_POOL_SIZE, application="web"
    )
    public = settings.web.public_url.rstrip("/")
    serve_app(
        create_web_app(
            tenant=scope_opener(database),
            store=open_page_store(settings),
            library=open_library_store(settings),
            called=settings.public_url,
            public_url=public,
            security_contact=settings.web.security_contact,
            inside_url=settings.web.inside_url,
            letterbox_key=settings.tenants.letterbox_key,
            door_key=settings.tenants.door_key.get_secret_value(),
            pictures_per_day=settings.generators.pictures_per_day,
            generators=settings.generators,
        ),
        settings.web.host,
        settings.web.port,
        proxies=settings.workers.trusted_proxies,
        tls=open_tls_listener(settings.tls, settings.tls.web_port),
    )
    database.close()


def run_dashboard(settings: Settings) -> None:
    """Serve the members' dashboard until SIGTERM."""
    # Imported late: only this process needs Streamlit.
    from dashboard.app import create_dashboard_app  # noqa: PLC0415  see above

    door_of = settings.dashboard
    serve_app(
        create_dashboard_app(),
        door_of.host,
        door_of.port,
        proxies=settings.workers.trusted_proxies,
        tls=open_tls_listener(settings.tls, settings.tls.dashboard_port),
    )


def serve_app(
    application: "ASGIApp",
    host: str,
    port: int,
    *,
    proxies: str = "",
    tls: TlsListener | None = None,
) -> None:
    """Serve an ASGI app until SIGTERM. Requests in progress are completed, for at most five
    seconds.

    `proxies` are the addresses of proxies whose forwarded client addresses are trusted; none if
    empty. With `tls`, the app is also served over HTTPS.
    """
    ReadyServer(server_config(application, proxies=proxies), tls).run(
        sockets=[listening_socket.open_listening_socket(host, port)]
    )
