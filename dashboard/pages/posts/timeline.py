"""Timeline of a post: actions of members, requests to platforms with their responses, and the next
step."""

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
"""Minimum retention of requests to platforms. Without a stored request, older steps do not show
whether one was sent."""

MAX_OUTPUT = 160
"""Maximum number of characters in a text that a timeline line quotes."""

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
"""Transitions with a more specific message than that of their target state."""

_BY_WHY = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED})
"""States whose steps show only their reason, if they have one."""


@dataclass(frozen=True)
class TimelineLine:
    """A line of the timeline. `by` is the name of a member, or empty for an automatic step."""

    at: datetime
    message: Message
    by: str
    reason: Message | None
    kind: str
    """`step` for a state change, `asked` for a request to the platform and its response."""


def build_timeline(found: PostView, place: PostChannel) -> list[TimelineLine]:
    """Return the timeline of one account, oldest first. At the same instant, state changes precede
    requests."""
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
    """Return the lines of an edit: the text before and after, the member who requested it, and the
    result."""
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
    """Return the instants at which publishing started and failed without any request to the
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
    # The author cannot approve their own post, so this step required no approval.
    if step.after is DeliveryState.APPROVED and step.by == found.post.author:
        code = APPROVAL_NOT_REQUESTED.code
    if step.at in unsent:
        code = "calendar.step.unsent"
    reason = step.reason if step.reason is not None and step.reason.code != code else None
    return TimelineLine(
        step.at, Message(code), by if code != APPROVAL_NOT_REQUESTED.code else "", reason, "step"
    )


def step_code(step: DeliveryStep | RecentMove) -> str:
    """Return the message code of a step."""
    if step.after in _BY_WHY and step.reason is not None:
        return step.reason.code
    if (step.before, step.after) == (
        DeliveryState.UNCERTAIN,
        DeliveryState.SCHEDULED,
    ) and step.by.startswith("member:"):
        return "calendar.step.not_there"
    return _STEPS.get((step.before, step.after), f"calendar.step.{step.after}")


def _build_attempt_line(attempt: AttemptSummary, began: Sequence[datetime]) -> TimelineLine:
    """Return the line of a request. A send request is never shown before the step that started it:
    the step is written in the same transaction but has a later instant."""
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
    """Return the next step on one account and who performs it."""
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
