"""The story of a post in words: who did what, what we asked and what the platform answered, what
happens next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from channels.attempts.queries import AttemptSummary
from dashboard.pages.posts.queries import PostChannel, PostView
from foundation.i18n.translation import Message
from schedules.approvals.decisions import APPROVAL_NOT_REQUESTED
from schedules.calendar.board import RecentMove
from schedules.calendar.next_steps import NextStep, NextStepContext, find_next_step
from schedules.edits.queries import EditView
from schedules.posts.queries import DeliveryStep
from schedules.posts.states import DeliveryState

ASKED_KEPT = timedelta(days=540)
"""So long what was asked of a platform is kept for sure: of what is older, nobody knows whether
anything was."""

MAX_OUTPUT = 160
"""Characters of a text that a line of a story repeats."""

_STEPS: Mapping[tuple[DeliveryState, DeliveryState], str] = {
    (DeliveryState.UNCERTAIN, DeliveryState.PUBLISHED): "calendar.step.found",
    (DeliveryState.UNCERTAIN, DeliveryState.SCHEDULED): "calendar.step.absent",
    (DeliveryState.PUBLISHING, DeliveryState.SCHEDULED): "calendar.step.later",
    (DeliveryState.SCHEDULED, DeliveryState.SCHEDULED): "calendar.step.moved",
    (DeliveryState.HELD, DeliveryState.SCHEDULED): "calendar.step.resumed",
    (DeliveryState.FAILED, DeliveryState.SCHEDULED): "calendar.step.resumed",
    (DeliveryState.BROKEN_OFF, DeliveryState.PARTLY): "calendar.step.resumed",
    (DeliveryState.UNCERTAIN, DeliveryState.PARTLY): "calendar.step.goes_on",
}
"""Steps that say more than where they lead."""

_BY_WHY = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED})
"""What a step into these says, its reason says alone, where it has one."""


@dataclass(frozen=True)
class TimelineLine:
    """One line of a story; `by` is a person's name, nothing for what the house did by itself."""

    at: datetime
    message: Message
    by: str
    reason: Message | None
    kind: str
    """`step` for what became of it, `asked` for what went to the platform and what came back."""


def build_timeline(found: PostView, place: PostChannel) -> list[TimelineLine]:
    """Everything that happened on one account, the oldest first; of one instant, what became of it
    before what was asked."""
    began = [step.at for step in place.steps if step.after is DeliveryState.PUBLISHING]
    asked = [_build_attempt_line(attempt, began) for attempt in place.attempts]
    unsent = _find_unsent_instants(found, place.steps, {line.at for line in asked})
    steps = [
        _build_step_line(found, step, unsent)
        for step in place.steps
        if step.at not in unsent or step.after is DeliveryState.FAILED
    ]
    reworded = [line for one in place.edits for line in _build_edit_lines(found, one)]
    return sorted([*steps, *asked, *reworded], key=lambda line: line.at)


def _build_edit_lines(found: PostView, one: EditView) -> list[TimelineLine]:
    """What a place said before and was to say, who wanted it so, and what came of it."""
    words = {"before": _shorten_text(one.before), "after": _shorten_text(one.after)}
    lines = [
        TimelineLine(
            one.asked_at,
            Message("edit.story.asked", words),
            found.people.get(one.by, ""),
            None,
            "step",
        )
    ]
    if one.settled_at is not None:
        lines.append(
            TimelineLine(
                one.settled_at, Message(f"edit.story.{one.state}", words), "", one.reason, "step"
            )
        )
    return lines


def _shorten_text(words: tuple[str, str]) -> str:
    said = " ".join(" — ".join(filter(None, words)).split())
    return said if len(said) <= MAX_OUTPUT else f"{said[:MAX_OUTPUT]}…"


def _find_unsent_instants(
    found: PostView, steps: Sequence[DeliveryStep], asked: Collection[datetime]
) -> set[datetime]:
    """The instants at which it was taken to be sent, and refused, with nothing asked of its
    platform."""
    known = found.now - ASKED_KEPT
    ends = [
        pair
        for pair in pairwise(steps)
        if (pair[0].after, pair[1].after) == (DeliveryState.PUBLISHING, DeliveryState.FAILED)
    ]
    return {
        step.at
        for began, end in ends
        if began.at > known and began.at not in asked
        for step in (began, end)
    }


def _build_step_line(
    found: PostView, step: DeliveryStep, unsent: Collection[datetime]
) -> TimelineLine:
    code = step_code(step)
    by = found.people.get(step.by, "")
    if (
        step.after is DeliveryState.APPROVED and step.by == found.post.author
    ):  # nobody approves their own work: nobody was asked
        code = APPROVAL_NOT_REQUESTED.code
    if step.at in unsent:
        code = "calendar.step.unsent"
    reason = step.reason if step.reason is not None and step.reason.code != code else None
    return TimelineLine(
        step.at, Message(code), by if code != APPROVAL_NOT_REQUESTED.code else "", reason, "step"
    )


def step_code(step: DeliveryStep | RecentMove) -> str:
    """The sentence of a step."""
    if step.after in _BY_WHY and step.reason is not None:
        return step.reason.code
    if (step.before, step.after) == (
        DeliveryState.UNCERTAIN,
        DeliveryState.SCHEDULED,
    ) and step.by.startswith("member:"):
        return "calendar.step.not_there"
    return _STEPS.get((step.before, step.after), f"calendar.step.{step.after}")


def _build_attempt_line(attempt: AttemptSummary, began: Sequence[datetime]) -> TimelineLine:
    """What was asked; a sending is no earlier than its beginning, which is written with it and gets
    a later instant."""
    answered = next((step.answered for step in reversed(attempt.steps) if step.answered), "")
    code = f"calendar.asked.{attempt.kind}"
    number = answered if answered.isdigit() else "–"
    said = Message(code, {"count": len(attempt.steps), "number": number})
    since = [at for at in began if at >= attempt.armed_at] if attempt.kind == "send" else []
    return TimelineLine(
        min(since, default=attempt.armed_at),
        said,
        "",
        attempt.detail or attempt.outcome_text,
        "asked",
    )


def next_step(found: PostView, place: PostChannel) -> NextStep:
    """What happens next on one account, and by whom."""
    standing = NextStepContext(
        now=found.now,
        stopped=found.is_stopped(place),
        dry=place.dry,
        free=found.free,
        approvers=found.approvers,
        half=found.half,
        sent_back=found.sent_back,
        in_the_way=place.in_the_way,
        trouble=next(iter(place.troubles), None),
        by_hand=place.by_hand,
        fixed=not found.is_editable,
    )
    return find_next_step(place.entry, standing)
