"""The house in memory: drives a connector by the rules of sending, as carrying and reconciling do with a database."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors import pointing
from connectors.contract import Answer, Connector, Copy, Replaces, Response, Send, Sought, StepKind, WireStep
from connectors.editing import Edits
from connectors.outcomes import (
    Absent,
    Failed,
    Found,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Sighting,
    Uncertain,
)
from connectors.suite.permits import permit
from connectors.suite.world import TENANT, World
from foundation.ids import uuid7
from foundation.words import Message
from gate.permit import AuthOrder, Authority, ControlOrder, RemovalOrder
from gate.units import PASSED_ON, Unit

DEADLINE = 0.4
"""Seconds a step may take where the platform hangs, whatever its own deadline; elsewhere a busy machine is no hang."""

LOOKS = (20, 60, 300, 1800, 7200)
"""Seconds to wait before each look."""

MOST_TRIES = 6
MOST_STEPS = 50
NOTHING_YET = Uncertain(Message("connectors.unclear_answer", {"status": 0}))


class Endless(Exception):
    """A connector that says a next request for ever."""


@dataclass
class Story:
    """What became of a unit, as the house would report it; `told` is what was answered to the last try."""

    outcome: Outcome = NOTHING_YET
    told: tuple[Answer, ...] = ()
    steps: list[WireStep] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


class House:
    """Carries units of one world through one connector."""

    def __init__(self, world: World, connector: Connector) -> None:
        self._world, self._connector = world, connector

    def send(self, step: WireStep, unit: Unit | None = None, answers: tuple[Answer, ...] = ()) -> Answer:
        """Send one step under the authority of its kind; `answers` are those to the steps before it."""
        hangs = step.kind in self._world.hangs
        patient = replace(step, deadline=min(step.deadline, DEADLINE)) if hangs else step
        authority = self._authority(step, unit, answers)
        return self._world.transport.send(patient, authority, account=self._world.account)

    def _authority(self, step: WireStep, unit: Unit | None, answers: tuple[Answer, ...]) -> Authority:
        channel = self._world.account.channel_id
        if step.kind is StepKind.CONTROL:
            return ControlOrder(TENANT, channel, step.action)
        if step.kind is StepKind.AUTH:
            return AuthOrder(TENANT, channel)
        if step.kind is StepKind.RESTRICT:
            return RemovalOrder(TENANT, channel, step.action, uuid7())
        if unit is None:
            raise TypeError(f"{step.name} carries content where nothing is to be shown")
        uploads = pointing.uploads(step, self._connector.capabilities.platform, answers, above=unit.under)
        named = (*uploads, *(each.native_id for each in unit.references))
        return permit(unit, step, self._world.now(), named)

    def publish(self, unit: Unit) -> Story:
        """Send, retry what surely was not taken, look after what may have been; at most `MOST_TRIES` sends."""
        story = Story()
        staged: tuple[Answer, ...] = ()
        for _ in range(MOST_TRIES):
            armed_at = self._world.now()
            story.outcome, staged = self._try(unit, staged, story)
            story.outcomes.append(story.outcome)
            match story.outcome:
                case Retry(after=after, uploads_gone=gone):
                    self._world.clock.move(after.total_seconds())
                    staged = () if gone else staged
                case Uncertain() | Processing(by_hand=False):
                    found = self._look(unit, armed_at, story)
                    if isinstance(found, Found):
                        story.outcome = Published(found.native_id, found.url)
                    if isinstance(found, Failed):
                        story.outcome = Rejected(found.reason, permanent=False)
                    if not isinstance(found, Absent) or isinstance(story.outcome, Processing):
                        return story  # what was accepted is never sent again
                case _:
                    return story
        return story

    def _try(self, unit: Unit, staged: tuple[Answer, ...], story: Story) -> tuple[Outcome, tuple[Answer, ...]]:
        """Of a try the next one knows the uploads that were taken, and nothing else."""
        answers = staged
        while isinstance(turn := self._connector.next(unit, answers), Send):
            if len(story.steps) >= MOST_STEPS:
                raise Endless(f"{turn.step.name} is asked for again and again")
            answer = self.send(turn.step, unit, answers)
            story.steps.append(turn.step)
            answers = (*answers, answer)
            done = turn.step.kind is StepKind.STAGE and isinstance(answer, Response) and answer.ok
            if done and not isinstance(self._connector.next(unit, answers), Retry):
                staged = (*staged, answer)
        story.told = answers
        return turn, staged

    def _look(self, unit: Unit, armed_at: datetime, story: Story) -> Sighting | None:
        """Found, surely absent (twice, 60 s apart; once, where a repeat is harmless), or None: nobody can tell."""
        absent, enough = 0, 1 if self._connector.capabilities.resends(under=unit.under, chat=unit.viewer) else 2
        for wait in LOOKS:
            self._world.clock.move(wait)
            sighting = self.find(unit, armed_at, story.told)
            story.sightings.append(sighting)
            absent += isinstance(sighting, Absent)
            if isinstance(sighting, Found | Failed) or absent == enough:
                return sighting
        return None

    def find(self, unit: Unit, armed_at: datetime, told: tuple[Answer, ...] = ()) -> Sighting:
        """One look-up, over as many requests as the connector asks for; `told`: what was answered to the try."""
        sought = Sought(
            unit.native_key,
            unit.text("body"),
            armed_at,
            unit.account,
            unit.viewer,
            self._world.earlier,
            asked_at=self._world.now(),
            reply_to=unit.under,
            title=unit.text("title"),
            flags=unit.flags,
            media=unit.media,
            told=told,
            sent_at=armed_at,
            price=unit.price,
            comment=bool(unit.reply_to),
            options=unit.options,
            passed_on=unit.comment == PASSED_ON,
        )
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := self._connector.find(sought, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def remove(self, unit: Unit, native_id: str) -> Outcome:
        """Take a copy away, once."""
        copy = Copy(native_id, unit.account, unit.viewer)
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := self._connector.remove(copy, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def replace(self, unit: Unit, native_id: str, by: Unit) -> Outcome:
        """Put another unit in the place of a copy, once."""
        if not isinstance(self._connector, Replaces):
            raise TypeError("it does not replace anything")
        copy = Copy(native_id, unit.account, unit.viewer)
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := self._connector.replace(copy, by, answers), Send):
            answers = (*answers, self.send(turn.step, by, answers))
        return turn

    def edit(self, unit: Unit, native_id: str, told: tuple[Answer, ...]) -> Outcome:
        """Make a copy say what a unit says, once; `told` is what was answered when it was published."""
        if not isinstance(self._connector, Edits):
            raise TypeError("it changes no words")
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := self._connector.edit(unit, native_id, answers), Send):
            if len(answers) >= MOST_STEPS:
                raise Endless(f"{turn.step.name} is asked for again and again")
            answers = (*answers, self.send(turn.step, unit, (*told, *answers)))
        return turn
