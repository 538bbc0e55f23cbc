"""What a member asks for at the terminal, under their own name: API keys, and ratings of
pictures."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from foundation.errors import NotFound
from foundation.ops.wall_time import load_zone
from gate.contract.units import Rating
from studio.library import member_reviews
from tenants import audit
from tenants.agencies import queries
from tenants.api_keys import key_requests, keys
from tenants.api_keys.key_requests import KeyRequest
from workers.terminal.lookup import find_member
from workers.wiring import Services


def create_key(services: Services, email: str, request: KeyRequest) -> str:
    """Make an API key for a member with a second factor; returns its secret.

    Raises NotFound for an unknown e-mail, and as `key_requests.create_key_for_member`.
    """
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        audit.record(scope, "key.requested_at_terminal", f"member:{member.id}")
        return key_requests.create_key_for_member(scope, request)


def list_keys(services: Services, email: str) -> Iterator[str]:
    """Yield a line for each key of a member: id, state, last day, uses and name. Days are those of
    the member's time zone. Raises NotFound."""
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        now = keys.people_now(scope)
        found = keys.list_keys(scope, member_id=member.id)
    for one in found:
        state = "active" if one.is_active(now) else "ended"
        last_day = one.expires_at.astimezone(load_zone(member.zone)).date()
        yield f"{one.id}  {state}  {last_day}  {','.join(one.scopes)}  {one.name}"


def revoke_key(services: Services, email: str, key_id: UUID) -> None:
    """End a key of a member, and those that were made with it. Raises NotFound."""
    tenant_id, member = find_member(services, email)
    with services.tenant(tenant_id, f"member:{member.id}") as scope:
        keys.revoke_key(scope, key_id)


def rate_pictures(services: Services, email: str, assets: Sequence[UUID], rating: Rating) -> None:
    """Rate pictures as a member; the workers write it a moment later.

    Raises NotFound for a picture of another agency or of a creator the member does not work for,
    Refused for a role that does not review and for a lower rating; then none is rated.
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
            member_reviews.rate_picture(scope, asset, rating)
