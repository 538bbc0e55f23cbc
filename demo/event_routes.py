"""Routes of the demo's events: the scene on Home and the actions of the guided tour."""

from functools import partial

from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from dashboard.pages.tour.events import TourStepRequested
from demo import home_scene
from demo.agency import lifecycle
from demo.tour import actions
from tenants.auth.demo_removal import DemoRemovalRequested
from workers.relay.dispatch import NETWORK_DEADLINE_SECONDS, EventRoute
from workers.wiring import Services

REMOVAL_DEADLINE_SECONDS = 300
"""Limit for the deletion of the rows and files of both agencies."""


def demo_routes(s: Services) -> tuple[EventRoute, ...]:
    """Return the routes of the demo's events; in a production installation the scene
    does nothing."""
    may_play = s.settings.environment != "production"
    return (
        EventRoute(
            DemoSceneRequested,
            partial(home_scene.start_home_scene, tenant=s.tenant, may_play=may_play),
        ),
        EventRoute(
            DemoSceneStep,
            partial(home_scene.play_home_scene_step, tenant=s.tenant, may_play=may_play),
        ),
        EventRoute(
            TourStepRequested,
            partial(actions.perform_action, s=s),
            deadline_seconds=NETWORK_DEADLINE_SECONDS,
        ),
        EventRoute(
            DemoRemovalRequested,
            partial(lifecycle.remove_requested_demo, tenant=s.tenant, settings=s.settings),
            deadline_seconds=REMOVAL_DEADLINE_SECONDS,
        ),
    )
