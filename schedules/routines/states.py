"""States and kinds of a routine's steps."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class StepKind(StrEnum):
    """The work of a step."""

    GENERATE = "generate"  # pictures and clips
    PROPOSE = "propose"  # posts with captions, which members approve
    APPROVE = "approve"  # the deadline of the approvers
    PUBLISH = "publish"  # follows the posts of one slot; publishing itself needs no routine
    REPORT = "report"
    PLAN_WEEK = "plan_week"
    REVIEW_WEEK = "review_week"


class StepState(StrEnum):
    """The state of a step. A skipped or failed one has a reason."""

    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


STEP_STATES = StateGraph(
    initial=StepState.DUE,
    edges={
        StepState.DUE: {StepState.RUNNING, StepState.SKIPPED},
        StepState.RUNNING: {StepState.DONE, StepState.SKIPPED, StepState.FAILED},
        StepState.SKIPPED: {StepState.DUE},  # resumed with its routine, or run again by a member
        StepState.FAILED: {StepState.DUE},  # run again by a member
    },
)

ENDED_STEP_STATES = frozenset({StepState.DONE, StepState.SKIPPED, StepState.FAILED})
