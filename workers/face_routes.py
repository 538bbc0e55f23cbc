"""Known faces, wired: who agrees, whom nobody may show, what is compared, and who says that two are not the same."""

from datetime import timedelta
from functools import partial

from foundation.leases import Backoff
from gate import beside, facing
from gate.beside import LikenessJudged
from gate.faces import CompareDue, EnrolDue, ReferencesDue
from gate.facing import BarWanted, FaceAgreed, UnbarWanted
from studio import comparing
from workers.dispatch import Route
from workers.wiring import Services

LOOK_SECONDS = 60
"""Three photographs at most, fifteen seconds each."""

COMPARE_SECONDS = 600
"""Some pictures at a time; a beating heart makes it longer."""

AWAY = Backoff(first=timedelta(minutes=1), dead_at=9)
"""A classifier that is down may be so for a day."""


def routes(s: Services) -> tuple[Route, ...]:
    """The routes of everything about faces."""
    tenant, by = s.tenant, s.comparing
    return (
        Route(FaceAgreed, partial(facing.agreed, tenant=tenant)),
        Route(ReferencesDue, partial(facing.referred, tenant=tenant)),
        Route(UnbarWanted, partial(facing.unbar, tenant=tenant)),
        Route(LikenessJudged, partial(beside.settle, tenant=tenant)),
        Route(EnrolDue, partial(comparing.enrol, by=by), deadline_seconds=LOOK_SECONDS, backoff=AWAY),
        Route(CompareDue, partial(comparing.again, by=by), deadline_seconds=COMPARE_SECONDS, backoff=AWAY),
        Route(
            BarWanted,
            partial(comparing.bar, by=by),
            deadline_seconds=LOOK_SECONDS,
            backoff=AWAY,
            on_dead=partial(comparing.not_barred, by=by),
        ),
    )
