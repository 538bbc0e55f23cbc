"""The context of an import: creators, accounts, pictures, labels, and existing posts."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from connectors.contract.connector import Connector
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.name_forms import fold_name
from foundation.ids import derived_uuid
from gate.contract.units import Medium, Unit
from schedules.imports import account_names
from schedules.imports.account_history import AccountTexts
from schedules.imports.csv_rows import ImportRow, ImportSheet
from schedules.imports.planned_rows import (
    ImportAccount,
    ImportContext,
    ImportCreator,
    ImportPicture,
    OccupiedAccount,
)
from schedules.posts import channel_overrides, labels, link_tracking, text_similarity
from schedules.posts.channel_overrides import PostContent
from schedules.posts.delivery_units import delivery_subject, place_on_channel
from schedules.posts.models import Delivery, Post
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.posts.text_similarity import SIMILARITY_WINDOW, Fingerprint
from studio.library import assets
from tenants.agencies.queries import Creator, list_creators

_NOWHERE = (
    str(DeliveryState.CANCELLED),
    str(DeliveryState.FAILED),
    str(DeliveryState.REMOVED),
    str(DeliveryState.REHEARSED),
)
"""States of deliveries that are not published and will not be."""

AT_ONCE = 2_000
"""Maximum number of posts read in one statement."""

_STAY = tuple(
    map(
        str,
        (
            *PENDING_STATES,
            DeliveryState.HELD,
            DeliveryState.PUBLISHING,
            DeliveryState.PROCESSING,
            DeliveryState.UNCERTAIN,
        ),
    )
)
"""States of deliveries that are being published or can still be."""


def load_import_context(
    scope: Scope,
    rows: Sequence[ImportRow],
    creators: Collection[UUID],
    connectors: Mapping[str, Connector],
) -> ImportContext:
    """Load the accounts and pictures of these creators that rows can name, and their existing
    posts."""
    homes: dict[str, ImportCreator] = {}
    channels: list[Channel] = []
    shown = (names for row in rows for names in (row.media, *(part.media for part in row.parts)))
    asked = sorted({name for names in shown for name in names})
    for creator in (one for one in list_creators(scope) if one.id in creators):
        hers = queries.list_creator_channels(scope, creator.id)
        channels += hers
        called = account_names.name_accounts(hers)
        accounts = {
            fold_name(called[one.id]): _build_import_account(
                scope, creator, one, connectors, called[one.id]
            )
            for one in hers
        }
        home = ImportCreator(
            creator,
            accounts,
            _load_pictures_by_name(scope, creator.id, asked),
            link_tracking.link_policy_of_creator(scope, creator.id),
        )
        for name in (creator.name, creator.slug):
            homes.setdefault(fold_name(name), home)
    named = {labels.fold_label_name(one.name): one for one in labels.list_labels(scope)}
    return ImportContext(
        scope.now, homes, _load_occupied_accounts(scope, channels, connectors), named
    )


def flag_unchanged_posts(scope: Scope, sheet: ImportSheet, creators: Collection[UUID]) -> None:
    """Report each row whose key is the ID of a post that is not published yet.

    Exports use post IDs as keys. Members who edit an export may expect the import to change those
    posts, but it creates new ones.
    """
    asked = {
        row.key: found for row in sheet.rows if (found := _parse_asset_id(row.key)) is not None
    }
    stay = scope.session.exec(
        select(Delivery.post_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.post_id).in_(list(asked.values())),
            col(Delivery.creator_id).in_(list(creators)),
            col(Delivery.state).in_(_STAY),
        )
        .distinct()
    ).all()
    here = set(stay)
    for row in sheet.rows:
        if asked.get(row.key) in here:
            sheet.add_finding(row.line, "key", "import.still_here", grave=False)


def _build_import_account(
    scope: Scope,
    creator: Creator,
    channel: Channel,
    connectors: Mapping[str, Connector],
    called: str,
) -> ImportAccount:
    about = delivery_subject(derived_uuid(channel.id, "blank"))
    blank = Unit(
        tenant_id=scope.tenant_id,
        creator_id=creator.id,
        subject=about,
        platform="",
        surface="",
        channel_id=channel.id,
        account="",
        audience="public",
        language=creator.languages[0] if len(creator.languages) == 1 else "",
    )
    return ImportAccount(
        channel,
        account_connectors.find_connector_for(connectors, channel),
        place_on_channel(scope, blank, channel, about),
        called,
    )


def _load_pictures_by_name(
    scope: Scope, creator_id: UUID, asked: Sequence[str]
) -> dict[str, ImportPicture]:
    if not asked:
        return {}
    ids = {name: found for name in asked if (found := _parse_asset_id(name)) is not None}
    known = assets.find_assets_by_name(scope, creator_id, list(ids.values()), asked)
    called = {name: known.get(str(ids[name]) if name in ids else name) for name in asked}
    media = {
        asset: _find_library_rendition(scope, asset)
        for asset in set(called.values())
        if asset is not None
    }
    shown = {asset: medium for asset, medium in media.items() if medium is not None}
    return {
        name: ImportPicture(asset, shown[asset]) for name, asset in called.items() if asset in shown
    }


def _find_library_rendition(scope: Scope, asset_id: UUID) -> Medium | None:
    try:
        return assets.get_rendition(scope, asset_id, "library")
    except NotFound:  # the post rendition is still being made
        return None


def _parse_asset_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _load_occupied_accounts(
    scope: Scope, channels: Sequence[Channel], connectors: Mapping[str, Connector]
) -> dict[UUID, OccupiedAccount]:
    """Load the recent and future posts of these accounts, and all posts of accounts that never
    accept a text twice."""
    once = {
        one.id
        for one in channels
        if not _can_repeat_content(one, account_connectors.find_connector_for(connectors, one))
    }
    found = {one.id: OccupiedAccount(said=AccountTexts(once=one.id in once)) for one in channels}
    by_id = {one.id: one for one in channels}
    rows = scope.session.exec(
        select(Delivery.channel_id, Delivery.due_at, Delivery.post_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.channel_id).in_(list(by_id)),
            (col(Delivery.due_at) > scope.now - SIMILARITY_WINDOW)
            | col(Delivery.channel_id).in_(list(once)),
            col(Delivery.state).not_in(_NOWHERE),
        )
        .order_by(col(Delivery.due_at))
    ).all()
    owners = _load_posts_by_id(scope, {post_id for _, _, post_id in rows})
    known: dict[PostContent, Fingerprint] = {}
    for channel, due, post_id in rows:
        if post_id not in owners:  # deleted between the two statements
            continue
        said = channel_overrides.content_for_channel(owners[post_id], by_id[channel])
        if said not in known:
            known[said] = text_similarity.fingerprint_content(said)
        found[channel].add(due, known[said])
    return found


def _load_posts_by_id(scope: Scope, ids: Collection[UUID]) -> dict[UUID, Post]:
    """Load posts without joining their deliveries.

    Directly after an import PostgreSQL has no statistics of the new rows, and a join of ten
    thousand posts took more than a minute.
    """
    found: dict[UUID, Post] = {}
    asked = list(ids)
    for start in range(0, len(asked), AT_ONCE):
        page = asked[start : start + AT_ONCE]
        rows = scope.session.exec(
            select(Post).where(Post.tenant_id == scope.tenant_id, col(Post.id).in_(page))
        )
        found |= {row.id: row for row in rows}
    return found


def _can_repeat_content(channel: Channel, connector: Connector | None) -> bool:
    return connector is None or connector.capabilities.can_repeat(channel.surface)
