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
DEFAULT_DASHBOARD_URL = "http://localhost:8501"
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8080"
"""Two host names of one machine: cookies ignore ports, and dashboard and public pages must not
share cookies."""
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
    *, dashboard: str = "", public: str = "", demo: bool = False
) -> Mapping[str, str]:
    """Return every variable of docker-compose.yml, with new secrets; the TLS proxy is enabled if
    both addresses are https.

    Empty addresses default to those of this machine. Raises BadInput for an address with a path or
    without a scheme, and for two addresses on the same host: a cookie of one would be sent to the
    other.
    """
    dashboard = dashboard.rstrip("/") or DEFAULT_DASHBOARD_URL
    public = public.rstrip("/") or DEFAULT_PUBLIC_URL
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
