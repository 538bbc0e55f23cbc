"""The house in memory: drives a connector by the rules of sending, as carrying and reconciling do with a database."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors import pointing
from connectors.contract import Answer, Connector, Copy, Replaces, Send, Sought, StepKind, WireStep
from connectors.outcomes import Absent, Found, Outcome, Published, Retry, Sighting, Uncertain
from foundation.ids import uuid7
from gate.permit import TTL, Authority, ControlOrder, Permit, RemovalOrder, sign
from gate.units import Rating, Unit
from tests.contract.worlds import SIGNING_KEY, TENANT, World

DEADLINE = 0.4
"""Seconds a step may take where the platform hangs, whatever its own deadline; elsewhere a busy machine is no hang."""

LOOKS = (20, 60, 300, 1800, 7200)
"""Seconds to wait before each look."""

MOST_TRIES = 6


@dataclass
class Story:
    """What became of a unit, as the house would report it."""

    outcome: Outcome
    steps: list[WireStep] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


class House:
    """Carries units of one world through one connector."""

    def __init__(self, world: World, connector: Connector) -> None:
        self._world, self._connector = world, connector

    def send(self, step: WireStep, unit: Unit | None = None, answers: tuple[Answer, ...] = ()) -> Answer:
        """Send one step under the authority of its kind; `answers` are those to the steps before it."""
        patient = replace(step, deadline=min(step.deadline, DEADLINE)) if self._world.hangs else step
        authority = self._authority(step, unit, answers)
        return self._world.transport.send(patient, authority, account=self._world.account)

    def _authority(self, step: WireStep, unit: Unit | None, answers: tuple[Answer, ...]) -> Authority:
        channel = self._world.account.channel_id
        if step.kind is StepKind.CONTROL:
            return ControlOrder(TENANT, channel, step.action)
        if step.kind is StepKind.RESTRICT:
            return RemovalOrder(TENANT, channel, step.action, uuid7())
        assert unit is not None, f"{step.name} carries content without a unit"
        uploads = pointing.uploads(step, self._connector.capabilities.platform, answers)
        return permit(unit, step, self._world.now(), uploads)

    def publish(self, unit: Unit) -> Story:
        """Send, retry what surely was not taken, look after what may have been; at most `MOST_TRIES` sends."""
        story, staged = Story(Uncertain(None)), ()  # type: ignore[arg-type, var-annotated]  # replaced below
        for _ in range(MOST_TRIES):
            armed_at = self._world.now()
            story.outcome, staged = self._try(unit, staged, story)
            story.outcomes.append(story.outcome)
            match story.outcome:
                case Retry(after=after, uploads_gone=gone):
                    self._world.clock.move(after.total_seconds())
                    staged = () if gone else staged
                case Uncertain():
                    found = self._look(unit, armed_at, story)
                    if isinstance(found, Found):
                        story.outcome = Published(found.native_id, found.url)
                    if not isinstance(found, Absent):
                        return story
                case _:
                    return story
        return story

    def _try(self, unit: Unit, staged: tuple[Answer, ...], story: Story) -> tuple[Outcome, tuple[Answer, ...]]:
        answers = staged
        while isinstance(turn := self._connector.next(unit, answers), Send):
            assert len(story.steps) < 50, "the connector never ends"
            answer = self.send(turn.step, unit, answers)
            story.steps.append(turn.step)
            answers = (*answers, answer)
            if turn.step.kind is StepKind.STAGE and not isinstance(self._connector.next(unit, answers), Retry):
                staged = answers
        return turn, staged

    def _look(self, unit: Unit, armed_at: datetime, story: Story) -> Sighting | None:
        """Found, surely absent (twice, 60 s apart), or None: nobody can tell."""
        absent = 0
        if self._connector.capabilities.resend_is_look:
            return Absent()
        for wait in LOOKS:
            self._world.clock.move(wait)
            sighting = self.find(unit, armed_at)
            story.sightings.append(sighting)
            absent += isinstance(sighting, Absent)
            if isinstance(sighting, Found) or absent == 2:
                return sighting
        return None

    def find(self, unit: Unit, armed_at: datetime) -> Sighting:
        """One look-up, over as many requests as the connector asks for."""
        sought = Sought(
            unit.native_key, unit.text("body"), armed_at, unit.account, unit.viewer, asked_at=self._world.now()
        )
        answers: tuple[Answer, ...] = ()
        while isinstance(turn := self._connector.find(sought, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def remove(self, unit: Unit, native_id: str) -> Outcome:
        """Take a copy away, once."""
        copy, answers = Copy(native_id, unit.account, unit.viewer), ()  # type: tuple[Copy, tuple[Answer, ...]]
        while isinstance(turn := self._connector.remove(copy, answers), Send):
            answers = (*answers, self.send(turn.step))
        return turn

    def replace(self, unit: Unit, native_id: str, by: Unit) -> Outcome:
        """Put another unit in the place of a copy, once."""
        assert isinstance(self._connector, Replaces)
        copy, answers = Copy(native_id, unit.account, unit.viewer), ()  # type: tuple[Copy, tuple[Answer, ...]]
        while isinstance(turn := self._connector.replace(copy, by, answers), Send):
            answers = (*answers, self.send(turn.step, by, answers))
        return turn


def permit(unit: Unit, step: WireStep, now: datetime, points_at: tuple[str, ...] = ()) -> Permit:
    """A permit for just this step, as the gate mints them."""
    unsigned = Permit(
        jti=uuid7(),
        tenant_id=unit.tenant_id,
        channel_id=unit.channel_id,
        account=unit.account,
        surface=unit.surface,
        subject=unit.subject,
        step=step.name,
        unit_digest=unit.digest(),
        wire_digest=step.wire_digest(),
        viewer=unit.viewer,
        flags=unit.flags,
        points_at=points_at,
        rating=Rating.G,
        bundle="test",
        minted_at=now,
        expires_at=now + TTL + timedelta(),
    )
    return sign(unsigned, SIGNING_KEY)
