"""Addresses and secrets for docker-compose.yml, as `greenroom deploy env` prints them."""

import re
import secrets
from collections.abc import Mapping

from foundation.errors import BadInput
from foundation.http.host_guard import host_name
from tenants.auth import second_factor
from tenants.vault import envelope, sealed_intake
from workers.installation.folder import MASTER_KEY, SECRET_FACTORIES, SIGNING_KEY

_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
DASHBOARD_HOST = "localhost"
PUBLIC_HOST = "127.0.0.1"
"""Two host names of one machine: cookies ignore ports, and dashboard and public pages must not
share cookies."""

PUBLISHED_PORTS = {
    "DASHBOARD_PORT": 8501,
    "WEB_PORT": 8080,
    "SANDBOX_PORT": 8490,
    "PROMETHEUS_PORT": 9090,
    "GRAFANA_PORT": 3000,
}
"""Ports of this machine at which containers are published, with their defaults."""

PASSWORD_VARIABLES = (
    "POSTGRES_PASSWORD",
    "DATABASE_OWNER_PASSWORD",
    "DATABASE_WORK_PASSWORD",
    "DATABASE_PAGES_PASSWORD",
    "REDIS_PASSWORD",
    "S3_SECRET_KEY",
    "GRAFANA_PASSWORD",
)


def compose_variables(
    *, dashboard: str = "", public: str = "", demo: bool = False, port_offset: int = 0
) -> Mapping[str, str]:
    """Return every variable of docker-compose.yml, with new secrets; the TLS proxy is enabled if
    both addresses are https.

    Empty addresses default to those of this machine. `port_offset` is added to every published
    port, so that the containers can run beside `greenroom up` or other containers. Raises BadInput
    for an address with a path or without a scheme, and for two addresses on the same host: a cookie
    of one would be sent to the other.
    """
    ports = {name: port + port_offset for name, port in PUBLISHED_PORTS.items()}
    dashboard = dashboard.rstrip("/") or f"http://{DASHBOARD_HOST}:{ports['DASHBOARD_PORT']}"
    public = public.rstrip("/") or f"http://{PUBLIC_HOST}:{ports['WEB_PORT']}"
    for address in (dashboard, public):
        if not _ADDRESS.fullmatch(address):
            raise BadInput("deploy.address", address=address)
    if host_name(dashboard) == host_name(public):
        raise BadInput("deploy.one_host", host=host_name(public))
    tls = all(address.startswith("https://") for address in (dashboard, public))
    master_key = SECRET_FACTORIES[MASTER_KEY]()
    profiles = [name for name, wanted in (("tls", tls), ("demo", demo)) if wanted]
    return {
        "COMPOSE_PROFILES": ",".join(profiles),
        "GREENROOM_ENVIRONMENT": "demo" if demo else "production",
        "GREENROOM_DASHBOARD__PUBLIC_URL": dashboard,
        "GREENROOM_PUBLIC_URL": public,
        **{name: str(port) for name, port in ports.items()},
        MASTER_KEY: master_key,
        "GREENROOM_TENANTS__LETTERBOX_KEY": sealed_intake.derive_public_key(
            envelope.parse_master_key(master_key)
        ),
        "GREENROOM_TENANTS__DOOR_KEY": second_factor.derive_door_key(
            envelope.parse_master_key(master_key)
        ),
        SIGNING_KEY: SECRET_FACTORIES[SIGNING_KEY](),
        "S3_ACCESS_KEY": f"greenroom-{secrets.token_hex(4)}",
        **{name: secrets.token_urlsafe(24) for name in PASSWORD_VARIABLES},
    }
