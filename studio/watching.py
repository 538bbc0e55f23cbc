"""What an engine calls after each step of a picture."""

from foundation.clock import monotonic
from foundation.database import OpenScope
from foundation.jobs import Pulse
from studio import models, runs
from studio.buying import Stopped


class Watch:
    """What an engine calls after each step: it tells how far the picture is, and stops with its run or its row."""

    def __init__(self, tenant: OpenScope, job: models.Job, pulse: Pulse, *, every: float) -> None:
        self._tenant, self._job, self._pulse, self._every = tenant, job, pulse, every
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Raise LeaseLost when the row went to another worker, Stopped when the run was stopped."""
        self._pulse.check()
        if monotonic() < self._next:
            return
        self._next = monotonic() + self._every
        with self._tenant(self._job.tenant_id, runs.RUNNING) as scope:
            told = scope.run(
                "UPDATE jobs SET step = :step, steps = :steps WHERE tenant_id = :tenant AND id = :id"
                " AND state = 'running'",
                step=done,
                steps=total,
                tenant=self._job.tenant_id,
                id=self._job.id,
            )
        if not told.rowcount:
            raise Stopped
