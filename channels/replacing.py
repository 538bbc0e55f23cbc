"""Where a platform does not delete a copy any more: the house's own picture, or sentence, takes its place, once.

Each request leaves under a permit of its own (`gate/service.py` says for what). The same again changes nothing, so what
nobody lived to write down is asked once more; what was done, or refused for good, is not. Either way the copy stays on
record as one that is there, and stays somebody's to take away (`channels/handing.py`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from channels import abilities, asking, attempts, budgets, editing, reads, refreshing, storing
from channels.attempts import Attempt
from channels.reads import Channel
from connectors import contract
from connectors.contract import Answer, Connector, Replaces, Send, StepNotSent, WireStep
from connectors.outcomes import Outcome, Published, Retry
from connectors.transport import EgressForbidden, Transport
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.words import LANGUAGES, Message, say
from gate import copies, minting, placeholder
from gate.copies import Copy
from gate.minting import Denied
from gate.permit import Permit
from gate.units import Subject, Text, Unit
from tenants import notices
from tenants import reads as tenants

Mint = Callable[..., Permit]
"""`gate.minting.mint` with its key; the house is the author of what it puts there."""

KIND = "replace"
"""What the attempts are called."""

ACT = timedelta(seconds=200)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
"""Between two tries of what did not come through, doubled each time."""

_OVER = ("published", "rejected")


@dataclass(frozen=True)
class Outside:
    """The way out for one tenant."""

    tenant_id: UUID
    tenant: OpenScope
    transport: Transport
    connectors: Mapping[str, Connector]
    mint: Mint

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        """A transaction of this room."""
        with self.tenant(self.tenant_id, asking.ACTOR) as scope:
            yield scope


def replace(copy: Copy, channel: Channel, native_ids: Sequence[str], outside: Outside) -> Outcome | None:
    """Put the house's own in the place of every message of a copy; None where the platform offers no such thing.

    Published: none of them shows any more what it did. Rejected: one still does, and another try would be no better.
    """
    connector = abilities.of(outside.connectors, channel)
    if not (connector.capabilities.replaces and isinstance(connector, Replaces)):
        return None
    outcomes = [_replaced(copy, channel, native_id, connector, outside) for native_id in native_ids]
    return next((outcome for outcome in outcomes if not isinstance(outcome, Published)), next(iter(outcomes), None))


def _replaced(copy: Copy, channel: Channel, native_id: str, connector: Replaces, outside: Outside) -> Outcome:
    with outside.scope() as scope:
        tried = _tried(scope, copy, native_id)
        if tried and tried[-1].outcome in _OVER:
            last = tried[-1]
            return storing.outcome_from_json(str(last.outcome), last.result, last.detail)
        arrives = editing.arrives_until(scope, copy.subject, native_id)
        if arrives is not None and arrives > scope.now:  # a change under way would stand where ours was put
            return Retry(arrives - scope.now, "account", Message("attempt.under_way"))
        unit = _unit(scope, copy, channel)
        attempt_id = _begin(scope, copy, native_id, unit)
    place = contract.Copy(native_id, copy.account, copy.viewer)
    done, sent = _done(tried), 0
    answers: tuple[Answer, ...] = ()
    turn = connector.replace(place, unit, answers)
    while isinstance(turn, Send) and len(answers) < asking.MOST_REQUESTS:
        answer = done.get(turn.step.wire_digest())
        if answer is None:
            answer = _sent(channel, unit, turn.step, (attempt_id, sent), outside)
            sent += 1
        if answer is None:
            turn = Retry(LONGEST, "account", Message("attempt.stopped_midway"))
            break
        answers = (*answers, answer)
        turn = connector.replace(place, unit, answers)
    outcome = Retry(FIRST, "account", Message("attempt.not_proven")) if isinstance(turn, Send) else turn
    with outside.scope() as scope:
        return _ended(scope, copy, channel, attempt_id, _later(outcome, len(tried)))


def _tried(scope: Scope, copy: Copy, native_id: str) -> list[Attempt]:
    """Earlier tries at this very message, oldest first."""
    rows = attempts.of(scope, copy.subject, None, (KIND,))
    return [row for row in rows if row.native_key == native_id]


def _done(tried: Sequence[Attempt]) -> dict[str, Answer]:
    """The answers that earlier tries went on from, by their requests: an album goes on where one stopped, so that no
    platform is asked for all of it again and again. The last answer of a try is what it stopped at."""
    return {digest: answer for row in tried for digest, answer in attempts.answered(row)[:-1]}


def _begin(scope: Scope, copy: Copy, native_id: str, unit: Unit) -> UUID:
    """A new try on record; one that somebody else left open cannot go on."""
    attempts.supersede(scope, copy.subject, 0, (KIND,))
    return attempts.begin(
        scope,
        channel_id=copy.channel_id,
        subject=copy.subject,
        kind=KIND,
        deadline=scope.now + ACT,
        unit=unit,
        native_key=native_id,
    )


def _sent(channel: Channel, unit: Unit, step: WireStep, place: tuple[UUID, int], outside: Outside) -> Answer | None:
    """What came back to one request, both on record; None where the gate says no."""
    attempt_id, position = place
    try:
        with outside.scope() as scope:
            permit: Permit = outside.mint(scope, unit, step, author=asking.ACTOR)
            attempts.add_step(scope, attempt_id, position, step, permit.jti)
    except Denied as denied:
        with outside.scope() as scope:
            minting.record_denial(scope, denied)
        return None
    answer: Answer
    try:
        answer = outside.transport.send(step, permit, account=reads.account(channel))
    except (EgressForbidden, NotFound) as error:  # refused before the first byte; the removal goes on all the same
        answer = StepNotSent(step.name, error.message.code)
    with outside.scope() as scope:
        budgets.note(scope, channel.id, answer, creates=False)
        attempts.record(scope, attempt_id, position, answer)
        if isinstance(answer, StepNotSent):
            copies.void(scope, permit.jti, "not_sent")
    return answer


def _later(outcome: Outcome, tries: int) -> Outcome:
    """A try that did not come through waits longer each time, and no less than it is asked to."""
    if not isinstance(outcome, Retry):
        return outcome
    return Retry(max(outcome.after, min(FIRST * 2 ** min(tries, 10), LONGEST)), outcome.scope, outcome.reason)


def _ended(scope: Scope, copy: Copy, channel: Channel, attempt_id: UUID, outcome: Outcome) -> Outcome:
    """Keep what came of it; what members were told before is no longer so once it was replaced."""
    outcome = refreshing.weigh(scope, channel, outcome, shown=channel.generation)
    name, result = storing.outcome_name(outcome), storing.outcome_to_json(outcome)
    attempts.finish(scope, attempt_id, name, result, storing.reason_of(outcome))
    if isinstance(outcome, Published):
        copies.note_replaced(scope, copy.jti)
        notices.settle(scope, f"copy:{copy.jti}")
    return outcome


def _unit(scope: Scope, copy: Copy, channel: Channel) -> Unit:
    """What takes the place of a copy: the picture where it showed any, and a sentence in the creator's language."""
    code = "service.safety.removed.picture" if _showed_pictures(scope, copy) else "service.safety.removed.message"
    spoken = [one for one in tenants.creator(scope, copy.creator_id).languages if one in LANGUAGES]
    return Unit(
        tenant_id=scope.tenant_id,
        creator_id=copy.creator_id,
        subject=Subject(placeholder.KIND, copy.jti),
        platform=copy.platform,
        surface=copy.surface,
        channel_id=copy.channel_id,
        account=copy.account,
        audience="viewer" if copy.viewer else "public",
        texts=(Text("body", say(Message(code), (spoken or LANGUAGES)[0])),),
        media=(placeholder.medium(),) if copy.media else (),
        viewer=copy.viewer,
        destination="" if copy.viewer else channel.destination,
        service=code,
    )


def _showed_pictures(scope: Scope, copy: Copy) -> bool:
    """Whether the copy carried pictures and nothing else: a film is none."""
    sent = (row for row in attempts.of(scope, copy.subject, None) if attempts.publish_permit(row) == copy.jti)
    carried = [medium for row in sent for medium in storing.unit_from_json(row.unit).media]
    return bool(carried) and all(medium.mime.startswith("image/") for medium in carried)
