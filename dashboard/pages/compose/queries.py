"""Queries of the composer: accounts, media, uploads, previews and the next open slot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dashboard.pages.posts import result_forecasts
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import WallTime
from gate.ratings.depiction_answers import unanswered_digests
from insights.predictions.rank_models import RankedDraft
from schedules.availability.usual_hours import find_next_usual_time
from schedules.drafts import previews
from schedules.drafts.drafts import Draft
from schedules.drafts.previews import PostPreview
from studio.ingest import uploads
from studio.ingest.uploads import UploadView
from studio.library import assets, queries
from studio.library.assets import AssetTile
from studio.packs.packs import packs_on_sale
from tenants.agencies import agency_settings
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class ComposeView:
    """The values of the composer for one creator."""

    now: datetime
    creator: Creator
    accounts: Sequence[PostAccount]
    tiles: Sequence[AssetTile]
    uploads: Sequence[UploadView]
    previews: Sequence[PostPreview]
    next_free: WallTime
    unrated: Sequence[UUID]
    """Selected pictures without a rating, which block publishing. The picker asks for it."""
    ranks: Mapping[UUID, RankedDraft]
    """Ranks of the draft among past posts, by account."""
    approval_time: timedelta
    """The time in which a post that is published at once can be approved."""
    packs: Mapping[UUID, Sequence[str]]
    """Titles of the packs on sale that contain pictures of the draft, by picture."""


def load_compose(
    scope: Scope,
    creator: Creator,
    draft: Draft,
    *,
    author: str,
    brought: Collection[UUID],
    pictures: int,
) -> ComposeView:
    """Return the values of the composer for a draft. Raise NotFound for a picture or an account of
    another creator."""
    found = uploads.get_uploads(scope, brought)
    # Read this first. Otherwise a rating saved in between would be missed.
    open_ = list_unrated(scope, draft.assets)
    shown = previews.preview_draft(scope, draft, author=author, connectors=platform_connectors())
    return ComposeView(
        now=scope.now,
        creator=creator,
        accounts=list_post_accounts(scope, [creator]),
        tiles=assets.list_asset_tiles(scope, creator.id, limit=pictures, beside=draft.assets),
        uploads=[
            found[one] for one in brought if one in found and found[one].creator_id == creator.id
        ],
        previews=shown,
        next_free=find_next_usual_time(scope, creator.id, creator.zone, channels=draft.channels),
        unrated=open_,
        ranks=result_forecasts.load_ranks(scope, creator.id, shown),
        approval_time=agency_settings.get_approval_time(scope),
        packs=packs_on_sale(scope, creator.id, draft.assets),
    )


def list_unrated(scope: Scope, media: Collection[UUID]) -> list[UUID]:
    """Return the pictures without a rating, or without an answer to who is shown. Raise NotFound
    for an unknown picture."""
    found = queries.get_asset_cards(scope, list(media))
    if not {one.asset_id for one in found} >= set(media):
        raise NotFound("library.asset_unknown", destination="-")
    unanswered = unanswered_digests(scope, [one.sha256 for one in found])
    return [
        one.asset_id for one in found if one.standing.rating is None or one.sha256 in unanswered
    ]
