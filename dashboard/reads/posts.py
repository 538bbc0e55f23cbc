"""One post with its whole story, on each of its accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from channels import reads as channel_reads
from connectors.options import Told
from dashboard.reads.compose import told_on
from dashboard.reads.places import Place, places
from dashboard.reads.series import of_occurrence
from foundation.database import Scope
from foundation.errors import NotFound
from gate import inforce
from gate.switches import Halt
from schedules import blocked, drafting, labels, pools, rehearsing
from schedules import reads as schedule_reads
from schedules.coming import Against, approvers, lacks_yes, rewritable, sent_back, stopped
from schedules.labels import Label
from schedules.overrides import Content
from schedules.previewing import Rule, rule_of
from schedules.reads import Written
from schedules.states import DeliveryState
from tenants import reads as tenant_reads
from tenants.reads import Creator

S = DeliveryState


@dataclass(frozen=True)
class Opened:
    """One post with its story; `by` is who wrote it, `approvers` who may say yes to it, where that is missing."""

    now: datetime
    post: Written
    creator: Creator
    by: str
    places: Sequence[Place]
    approvers: Sequence[str]
    half: bool
    """Whether one yes of two was said."""
    free: bool
    """Whether what is draft, or on hold for want of a yes, waits for nobody's any more, only for a press."""
    people: Mapping[str, str]
    """Names of members by how they sign."""
    rules: Mapping[UUID, Rule]
    """What each account's place allows."""
    halt: Halt
    said: Mapping[UUID, Content]
    """What the post says on each account it goes to."""
    everywhere: Sequence[DeliveryState]
    """How all of it stands: `places` are those of one time where it repeats."""
    rehearsed: bool = False
    """Whether the post is only rehearsed for now."""
    platforms: Mapping[UUID, str] = field(default_factory=dict)
    """Of its creator's accounts."""
    chosen: Mapping[UUID, Sequence[Told]] = field(default_factory=dict)
    """What it chooses on each account it goes to beside its words."""
    labels: Sequence[Label] = ()
    comes_back: bool = False
    """Whether a pool posts it again and again."""
    sent_back: Against | None = None
    """Whose word its author has to answer before anybody says yes."""

    def waits(self, place: Place) -> bool:
        """Whether an emergency stop keeps it back there."""
        return stopped(self.halt, place.entry)

    @property
    def zone(self) -> str:
        """The clock it is planned on: its creator's, unless another one was chosen."""
        return self.places[0].entry.zone if self.places else self.creator.zone

    def otherwise(self, place: Place) -> bool:
        """Whether the post says something else there."""
        return self.said[place.entry.channel_id].words != self.post.said

    @property
    def rewritable(self) -> bool:
        """Whether its words may still change."""
        return rewritable(self.everywhere)


def opened(scope: Scope, mine: Sequence[Creator], post_id: UUID, occurrence: str = "") -> Opened:
    """One post with the story of each account, of one that repeats as it leaves at one time (of those of its key, or
    the next). Raises NotFound for one of a creator who is not theirs."""
    post = schedule_reads.written_post(scope, post_id)
    creator = next((one for one in mine if one.id == post.creator_id), None)
    if creator is None:
        raise NotFound("post.unknown")
    accounts = {one.id: one for one in channel_reads.channels_of(scope, creator.id)}
    whole = schedule_reads.of_post(scope, post_id, names={key: one.name for key, one in accounts.items()})
    entries = of_occurrence(whole, occurrence, scope.now)
    members = tenant_reads.members(scope)
    people = {f"member:{member.id}": member.name for member in members}
    rules = inforce.rules(scope)
    wished = any(one.state is S.DRAFT or lacks_yes(one) for one in entries)
    said = {key: post.on(accounts[key]) for key in dict.fromkeys(one.channel_id for one in entries)}
    return Opened(
        now=scope.now,
        post=post,
        creator=creator,
        by=people.get(post.author, ""),
        places=places(scope, entries, whole, accounts),
        approvers=approvers(scope, post_id) if wished else (),
        half=wished and drafting.is_half(scope, post_id),
        free=wished and drafting.is_free(scope, post_id),
        people=people,
        rules={key: rule_of(rules, one.platform, one.surface, scope.now.date()) for key, one in accounts.items()},
        halt=blocked.halted(scope),
        said=said,
        everywhere=[one.state for one in whole],
        rehearsed=post_id in rehearsing.running(scope),
        platforms={key: one.platform for key, one in accounts.items()},
        chosen={key: told_on(accounts[key].platform, one.options) for key, one in said.items() if one.options},
        labels=labels.of_posts(scope, [post_id]).get(post_id, ()),
        comes_back=bool(pools.holding(scope, post_id)),
        sent_back=sent_back(scope, creator.id, post_id) if wished else None,
    )
