"""Accounts that a post can go to: their options, prices, previews and earliest times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.sending import edits
from connectors.contract.capabilities import PostOption, PriceRange
from connectors.shared.options import ChosenOptions, ReadableOption, readable_options
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.drafts import drafts, previews
from schedules.drafts.previews import PostPreview
from schedules.posts.queries import StoredPost
from tenants.agencies.queries import Creator

SOON_DELAY = timedelta(seconds=15)
"""What "at once" means: time enough to change one's mind."""


@dataclass(frozen=True)
class PostAccount:
    """One account a post may go to; `ready` false while it must be connected again or rests."""

    id: UUID
    creator_id: UUID
    name: str
    platform: str
    ready: bool
    asking: PriceRange | None = None
    """What a post may cost there; None where it costs nothing."""
    options: tuple[PostOption, ...] = ()
    """What a post may choose there beside its words."""


def editable_platforms() -> frozenset[str]:
    """The platforms where the words of what stands can be changed."""
    return frozenset(name for name, one in platform_connectors().items() if edits.can_edit(one))


def list_post_accounts(scope: Scope, mine: Sequence[Creator]) -> list[PostAccount]:
    """The accounts of these creators where posts can stand, by name: a bot without a channel of its
    own only talks."""
    theirs = {one.id for one in mine}
    return [
        PostAccount(
            one.id,
            one.creator_id,
            one.name,
            one.platform,
            one.state is ChannelState.ACTIVE,
            price_terms(one),
            platform_options(one.platform),
        )
        for one in queries.list_channels(scope)
        if one.creator_id in theirs and one.surface
    ]


def price_terms(one: Channel) -> PriceRange | None:
    """What a post may cost on an account."""
    connector = account_connectors.find_connector_for(platform_connectors(), one)
    return connector.capabilities.price_range(one.surface) if connector is not None else None


def platform_options(platform: str) -> tuple[PostOption, ...]:
    """What a post may choose on a platform."""
    connector = platform_connectors().get(platform)
    return connector.capabilities.options if connector is not None else ()


def describe_options(platform: str, chosen: ChosenOptions) -> tuple[ReadableOption, ...]:
    """What is chosen on a platform, for people."""
    connector = platform_connectors().get(platform)
    return readable_options(chosen, connector.capabilities) if connector is not None else ()


def preview_post(scope: Scope, post: StoredPost, channels: Sequence[UUID]) -> list[PostPreview]:
    """What each of these accounts would show of a post as it stands, in their order."""
    draft = drafts.draft_of_post(post, tuple(channels))
    return previews.preview_draft(
        scope, draft, author=post.author, connectors=platform_connectors()
    )


def soonest_wall_time(scope: Scope, zone: str) -> WallTime:
    """Fifteen seconds from now, on the creator's clock."""
    return to_wall_time((scope.now + SOON_DELAY).replace(microsecond=0), zone)
