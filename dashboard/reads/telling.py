"""The story of a post in words: who did what, what we asked and what the platform answered, what happens next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from channels.reads import AttemptStory
from dashboard.reads.places import Place
from dashboard.reads.posts import Opened
from foundation.words import Message
from schedules.coming import Next, Standing, following
from schedules.edit_reads import Reworded
from schedules.reads import Step
from schedules.states import DeliveryState

S = DeliveryState

MOST_SAID = 160
"""Characters of a text that a line of a story repeats."""

_STEPS: Mapping[tuple[DeliveryState, DeliveryState], str] = {
    (S.UNCERTAIN, S.PUBLISHED): "calendar.step.found",
    (S.UNCERTAIN, S.SCHEDULED): "calendar.step.absent",
    (S.PUBLISHING, S.SCHEDULED): "calendar.step.later",
    (S.SCHEDULED, S.SCHEDULED): "calendar.step.moved",
    (S.HELD, S.SCHEDULED): "calendar.step.resumed",
    (S.FAILED, S.SCHEDULED): "calendar.step.resumed",
    (S.BROKEN_OFF, S.PARTLY): "calendar.step.resumed",
    (S.UNCERTAIN, S.PARTLY): "calendar.step.goes_on",
}
"""Steps that say more than where they lead."""


@dataclass(frozen=True)
class Line:
    """One line of a story; `by` is a person's name, nothing for what the house did by itself."""

    at: datetime
    message: Message
    by: str
    reason: Message | None
    kind: str
    """`step` for what became of it, `asked` for what went to the platform and what came back."""


def told(found: Opened, place: Place) -> list[Line]:
    """Everything that happened on one account, the oldest first."""
    steps = [_step(found, step) for step in place.steps]
    asked = [_asked(attempt) for attempt in place.attempts]
    reworded = [line for one in place.edits for line in _reworded(found, one)]
    return sorted([*steps, *asked, *reworded], key=lambda line: line.at)


def _reworded(found: Opened, one: Reworded) -> list[Line]:
    """What a place said before and was to say, who wanted it so, and what came of it."""
    words = {"before": _short(one.before), "after": _short(one.after)}
    lines = [Line(one.asked_at, Message("edit.story.asked", words), found.people.get(one.by, ""), None, "step")]
    if one.settled_at is not None:
        lines.append(Line(one.settled_at, Message(f"edit.story.{one.state}", words), "", one.reason, "step"))
    return lines


def _short(words: tuple[str, str]) -> str:
    said = " ".join(" — ".join(filter(None, words)).split())
    return said if len(said) <= MOST_SAID else f"{said[:MOST_SAID]}…"


def _step(found: Opened, step: Step) -> Line:
    code, by = step_code(step.before, step.after), found.people.get(step.by, "")
    if step.after is S.APPROVED and step.by == found.post.author:  # nobody approves their own work: nobody was asked
        code, by = "calendar.step.unasked", ""
    return Line(step.at, Message(code), by, step.reason, "step")


def step_code(before: DeliveryState, after: DeliveryState) -> str:
    """The sentence of a step."""
    return _STEPS.get((before, after), f"calendar.step.{after}")


def _asked(attempt: AttemptStory) -> Line:
    answered = next((step.answered for step in reversed(attempt.steps) if step.answered), "")
    code = f"calendar.asked.{attempt.kind}"
    number = answered if answered.isdigit() else "–"
    said = Message(code, {"count": len(attempt.steps), "number": number})
    return Line(attempt.armed_at, said, "", attempt.detail or attempt.said, "asked")


def next_of(found: Opened, place: Place) -> Next:
    """What happens next on one account, and by whom."""
    standing = Standing(
        now=found.now,
        stopped=found.waits(place),
        dry=place.dry,
        free=found.free,
        approvers=found.approvers,
        in_the_way=place.in_the_way,
        trouble=next(iter(place.troubles), None),
        by_hand=place.by_hand,
    )
    return following(place.entry, standing)
