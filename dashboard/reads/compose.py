"""What somebody who writes a post sees: her accounts, her pictures, what each account would show, when it may leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from channels import abilities, editing
from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from connectors import registry
from connectors.capabilities import Asking, Option
from connectors.contract import Connector
from connectors.options import Chosen, Told, told
from foundation.database import Scope
from foundation.errors import NotFound
from schedules import agenda, drafting, previewing
from schedules.calendar import WallTime, local_wall
from schedules.drafting import Draft
from schedules.previewing import Preview
from schedules.reads import Written
from studio import library, uploads
from studio import reads as studio_reads
from studio.library import Tile
from studio.uploads import Upload
from tenants.reads import Creator

SOON = timedelta(seconds=15)
"""What "at once" means: time enough to change one's mind."""


@dataclass(frozen=True)
class Account:
    """One account a post may go to; `ready` false while it must be connected again or rests."""

    id: UUID
    creator_id: UUID
    name: str
    platform: str
    ready: bool
    asking: Asking | None = None
    """What a post may cost there; None where it costs nothing."""
    options: tuple[Option, ...] = ()
    """What a post may choose there beside its words."""


@dataclass(frozen=True)
class Desk:
    """All that is drawn around a draft of one creator."""

    now: datetime
    creator: Creator
    accounts: Sequence[Account]
    tiles: Sequence[Tile]
    uploads: Sequence[Upload]
    previews: Sequence[Preview]
    next_free: WallTime
    unrated: Sequence[UUID]
    """Chosen pictures nobody has rated yet: nothing leaves with them."""


@cache
def connectors() -> Mapping[str, Connector]:
    """What each platform can do; pure values, made once per process."""
    return registry.load()


def rewording() -> frozenset[str]:
    """The platforms where the words of what stands can be changed."""
    return frozenset(name for name, one in connectors().items() if editing.offered(one))


def accounts(scope: Scope, mine: Sequence[Creator]) -> list[Account]:
    """The accounts of these creators where posts can stand, by name: a bot without a channel of its own only talks."""
    theirs = {one.id for one in mine}
    return [
        Account(
            one.id,
            one.creator_id,
            one.name,
            one.platform,
            one.state is ChannelState.ACTIVE,
            asking_of(one),
            options_of(one.platform),
        )
        for one in channel_reads.every_channel(scope)
        if one.creator_id in theirs and one.surface
    ]


def asking_of(one: Channel) -> Asking | None:
    """What a post may cost on an account."""
    connector = abilities.known(connectors(), one)
    return connector.capabilities.asking(one.surface) if connector is not None else None


def options_of(platform: str) -> tuple[Option, ...]:
    """What a post may choose on a platform."""
    connector = connectors().get(platform)
    return connector.capabilities.options if connector is not None else ()


def told_on(platform: str, chosen: Chosen) -> tuple[Told, ...]:
    """What is chosen on a platform, for people."""
    connector = connectors().get(platform)
    return told(chosen, connector.capabilities) if connector is not None else ()


def look(scope: Scope, post: Written, channels: Sequence[UUID]) -> list[Preview]:
    """What each of these accounts would show of a post as it stands, in their order."""
    draft = drafting.as_written(post, tuple(channels))
    return previewing.previews(scope, draft, author=post.author, connectors=connectors())


def desk(
    scope: Scope, creator: Creator, draft: Draft, *, author: str, brought: Collection[UUID], pictures: int
) -> Desk:
    """What is drawn around a draft. Raises NotFound for a picture or an account that is not hers."""
    found = uploads.uploads(scope, brought)
    open_ = unrated(scope, draft.assets)  # before what follows from it: one rated meanwhile must not be missed
    shown = previewing.previews(scope, draft, author=author, connectors=connectors())
    return Desk(
        now=scope.now,
        creator=creator,
        accounts=accounts(scope, [creator]),
        tiles=library.tiles(scope, creator.id, limit=pictures, beside=draft.assets),
        uploads=[found[one] for one in brought if one in found and found[one].creator_id == creator.id],
        previews=shown,
        next_free=agenda.next_free(scope, creator.id, creator.zone, channels=draft.channels),
        unrated=open_ if any(one.unrated for one in shown) else (),
    )


def unrated(scope: Scope, media: Collection[UUID]) -> list[UUID]:
    """Those of these pictures that nobody has rated. Raises NotFound for one that is not here."""
    found = studio_reads.cards_of(scope, list(media))
    if not {one.asset_id for one in found} >= set(media):
        raise NotFound("library.asset_unknown", destination="-")
    return [one.asset_id for one in found if one.standing.rating is None]


def at_once(scope: Scope, zone: str) -> WallTime:
    """Fifteen seconds from now, on the creator's clock."""
    return local_wall((scope.now + SOON).replace(microsecond=0), zone)
