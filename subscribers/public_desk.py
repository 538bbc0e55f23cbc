"""What members do with what people say in public: answer it, hide it, keep its author away, or call it done.

An answer goes the way of everything that leaves: a row, the safety check, a single-use clearance, the platform.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast, get_args
from uuid import UUID

from channels import reads as channel_reads
from channels import removing
from connectors.capabilities import Capabilities
from connectors.outcomes import Disconnected, Outcome, Published, Reauthorize, Rejected, Retry
from connectors.remarks import Act
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.ids import uuid7
from foundation.words import Message
from gate import copies, minting
from gate import reads as gate_reads
from gate.copies import Copy
from gate.units import REMARK, Subject
from subscribers import composing, directory, drafts, speakers, talks
from subscribers import remark_rows as remarks
from subscribers.events import RemarkModerate
from subscribers.models import Conversation, Remark
from subscribers.states import DraftState, OwnerState
from tenants import audit, notices

ACTS: tuple[Act, ...] = get_args(Act)
DONE: dict[Act, str] = {"hide": "hidden", "show": "open", "delete": "deleted", "block": "done", "report": "done"}
"""What a remark is after an act; a like changes nothing of that."""

LIKES: dict[str, bool] = {"like": True, "unlike": False}
"""Whether the account likes a remark after an act."""

LONGEST = 1000
"""Characters of an answer: a comment, not a letter. Platforms that take less say so."""

AGAIN = timedelta(seconds=30)
"""Between two tries of an act at least: nobody waits for it at a screen."""

Moderate = Callable[[UUID, UUID, str, str, Act], Outcome]
"""`channels.remarks.moderate` with its collaborators bound."""


@dataclass(frozen=True)
class Heard:
    """A line of a public conversation and what can be done with it: `state` as `subscribers.models.Remark` has it;
    `liked` by the account."""

    id: UUID
    seq: int
    text: str
    under: str
    url: str
    at: datetime
    state: str
    liked: bool


def heard(scope: Scope, conversation_id: UUID, *, most: int = 20) -> list[Heard]:
    """The remarks of a conversation, the newest first."""
    rows = scope.run(
        "SELECT r.id, r.seq, m.body, r.under, r.url, coalesce(r.said_at, m.at) AS at, r.state, r.liked FROM remarks r"
        " JOIN messages m ON m.tenant_id = r.tenant_id AND m.conversation_id = r.conversation_id AND m.seq = r.seq"
        " WHERE r.tenant_id = :tenant AND r.conversation_id = :talk ORDER BY r.seq DESC LIMIT :most",
        tenant=scope.tenant_id,
        talk=conversation_id,
        most=most,
    )
    return [Heard(*row) for row in rows]


def waiting(scope: Scope, creators: Sequence[UUID]) -> int:
    """How many comments under these creators' posts nobody has dealt with."""
    found = scope.run(
        "SELECT count(*) FROM remarks WHERE tenant_id = :tenant AND creator_id = ANY(:creators) AND state = 'open'",
        tenant=scope.tenant_id,
        creators=list(creators),
    ).scalar_one()
    return int(found)


def conversation_of(scope: Scope, remark_id: UUID) -> UUID:
    """The conversation a remark is a line of. Raises NotFound; another tenant's looks the same."""
    return remarks.read(scope, remark_id).conversation_id


def _as_said(scope: Scope, talk: Conversation, words: str, can: Capabilities) -> str:
    """An answer as it leaves: where its reader hears of it by their name alone, it begins with that."""
    name = directory.identity_on(scope, talk.fan_id, talk.channel_id).display_name if can.names_whom_it_answers else ""
    return f"{name} {words}" if name and not words.startswith(f"{name} ") else words


def answer(scope: Scope, remark_id: UUID, member_id: UUID, text: str, *, key: UUID, can: Capabilities) -> None:
    """The member's own words leave, once per key, and stand under the remark in everybody's sight.

    Raises BadInput for none or too many, Refused for words that pass for the creator, for who does not hold the
    conversation and where the platform takes no answers, Conflict for a remark that was deleted, NotFound.
    """
    found = remarks.read(scope, remark_id)
    talk = talks.locked(scope, found.conversation_id)
    if drafts.exists(scope, key):
        return
    row = _open(scope, talk, remark_id, member_id)
    channel = channel_reads.channel(scope, row.channel_id)
    words = _checked(text, longest(can, channel.surface))
    if REMARK not in can.points_at:
        raise Refused("remark.no_answers", account=channel.name)
    draft = drafts.put(
        scope,
        talk,
        origin="member",
        kind=remarks.KIND,
        state=DraftState.APPROVED,
        text=_as_said(scope, talk, words, can),
        remark_id=row.id,
        draft_id=key,
    )
    draft.approved_by = draft.written_by = scope.actor
    draft.original_text = composing.suggested_of(scope, talk.id, member_id)
    scope.add(draft)
    drafts.send(scope, draft)
    composing.forget(scope, talk.id, member_id)


def longest(can: Capabilities, surface: str) -> int:
    """Characters that an answer may have there, as far as they are counted alike."""
    return min(LONGEST, can.size(surface)[0])


def _checked(text: str, most: int) -> str:
    words = text.strip()
    if not words:
        raise BadInput("chat.nothing_said")
    if len(words) > most:
        raise BadInput("chat.too_long", most=most, count=len(words))
    speakers.check_honest(words)
    return words


def _open(scope: Scope, talk: Conversation, remark_id: UUID, member_id: UUID) -> Remark:
    row = remarks.read(scope, remark_id, lock=True)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    if OwnerState(talk.owner) is not OwnerState.HUMAN or talk.owner_member_id != member_id:
        raise Refused("chat.take_first" if OwnerState(talk.owner) is not OwnerState.HUMAN else "chat.anothers")
    return row


def conflicts(scope: Scope, remark_id: UUID, member_id: UUID, text: str, *, can: Capabilities) -> tuple[Message, ...]:
    """Why these words would not stand there as they are, while they are being typed; nothing is written down."""
    row, words = remarks.read(scope, remark_id), text.strip()
    talk = talks.read(scope, row.conversation_id)
    if not words or talk.owner_member_id != member_id:
        return ()
    shown, by = _as_said(scope, talk, words[:LONGEST], can), composing.suggested_of(scope, talk.id, member_id)
    what = Subject("draft", uuid7())
    unit = remarks.unit_of(scope, what, shown, row, language=talk.language, text_ai=remarks.made_by(shown, by))
    decision = minting.preview(scope, unit, author=f"member:{member_id}")
    return () if decision.allowed else gate_reads.explain(decision)


@dataclass(frozen=True)
class Answer:
    """An answer of ours that stood there: the outgoing message, the number of its line, and whether it is gone."""

    draft_id: UUID
    seq: int
    gone: bool


def answers(scope: Scope, conversation_id: UUID, *, most: int = 20) -> list[Answer]:
    """The answers of a conversation, the newest first."""
    rows = scope.run(
        "SELECT m.draft_id, m.seq FROM messages m JOIN drafts d ON d.tenant_id = m.tenant_id AND d.id = m.draft_id"
        " WHERE m.tenant_id = :tenant AND m.conversation_id = :talk AND d.remark_id IS NOT NULL"
        " ORDER BY m.seq DESC LIMIT :most",
        tenant=scope.tenant_id,
        talk=conversation_id,
        most=most,
    ).all()
    return [Answer(row.draft_id, row.seq, not _standing(scope, row.draft_id)) for row in rows]


def _standing(scope: Scope, draft_id: UUID) -> list[Copy]:
    return [copy for copy in copies.copies(scope, Subject("draft", draft_id)) if copy.gone_at is None]


def take_back(scope: Scope, draft_id: UUID) -> None:
    """Have an answer taken away, by the workers and until it is proven gone. Raises NotFound, and Conflict where
    nothing of it stands."""
    row, left = drafts.read(scope, draft_id), _standing(scope, draft_id)
    if row.remark_id is None or not left:
        raise Conflict("remark.no_answer_stands")
    for copy in left:
        removing.ask(scope, copy)
    audit.note(scope, "remark.take_back", f"draft:{draft_id}")


def wanted(scope: Scope, remark_id: UUID, act: str, *, can: Capabilities) -> None:
    """Have something done with a remark, within seconds. Raises NotFound, Refused where the platform knows no such act,
    Conflict for a remark that was deleted."""
    row = remarks.read(scope, remark_id)
    if act not in can.moderates:
        raise Refused("remark.no_such_act", account=channel_reads.channel(scope, row.channel_id).name)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    event = RemarkModerate(scope.tenant_id, remark_id, act, scope.actor)
    outbox.put(scope, event, lane=f"remark:{remark_id}", dedupe=f"remark:{remark_id}:{act}")


def done(scope: Scope, conversation_id: UUID) -> None:
    """Nothing more is to be done with what was said here so far; an answer that is leaving leaves. Raises NotFound."""
    talk = talks.locked(scope, conversation_id)
    scope.run(
        "UPDATE remarks SET state = 'done', updated_at = house_now() WHERE tenant_id = :tenant"
        " AND conversation_id = :talk AND state = 'open'",
        tenant=scope.tenant_id,
        talk=conversation_id,
    )
    remarks.follow(scope, talk)


def moderate(event: RemarkModerate, *, tenant: OpenScope, act_on: Moderate) -> None:
    """Do what a member asked for with a remark; what the platform refuses is told to the members."""
    act = cast(Act, event.act)
    with tenant(event.tenant_id, event.by) as scope:
        row = remarks.read(scope, event.subject_id)
        fan = directory.identity_on(scope, talks.read(scope, row.conversation_id).fan_id, row.channel_id)
        channel_id, native_id = row.channel_id, row.native_id
    if fan.status == "erased" or row.state == "deleted":
        return
    outcome = act_on(event.tenant_id, channel_id, native_id, fan.native_id, act)
    if isinstance(outcome, Retry):
        raise outbox.Later(max(outcome.after, AGAIN))
    with tenant(event.tenant_id, event.by) as scope:
        _settle(scope, event.subject_id, act, outcome)


def _settle(scope: Scope, remark_id: UUID, act: Act, outcome: Outcome) -> None:
    talk = talks.locked(scope, remarks.read(scope, remark_id).conversation_id)
    row = remarks.read(scope, remark_id, lock=True)
    cause = f"remark:{remark_id}:{act}"
    match outcome:
        case Published():
            audit.note(scope, f"remark.{act}", f"remark:{remark_id}")
            notices.settle(scope, cause)
            row.liked = LIKES.get(act, row.liked)
            remarks.settle(scope, talk, row, DONE.get(act, row.state))
        case Rejected(reason=reason) | Reauthorize(reason=reason) | Disconnected(reason=reason):
            notices.put(scope, reason, cause=cause, creator_id=row.creator_id)
        case _:
            raise TypeError(f"{act} of a remark ends in {type(outcome).__name__}")
