"""What waits for a person's word: posts, what the safety check keeps back, pictures to judge, posts in doubt, and what
somebody wants gone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from channels import reads as channel_reads
from dashboard import files
from dashboard.reads.compose import connectors
from dashboard.reads.doubts import Doubt, doubts
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from gate import appealing, beside, complaints, history, inforce, ratings
from gate import reads as gate_reads
from gate.appealing import Again, Taken
from gate.complaints import Request
from gate.copies import Copy
from gate.history import Past
from gate.ratings import Standing
from gate.reads import Depicted, Held
from gate.reasons import Reason
from gate.units import Part, Subject, highest
from schedules import clients, previewing, reviewing
from schedules import reads as schedule_reads
from schedules.drafting import Draft
from schedules.previewing import Preview
from schedules.reads import Entry
from schedules.reviewing import Asked, Spoken
from schedules.states import DeliveryState
from studio import judging, playing, sheets
from studio import reads as studio_reads
from studio.playing import Reel
from studio.reads import Card
from studio.sheets import Sheet
from tenants import reads as tenant_reads
from tenants import sightings
from tenants.reads import Creator, Member
from tenants.roles import Role

BACK = timedelta(days=30)
"""How far back what the safety check kept is looked for."""

LATE = timedelta(days=1)
"""So long nobody should wait for a look."""

REVIEWABLE = frozenset(
    {
        Reason.REVIEW_MISSING,
        Reason.REVIEWER_CONFLICT,
        Reason.APPROVAL_EXPIRED,
        Reason.UNIT_CHANGED,
        Reason.CONTAINER_HIDDEN_CONTENT,
        Reason.CALIBRATION_LOW,
        Reason.RATING_LOWERING_INVALID,
    }
)
"""Reasons that end when somebody looked."""

DELIVERY = "delivery"


@dataclass(frozen=True)
class Hold:
    """Something the safety check keeps back. `entry` is its post where it is one; a message of a chat has none.

    `reviewable` says that somebody's look is all it needs.
    """

    subject: Subject
    creator: Creator
    account: str
    reasons: tuple[Message, ...]
    since: datetime
    unit_digest: str
    reviewable: bool
    entry: Entry | None


@dataclass(frozen=True)
class Approvals:
    """The page. `last` is the last word somebody said, by whom; `names` of members by principal."""

    creators: Mapping[UUID, Creator]
    posts: Sequence[Asked]
    holds: Sequence[Hold]
    sheets: Sequence[Sheet]
    pictures: Sequence[Card]
    """Those that are on no sheet."""
    alike: int
    """How many pictures resemble somebody, and wait for others to look at both."""
    doubts: Sequence[Entry]
    told: Mapping[UUID, Doubt]
    """What is known of each of those, by delivery."""
    requests: Sequence[Request]
    again: Sequence[Again]
    """Decisions about requests that are to be looked at again."""
    taken: Sequence[Taken]
    """What was taken away, and this member may ask about."""
    named: Mapping[UUID, str]
    """How the post begins that a request, an appeal or something taken away is about, by its first id; a message to a
    subscriber has none."""
    places: Mapping[UUID, str]
    """Names of accounts."""
    last: Spoken | None
    names: Mapping[UUID, str]
    authors: Mapping[str, str]
    people: Mapping[str, Role]
    """Roles of members, by `member:<id>` and by `principal:<id>`."""
    now: datetime

    def who(self, by: str, word: Callable[[str], str]) -> str:
        """Who said something of a picture: a name where names may be read here, and a role; or that nobody did."""
        kind, _, key = by.partition(":")
        if kind == "lowering":
            return word("past.lowered")
        if kind not in ("member", "principal"):
            return word("past.automatic")
        if by not in self.people:
            return word("past.gone")
        name = self.authors.get(by, "") if kind == "member" else self.names.get(UUID(key), "")
        role = word(f"role.{self.people[by]}")
        return f"{name} ({role})" if name else role

    @property
    def looks(self) -> Sequence[datetime]:
        """Since when each thing waits that somebody has to look at, the oldest first: how much work, and how old."""
        holds = (hold.since for hold in self.holds if hold.reviewable)
        return sorted([*holds, *(one.cards[0].at for one in self.sheets), *(card.at for card in self.pictures)])

    @property
    def late(self) -> int:
        """How many of those have waited for more than a day."""
        return sum(since < self.now - LATE for since in self.looks)

    @property
    def signature(self) -> tuple[int, ...]:
        """How many of each wait, and what is told of the doubts: another one means that the page is old."""
        waits = (self.posts, self.holds, self.sheets, self.pictures, self.doubts, self.requests, self.again, self.taken)
        told = sum(one.version for one in self.doubts)
        return (*(len(each) for each in waits), sum(len(one.cards) for one in self.sheets), self.alike, told)


@dataclass(frozen=True)
class Shot:
    """A picture of a post: `covered` until somebody presses to see it, `seen` once they did; `reel` where it moves or
    sounds."""

    asset_id: UUID
    sha256: str
    alt: str
    standing: Standing
    covered: bool
    seen: bool
    reel: Reel | None = None


@dataclass(frozen=True)
class Content:
    """One post as it would leave: on each account, with who is shown and what still has to be looked at."""

    previews: Sequence[Preview]
    shots: Sequence[Shot]
    people: Sequence[Depicted]
    own: bool
    agreed: bool
    """Whether this member has said yes, and another person's is missing."""
    tier: int
    tiers: int

    @property
    def rating(self) -> str:
        """The highest rating of its pictures, `none` while one of them has none."""
        known = [shot.standing.rating for shot in self.shots]
        rated = [rating for rating in known if rating is not None]
        return str(highest(rated)) if len(rated) == len(known) else "none"

    @property
    def unseen(self) -> tuple[UUID, ...]:
        """Pictures that have to be looked at before anybody may say yes."""
        return tuple(shot.asset_id for shot in self.shots if shot.covered and not shot.seen)


def approvals(
    scope: Scope,
    creators: Sequence[Creator],
    *,
    content: bool,
    review: bool,
    decide: bool = False,
    guest: bool = False,
) -> Approvals:
    """What waits, of these creators: `content` for who approves posts, `review` for who judges for the safety check,
    `decide` for who answers those who want something gone. With `guest` only what a guest may look at: no chats, no
    names, nothing that a look does not settle, but for a decision that another person has to look at again."""
    mine = {one.id: one for one in creators}
    trouble = [one for one in schedule_reads.needs_a_person(scope) if one.creator_id in mine]
    members = tenant_reads.members(scope)
    sheets_there, pictures = sheets.together(scope, sheets.waiting(scope, mine) if review else [])
    requests = complaints.waiting(scope, mine) if decide else []
    again = appealing.waiting(scope, mine) if review else []
    taken = appealing.taken(scope, mine) if content else []
    about = {one.ids[0]: one.copies for one in requests} | {one.ids[0]: one.copies for one in again}
    about |= {one.complaint_id: one.copies for one in taken}
    places = channel_reads.names(scope)
    holds = _holds(scope, mine, trouble, places)
    return Approvals(
        creators=mine,
        posts=reviewing.asked(scope, mine) if content else [],
        holds=[one for one in holds if one.reviewable and one.entry is not None] if guest else holds,
        sheets=sheets_there,
        pictures=pictures,
        alike=len(beside.waiting(scope, mine)) if review else 0,
        doubts=[one for one in trouble if one.state is DeliveryState.UNCERTAIN] if content else [],
        told=doubts(scope, trouble) if content else {},
        requests=requests,
        again=again,
        taken=taken,
        named=_named(scope, about),
        places=places,
        last=None if guest else reviewing.last_word(scope, mine),
        names={} if guest else clients.names(scope, mine) | {one.principal_id: one.name for one in members},
        authors={} if guest else {f"member:{one.id}": one.name for one in members},
        people={key: one.role for one in members for key in (f"member:{one.id}", f"principal:{one.principal_id}")},
        now=scope.now,
    )


def _named(scope: Scope, about: Mapping[UUID, Sequence[Copy]]) -> dict[UUID, str]:
    """How the posts begin; where one went with its creator, its copy may still be outside."""
    posted = {
        one: next((copy.subject.id for copy in copies if copy.subject.kind == DELIVERY), None)
        for one, copies in about.items()
    }
    begun = reviewing.beginnings(scope, {each for each in posted.values() if each is not None})
    return {one: begun[each] for one, each in posted.items() if each is not None and begun.get(each)}


def _holds(
    scope: Scope, mine: Mapping[UUID, Creator], trouble: Sequence[Entry], names: Mapping[UUID, str]
) -> list[Hold]:
    waiting = [one for one in gate_reads.waiting(scope, since=scope.now - BACK) if one.creator_id in mine]
    kept = {one.delivery_id: one for one in trouble if one.state is DeliveryState.HELD}
    found = [
        _hold(held, mine[held.creator_id], names.get(held.channel_id, "?"), kept.pop(held.subject.id, None))
        for held in waiting
        if held.subject.kind != DELIVERY or held.subject.id in kept
    ]
    blocked = [one for one in kept.values() if one.reason is not None and one.reason.code.startswith("gate.")]
    found += [_blocked(entry, mine[entry.creator_id], min(entry.due_at, scope.now)) for entry in blocked]
    return sorted(found, key=lambda hold: hold.since)


def _hold(held: Held, creator: Creator, account: str, entry: Entry | None) -> Hold:
    return Hold(
        held.subject,
        creator,
        account,
        gate_reads.said(held.reasons),
        held.since,
        held.unit_digest,
        bool(held.reasons) and set(held.reasons) <= REVIEWABLE,
        entry,
    )


def _blocked(entry: Entry, creator: Creator, since: datetime) -> Hold:
    """A post the check refused for another cause, or that somebody reviewed already: it may be tried again."""
    reasons = (entry.reason,) if entry.reason is not None else ()
    subject = Subject(DELIVERY, entry.delivery_id)
    return Hold(subject, creator, entry.channel, reasons, since, "", False, entry)


def content(scope: Scope, asked: Asked, creator: Creator, member: Member) -> Content:
    """One post as it would leave now."""
    channels = tuple(wish.channel_id for wish in asked.wishes)
    said = (asked.title, asked.body, asked.media, channels, asked.text_ai, asked.parts, asked.others)
    draft = Draft(asked.creator_id, *said, post_id=asked.post_id)
    previews = previewing.previews(scope, draft, author=asked.author, connectors=connectors())
    shown = {asset: medium for one in previews for asset, medium in zip(one.said.assets, one.all_media, strict=False)}
    return Content(
        previews=previews,
        shots=shots(scope, [(asset, medium.sha256, medium.alt) for asset, medium in shown.items()]),
        people=gate_reads.people_in(scope, [medium.sha256 for medium in shown.values()]),
        own=asked.author_principal == member.principal_id,
        agreed=asked.tier_for(member.principal_id) is None,
        tier=asked.tier_for(member.principal_id) or asked.missing,
        tiers=creator.approval_tiers,
    )


def shots(scope: Scope, pictures: Collection[tuple[UUID, str, str]]) -> list[Shot]:
    """Pictures, given as asset, bytes and the words in their place, as this member may see them now; those nobody
    recorded are left out. Read at once."""
    if not pictures:
        return []
    assets = {asset for asset, _, _ in pictures}
    standing = ratings.standing(scope, {sha256 for _, sha256, _ in pictures})
    seen, reels = files.seen(scope, assets), playing.reels(scope, assets)
    return [
        Shot(asset, sha256, alt, known, files.covered(known.rating), asset in seen, reels.get(asset))
        for asset, sha256, alt in pictures
        if (known := standing.get(sha256)) is not None
    ]


@dataclass(frozen=True)
class Reviewed:
    """What a reviewer is shown of something held: its words as they would be read, and its pictures."""

    texts: tuple[str, ...]
    shots: Sequence[Shot]
    past: Mapping[UUID, tuple[Past, ...]]
    """What was said before of each picture, by asset."""
    own: str
    """Why this member's yes does not count: they wrote it, or count as who did; "" when it does."""
    alone: bool = False
    """Whether they may ask to publish it as their own picture: they wrote it, and counsel opened that somewhere."""


def reviewed(scope: Scope, hold: Hold, member: Member) -> Reviewed:
    """What was judged. Raises NotFound when nothing is kept of it."""
    unit = gate_reads.unit_of(scope, hold.unit_digest)
    if unit is None:
        raise NotFound("review.unknown")
    known = studio_reads.assets_of(scope, [medium.sha256 for medium in unit.all_media])
    assets = {asset: sha256 for sha256, asset in known.items()}
    author = None
    if hold.entry is not None:
        author = schedule_reads.written_post(scope, hold.entry.post_id).author_principal
    texts = tuple(text.body for part in (*unit.before, Part(unit.texts)) for text in part.texts)
    pictures = ((known[one.sha256], one.sha256, one.alt) for one in unit.all_media if one.sha256 in known)
    shown = shots(scope, dict.fromkeys(pictures))
    own = own_work(scope, author, member)
    alone = author == member.principal_id and bool(assets) and bool(inforce.rules(scope).opened)
    return Reviewed(texts, shown, past_of(scope, assets), own, alone)


def past_of(scope: Scope, assets: Mapping[UUID, str]) -> dict[UUID, tuple[Past, ...]]:
    """What was said before of pictures, given with their bytes; those nobody spoke of are absent."""
    found = history.past(scope, set(assets.values()))
    return {asset: found[sha256] for asset, sha256 in assets.items() if sha256 in found}


def own_work(scope: Scope, author: UUID | None, member: Member) -> str:
    """Why this member's yes does not count for what this human made; "" when it does."""
    return own_works(scope, [author], member).get(author, "") if author is not None else ""


def own_works(scope: Scope, authors: Collection[UUID], member: Member) -> dict[UUID, str]:
    """The same of several, read at once; those for whom it counts are absent."""
    found = {author: "approvals.own" for author in authors if author == member.principal_id}
    others = set(authors) - found.keys()
    same = sightings.same(scope, next(iter(others)) if len(others) == 1 else None) if others else {}
    together = {one for one in others if member.principal_id in same.get(one, frozenset())}
    return found | dict.fromkeys(together, "approvals.seen_together")


@dataclass(frozen=True)
class Judged:
    """A picture to judge, why this member's yes to it does not count ("" when it does), and what was said before."""

    card: Card
    shot: Shot
    own: str
    past: tuple[Past, ...]


def judged(scope: Scope, cards: Sequence[Card], member: Member) -> list[Judged]:
    """Pictures to judge, read at once."""
    if not cards:
        return []
    actors = judging.makers(scope, [card.asset_id for card in cards])
    members = {f"member:{one.id}": one.principal_id for one in tenant_reads.members(scope)}
    makers = {asset: members[actor] for asset, actor in actors.items() if actor in members}
    own = own_works(scope, set(makers.values()), member)
    known = shots(scope, [(one.asset_id, one.sha256, one.alt) for one in cards])
    past = past_of(scope, {one.asset_id: one.sha256 for one in cards})
    why = {asset: own[maker] for asset, maker in makers.items() if maker in own}
    return [
        Judged(card, shot, why.get(card.asset_id, ""), past.get(card.asset_id, ()))
        for card in cards
        for shot in known
        if shot.asset_id == card.asset_id
    ]


def given(member: Member, mine: Sequence[Creator], *, works: bool) -> list[Creator]:
    """The creators whose content this member may be asked about: who only reviews sees what was given to them."""
    return list(mine) if works or member.creators else []
