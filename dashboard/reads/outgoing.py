"""What of a creator may leave the house for engines of others, as the Studio shows it; asks none of these."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dashboard.reads.studio import engine_of
from foundation.database import Scope
from foundation.settings import GeneratorsSettings
from generators import hosting, registry
from studio import home, outgoing
from studio.outgoing import Grant
from tenants import reads as tenant_reads


@dataclass(frozen=True)
class Outgoing:
    """An engine of others, and the yes that stands for it; `who` is the name of whoever said it, "" of who left."""

    engine: str
    grant: Grant | None
    who: str
    now: datetime


def outgoing_of(scope: Scope, creator_id: UUID, engines: Sequence[str]) -> list[Outgoing]:
    """Of each engine, what was said of it for a creator."""
    stand = outgoing.standing(scope, creator_id)
    names = {f"member:{one.id}": one.name for one in tenant_reads.members(scope)}
    return [
        Outgoing(engine, found := stand.get(engine), names.get(found.by, "") if found else "", scope.now)
        for engine in engines
    ]


def seller_of(scope: Scope, settings: GeneratorsSettings, named: str = "") -> str:
    """The engine of others that makes an agency's pictures by a recipe that names this engine, or none; "" where what
    they work from stays in the house."""
    if not named and home.able(scope) is not None:
        return ""
    engine = engine_of(settings, named)
    return engine if engine in hosting.ENGINES else ""


def sellers(settings: GeneratorsSettings) -> list[str]:
    """The engines of others that are set up."""
    return [one for one in registry.configured(settings) if one in hosting.ENGINES]
