"""What an account has said already: told when a post is planned; held at its time too where the account wants that.

What repeats on purpose is no repeat: the times of series, one made a post of its own too, and a post that was asked for
"again". Where the platform itself refuses the same words (`Capabilities.once`), nothing makes it fit but other words.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlmodel import col, select

from channels import abilities
from channels import reads as channel_reads
from channels.reads import Channel
from connectors.contract import Connector
from foundation.database import Scope
from foundation.errors import Refused
from foundation.ids import uuid7
from foundation.words import Message
from schedules import drafting, likeness, overrides
from schedules.calendar import zone_of
from schedules.likeness import NEAR, WINDOW, Kind
from schedules.models import Delivery, Post, RepeatWord
from schedules.moving import delivery
from schedules.overrides import Content
from schedules.planning import deliveries_of, post
from schedules.states import LEFT_IN_DOUBT, DeliveryState
from tenants import audit

S = DeliveryState
OUT = frozenset({S.PUBLISHING, S.PROCESSING, S.UNCERTAIN, S.PUBLISHED, S.PARTLY, S.BROKEN_OFF, S.REMOVING})
"""States of a delivery of which something stands outside, or may."""

AHEAD = frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED, S.HELD})
"""States of one that may still leave."""

REASONS = frozenset({*(f"delivery.repeats_{kind}" for kind in Kind), "delivery.repeats_refused"})
"""Codes of a hold that a repeat is in."""

MOST = 200
"""Posts that are looked at as possible repeats of one; more say the same thing over and over."""

_FIND = """
WITH marked AS MATERIALIZED (
  SELECT o.post_id, bool_or(o.kind = 'words') AS words FROM post_prints o
  WHERE o.tenant_id = :tenant AND o.creator_id = :creator AND o.mark = ANY(CAST(:marks AS bigint[]))
    AND (o.letters IS NULL OR bit_count(CAST(o.letters # CAST(:letters AS bigint) AS bit(64))) <= :near)
  GROUP BY o.post_id)
SELECT there.* FROM marked m CROSS JOIN LATERAL (
  SELECT d.id, d.post_id, known.state, d.series_id, coalesce(d.settled_at, d.due_at) AS at FROM deliveries d
  CROSS JOIN LATERAL (SELECT CASE WHEN d.state = 'cancelled' AND d.reason->>'code' = :left THEN 'uncertain'
    ELSE d.state END AS state) known
  WHERE d.tenant_id = :tenant AND d.post_id = m.post_id AND d.channel_id = :channel
    AND d.id <> :itself AND known.state = ANY(CAST(:states AS text[]))
    AND (coalesce(d.settled_at, d.due_at) BETWEEN :since AND :until OR :once AND m.words)
    AND (:once OR NOT :meant OR d.post_id <> :post AND d.series_id IS NULL)
  LIMIT :most) there
LIMIT :most
"""
"""Step by step, whatever the database believes of the tables: a plan that began with the account's deliveries would
read all of them. What was left in doubt may stand outside as before."""

NOBODY = UUID(int=0)


@dataclass(frozen=True)
class Like:
    """A post of the account that another one repeats: `at` is when it left or will, `out` whether it left.

    `refused`: the platform does not take it again, whoever wants it.
    """

    kind: Kind
    delivery_id: UUID
    post_id: UUID
    at: datetime
    out: bool
    refused: bool
    words: str
    digest: str
    account: str
    zone: str

    @property
    def message(self) -> Message:
        """Why it is held, or would be."""
        day = f"{self.at.astimezone(zone_of(self.zone)).date():%d/%m/%Y}"
        code = "delivery.repeats_refused" if self.refused else f"delivery.repeats_{self.kind}"
        return Message(code, {"account": self.account, "day": day})


@dataclass(frozen=True)
class Asked:
    """What is held against an account: a content, of which delivery of which post, and in what time around."""

    said: Content
    channel: Channel
    once: bool
    since: datetime
    until: datetime
    states: Collection[DeliveryState]
    itself: UUID = NOBODY
    post_id: UUID = NOBODY
    meant: bool = False


def in_the_way(scope: Scope, row: Delivery, owner: Post, channel: Channel, connector: Connector | None) -> Like | None:
    """What a delivery that is about to leave repeats on its account, where nobody wanted it so; None lets it leave.

    Asked of accounts that hold repeats, and of places that refuse them: one statement where nothing is like it. What
    comes after the account was locked sees all that left before.
    """
    asked = _asked(row, owner, channel, connector)
    if not (asked.once or channel.holds_repeats):
        return None
    asked = replace(asked, since=scope.now - WINDOW, until=scope.now + WINDOW, states=OUT)
    return next(iter(_unwanted(scope, row, owner, asked)), None)


def meant(row: Delivery, owner: Post) -> bool:
    """Whether a delivery is one time of many, or was asked for once more: repeating is what it is for."""
    return row.series_id is not None or owner.origin == drafting.OF_SERIES or "again-" in row.occurrence_key


def of_content(
    scope: Scope, said: Content, channels: Sequence[UUID], at: datetime, *, connectors: Mapping[str, Connector]
) -> list[Like]:
    """What a content that is not written yet would repeat on accounts at an instant, planned posts included; the
    surest of each account. Raises NotFound."""
    found = []
    for channel_id in channels:
        channel = channel_reads.channel(scope, channel_id)
        asked = Asked(
            said,
            channel,
            once=_once(channel, abilities.known(connectors, channel)),
            since=at - WINDOW,
            until=at + WINDOW,
            states=OUT | AHEAD,
        )
        found += _found(scope, asked)[:1]
    return found


def of_delivery(scope: Scope, delivery_id: UUID, *, connectors: Mapping[str, Connector]) -> list[Like]:
    """What a delivery that may still leave repeats on its account, planned posts included, and nobody wanted yet.

    Raises NotFound.
    """
    row = delivery(scope, delivery_id)
    if S(row.state) not in AHEAD:
        return []
    owner, channel = post(scope, row.post_id), channel_reads.channel(scope, row.channel_id)
    asked = _asked(row, owner, channel, abilities.known(connectors, channel))
    since, until = min(row.due_at, scope.now) - WINDOW, max(row.due_at, scope.now) + WINDOW
    return _unwanted(scope, row, owner, replace(asked, since=since, until=until))


def post_anyway(
    scope: Scope,
    delivery_id: UUID,
    *,
    connectors: Mapping[str, Connector],
    seen: Collection[UUID] | None = None,
    version: int | None = None,
) -> int:
    """A person knows what a delivery repeats and wants it to leave; one that was held for that leaves now.

    Their word counts for these very posts (`seen`, or all there are now) and these very words: what changes
    afterwards is asked again. Twice is as once. Returns of how many posts it is. Raises Refused where the platform
    would not take it, Conflict where the delivery was changed meanwhile.
    """
    row = delivery(scope, delivery_id)
    likes = [
        one for one in of_delivery(scope, delivery_id, connectors=connectors) if seen is None or one.post_id in seen
    ]
    if any(one.refused for one in likes):
        raise Refused("delivery.never_twice", account=likes[0].account)
    _note(scope, row, likes)
    if row.state == S.HELD and row.reason is not None and row.reason.get("code") in REASONS:
        drafting.again(scope, delivery_id, version=version)
    return len({one.post_id for one in likes})


def know(
    scope: Scope, post_id: UUID, *, connectors: Mapping[str, Connector], seen: Collection[UUID] | None = None
) -> None:
    """Who plans a post knows which ones it repeats (`seen`, or all there are), wherever its platform takes them again.

    Their word counts as in `post_anyway`.
    """
    for row in deliveries_of(scope, post_id):
        likes = of_delivery(scope, row.id, connectors=connectors)
        _note(scope, row, [one for one in likes if (seen is None or one.post_id in seen) and not one.refused])


def _note(scope: Scope, row: Delivery, likes: Collection[Like]) -> None:
    digest = post(scope, row.post_id).digest
    known = {like.post_id: like for like in likes}.values()
    for one in known:
        scope.run(
            "INSERT INTO repeat_words (tenant_id, id, creator_id, delivery_id, digest, like_id, like_digest, by)"
            " VALUES (:tenant, :id, :creator, :delivery, :digest, :like, :like_digest, :by) ON CONFLICT DO NOTHING",
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=row.creator_id,
            delivery=row.id,
            digest=digest,
            like=one.post_id,
            like_digest=one.digest,
            by=scope.actor,
        )
    if known:
        audit.note(scope, "delivery.repeated", f"delivery:{row.id}", posts=len(known))


def _asked(row: Delivery, owner: Post, channel: Channel, connector: Connector | None) -> Asked:
    """What is asked of a delivery, around its own time."""
    return Asked(
        overrides.content(owner, channel),
        channel,
        once=_once(channel, connector),
        since=row.due_at - WINDOW,
        until=row.due_at + WINDOW,
        states=OUT | AHEAD,
        itself=row.id,
        post_id=owner.id,
        meant=meant(row, owner),
    )


def _unwanted(scope: Scope, row: Delivery, owner: Post, asked: Asked) -> list[Like]:
    """What a delivery repeats that nobody said they know."""
    found = _found(scope, asked)
    wanted = _wanted(scope, row.id, owner.digest) if found else frozenset()
    return [one for one in found if one.refused or (one.post_id, one.digest) not in wanted]


def _once(channel: Channel, connector: Connector | None) -> bool:
    return connector is not None and not connector.capabilities.takes_again(channel.surface)


def _found(scope: Scope, asked: Asked) -> list[Like]:
    """What a content repeats, the surest first, then the latest."""
    ours = likeness.of_content(asked.said)
    sought = likeness.sought(ours)
    if not sought:
        return []
    rows = scope.run(
        _FIND,
        tenant=scope.tenant_id,
        creator=asked.channel.creator_id,
        channel=asked.channel.id,
        marks=[one.mark for one in sought],
        letters=ours.letters or 0,
        near=NEAR,
        itself=asked.itself,
        states=sorted(map(str, asked.states)),
        left=LEFT_IN_DOUBT,
        since=asked.since,
        until=asked.until,
        once=asked.once,
        meant=asked.meant,
        post=asked.post_id,
        most=MOST,
    ).all()
    if not rows:
        return []
    owners = _owners(scope, {row.post_id for row in rows})
    kinds = {
        key: likeness.alike(ours, likeness.of_content(overrides.content(owner, asked.channel)))
        for key, owner in owners.items()
    }
    seen = (_Row(*row) for row in rows)
    found = {row.id: one for row in seen if (one := _like(row, owners[row.post_id], kinds[row.post_id], asked))}
    order = list(Kind)
    return sorted(found.values(), key=lambda one: (not one.refused, order.index(one.kind), -one.at.timestamp()))


class _Row(NamedTuple):
    """A delivery with a mark in common, as the database knows it."""

    id: UUID
    post_id: UUID
    state: str
    series_id: UUID | None
    at: datetime


def _owners(scope: Scope, ids: Collection[UUID]) -> dict[UUID, Post]:
    rows = scope.session.exec(select(Post).where(Post.tenant_id == scope.tenant_id, col(Post.id).in_(list(ids))))
    return {one.id: one for one in rows}


def _like(row: _Row, owner: Post, kind: Kind | None, asked: Asked) -> Like | None:
    """What one delivery is to what was asked, None where it is nothing."""
    refused = asked.once and kind is Kind.WORDS
    near = asked.since <= row.at <= asked.until
    one_of_many = row.post_id == asked.post_id or row.series_id is not None or owner.origin == drafting.OF_SERIES
    mine = asked.meant and one_of_many
    if kind is None or not (refused or (near and not mine)):
        return None
    return Like(
        kind,
        row.id,
        row.post_id,
        row.at,
        S(row.state) in OUT,
        refused,
        owner.title or owner.body,
        owner.digest,
        asked.channel.name,
        asked.channel.zone,
    )


def _wanted(scope: Scope, delivery_id: UUID, digest: str) -> frozenset[tuple[UUID, str]]:
    """The posts that a person knows a delivery repeats, each as it was then."""
    rows = scope.session.exec(
        select(RepeatWord.like_id, RepeatWord.like_digest).where(
            RepeatWord.tenant_id == scope.tenant_id, RepeatWord.delivery_id == delivery_id, RepeatWord.digest == digest
        )
    )
    return frozenset(rows)
