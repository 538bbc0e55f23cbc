"""Queries for API keys and webhooks of the agency, as far as a member may see them."""

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
    """Keys that the member may revoke: their own, or all keys of the agency for the owner.

    `names` maps members to their names.
    """

    living: Sequence[ApiKeySummary]
    ended: Sequence[ApiKeySummary]
    creators: Sequence[Creator]
    names: Mapping[UUID, str]
    now: datetime

    def owner_name(self, key: ApiKeySummary) -> str:
        """Return the name of the key's owner, empty for a former member."""
        return self.names.get(key.member_id, "")

    def creator_names(self, key: ApiKeySummary) -> str:
        """Return the names of the creators that the key is limited to, or an empty result if it
        covers all creators."""
        return ", ".join(one.name for one in self.creators if one.slug in key.creators)


def load_api_keys(scope: Scope, member: Member, *, most_ended: int = 5) -> ApiKeysView:
    """Return active keys, and the `most_ended` newest ones that expired or were revoked."""
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
"""Number of newest calls shown per webhook, and of failed calls before them."""


@dataclass(frozen=True)
class WebhooksView:
    """The webhooks of the agency, each with its newest calls."""

    hooks: Sequence[tuple[Webhook, Sequence[WebhookCall]]]
    creators: Sequence[Creator]
    now: datetime

    def creator_names(self, hook: Webhook) -> str:
        """Return the names of the creators that the webhook is limited to, or an empty result if it
        covers all creators."""
        return ", ".join(one.name for one in self.creators if one.id in hook.creators)


def load_webhooks(scope: Scope) -> WebhooksView:
    """Return all webhooks of the agency."""
    found = [
        (hook, list_calls(scope, hook.id, limit=CALLS_SHOWN))
        for hook in endpoints.list_webhooks(scope)
    ]
    return WebhooksView(found, queries.list_creators(scope), scope.now)
