"""API keys and image ratings that a member requests at the terminal, in the member's name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from gate.contract.states import DepictionAnswer
from gate.contract.units import Rating
from studio.library import member_reviews
from tenants import audit
from tenants.agencies import queries
from tenants.api_keys import key_requests, keys
from tenants.api_keys.key_requests import KeyRequest
from workers.terminal.lookup import find_member
from workers.terminal.output import translate
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services


@dataclass(frozen=True)
class KeyRow:
    """An API key in a list; `expires_on` is its last day in the member's time zone."""

    id: UUID
    name: str
    active: bool
    expires_on: date
    scopes: tuple[str, ...]


def create_key(services: Services, email: str, request: KeyRequest) -> str:
    """Create an API key for a member with a second factor and return its secret.

    Raises NotFound for an unknown email address, and as `key_requests.create_key_for_member`.
    """
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        audit.record(scope, "key.requested_at_terminal", f"member:{member.id}")
        return key_requests.create_key_for_member(scope, request)


def list_keys(services: Services, email: str) -> list[KeyRow]:
    """Return the keys of a member, newest first. Raises NotFound."""
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        now = keys.people_now(scope)
        found = keys.list_keys(scope, member_id=member.id)
    return [
        KeyRow(
            one.id,
            one.name,
            one.is_active(now),
            one.expires_at.astimezone(load_zone(member.zone)).date(),
            tuple(one.scopes),
        )
        for one in found
    ]


def render_keys(found: Sequence[KeyRow], *, as_json: bool) -> str:
    """Return keys as a table or as JSON."""
    if as_json:
        return format_json(found)
    if not found:
        return translate(Message("cli.key.none"))
    rows = [
        (
            str(one.id),
            one.name,
            translate(Message("cli.key.active" if one.active else "cli.key.inactive")),
            str(one.expires_on),
            ", ".join(one.scopes),
        )
        for one in found
    ]
    return format_table(("id", "name", "state", "expires", "scopes"), rows)


def revoke_key(services: Services, email: str, key_id: UUID) -> None:
    """Revoke a key of a member and the keys created with it. Raises NotFound."""
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        keys.revoke_key(scope, key_id)


def rate_pictures(
    services: Services,
    email: str,
    assets: Sequence[UUID],
    rating: Rating,
    *,
    shown: DepictionAnswer | None = None,
) -> None:
    """Rate pictures as a member and say who is shown; the workers record both a moment later.

    Raises NotFound for a picture of another agency or of a creator the member does not work for,
    Refused for a role that does not review or a rating below the current one, and BadInput without
    `shown` for a picture without an answer. Then none is rated.
    """
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        mine = {
            one.id
            for one in queries.list_creators(scope)
            if not member.creators or one.slug in member.creators
        }
        for asset in assets:
            if member_reviews.creator_of_picture(scope, asset) not in mine:
                raise NotFound("library.asset_unknown", destination="-")
            member_reviews.rate_picture(scope, asset, rating, shown=shown)
