"""What programs may ask this agency, and what it tells its own systems: keys and hooks as a member
sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from tenants.agencies import queries
from tenants.agencies.queries import Creator, Member
from tenants.agencies.rights import Right, has_right
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeySummary
from tenants.webhooks import endpoints
from tenants.webhooks.endpoints import Webhook
from tenants.webhooks.outgoing_calls import WebhookCall, list_calls


@dataclass(frozen=True)
class ApiKeysView:
    """The keys a member may end: their own, or everybody's; `names` are the members' by id."""

    living: Sequence[ApiKeySummary]
    ended: Sequence[ApiKeySummary]
    creators: Sequence[Creator]
    names: Mapping[UUID, str]
    now: datetime

    def owner_name(self, key: ApiKeySummary) -> str:
        """Whose key it is; "" for one who left."""
        return self.names.get(key.member_id, "")

    def creator_names(self, key: ApiKeySummary) -> str:
        """The creators it is bound to, by name; "" for all."""
        return ", ".join(one.name for one in self.creators if one.slug in key.creators)


def load_api_keys(scope: Scope, member: Member, *, most_ended: int = 5) -> ApiKeysView:
    """The keys that live, and the last that ended."""
    whose = None if has_right(member.role, Right.STAFF) else member.id
    found = keys.list_keys(scope, member_id=whose)
    now = keys.people_now(scope)
    mine = [
        one
        for one in queries.list_creators(scope)
        if not member.creators or one.slug in member.creators
    ]
    return ApiKeysView(
        living=[one for one in found if one.is_active(now)],
        ended=[one for one in found if not one.is_active(now)][:most_ended],
        creators=mine,
        names={one.id: one.name for one in queries.list_members(scope)},
        now=now,
    )


CALLS_SHOWN = 5
"""Calls of a hook that are shown, and as many of those that were given up before them."""


@dataclass(frozen=True)
class WebhooksView:
    """The agency's own systems, each with its last calls."""

    hooks: Sequence[tuple[Webhook, Sequence[WebhookCall]]]
    creators: Sequence[Creator]
    now: datetime

    def creator_names(self, hook: Webhook) -> str:
        """The creators it hears of, by name; "" for all."""
        return ", ".join(one.name for one in self.creators if one.id in hook.creators)


def load_webhooks(scope: Scope) -> WebhooksView:
    """Every system that is told what happens."""
    found = [
        (hook, list_calls(scope, hook.id, limit=CALLS_SHOWN))
        for hook in endpoints.list_webhooks(scope)
    ]
    return WebhooksView(found, queries.list_creators(scope), scope.now)
