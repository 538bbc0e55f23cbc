"""What the tour's steps have come to, read from what really happened: a step may be left, done twice, undone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels import reads as channel_reads
from channels import tasks
from channels.reads import Channel
from channels.tasks import Task
from dashboard.touring import COUNTED, KILLED, ORIGIN, WAYS, about
from foundation.database import Scope
from gate import complaints, inforce
from gate import reads as gate_reads
from gate.complaints import Standing
from gate.reads import Verdict
from gate.states import ComplaintState
from schedules import reads as schedule_reads
from schedules.drafting import ORIGIN as COMPOSED
from schedules.previewing import Rule, rule_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from subscribers import closing, shop, statements
from subscribers.shop import Story
from subscribers.statements import Brought
from subscribers.states import FulfilmentState, RefundState
from tenants import audit
from tenants.audit import Act
from tenants.reads import Creator

MIA, NOVA = "mia", "nova"
VISITOR = "visite-"
"""How the fan is called who the tour sends to the chat."""

DELIVERY = "delivery"
STEPS = ("publish", "talk", "cheat", "break", "remove", "count", "connect")
S = DeliveryState


@dataclass(frozen=True)
class Try:
    """One way to cheat: the post it made, what the safety check said, and by which rule."""

    entry: Entry
    verdict: Verdict | None
    rule: Rule | None

    @property
    def refused(self) -> bool:
        """Whether it was kept back."""
        return self.entry.state in (S.HELD, S.FAILED) and self.verdict is not None


@dataclass(frozen=True)
class Burst:
    """A burst of posts: how many there are, how they stand, who was killed, and what the network's record said."""

    run: UUID
    entries: Sequence[Entry]
    killed: Act | None
    counted: Act | None

    @property
    def states(self) -> Mapping[DeliveryState, int]:
        """How many stand how."""
        return Counter(one.state for one in self.entries)


@dataclass(frozen=True)
class Removed:
    """A request from Mia's page, where her copies stood, and what is left for somebody to do."""

    standing: Standing
    names: Mapping[UUID, str]
    left: Sequence[Task]

    @property
    def gone(self) -> int:
        """Copies that are proven gone."""
        return sum(one.gone_at is not None for one in self.standing.copies)

    @property
    def seconds(self) -> float:
        """From the request to the last proof."""
        ends = [one.gone_at for one in self.standing.copies if one.gone_at is not None]
        return (max(ends) - self.standing.at).total_seconds() if ends else 0.0


@dataclass(frozen=True)
class Tour:
    """All steps. `page` is Mia's own page, `chat` Nova's account with the chat; None where there is none any more."""

    now: datetime
    mia: Creator | None
    nova: Creator | None
    page: Channel | None
    chat: Channel | None
    places: Mapping[UUID, str]
    posted: Entry | None
    bought: Story | None
    tries: Mapping[str, Try]
    burst: Burst | None
    five: Sequence[Entry]
    removed: Removed | None
    brought: Brought | None
    closed: Sequence[date]
    connected: Sequence[str]
    """Accounts outside of the house and of the sandbox."""

    @property
    def done(self) -> Mapping[str, bool]:
        """Which steps were gone through."""
        removed = self.removed
        return {
            "publish": self.posted is not None and self.posted.state is S.PUBLISHED,
            "talk": self.bought is not None and came_back(self.bought) and delivered(self.bought),
            "cheat": len(self.tries) == len(WAYS) and all(one.refused for one in self.tries.values()),
            "break": self.burst is not None and self.burst.counted is not None,
            "remove": removed is not None and removed.standing.state is ComplaintState.CALLED and removed.gone > 0,
            "count": self.brought is not None,
            "connect": bool(self.connected),
        }


def came_back(story: Story) -> bool:
    """Whether a second charge was given back."""
    return any(one.kind == "duplicate" and one.refund is RefundState.DONE for one in story.charges)


def delivered(story: Story) -> bool:
    """Whether what was bought has arrived."""
    return story.order.push is FulfilmentState.DELIVERED


def tour(scope: Scope, mine: Sequence[Creator]) -> Tour:
    """How far this agency's tour has come, for a member who works for these creators."""
    by_slug, ids = {one.slug: one for one in mine}, [one.id for one in mine]
    mia, nova = by_slug.get(MIA), by_slug.get(NOVA)
    channels = [one for one in channel_reads.every_channel(scope) if one.creator_id in set(ids)]
    ours = schedule_reads.of_origin(scope, ORIGIN, ids, limit=90)
    page = _own_page(channels, mia)
    return Tour(
        now=scope.now,
        mia=mia,
        nova=nova,
        page=page,
        chat=next((one for one in channels if nova and one.creator_id == nova.id and one.chat_surface), None),
        places={one.id: one.name for one in channels},
        posted=_posted(scope, mia, page),
        bought=_bought(scope, nova),
        tries=_tries(scope, ours, channels),
        burst=_burst(scope, ours),
        five=_latest(ours, "five:"),
        removed=_removed(scope, mia, channels),
        brought=next(iter(statements.recent(scope, ids, limit=1)), None),
        closed=sorted(closing.closed_months(scope, mia.id)) if mia else (),
        connected=[one.name for one in channels if one.base_url.startswith("https://")],
    )


def _own_page(channels: Sequence[Channel], mia: Creator | None) -> Channel | None:
    theirs = [one for one in channels if mia is not None and one.creator_id == mia.id]
    return next((one for one in theirs if not one.chat_surface and one.account == MIA), None)


def _posted(scope: Scope, mia: Creator | None, page: Channel | None) -> Entry | None:
    """The newest post somebody wrote here for her page."""
    if mia is None or page is None:
        return None
    written = schedule_reads.of_origin(scope, COMPOSED, [mia.id], limit=20)
    return next((one for _, one in written if one.channel_id == page.id), None)


def _bought(scope: Scope, nova: Creator | None) -> Story | None:
    if nova is None:
        return None
    sold = next((one for one in shop.orders(scope, [nova.id]) if one.fan.startswith(VISITOR)), None)
    return shop.story(scope, sold.id) if sold is not None else None


def _latest(ours: Sequence[tuple[str, Entry]], step: str) -> list[Entry]:
    """The entries of the newest run of a step."""
    first = next((key for key, _ in ours if key.startswith(step)), None)
    run = first.split(":")[1] if first is not None else ""
    return [entry for key, entry in ours if run and key.startswith(f"{step}{run}")]


def _tries(scope: Scope, ours: Sequence[tuple[str, Entry]], channels: Sequence[Channel]) -> dict[str, Try]:
    newest: dict[str, Entry] = {}
    for key, entry in ours:
        step, _, rest = key.partition(":")
        if step == "cheat" and entry.state is not S.CANCELLED:
            newest.setdefault(rest.partition(":")[0], entry)
    said = gate_reads.verdicts(scope, DELIVERY, [one.delivery_id for one in newest.values()])
    places = {one.id: one for one in channels}
    found, rules = {}, inforce.rules(scope)
    for way, entry in newest.items():
        verdict, place = said.get(entry.delivery_id), places.get(entry.channel_id)
        on = verdict.at.date() if verdict is not None else scope.now.date()
        rule = rule_of(rules, place.platform, place.surface, on) if place is not None else None
        found[way] = Try(entry, verdict, rule)
    return found


def _burst(scope: Scope, ours: Sequence[tuple[str, Entry]]) -> Burst | None:
    first = next((key for key, _ in ours if key.startswith("burst:")), None)
    if first is None:
        return None
    run = UUID(first.split(":")[1])
    entries = [entry for key, entry in ours if key.startswith(f"burst:{run}")]
    return Burst(run, entries, audit.last(scope, KILLED, about(run)), audit.last(scope, COUNTED, about(run)))


def _removed(scope: Scope, mia: Creator | None, channels: Sequence[Channel]) -> Removed | None:
    standing = complaints.latest(scope, mia.id) if mia is not None else None
    if standing is None or mia is None:
        return None
    left = [one for one in tasks.due(scope, creators=[mia.id]) if one.removal and one.live]
    return Removed(standing, {one.id: one.name for one in channels}, left)
