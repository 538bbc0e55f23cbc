"""How the house works for this agency: its queues, what gave up, the stops that hold, who did what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from channels import reads as channel_reads
from channels.reads import Channel
from dashboard.reads.strangers import Stranger, strangers
from foundation import outbox
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.ids import HOUSE
from foundation.outbox import DeadEvent, QueueStats
from gate import ageing, inforce, inspecting, limits, switches
from gate.ageing import Due
from gate.inspecting import Eyes
from gate.limits import Kept
from gate.switches import Stop
from insights import transparency
from studio import storing
from tenants import audit, passkeys
from tenants import reads as tenant_reads
from tenants.audit import Act
from tenants.reads import Creator, Member

READ, LINES = 200, 50
"""Entries of the audit that are read, and lines made of them."""

LATE = timedelta(minutes=1)
"""A due task that waits for longer means that the workers are down, or far behind."""


@dataclass(frozen=True)
class Moving:
    """How the agency's tasks move; alone, since an open page asks for it again and again."""

    queues: Sequence[QueueStats]
    now: datetime

    @property
    def oldest(self) -> timedelta:
        """How long the oldest due task has been waiting."""
        return max((queue.oldest for queue in self.queues), default=timedelta())

    @property
    def behind(self) -> bool:
        """Whether tasks wait longer than they should."""
        return self.oldest > LATE


@dataclass(frozen=True)
class System:
    """The page's values; `names` are of members by id, for saying who did what."""

    moving: Moving
    dead: Sequence[DeadEvent]
    stops: Sequence[Stop]
    acts: Sequence[tuple[Act, int]]
    """What was done last, and how many times one after the other by the same hand: a hundred looks are one line. None
    for who works for some creators alone: an act does not say whose work it was about."""
    creators: Sequence[Creator]
    """Those this member works for."""
    names: Mapping[str, str]
    months: Sequence[date]
    """The months whose numbers can be taken away, by their first days."""
    humans: Mapping[UUID, str]
    now: datetime
    eyes: Eyes
    rules: Sequence[Due] = ()
    """Rules of places that somebody has to read again."""
    limits: Sequence[Kept] = ()
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Each with the rules it is judged by, under whose names it is said in words."""
    strangers: Sequence[Stranger] = ()
    kept: int = 0
    """Bytes of the library, each object once."""
    keyed: frozenset[UUID] = frozenset()
    """Members who have a passkey."""
    accounts: Sequence[Channel] = ()
    """Those of these creators."""
    above: Sequence[Stop] = ()
    """Stops of the whole installation, which no agency ends."""
    others: bool = False
    """Whether there are creators this member does not work for."""

    def who(self, actor: str) -> str:
        """The member's name; "" for the house itself."""
        return self.names.get(actor, "")

    def reader(self, due: Due) -> str:
        """Who read a rule, and waits for a second member; "" where nobody did."""
        return self.humans.get(due.waiting.by, "") if due.waiting is not None else ""


@dataclass(frozen=True)
class Hold:
    """An emergency stop as every page tells it: of one creator or one account of hers, by name, of a platform, or of
    the whole agency (both empty). Accounts of several creators often have one name."""

    whom: str
    platform: str
    since: datetime


def holds(scope: Scope, mine: Callable[[Scope], Sequence[Creator]]) -> list[Hold]:
    """The stops that keep this member's work back, each once; two statements while nothing is stopped."""
    above = switches.stops(scope, of=HOUSE)
    found = [stop for stop in (*switches.stops(scope), *above) if stop.where != "chat"]
    if not found:
        return []
    known = stoppable(scope, mine(scope))
    since = {known[key]: stop.since for stop in found if (key := (stop.where, stop.target)) in known}
    return [Hold(*whom, at) for whom, at in since.items()]


def stoppable(scope: Scope, mine: Sequence[Creator]) -> dict[tuple[str, str], tuple[str, str]]:
    """What can be stopped of these creators' work, as a switch knows it, each with the name and the platform it is told
    by."""
    names = {one.id: one.name for one in mine}
    accounts = [one for one in channel_reads.every_channel(scope) if one.creator_id in names]
    known = {("global", ""): ("", ""), ("tenant", ""): ("", "")}
    known |= {("creator", str(one)): (name, "") for one, name in names.items()}
    known |= {("platform", one.platform): ("", one.platform) for one in accounts}
    return known | {
        ("channel", str(one.id)): (f"{names[one.creator_id]}, {one.name}", one.platform) for one in accounts
    }


def _theirs(scope: Scope, member: Member) -> list[Creator]:
    return [one for one in tenant_reads.creators(scope) if member.works_for(one.slug)]


def standing(scope: Scope, member: Member) -> list[Stop]:
    """The agency's stops that hold and that this member may know of, the latest first: all, or those that reach a
    creator they work for."""
    found = switches.stops(scope)
    if not found or not member.creators:
        return found
    reach = set(stoppable(scope, _theirs(scope, member)))
    reach |= {("chat", target) for where, target in reach if where == "channel"}
    return [one for one in found if (one.where, one.target.partition(":")[0]) in reach]


def check_end(scope: Scope, stop: tuple[str, str, str]) -> None:
    """Raise unless the member who acts may end this stop (where, target, feature) as far as whose it is goes: NotFound
    where it holds no more or reaches no creator they work for, Refused where it reaches others' too."""
    member = tenant_reads.acting(scope, "switch.people_only")
    if stop not in [(one.where, one.target, one.feature) for one in standing(scope, member)]:
        raise NotFound("switch.ended")
    switches.check_end(scope, member, *stop[:2])


def check_stop(scope: Scope, where: str, target: str) -> None:
    """Raise NotFound where such a stop would reach nobody whom the member who acts works for. What reaches others too
    they may stop: it is a brake."""
    member = tenant_reads.acting(scope, "switch.people_only")
    if (where, target) not in stoppable(scope, _theirs(scope, member)):
        raise NotFound("system.not_yours")


def _known(scope: Scope, places: Sequence[tuple[str, str]], kept: Sequence[Kept]) -> Mapping[str, Sequence[str]]:
    """The rows of these places and of those that are kept tighter, each with the rules it is judged by, as a post's own
    page names them; of a place without a row nothing leaves anyway."""
    rules, today = inforce.rules(scope), scope.now.date()
    names = {surface if surface.startswith(f"{platform}.") else f"{platform}.{surface}" for platform, surface in places}
    known = sorted(name for name in names | {one.place for one in kept} if name in rules.rows)
    return {name: [rule for rule, _ in rules.sources(rules.rows[name].platform, name, on=today)] for name in known}


def _runs(acts: Sequence[Act]) -> list[tuple[Act, int]]:
    """Each act with how often it was done without another between, the newest standing for all."""
    runs = [list(run) for _, run in groupby(acts, key=lambda act: (act.actor, act.act))]
    return [(run[0], len(run)) for run in runs[:LINES]]


def moving(scope: Scope) -> Moving:
    """How this agency's tasks move."""
    return Moving(outbox.stats(scope), scope.now)


def system(scope: Scope, member: Member) -> System:
    """The agency's own part of the machine, as far as this member may see; another agency's tasks are not counted."""
    people, places, kept = tenant_reads.members(scope), channel_reads.places(scope), limits.kept(scope)
    every = tenant_reads.creators(scope)
    mine = {one.id: one for one in every if member.works_for(one.slug)}
    others = len(mine) < len(every)
    return System(
        moving=moving(scope),
        dead=outbox.dead(scope, limit=50),
        stops=standing(scope, member),
        above=switches.stops(scope, of=HOUSE),
        acts=[] if others else _runs(audit.recent(scope, limit=READ)),
        creators=list(mine.values()),
        others=others,
        months=transparency.months(scope),
        names={f"member:{one.id}": one.name for one in people},
        humans={one.principal_id: one.name for one in people},
        now=scope.now,
        eyes=inspecting.eyes(scope),
        rules=ageing.due(scope, places),
        limits=kept,
        places=_known(scope, places, kept),
        strangers=strangers(scope),
        kept=storing.used(scope),
        keyed=passkeys.holders(scope),
        accounts=[one for one in channel_reads.every_channel(scope) if one.creator_id in mine],
    )
