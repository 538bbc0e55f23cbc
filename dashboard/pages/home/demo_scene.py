"""A demonstration that is looked at begins to move: opening Home asks for a minute of work, once
for some minutes."""

from functools import cache

from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.ops import settings
from foundation.outbox import outbox
from tenants.agencies import queries


def start_demo_scene(page: PageContext) -> None:
    """Ask for the scene, in an agency of the demonstration alone; while one is played nothing is
    asked."""
    if _can_play_scene():
        page.read(request_demo_scene)


def request_demo_scene(scope: Scope) -> bool:
    """Whether a scene was asked for now: several tabs, and reloads until it is over, are one."""
    if not queries.get_agency(scope).demo:
        return False
    if outbox.is_pending(scope, scope.tenant_id, DemoSceneRequested.kind, DemoSceneStep.kind):
        return False
    wanted = DemoSceneRequested(scope.tenant_id, scope.tenant_id, scope.now)
    return outbox.put(scope, wanted, priority=0, dedupe="demo.scene") is not None


@cache
def _can_play_scene() -> bool:
    return settings.load_settings().environment != "production"
