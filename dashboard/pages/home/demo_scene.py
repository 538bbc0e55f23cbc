"""Live demo scene: opening the home page of a demo agency starts about a minute of activity, at
most once in a few minutes."""

from functools import cache

from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.ops import settings
from foundation.outbox import outbox
from tenants.agencies import queries


def start_demo_scene(page: PageContext) -> None:
    """Request the scene in a demo agency, unless one is in progress."""
    if _can_play_scene():
        page.read(request_demo_scene)


def request_demo_scene(scope: Scope) -> bool:
    """Request a demo scene. Return True if it was requested; several tabs and reloads during a
    scene count as one request."""
    if not queries.get_agency(scope).demo:
        return False
    if outbox.is_pending(scope, scope.tenant_id, DemoSceneRequested.kind, DemoSceneStep.kind):
        return False
    wanted = DemoSceneRequested(scope.tenant_id, scope.tenant_id, scope.now)
    return outbox.put(scope, wanted, priority=0, dedupe="demo.scene") is not None


@cache
def _can_play_scene() -> bool:
    return settings.load_settings().environment != "production"
