"""Registry of all event routes."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from gate import journal
from workers.event_handlers import retention, watch_folder
from workers.event_routes import (
    age_checks,
    faces,
    gate,
    notifications,
    posts,
    reports,
    revenue,
    studio,
)
from workers.event_routes.channels import account_routes
from workers.event_routes.chat import chat_routes
from workers.event_routes.fact_routes import FACT_ROUTES
from workers.event_routes.insights import metrics_routes
from workers.relay.dispatch import EventRoute, EventRoutes, declared_events
from workers.wiring import Services


def build_routes(s: Services) -> EventRoutes:
    """Return all routes. Raises ValueError at start if an event kind has none."""
    found = EventRoutes(
        *posts.post_routes(s),
        *account_routes(s),
        *gate.gate_routes(s),
        *age_checks.age_routes(s),
        *faces.face_routes(s),
        *retention.retention_routes(s),
        *watch_folder.watch_folder_routes(s),
        *notifications.webhook_routes(s),
        *notifications.email_routes(s),
        *reports.report_routes(s),
        *revenue.revenue_routes(s),
        *studio.studio_routes(s),
        *metrics_routes(s),
        *chat_routes(s),
        *_demo_routes(s),
        facts=FACT_ROUTES,
    )
    # Refuse to start with an event that no handler would ever process.
    found.require_routes(declared_events(*event_modules()))
    return found


def event_modules() -> Iterator[ModuleType]:
    """Yield every module that declares events: the `events.py` of each sub-package, and the gate's
    journal."""
    yield journal
    for name in ("gate", "channels", "studio", "schedules", "subscribers", "insights", "dashboard"):
        package = import_module(name)
        for found in walk_packages(package.__path__, f"{name}."):
            if found.name.endswith(".events"):
                yield import_module(found.name)


def _demo_routes(s: Services) -> Iterable[EventRoute]:
    """Return the demo's routes. `demo` is in a higher layer and is loaded by name."""
    build: Callable[[Services], Iterable[EventRoute]] = import_module(
        "demo.event_routes"
    ).demo_routes
    return build(s)
