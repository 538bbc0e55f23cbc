"""The sending logic in memory: drives a connector by the same rules as the step runner and the
reconciliation, but without a database."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.conformance.world import TEST_TENANT, ConnectorWorld, conformance_permit
from connectors.contract.capabilities import FOREVER
from connectors.contract.connector import (
    Connector,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    SupportsReplacement,
    WireStep,
)
from connectors.contract.edits import SupportsEdits
from connectors.contract.outcomes import (
    Absent,
    Failed,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.transport import references
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.permit import AuthOrder, Authority, ControlOrder, RemovalOrder
from gate.contract.units import REPOST_KIND, Unit

LOOKS = (20, 60, 300, 1800, 7200)
"""Seconds to wait before each look-up."""

MIN_LOOK_INTERVAL = timedelta(seconds=60)
"""Same as `channels.sending.reconciliation.MIN_LOOK_INTERVAL`."""

MAX_TRIES = 6
MAX_STEPS = 50
NOTHING_YET = Uncertain(Message("connectors.unclear_answer", {"status": 0}))


class EndlessConnector(Exception):
    """The connector never returns an outcome."""


@dataclass
class PublishReport:
    """The history of a unit. `outcome` is the final one as a tenant would see it; `told` contains
    the answers of the last attempt."""

    outcome: Outcome = NOTHING_YET
    told: tuple[StepResult, ...] = ()
    steps: list[WireStep] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    sightings: list[LookupResult] = field(default_factory=list)
    first_response: Outcome | None = None
    """Outcome of the first attempt that reached the publish step."""


def may_ask_member(world: ConnectorWorld, connector: Connector, unit: Unit) -> bool:
    """Return True if a request that published nothing may be left to a member: the platform neither
    honours a key for ever nor guarantees when its lists are complete."""
    can = connector.capabilities
    until = can.repeat_safe_until(world.now(), under=unit.parent_id, chat=unit.viewer)
    return not can.lists_complete and until < FOREVER


def _has_published(steps: list[WireStep]) -> bool:
    return any(step.kind is StepKind.PUBLISH for step in steps)


class SendingHarness:
    """Sends the units of one world through one connector."""

    def __init__(self, world: ConnectorWorld, connector: Connector) -> None:
        self._world = world
        self._connector = connector

    def send(
        self, step: WireStep, unit: Unit | None = None, answers: tuple[StepResult, ...] = ()
    ) -> StepResult:
        """Send one step with the authorization of its kind. `answers` contains the answers to the
        previous steps."""
        hangs = self._world.hangs[step.kind] > 0
        deadline = min(step.deadline, self._world.hang_deadline) if hangs else step.deadline
        authority = self._build_authority(step, unit, answers)
        answer = self._world.transport.send(
            replace(step, deadline=deadline), authority, account=self._world.account
        )
        if hangs and not isinstance(answer, Response):
            self._world.hangs[step.kind] -= 1
        return answer

    def _build_authority(
        self, step: WireStep, unit: Unit | None, answers: tuple[StepResult, ...]
    ) -> Authority:
        channel = self._world.account.channel_id
        if step.kind is StepKind.CONTROL:
            return ControlOrder(TEST_TENANT, channel, step.action)
        if step.kind is StepKind.AUTH:
            return AuthOrder(TEST_TENANT, channel)
        if step.kind is StepKind.RESTRICT:
            return RemovalOrder(TEST_TENANT, channel, step.action, uuid7())
        if unit is None:
            raise TypeError(f"{step.name} carries content in a step that must not")
        uploads = references.uploaded_references(
            step, self._connector.capabilities.platform, answers, above=unit.parent_id
        )
        named = (*uploads, *(each.native_id for each in unit.references))
        return conformance_permit(unit, step, self._world.now(), named)

    def publish(self, unit: Unit) -> PublishReport:
        """Publish a unit in at most `MAX_TRIES` attempts. Retry a request that was certainly not
        accepted, and look up one that may have been."""
        story = PublishReport()
        staged: tuple[StepResult, ...] = ()
        for _ in range(MAX_TRIES):
            armed_at = self._world.now()
            story.outcome, staged = self._attempt_publish(unit, staged, story)
            story.outcomes.append(story.outcome)
            if story.first_response is None and _has_published(story.steps):
                story.first_response = story.outcome
            match story.outcome:
                case Retry(after=after, uploads_gone=gone):
                    self._world.clock.advance(after.total_seconds())
                    staged = () if gone else staged
                case Uncertain() | Processing(by_hand=False):
                    found = self._look_up_post(unit, armed_at, story)
                    if isinstance(found, Found):
                        story.outcome = Published(found.native_id, found.url)
                    if isinstance(found, Failed):
                        story.outcome = Rejected(found.reason, permanent=False)
                    if not isinstance(found, Absent) or isinstance(story.outcome, Processing):
                        return story  # an accepted post is never sent again
                case _:
                    return story
        return story

    def _attempt_publish(
        self, unit: Unit, staged: tuple[StepResult, ...], story: PublishReport
    ) -> tuple[Outcome, tuple[StepResult, ...]]:
        """Make one attempt. The next one receives its completed uploads and nothing else."""
        answers = staged
        while isinstance(turn := self._connector.next_step(unit, answers), Send):
            if len(story.steps) >= MAX_STEPS:
                raise EndlessConnector(f"{turn.step.name} is requested endlessly")
            answer = self.send(turn.step, unit, answers)
            story.steps.append(turn.step)
            answers = (*answers, answer)
            # A staged file is reused only if the connector accepts the response.
            done = (
                turn.step.kind is StepKind.STAGE
                and isinstance(answer, Response)
                and answer.is_success
            )
            if done and not isinstance(self._connector.next_step(unit, answers), Retry):
                staged = (*staged, answer)
        story.told = answers
        return turn, staged

    def _look_up_post(
        self, unit: Unit, armed_at: datetime, story: PublishReport
    ) -> LookupResult | None:
        """Return Found or Failed, Absent if the absence is proven, or None if it remains uncertain.

        Absence is proven by one look-up if a repeat is safe, otherwise by two, 60 s apart and
        conclusive.
        """
        can = self._connector.capabilities
        ended_at = self._world.now()
        first_absent: datetime | None = None
        wait = timedelta(seconds=LOOKS[0])
        for following in (*LOOKS[1:], 0):
            self._world.clock.advance(wait.total_seconds())
            looked_at = self._world.now()
            sighting = self.look_up(unit, armed_at, story.told)
            story.sightings.append(sighting)
            if isinstance(sighting, Found | Failed):
                return sighting
            wait = timedelta(seconds=following)
            if not isinstance(sighting, Absent):
                continue
            if looked_at < can.repeat_safe_until(armed_at, under=unit.parent_id, chat=unit.viewer):
                return sighting
            first_absent = first_absent or looked_at
            conclusive_at = can.absence_conclusive_at(
                looked_at, ended_at=ended_at, confirmed=sighting.confirmed
            )
            if conclusive_at is None:
                continue
            if looked_at >= max(conclusive_at, first_absent + MIN_LOOK_INTERVAL):
                return sighting
            # Look again as soon as an absence is conclusive.
            if looked_at < conclusive_at < looked_at + wait:
                wait = conclusive_at - looked_at
        return None

    def look_up(
        self, unit: Unit, armed_at: datetime, told: tuple[StepResult, ...] = ()
    ) -> LookupResult:
        """Perform one look-up with all its requests. `told` contains the answers of the attempt."""
        sought = LookupQuery(
            unit.native_key,
            unit.text_of("body"),
            armed_at,
            unit.account,
            unit.viewer,
            self._world.earlier,
            asked_at=self._world.now(),
            reply_to=unit.parent_id,
            title=unit.text_of("title"),
            flags=unit.flags,
            media=unit.media,
            told=told,
            sent_at=armed_at,
            price=unit.price,
            comment=bool(unit.reply_to),
            options=unit.options,
            passed_on=unit.comment == REPOST_KIND,
        )
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self._connector.look_up(sought, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def remove(self, unit: Unit, native_id: str) -> Outcome:
        """Make one attempt to delete a copy."""
        copy = PlatformCopy(native_id, unit.account, unit.viewer)
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self._connector.remove(copy, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def replace(self, unit: Unit, native_id: str, by: Unit) -> Outcome:
        """Make one attempt to replace a copy with another unit."""
        if not isinstance(self._connector, SupportsReplacement):
            raise TypeError("it does not support replacements")
        copy = PlatformCopy(native_id, unit.account, unit.viewer)
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self._connector.replace(copy, by, answers), Send):
            answers = (*answers, self.send(turn.step, by, answers))
        return turn

    def edit(self, unit: Unit, native_id: str, told: tuple[StepResult, ...]) -> Outcome:
        """Make one attempt to change the text of a copy to that of a unit. `told` contains the
        answers of its publication."""
        if not isinstance(self._connector, SupportsEdits):
            raise TypeError("it does not support edits")
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self._connector.edit(unit, native_id, answers), Send):
            if len(answers) >= MAX_STEPS:
                raise EndlessConnector(f"{turn.step.name} is requested endlessly")
            answers = (*answers, self.send(turn.step, unit, (*told, *answers)))
        return turn
