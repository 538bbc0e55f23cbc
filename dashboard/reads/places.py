"""One account of a post: how it stands there, everything that happened, and what stands in its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from channels import budgets, handing, links
from channels import reads as channel_reads
from channels.budgets import Blocked
from channels.links import Clicks
from channels.reads import AttemptStory, Channel
from dashboard.reads.compose import connectors
from dashboard.reads.doubts import Doubt, doubts
from foundation.database import Scope
from foundation.words import Message
from gate import copies
from gate.units import Subject
from schedules import coming, edit_reads, passing, preflights, rehearsing
from schedules import reads as schedule_reads
from schedules.composing import subject
from schedules.edit_reads import Reworded
from schedules.reads import Entry, Step
from schedules.states import CANCELLABLE, PLANNABLE, TO_COME, DeliveryState

S = DeliveryState
JUDGED = 8
"""Places of a post that are checked ahead each time it is looked at; the others are ten minutes before their time."""


@dataclass(frozen=True)
class Place:
    """One account of a post: how it stands, what happened and what was asked of the platform."""

    entry: Entry
    steps: Sequence[Step]
    attempts: Sequence[AttemptStory]
    clicks: Clicks | None = None
    """How often its short addresses were followed; None where it has none."""
    dry: bool = False
    """Whether it is only rehearsed, as things stand."""
    in_the_way: Message | None = None
    """Why its account would let nothing leave at the hour of its next try."""
    troubles: Sequence[Message] = ()
    """What would stop it at its time, as things stand; the first few places alone are judged."""
    doubt: Doubt | None = None
    """What is known of it, where it is in doubt."""
    by_hand: bool = False
    """Whether somebody has to take it away by hand."""
    first: Entry | None = None
    """The one it is posted once more of."""
    edits: Sequence[Reworded] = ()
    """Other words that were asked for there, while it stands."""

    @property
    def leaves_at(self) -> datetime:
        """When it goes: its time, or that of its next try."""
        return coming.leaves_at(self.entry)

    @property
    def movable(self) -> bool:
        """Whether a person may give it another time."""
        return self.entry.state in PLANNABLE or self.entry.state in (S.DRAFT, S.APPROVED)


def _by_hand(scope: Scope, what: Subject) -> bool:
    return bool(handing.awaited(scope, {one.jti for one in copies.traces(scope, what)}))


def _first(whole: Sequence[Entry], entry: Entry) -> Entry | None:
    """The delivery that one was asked for once more of, on the same account."""
    key = passing.first_key(entry.occurrence_key)
    if key == entry.occurrence_key:
        return None
    known = (one for one in whole if (one.channel_id, one.occurrence_key) == (entry.channel_id, key))
    return next((one for one in known if one.state is not S.CANCELLED), None)


def places(
    scope: Scope, entries: Sequence[Entry], whole: Sequence[Entry], accounts: Mapping[UUID, Channel]
) -> list[Place]:
    """Each account of a post, with its story; what is known of all of them is read at once. `whole` is all of it."""
    about = {one.delivery_id: subject(one.delivery_id) for one in entries}
    stories, tried = schedule_reads.stories(scope, list(about)), channel_reads.attempts_of(scope, about.values())
    clicked, dry = links.clicks(scope, list(about.values())), rehearsing.covered(scope)
    held = budgets.limits(scope, {one.channel_id for one in entries}, brake=True, posts=True)
    known, reworded = doubts(scope, entries), edit_reads.of_deliveries(scope, list(about))
    found = []
    for one in entries:
        what = about[one.delivery_id]
        only = one.state in CANCELLABLE and (one.dry or dry(one.post_id, one.channel_id))
        place = replace(
            Place(one, stories[one.delivery_id], tried[what], clicked.get(what), only),
            doubt=known.get(one.delivery_id),
            by_hand=one.state is S.REMOVING and _by_hand(scope, what),
            first=_first(whole, one),
            edits=reworded.get(one.delivery_id, ()),
        )
        found.append(_ahead(place, accounts[one.channel_id], held.get(one.channel_id)))
    return _judged(scope, found)


def _judged(scope: Scope, found: Sequence[Place]) -> list[Place]:
    """With what would stop those that are to leave, the first ones due."""
    ahead = [one for one in found if not one.dry and one.entry.state in TO_COME]
    judged = {one.entry.delivery_id for one in sorted(ahead, key=lambda one: one.entry.due_at)[:JUDGED]}
    return [
        replace(one, troubles=preflights.of_delivery(scope, one.entry.delivery_id, connectors()))
        if one.entry.delivery_id in judged
        else one
        for one in found
    ]


def _ahead(place: Place, on: Channel, held: Blocked | None) -> Place:
    """With what stands in its way there, where it is to leave by itself."""
    if place.dry or place.entry.state not in (S.APPROVED, S.SCHEDULED, S.PARTLY):
        return place
    return replace(place, in_the_way=budgets.in_the_way(on, held, place.leaves_at))
