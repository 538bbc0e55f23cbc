"""Routes of the events of `insights`: metrics, deletion checks, followers and rollups."""

from functools import partial

from foundation.money import parse_amounts
from insights.alerts import evaluation
from insights.alerts.events import AlertsDue
from insights.metrics import deletion_checks, followers, readings
from insights.metrics.events import DeletionRecheckDue, FollowersDue, ReadingDue, RollupDue
from insights.predictions import nightly, sentiment
from insights.predictions.events import AnalysisPackagesDue, PredictionsDue, SentimentsDue
from insights.rollups import daily_rollups
from insights.rollups.events import SaleRecorded
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

ROLLUP_DEADLINE_SECONDS = 300
"""Deadline of the rollup of a day with changed posts; heartbeats extend it."""

CHECK_DEADLINE_SECONDS = 120
"""Deadline of a check of all alert rules of an agency."""


def metrics_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the events of `insights`."""
    return (
        EventRoute(
            ReadingDue,
            partial(
                readings.collect_readings,
                tenant=s.tenant,
                read=s.read_metrics,
                still=s.check_live_post,
            ),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            DeletionRecheckDue,
            partial(deletion_checks.confirm_deletion, tenant=s.tenant, still=s.check_live_post),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            FollowersDue,
            partial(
                followers.count_followers,
                tenant=s.tenant,
                ask=s.count_followers,
                dear=s.metered_platforms,
            ),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            AlertsDue,
            partial(
                evaluation.check_alerts,
                tenant=s.tenant,
                caps=parse_amounts(s.settings.generators.spending_caps),
            ),
            deadline_seconds=CHECK_DEADLINE_SECONDS,
        ),
        EventRoute(
            RollupDue,
            partial(daily_rollups.roll_up_day, tenant=s.tenant),
            deadline_seconds=ROLLUP_DEADLINE_SECONDS,
        ),
        EventRoute(
            PredictionsDue,
            partial(nightly.compute_predictions, tenant=s.tenant, home=s.settings.home),
            deadline_seconds=nightly.DEADLINE_SECONDS,
        ),
        EventRoute(
            SentimentsDue,
            partial(sentiment.classify_messages, tenant=s.tenant, home=s.settings.home),
            deadline_seconds=nightly.DEADLINE_SECONDS,
        ),
        EventRoute(
            AnalysisPackagesDue,
            partial(nightly.install_packages, tenant=s.tenant, home=s.settings.home),
            deadline_seconds=nightly.DEADLINE_SECONDS,
            on_dead=partial(nightly.fail_installation, tenant=s.tenant),
        ),
        EventRoute(SaleRecorded, partial(daily_rollups.roll_up_days_of_sale, tenant=s.tenant)),
    )
