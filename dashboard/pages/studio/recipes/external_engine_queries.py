"""What of a creator may leave the house for engines of others, as the Studio shows it; asks none of
these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dashboard.pages.studio.recipes.queries import engine_name
from foundation.db.database import Scope
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract import hosted_services
from studio.recipes import export_grants
from studio.recipes.export_grants import ExportGrant
from studio.runs import remote_routing
from tenants.agencies import queries


@dataclass(frozen=True)
class EngineExportGrant:
    """An engine of others, and the yes that stands for it; `who` is the name of whoever said it, ""
    of who left."""

    engine: str
    grant: ExportGrant | None
    who: str
    now: datetime


def list_engine_export_grants(
    scope: Scope, creator_id: UUID, engines: Sequence[str]
) -> list[EngineExportGrant]:
    """Of each engine, what was said of it for a creator."""
    stand = export_grants.active_export_grants(scope, creator_id)
    names = {f"member:{one.id}": one.name for one in queries.list_members(scope)}
    return [
        EngineExportGrant(
            engine, found := stand.get(engine), names.get(found.by, "") if found else "", scope.now
        )
        for engine in engines
    ]


def external_engine_for(scope: Scope, settings: GeneratorsSettings, named: str = "") -> str:
    """The engine of others that makes an agency's pictures by a recipe that names this engine, or
    none; "" where what they work from stays in the house."""
    if not named and remote_routing.remote_capabilities(scope) is not None:
        return ""
    engine = engine_name(settings, named)
    return engine if engine in hosted_services.HOSTED_ENGINES else ""


def list_external_engines(settings: GeneratorsSettings) -> list[str]:
    """The engines of others that are set up."""
    return [
        one
        for one in registry.configured_image_engines(settings)
        if one in hosted_services.HOSTED_ENGINES
    ]
