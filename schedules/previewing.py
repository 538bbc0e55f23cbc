"""What each account would show of a draft, and what would keep it back: for who writes, and for who says yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from channels import abilities, carrying
from channels import reads as channel_reads
from channels.reads import Channel
from channels.states import ChannelState
from connectors import folding, options
from connectors.contract import Connector, Counts
from connectors.options import Told, told
from connectors.showing import NEUTRAL, Showing
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.ids import derived
from foundation.words import Message
from gate import inforce, minting
from gate.bundle import Bundle
from gate.inforce import InForce
from gate.minting import Decision
from gate.reasons import Reason
from gate.units import Medium, Rating, Subject, Unit, Verdict
from schedules import linking, overrides, planning, threads
from schedules.claiming import GIVEN_AWAY
from schedules.composing import Matter, ai_line_in, compose, compose_parts, matter, placed, subject
from schedules.drafting import ORIGIN, Draft
from schedules.models import Delivery, Post
from schedules.overrides import MAX_BODY, Content
from studio import library

NOTHING = Content("", "", (), ())


@dataclass(frozen=True)
class Said:
    """One rule of a place: its name, whose sentence is `place.<name>`, and its verdict for each rating."""

    name: str
    verdicts: tuple[tuple[Rating, Verdict], ...]


@dataclass(frozen=True)
class Rule:
    """What a place allows: the rules it is judged by, none of an unknown one, and the day they were read."""

    said: tuple[Said, ...]
    read_on: date


@dataclass(frozen=True)
class PartPreview:
    """A further part as one account would show it; `length` and `most` as of the whole preview."""

    number: int
    body: str
    media: tuple[Medium, ...]
    length: int
    most: int
    comment: bool
    warning: str = ""


@dataclass(frozen=True)
class Preview:
    """What one account would show, out of the very unit that would leave, and what would keep it back.

    `length` and `most` are characters of the text as it leaves, the marks of the place included, counted as the place
    counts. `reasons` are
    sentences: the platform's limits first, then the safety check's. Without reasons it may leave.
    """

    channel_id: UUID
    account: str
    title: str
    body: str
    media: tuple[Medium, ...]
    flags: tuple[str, ...]
    length: int
    most: int
    most_media: int
    reasons: tuple[Message, ...]
    rule: Rule
    stopped: bool = False
    """Whether all of these are stops, which are no fault of the post: it leaves when they end."""
    parts: tuple[PartPreview, ...] = ()
    """What follows the post; nothing where the place shows all of it as one."""
    joined: bool = False
    """Whether what follows was put under the post's own words, since the place shows it so."""
    chosen: tuple[Told, ...] = ()
    """What it chooses there beside its words."""
    platform: str = ""
    showing: Showing = NEUTRAL
    """How its feed shows a post."""
    covered: bool = False
    """Whether the pictures are covered there until a reader presses."""
    warning: str = ""
    """What stands there before the words; "" where they stand open."""
    card: folding.Card | None = None
    """The card of a page that it brings along."""
    said: Content = NOTHING
    """What the post says there before it is marked; its pictures are those of `all_media`, as assets."""

    @property
    def all_media(self) -> tuple[Medium, ...]:
        """Every picture of the post, in the order shown."""
        return (*self.media, *(medium for part in self.parts for medium in part.media))

    @property
    def unrated(self) -> bool:
        """Whether somebody has to rate a picture first."""
        return any(one.code == f"gate.{Reason.RATING_MISSING}" for one in self.reasons)


def previews(
    scope: Scope, draft: Draft, *, author: str, connectors: Mapping[str, Connector], most: int = 12
) -> list[Preview]:
    """What each chosen account would show of a draft. Raises NotFound for a picture or account that is not hers."""
    library.check_owner(scope, draft.creator_id, draft.assets)
    mine = {one.id: one for one in channel_reads.channels_of(scope, draft.creator_id)}
    if not mine.keys() >= set(draft.channels):
        raise NotFound("channel.unknown")
    chosen = [mine[one] for one in draft.channels[:most]]
    owner = _post(scope, draft)
    by, on = inforce.now(scope), scope.now.date()
    shown = _shown(scope, draft, owner, chosen, author=author, connectors=connectors, by=by)
    found = []
    for channel in chosen:
        said, connector = overrides.content(owner, channel), abilities.known(connectors, channel)
        rule = rule_of(by.rules, channel.platform, channel.surface, on, paid=said.price is not None)
        units, decision = shown[channel.id]
        reasons = () if draft.empty else _reasons(channel, units, connector, decision, scope.now)
        if overrides.given_away(owner, channel):
            reasons = (GIVEN_AWAY, *reasons)
        waits = decision.stopped and len(reasons) == len(decision.reasons)
        found.append(replace(_preview(said, channel, units, connector, rule), reasons=reasons, stopped=waits))
    return found


def _shown(
    scope: Scope,
    draft: Draft,
    owner: Post,
    chosen: Sequence[Channel],
    *,
    author: str,
    connectors: Mapping[str, Connector],
    by: InForce,
) -> dict[UUID, tuple[list[Unit], Decision]]:
    """The parts of a draft on each account, marked, and what would be said of all of them together."""
    raw, said, abouts, of = {}, {}, _abouts(scope, draft), matter(scope, owner, chosen)
    for channel in chosen:
        about = abouts.get(channel.id) or _about(draft, channel)
        first = placed(scope, _first(scope, owner, channel, of), channel, about)
        connector = abilities.known(connectors, channel)
        can = connector.capabilities if connector is not None else None
        raw[channel.id] = compose_parts(first, owner, channel, can, of) if can else (first,)
        said[channel.id] = overrides.content(owner, channel)
    found: dict[UUID, tuple[list[Unit], Decision]] = {}
    for alike in _alike(raw, said):  # what is read of them at once is the same
        posts = [raw[one] for one in alike]
        judged = minting.previews(scope, posts, author=author, line=lambda: ai_line_in(of.languages), by=by)
        found |= zip(alike, judged, strict=True)
    return found


def _alike(raw: Mapping[UUID, tuple[Unit, ...]], said: Mapping[UUID, Content]) -> list[list[UUID]]:
    """Accounts by what a post says there, and in how many parts."""
    found: dict[tuple[Content, int], list[UUID]] = {}
    for one, units in raw.items():
        found.setdefault((said[one], len(units)), []).append(one)
    return list(found.values())


def _about(draft: Draft, channel: Channel) -> Subject:
    return subject(derived(draft.creator_id, "draft", channel.id))


def _abouts(scope: Scope, draft: Draft) -> dict[UUID, Subject]:
    """Of a post that is written, what leaves first on each account: its short addresses are those."""
    rows = planning.deliveries_of(scope, draft.post_id) if draft.post_id is not None else []
    return {row.channel_id: subject(row.id) for row in reversed(rows)}


def _preview(
    said: Content, channel: Channel, units: Sequence[Unit], connector: Connector | None, rule: Rule
) -> Preview:
    unit, counts = units[0], [count(one, connector) for one in units]
    can = options.formed(connector.capabilities, unit.options) if connector is not None else None
    showing = can.showing(channel.surface) if can is not None else NEUTRAL
    return Preview(
        channel_id=channel.id,
        account=channel.name,
        title=unit.text("title"),
        body=unit.text("body"),
        media=unit.media,
        flags=tuple(sorted({flag for one in units for flag in one.flags})),
        length=counts[0][0],
        most=counts[0][1],
        most_media=can.size(channel.surface)[1] if can is not None else 0,
        reasons=(),
        rule=rule,
        parts=tuple(
            PartPreview(
                number,
                one.text("body"),
                one.media,
                *counts[number - 1],
                piece.comment,
                folding.warning(one, connector),
            )
            for number, (one, piece) in enumerate(zip(units[1:], said.parts, strict=False), start=2)
        ),
        joined=bool(said.parts) and len(units) == 1,
        chosen=told(said.options, can) if can is not None else (),
        platform=channel.platform,
        showing=showing,
        covered=any(folding.covered(showing, one) for one in units),
        warning=folding.warning(unit, connector),
        card=folding.card(unit, connector),
        said=said,
    )


def count(unit: Unit, connector: Connector | None) -> tuple[int, int]:
    """How much a unit says on its place, and the most it may."""
    if isinstance(connector, Counts):
        return connector.count(unit)
    if connector is None:
        return len(unit.text("body")), MAX_BODY
    most = options.formed(connector.capabilities, unit.options).size(unit.surface)[0]
    return len(unit.text("body")), most


def _post(scope: Scope, draft: Draft) -> Post:
    return Post(
        tenant_id=scope.tenant_id,
        creator_id=draft.creator_id,
        id=derived(draft.creator_id, "draft"),
        title=draft.title,
        body=draft.body,
        media=[str(asset) for asset in draft.media],
        parts=threads.stored(draft.parts),
        overrides=overrides.stored(draft.others),
        links=_links(scope, draft),
        origin=ORIGIN,
        origin_key="",
        author=scope.actor,
        text_ai=draft.text_ai,
        late_ok=None,
        digest="",
    )


def _links(scope: Scope, draft: Draft) -> dict[str, object]:
    """What a post keeps of its addresses, and what one would that were written now."""
    if draft.post_id is not None:
        return planning.post(scope, draft.post_id).links
    return linking.taken(scope, draft.creator_id, draft.links)


def _first(scope: Scope, owner: Post, channel: Channel, of: Matter) -> Unit:
    """The unit of a post that is not written: the same function makes the one that leaves."""
    row = Delivery(
        tenant_id=scope.tenant_id,
        creator_id=owner.creator_id,
        id=derived(owner.id, channel.id),
        post_id=owner.id,
        channel_id=channel.id,
        wall_time="",
        zone=channel.zone,
        due_at=scope.now,
    )
    return compose(scope, row, owner, channel, of)


def rule_of(rules: Bundle, platform: str, surface: str, on: date, *, paid: bool = False) -> Rule:
    """The rule of a place as it stands on a day; `paid` of what has a price there."""
    ratings = [rating for rating in Rating if rating is not Rating.X]
    said = (
        Said(name, tuple((rating, row.verdict(rating)) for rating in ratings))
        for name, row in rules.sources(platform, surface, on=on, paid=paid)
    )
    return Rule(tuple(said), rules.read_on)


def _reasons(
    channel: Channel, units: Sequence[Unit], connector: Connector | None, decision: Decision, now: datetime
) -> tuple[Message, ...]:
    found = []
    if channel.state != ChannelState.ACTIVE:
        found.append(Message("delivery.channel_not_ready", {"account": channel.name}))
    if connector is not None:
        unfit = (carrying.unfit(one, connector, now) for one in units)
        found += [reason for reason in unfit if reason is not None]
    if not decision.allowed and not (decision.unseen and channel.can_be_seen):  # it is looked at just before
        found += [Message(f"gate.{reason}") for reason in decision.reasons] or [decision.why]
    return tuple(one for place, one in enumerate(found) if one not in found[:place])
