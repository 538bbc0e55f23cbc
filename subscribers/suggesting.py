"""A model's words for an answer in public: written when a member asks, into the box of that member, and never sent."""

from uuid import UUID
from zoneinfo import ZoneInfo

from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, Refused
from foundation.ids import uuid7
from foundation.words import Message
from gate.units import Rating
from studio.text_costs import FREE, Billing, Purpose, Sitting
from subscribers import composing, persona, talks, turns
from subscribers import remark_rows as remarks
from subscribers.events import RemarkSuggest
from subscribers.prompting import TurnInputs
from subscribers.states import OwnerState
from subscribers.turns import CEILING, Begun, Spoken, Write
from tenants import notices
from tenants import reads as tenant_reads

SUGGESTING = "system:chat"


def wanted(scope: Scope, remark_id: UUID, member_id: UUID, *, most: int) -> None:
    """Have `most` characters suggested for an answer to a remark. Raises NotFound, Conflict for one that was deleted,
    Refused for who does not hold the conversation."""
    row = remarks.read(scope, remark_id)
    talk = talks.read(scope, row.conversation_id)
    if row.state == "deleted":
        raise Conflict("remark.deleted")
    if OwnerState(talk.owner) is not OwnerState.HUMAN or talk.owner_member_id != member_id:
        raise Refused("chat.take_first")
    event = RemarkSuggest(scope.tenant_id, remark_id, member_id, most)
    outbox.put(scope, event, dedupe=f"suggest:{remark_id}:{member_id}")


def suggest(event: RemarkSuggest, *, tenant: OpenScope, write: Write, billing: Billing = FREE) -> None:
    """Ask the model, with nothing open, and lay what it said into the member's box, where that is still empty.
    `billing` says what models cost."""
    with tenant(event.tenant_id, SUGGESTING) as scope:
        begun = _begin(scope, event)
    if begun is None:
        return
    sitting = Sitting(tenant, event.tenant_id, begun.creator_id, Purpose.CHAT, begun.conversation_id, billing)
    spoken = turns.think(begun, sitting.counting(write))
    with tenant(event.tenant_id, SUGGESTING) as scope:
        if _finish(scope, event, spoken):
            sitting.kept(scope)


def _begin(scope: Scope, event: RemarkSuggest) -> Begun | None:
    row = remarks.read(scope, event.subject_id)
    talk = talks.read(scope, row.conversation_id)
    speaker = persona.active(scope, row.creator_id)
    if speaker is None:
        _tell(scope, event, Message("chat.no_persona"))
        return None
    creator = tenant_reads.creator(scope, row.creator_id)
    inputs = TurnInputs(
        persona=speaker,
        language=talk.language,
        ceiling=CEILING[Rating.G],
        local_time=scope.now.astimezone(ZoneInfo(creator.zone)).strftime("%H:%M"),
        now=(remarks.words(scope, row),),
        turn=1,
        facts=(f"They wrote this under a post, everybody reads the answer; at most {event.most} characters.",),
    )
    return Begun(uuid7(), row.creator_id, talk.id, talk.epoch, inputs, (), "", speaker.level, first=True)


def _finish(scope: Scope, event: RemarkSuggest, spoken: Spoken) -> bool:
    """Whether what it said is used."""
    talk = talks.locked(scope, remarks.read(scope, event.subject_id).conversation_id)
    if spoken.reply is None or spoken.trouble not in (None, "unsure") or len(spoken.reply.text) > event.most:
        _tell(scope, event, Message("remark.no_suggestion"))
    elif not composing.text_of(scope, talk.id, event.member_id):
        composing.suggest(scope, talk, event.member_id, spoken.reply.text)
        return True
    return False


def _tell(scope: Scope, event: RemarkSuggest, told: Message) -> None:
    row = remarks.read(scope, event.subject_id)
    notices.put(scope, told, cause=f"suggest:{event.subject_id}", creator_id=row.creator_id)
