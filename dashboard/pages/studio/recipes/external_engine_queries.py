"""Queries for permissions to send a creator's images to external engines. No engine is called."""

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
    """An external engine and its current permission.

    `who` is the name of the member who granted it, empty for a former member.
    """

    engine: str
    grant: ExportGrant | None
    who: str
    now: datetime


def list_engine_export_grants(
    scope: Scope, creator_id: UUID, engines: Sequence[str]
) -> list[EngineExportGrant]:
    """Return the permissions of a creator for these engines."""
    stand = export_grants.active_export_grants(scope, creator_id)
    names = {f"member:{one.id}": one.name for one in queries.list_members(scope)}
    return [
        EngineExportGrant(
            engine, found := stand.get(engine), names.get(found.by, "") if found else "", scope.now
        )
        for engine in engines
    ]


def external_engine_for(scope: Scope, settings: GeneratorsSettings, named: str = "") -> str:
    """Return the external engine that runs a template with this engine name, or the default one.

    Return an empty string if the images remain on this installation or on remote workers.
    """
    if not named and remote_routing.remote_capabilities(scope) is not None:
        return ""
    engine = engine_name(settings, named)
    return engine if engine in hosted_services.HOSTED_ENGINES else ""


def list_external_engines(settings: GeneratorsSettings) -> list[str]:
    """Return the configured external engines."""
    return [
        one
        for one in registry.configured_image_engines(settings)
        if one in hosted_services.HOSTED_ENGINES
    ]
