"""A demonstration that is looked at begins to move: opening Home asks for a minute of work, once for some minutes."""

from functools import cache

from dashboard.events import SceneStep, SceneWanted
from dashboard.frame import Page
from foundation import outbox, settings
from foundation.database import Scope
from tenants import reads as tenant_reads


def begin(page: Page) -> None:
    """Ask for the scene, in an agency of the demonstration alone; while one is played nothing is asked."""
    if _may_play():
        page.read(ask)


def ask(scope: Scope) -> bool:
    """Whether a scene was asked for now: several tabs, and reloads until it is over, are one."""
    if not tenant_reads.agency(scope).demo:
        return False
    if outbox.awaited(scope, scope.tenant_id, SceneWanted.kind, SceneStep.kind):
        return False
    wanted = SceneWanted(scope.tenant_id, scope.tenant_id, scope.now)
    return outbox.put(scope, wanted, priority=0, dedupe="demo.scene") is not None


@cache
def _may_play() -> bool:
    return settings.load().environment != "production"
