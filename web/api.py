"""The API under `/v1`: an app of its own, so that its document describes it alone and its errors are all JSON."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from connectors import registry
from connectors.contract import Connector
from foundation.database import OpenScope
from foundation.settings import GeneratorsSettings
from foundation.storage import ObjectStore
from web import (
    answers,
    api_accounts,
    api_calendar,
    api_copies,
    api_costs,
    api_deliveries,
    api_downtimes,
    api_errors,
    api_feeds,
    api_holidays,
    api_hooks,
    api_imports,
    api_labels,
    api_making,
    api_media,
    api_pools,
    api_posts,
    api_queues,
    api_quiet,
    api_recipes,
    api_rehearsals,
    api_reviews,
    api_series,
    api_settled,
    api_shifts,
    api_spares,
    api_stops,
    api_talk,
    api_variants,
    api_weeks,
    api_word_lists,
    api_words,
    mcp,
)
from web.api_auth import Admission
from web.api_errors import ErrorOut
from web.api_limits import Limits

ABOUT = """Plan and follow posts. Ask with `Authorization: Bearer grk_…`, a key made on the System page.

Every POST names itself by an `Idempotency-Key`; every change names in `If-Match` the `ETag` it saw. Lists come in
pages: hand `next` back as `cursor`. Instants carry their offset; plans are wall times in an IANA zone."""

REFUSALS: Mapping[int, str] = {
    400: "The request cannot be read, or names itself by no `Idempotency-Key`.",
    401: "No living key.",
    403: "The key was not made for this, or its member may not do it.",
    404: "Nothing of that kind that this key may see.",
    409: "Its state does not allow it; `states` says where it stands.",
    412: "It was changed since you read it.",
    413: "The body is too large.",
    415: "The body is no JSON, or a file not of the type that is taken there.",
    422: "What came in cannot be used; or the `Idempotency-Key` named another request.",
    428: "No `If-Match`.",
    429: "Too fast: `Retry-After` says when to go on.",
    503: "A part of the house is away; try again.",
}


def create(
    tenant: OpenScope,
    *,
    limits: Limits,
    connectors: Mapping[str, Connector] | None = None,
    library: ObjectStore | None = None,
    generators: GeneratorsSettings | None = None,
    letterbox_key: str = "",
) -> Admission:
    """The app behind its door, to be mounted at `/v1`. Each subject is a router of its own, added here.

    `library` is where creators' files lie; without it none are taken in, nor copied. `generators` name the prices and
    caps of pictures, and the models of copies; without them nothing is billed. `letterbox_key` is what secrets of hooks
    are sealed with; without it none are taken in (503).
    """
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorOut, "description": said} for status, said in REFUSALS.items()
    }
    app = FastAPI(
        title="Greenroom",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        responses=responses,
        telemetry=answers.SILENT,
    )
    api_errors.install(app)
    known = registry.load() if connectors is None else connectors
    app.include_router(api_accounts.router(tenant, known))
    app.include_router(api_posts.router(tenant, known))
    app.include_router(api_series.router(tenant, known))
    app.include_router(api_deliveries.router(tenant, known))
    app.include_router(api_settled.router(tenant, known))
    app.include_router(api_rehearsals.router(tenant, known))
    app.include_router(api_hooks.router(tenant, letterbox_key))
    for part in (api_calendar, api_pools, api_reviews, api_spares, api_stops, api_talk, api_weeks):
        app.include_router(part.router(tenant))
    for part in (api_downtimes, api_labels, api_variants, api_queues, api_quiet, api_holidays, api_shifts):
        app.include_router(part.router(tenant))
    for part in (api_imports, api_feeds, api_words):
        app.include_router(part.router(tenant))
    app.include_router(api_media.router(tenant, library))
    prices = generators or GeneratorsSettings()
    app.include_router(api_recipes.router(tenant))
    app.include_router(api_making.router(tenant, prices))
    app.include_router(api_word_lists.router(tenant))
    app.include_router(api_costs.router(tenant))
    if library is not None:
        app.include_router(api_copies.router(tenant, prices, library))
    app.include_router(mcp.router(tenant, known, prices, library))
    return Admission(app, tenant, limits=limits)
