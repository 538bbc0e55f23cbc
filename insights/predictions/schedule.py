"""The times of predictions. The relay loads this module, so it imports no methods."""

from datetime import timedelta

from foundation.db.database import Scope
from foundation.ops.wall_time import load_zone, local_day
from foundation.outbox import outbox
from insights.predictions import storage
from insights.predictions.events import PredictionsDue, SentimentsDue
from insights.predictions.states import SetupState
from tenants.agencies.queries import get_agency

FROM_HOUR = 3
"""Local hour of the agency from which the predictions of a day are computed: the rollups of
yesterday are complete, and few members and fans are active."""

FIRST_DELAY = timedelta(seconds=30)
"""Delay of the first computation of an agency, so that it does not slow down the start."""


def plan_predictions(scope: Scope) -> None:
    """Queue the predictions of an agency once a local day, from `FROM_HOUR` on."""
    zone = get_agency(scope).zone
    latest = storage.latest_computation(scope)
    if latest is not None:
        is_early = scope.now.astimezone(load_zone(zone)).hour < FROM_HOUR
        if is_early or local_day(latest, zone) == local_day(scope.now, zone):
            return
    delay = FIRST_DELAY if latest is None else timedelta()
    due = PredictionsDue(scope.tenant_id, scope.tenant_id)
    outbox.put(scope, due, at=scope.now + delay, dedupe=f"predictions:{scope.tenant_id}")


def plan_sentiments(scope: Scope) -> None:
    """Queue the estimates of the sentiments of new messages and comments if the packages are
    installed. Whether there are any is the worker's question: the relay serves all agencies."""
    if storage.load_setup_state(scope) is SetupState.INSTALLED:
        due = SentimentsDue(scope.tenant_id, scope.tenant_id)
        outbox.put(scope, due, dedupe=f"sentiments:{scope.tenant_id}")
