"""What somebody who writes a post sees: her accounts, her pictures, what each account would show, when it may leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from channels.accounts import account_connectors
from channels.accounts import queries as channel_reads
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.sending import edits
from connectors.contract.capabilities import PostOption, PriceRange
from connectors.contract.connector import Connector
from connectors.registry import loader
from connectors.shared.options import ChosenOptions, ReadableOption, readable_options
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.calendar import board
from schedules.drafts import drafts, previews
from schedules.drafts.drafts import Draft
from schedules.drafts.previews import PostPreview
from schedules.posts.queries import StoredPost
from studio.ingest import uploads
from studio.ingest.uploads import UploadView
from studio.library import assets
from studio.library import queries as studio_reads
from studio.library.assets import AssetTile
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


@dataclass(frozen=True)
class ComposeView:
    """All that is drawn around a draft of one creator."""

    now: datetime
    creator: Creator
    accounts: Sequence[PostAccount]
    tiles: Sequence[AssetTile]
    uploads: Sequence[UploadView]
    previews: Sequence[PostPreview]
    next_free: WallTime
    unrated: Sequence[UUID]
    """Chosen pictures nobody has rated yet: nothing leaves with them."""


@cache
def platform_connectors() -> Mapping[str, Connector]:
    """What each platform can do; pure values, made once per process."""
    return loader.load_connectors()


def editable_platforms() -> frozenset[str]:
    """The platforms where the words of what stands can be changed."""
    return frozenset(name for name, one in platform_connectors().items() if edits.can_edit(one))


def list_post_accounts(scope: Scope, mine: Sequence[Creator]) -> list[PostAccount]:
    """The accounts of these creators where posts can stand, by name: a bot without a channel of its own only talks."""
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
        for one in channel_reads.list_channels(scope)
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
    return previews.preview_draft(scope, draft, author=post.author, connectors=platform_connectors())


def load_compose(
    scope: Scope, creator: Creator, draft: Draft, *, author: str, brought: Collection[UUID], pictures: int
) -> ComposeView:
    """What is drawn around a draft. Raises NotFound for a picture or an account that is not hers."""
    found = uploads.get_uploads(scope, brought)
    open_ = list_unrated(scope, draft.assets)  # before what follows from it: one rated meanwhile must not be missed
    shown = previews.preview_draft(scope, draft, author=author, connectors=platform_connectors())
    return ComposeView(
        now=scope.now,
        creator=creator,
        accounts=list_post_accounts(scope, [creator]),
        tiles=assets.list_asset_tiles(scope, creator.id, limit=pictures, beside=draft.assets),
        uploads=[found[one] for one in brought if one in found and found[one].creator_id == creator.id],
        previews=shown,
        next_free=board.find_next_usual_time(scope, creator.id, creator.zone, channels=draft.channels),
        unrated=open_ if any(one.unrated for one in shown) else (),
    )


def list_unrated(scope: Scope, media: Collection[UUID]) -> list[UUID]:
    """Those of these pictures that nobody has rated. Raises NotFound for one that is not here."""
    found = studio_reads.get_asset_cards(scope, list(media))
    if not {one.asset_id for one in found} >= set(media):
        raise NotFound("library.asset_unknown", destination="-")
    return [one.asset_id for one in found if one.standing.rating is None]


def soonest_wall_time(scope: Scope, zone: str) -> WallTime:
    """Fifteen seconds from now, on the creator's clock."""
    return to_wall_time((scope.now + SOON_DELAY).replace(microsecond=0), zone)
