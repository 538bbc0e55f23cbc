"""States of a run of a recipe, or of a clip."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class JobState(StrEnum):
    """Where one run of a recipe, or one clip, stands. Stopped by a person: what it made so far
    stays."""

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
        JobState.FAILED: {JobState.QUEUED},  # a person has what is missing made
    },
)
