"""What a file is held against: creators, their accounts and pictures, and what those accounts have already."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlmodel import col, select

from channels import abilities
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.ids import derived
from gate.units import Medium, Unit
from schedules import imports_names, labels, likeness, linking, overrides
from schedules.composing import placed, subject
from schedules.imports_rows import Row, Sheet
from schedules.imports_wishes import Account, Home, Picture, Taken, World
from schedules.likeness import WINDOW, Print
from schedules.models import Delivery, Post
from schedules.overrides import Content
from schedules.said import Said
from schedules.states import TO_COME, DeliveryState
from studio import library
from tenants import reads as tenant_reads
from tenants.reads import Creator

S = DeliveryState
_NOWHERE = (str(S.CANCELLED), str(S.FAILED), str(S.REMOVED), str(S.REHEARSED))
"""States in which nothing stands or will stand outside."""

AT_ONCE = 2_000
"""Posts that are read by one statement."""

_STAY = tuple(map(str, (*TO_COME, S.HELD, S.PUBLISHING, S.PROCESSING, S.UNCERTAIN)))
"""States of what may still leave, or is leaving."""


def world(scope: Scope, rows: Sequence[Row], creators: Collection[UUID], connectors: Mapping[str, Connector]) -> World:
    """Everything that the rows of a file may name of these creators, and what is planned on their accounts."""
    homes: dict[str, Home] = {}
    channels: list[Channel] = []
    shown = (names for row in rows for names in (row.media, *(part.media for part in row.parts)))
    asked = sorted({name for names in shown for name in names})
    for creator in (one for one in tenant_reads.creators(scope) if one.id in creators):
        hers = channel_reads.channels_of(scope, creator.id)
        channels += hers
        called = imports_names.called(hers)
        accounts = {
            called[one.id].casefold(): _account(scope, creator, one, connectors, called[one.id]) for one in hers
        }
        home = Home(creator, accounts, _pictures(scope, creator.id, asked), linking.rule_of(scope, creator.id))
        for name in (creator.name, creator.slug):
            homes.setdefault(name.casefold(), home)
    named = {labels.folded(one.name): one for one in labels.known(scope)}
    return World(scope.now, homes, _taken(scope, channels, connectors), named)


def say_which_stay(scope: Scope, sheet: Sheet, creators: Collection[UUID]) -> None:
    """Note the lines whose key is a post of these creators that is still to leave: our own file tells posts by their
    ids, and whoever edits it in a spreadsheet may think that it changes them, where it writes others beside them."""
    asked = {row.key: found for row in sheet.rows if (found := _id(row.key)) is not None}
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
            sheet.say(row.line, "key", "import.still_here", grave=False)


def _account(
    scope: Scope, creator: Creator, channel: Channel, connectors: Mapping[str, Connector], called: str
) -> Account:
    about = subject(derived(channel.id, "blank"))
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
    return Account(channel, abilities.known(connectors, channel), placed(scope, blank, channel, about), called)


def _pictures(scope: Scope, creator_id: UUID, asked: Sequence[str]) -> dict[str, Picture]:
    if not asked:
        return {}
    ids = {name: found for name in asked if (found := _id(name)) is not None}
    known = library.named(scope, creator_id, list(ids.values()), asked)
    called = {name: known.get(str(ids[name]) if name in ids else name) for name in asked}
    media = {asset: _medium(scope, asset) for asset in set(called.values()) if asset is not None}
    shown = {asset: medium for asset, medium in media.items() if medium is not None}
    return {name: Picture(asset, shown[asset]) for name, asset in called.items() if asset in shown}


def _medium(scope: Scope, asset_id: UUID) -> Medium | None:
    try:
        return library.media(scope, asset_id, "library")
    except NotFound:  # its copy for posts is still being made
        return None


def _id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _taken(scope: Scope, channels: Sequence[Channel], connectors: Mapping[str, Connector]) -> dict[UUID, Taken]:
    """What stands on these accounts or will; where the same words are never taken twice, all they ever said."""
    once = {one.id for one in channels if not _takes_again(one, abilities.known(connectors, one))}
    found = {one.id: Taken(said=Said(once=one.id in once)) for one in channels}
    by_id = {one.id: one for one in channels}
    rows = scope.session.exec(
        select(Delivery.channel_id, Delivery.due_at, Delivery.post_id)
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.channel_id).in_(list(by_id)),
            (col(Delivery.due_at) > scope.now - WINDOW) | col(Delivery.channel_id).in_(list(once)),
            col(Delivery.state).not_in(_NOWHERE),
        )
        .order_by(col(Delivery.due_at))
    ).all()
    owners = _posts(scope, {post_id for _, _, post_id in rows})
    known: dict[Content, Print] = {}
    for channel, due, post_id in rows:
        if post_id not in owners:  # it went between the two statements
            continue
        said = overrides.content(owners[post_id], by_id[channel])
        if said not in known:
            known[said] = likeness.of_content(said)
        found[channel].add(due, known[said])
    return found


def _posts(scope: Scope, ids: Collection[UUID]) -> dict[UUID, Post]:
    """These posts, not joined to their deliveries: just after a file nobody has counted what an agency has by now, and
    the database held each of ten thousand posts against each of their places, for more than a minute."""
    found: dict[UUID, Post] = {}
    asked = list(ids)
    for start in range(0, len(asked), AT_ONCE):
        page = asked[start : start + AT_ONCE]
        rows = scope.session.exec(select(Post).where(Post.tenant_id == scope.tenant_id, col(Post.id).in_(page)))
        found |= {row.id: row for row in rows}
    return found


def _takes_again(channel: Channel, connector: Connector | None) -> bool:
    return connector is None or connector.capabilities.takes_again(channel.surface)
