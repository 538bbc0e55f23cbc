"""OAuth clients that an agency registered at platforms, stored after the first account connected
with them.

The ID of a client equals the `channels.app_key` of its accounts, so an account finds its client
when its tokens are renewed, regardless of later registrations.
"""

from uuid import UUID

from connectors.contract.connector import OAuthClient
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.sealed import Sealed

_KEEP = """
INSERT INTO oauth_clients (tenant_id, id, platform, client_id, box) VALUES (:tenant, :id,
:platform, :client, :box)
ON CONFLICT (tenant_id, id) DO UPDATE SET box = EXCLUDED.box, updated_at = house_now()
"""

_LATEST = """
SELECT DISTINCT ON (platform) platform, client_id, box FROM oauth_clients WHERE tenant_id = :tenant
ORDER BY platform, updated_at DESC, id DESC
"""

_OF_CHANNEL = """
SELECT o.client_id, o.box FROM channels c JOIN oauth_clients o ON o.tenant_id = c.tenant_id AND
o.id = c.app_key
WHERE c.tenant_id = :tenant AND c.id = :channel
"""


def store_oauth_client(scope: Scope, platform: str, client: OAuthClient) -> None:
    """Store a client with which an account connected, with its current secret."""
    scope.run(
        _KEEP,
        tenant=scope.tenant_id,
        id=derived_uuid(platform, client.client_id),
        platform=platform,
        client=client.client_id,
        box=client.secret.box if client.secret is not None else None,
    )


def latest_oauth_clients(scope: Scope) -> dict[str, OAuthClient]:
    """Return the most recently used client of each platform."""
    rows = scope.run(_LATEST, tenant=scope.tenant_id)
    return {row.platform: _oauth_client(row.client_id, row.box) for row in rows}


def oauth_client_of_channel(scope: Scope, channel_id: UUID) -> OAuthClient | None:
    """Return the client with which an account connected, or None if it needed none."""
    row = scope.run(_OF_CHANNEL, tenant=scope.tenant_id, channel=channel_id).one_or_none()
    return _oauth_client(row.client_id, row.box) if row is not None else None


def _oauth_client(client_id: str, box: bytes | None) -> OAuthClient:
    return OAuthClient(client_id, Sealed(bytes(box)) if box else None)
