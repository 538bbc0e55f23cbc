"""States of a run of a recipe, or of a clip."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class JobState(StrEnum):
    """The state of a run or of a clip. A run stopped by a member retains its images."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


JOB_STATES = StateGraph(
    initial=JobState.QUEUED,
    edges={
        JobState.QUEUED: {JobState.RUNNING, JobState.FAILED, JobState.STOPPED},
        JobState.RUNNING: {JobState.DONE, JobState.FAILED, JobState.STOPPED},
        JobState.FAILED: {JobState.QUEUED},  # resumed by a member
    },
)
