"""Addresses that may stand in a text."""

from datetime import timedelta
from urllib.parse import urlsplit

from foundation.database import Scope
from foundation.errors import BadInput
from foundation.ids import uuid7
from gate import epochs
from gate.units import Rating

LIVES = timedelta(days=90)

_REGISTER = """
INSERT INTO link_targets (tenant_id, id, url, owner, final_host, rating, adult, state, resolved_at, expires_at)
VALUES (:tenant, :id, :url, :owner, :host, :rating, :adult, 'active', :now, :until)
ON CONFLICT (tenant_id, url) DO UPDATE SET owner = excluded.owner, final_host = excluded.final_host,
  rating = excluded.rating, adult = excluded.adult, state = 'active', resolved_at = excluded.resolved_at,
  expires_at = excluded.expires_at, updated_at = house_now()
"""


def register(scope: Scope, url: str, *, owner: str, rating: Rating, adult: bool, lives: timedelta = LIVES) -> None:
    """Say what lies behind an address, as written in texts; `owner` is whose it is. Raises BadInput for no address."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname
    if not host or not timedelta() < lives <= LIVES:
        raise BadInput("link.invalid")
    epochs.alone(scope, epochs.tenant(scope))
    with scope.acting_as("gate"):
        scope.run(
            _REGISTER,
            tenant=scope.tenant_id,
            id=uuid7(),
            url=url,
            owner=owner,
            host=host,
            rating=str(rating),
            adult=adult,
            now=scope.now,
            until=scope.now + lives,
        )


def changed(scope: Scope, url: str) -> None:
    """What lies behind an address is no longer what was registered: nothing with it leaves."""
    epochs.alone(scope, epochs.tenant(scope))
    with scope.acting_as("gate"):
        scope.run(
            "UPDATE link_targets SET state = 'changed', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND url = :url",
            tenant=scope.tenant_id,
            url=url,
        )
