"""One account of each platform, with an application and used quota, for walks over all surfaces."""

from dataclasses import dataclass
from uuid import UUID

from channels.accounts import lifecycle, queries
from channels.limits import shared_quota
from connectors.registry import loader
from connectors.shared.rate_limits import PUBLISH_STEP
from foundation.db.database import OpenScope


CHAT_SURFACES = frozenset({"bot_dm", "chat", "dm", "message"})
"""Surfaces of messages: an account never posts there."""


@dataclass(frozen=True)
class PlatformAccount:
    """A connected account."""

    platform: str
    channel_id: UUID
    name: str


def connect_every_platform(
    tenant: OpenScope, tenant_id: UUID, creator_id: UUID, *, zone: str
) -> list[PlatformAccount]:
    """Connect one account of each posting surface of each platform. Each has an application, and
    where the platform limits applications, a post has used a part of its quota.

    The caller's login must have the role of the relay: quota is taken by workers.
    """
    accounts = []
    with tenant(tenant_id, "system:test") as scope:
        for platform, connector in sorted(loader.load_connectors().items()):
            for surface in sorted(connector.capabilities.surfaces):
                if surface in CHAT_SURFACES:
                    continue
                name = f"Account {platform}.{surface}"
                channel_id = lifecycle.connect_account(
                    scope,
                    creator_id=creator_id,
                    platform=platform,
                    surface=f"{platform}.{surface}",
                    account=f"{platform}-{surface}-{str(tenant_id)[-8:]}",
                    name=name,
                    base_url="https://platform.invalid",
                    token=None,
                    zone=zone,
                    app_key=f"application of {tenant_id}",
                )
                accounts.append(PlatformAccount(platform, channel_id, name))
    with tenant(tenant_id, "system:test") as scope:
        for account in accounts:
            channel = queries.get_channel(scope, account.channel_id)
            steps = (PUBLISH_STEP, *shared_quota.upload_start_steps(channel))
            shared_quota.take_quota(scope, channel, steps)
    return accounts
