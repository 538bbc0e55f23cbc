"""What people say of a post: what they want changed, what changed since they spoke, and their comments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from channels import reads as channel_reads
from foundation.database import Scope
from foundation.words import Message
from schedules import changes, clients, comments, overrides, talking
from schedules.changes import Change, Since, Wanted
from schedules.comments import WHOLE, Comment, Spot
from schedules.reads import Written
from tenants import reads as tenant_reads
from tenants.reads import Member


@dataclass(frozen=True)
class Talk:
    """All of it, as one member may read it; `names` are people's by principal, without those who left."""

    now: datetime
    post_id: UUID
    comments: Sequence[Comment]
    wanted: Sequence[Wanted]
    since: Since | None
    live: bool
    """Whether a new version of it is waited for, where one is wanted: not once all of it is off the calendar."""
    names: Mapping[UUID, str]
    listeners: Sequence[Member]
    spots: Mapping[Spot, Message]
    places: Mapping[str, str]
    """Accounts by id: where a post says something else, beside platforms."""
    told: bool
    """Whether this member was told of something and has not said that they read it."""
    inside: bool
    """Whether this member reads what is internal, and may write it."""

    @property
    def count(self) -> int:
        """How many things were said, answers too."""
        return sum(1 + len(one.answers) for one in self.comments)

    @property
    def open(self) -> int:
        """How many of them still wait."""
        return sum(one.open for one in self.comments)

    def spot(self, one: Comment) -> Message | None:
        """What of the post is meant, where it is not all of it; of what is gone from it, that."""
        if one.spot == WHOLE:
            return None
        return self.spots.get(one.spot, Message("talk.spot_gone"))

    def where(self, one: Change) -> Message:
        """Which text of the post changed."""
        if one.field == "title":
            return Message("talk.title")
        if one.field == "price":
            return Message("talk.price")
        if one.field.startswith("option:"):
            return Message("talk.option", {"option": one.field.partition(":")[2]})
        if one.field == "comment":
            return Message("compose.comment")
        return Message("compose.part", {"number": one.part + 1}) if one.part else Message("talk.words_of_post")


def talk(scope: Scope, post_id: UUID, member: Member) -> Talk:
    """What is said of a post. Raises NotFound for one of a creator who is not this member's."""
    found, members = talking.said(scope, post_id), tenant_reads.members(scope)
    readers = comments.readers(members, found.creator, internal=False)
    return Talk(
        now=scope.now,
        post_id=post_id,
        comments=found.comments,
        wanted=found.wanted,
        since=found.since,
        live=found.live,
        names=clients.names(scope, [found.creator.id]) | {one.principal_id: one.name for one in members},
        listeners=[one for one in readers if one.principal_id != member.principal_id],
        spots=_spots(found.post),
        places={str(key): name for key, name in channel_reads.names(scope).items()},
        told=comments.told(scope, post_id, member.principal_id),
        inside=comments.works_here(member),
    )


def asked_of(scope: Scope, post_id: UUID) -> list[tuple[str, Wanted]]:
    """What is asked of a post as it stands, the last first, each with who asks ("" for somebody who left). Raises
    NotFound for a post of a creator who is not this member's."""
    row, _, creator = comments.room(scope, post_id, lock=False)
    pending = [one for one in changes.history(scope, row)[0] if not (one.answered or one.agreed)]
    if not pending:
        return []
    names = clients.names(scope, [creator.id]) | {one.principal_id: one.name for one in tenant_reads.members(scope)}
    return [(names.get(one.by, ""), one) for one in pending]


def _spots(post: Written) -> dict[Spot, Message]:
    """All that a comment may be about, in the order the post is read, with what people call it."""
    found = {WHOLE: Message("talk.whole")}
    for number, part in enumerate(post.parts, start=1):
        found[Spot(number)] = (
            Message("compose.comment") if part.comment else Message("compose.part", {"number": number + 1})
        )
    pictures = overrides.every_asset(post.media, post.parts, post.others)
    for number, asset in enumerate(pictures, start=1):
        found[Spot(0, asset)] = Message("talk.picture", {"number": number})
    return found
