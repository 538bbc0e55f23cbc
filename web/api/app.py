"""The REST API under `/v1`, a separate app with its own OpenAPI document and JSON errors."""

from collections.abc import Mapping
from typing import Any

from connectors.contract.connector import Connector
from connectors.registry import loader
from foundation.db.database import OpenScope
from foundation.ops.settings import GeneratorsSettings
from foundation.storage.object_store import ObjectStore
from web.api.admin import (
    api_keys,
    audit_log,
    emergency_stops,
    payouts,
    personas,
    reports,
    revenue_splits,
    script_tests,
    settings,
    team_answers,
    webhooks,
)
from web.api.admin.alerts import alert_routes
from web.api.analytics import (
    acquisition_links,
    analytics,
    cost_entries,
)
from web.api.analytics.forecasts import forecast_routes
from web.api.analytics.share_links import share_link_routes
from web.api.analytics.workspace import workspace_routes
from web.api.channels import router
from web.api.common import errors
from web.api.common.authentication import AdmissionMiddleware
from web.api.common.errors import ErrorOut
from web.api.common.openapi import ApiApp
from web.api.common.rate_limits import ApiRateLimits
from web.api.creators.router import creator_routes
from web.api.generation import costs, recipes, runs, suggestions, wildcards
from web.api.media import picture_copies
from web.api.media import router as api_media
from web.api.planning import (
    ab_tests,
    account_failover,
    bulk_moves,
    calendar,
    dry_runs,
    evergreen,
    feeds,
    holidays,
    imports,
    missed_posts,
    post_forecasts,
    queues,
    quiet_periods,
    routines,
    series,
    weekly_plans,
)
from web.api.posts import approvals, deliveries, labels, review_comments
from web.api.posts import router as api_posts
from web.http.responses import NO_TELEMETRY
from web.mcp import router as mcp

API_DESCRIPTION = """Schedule and follow posts. Authenticate with \
`Authorization: Bearer grk_…`, an API key created on the Settings page.

Every POST requires an `Idempotency-Key` header; every update requires the last `ETag` in \
`If-Match`. Lists are paginated: pass `next` back as `cursor`. Instants carry their UTC offset; \
scheduled times are wall times in an IANA time zone."""

ERROR_DESCRIPTIONS: Mapping[int, str] = {
    400: "The request is malformed, or its `Idempotency-Key` is missing.",
    401: "No valid API key.",
    403: "The API key lacks the scope, or its member lacks the permission.",
    404: "Not found, or not visible to this API key.",
    409: "The current state does not allow this; see `states`.",
    412: "The resource has changed since you read it.",
    413: "The body is too large.",
    415: "The body is not JSON, or the file type is not supported.",
    422: (
        "The request contains invalid values, or the `Idempotency-Key` was used for "
        "another request."
    ),
    428: "The `If-Match` header is missing.",
    429: "Too many requests; wait as long as `Retry-After` says.",
    503: "A service is temporarily unavailable; try again.",
}


PARTS = (
    calendar,
    evergreen,
    approvals,
    account_failover,
    api_keys,
    analytics,
    audit_log,
    cost_entries,
    emergency_stops,
    payouts,
    reports,
    revenue_splits,
    personas,
    settings,
    review_comments,
    routines,
    team_answers,
    weekly_plans,
    missed_posts,
    labels,
    ab_tests,
    script_tests,
    post_forecasts,
    queues,
    quiet_periods,
    holidays,
    bulk_moves,
)
"""Modules whose routes need only the tenant."""


def create_api(
    tenant: OpenScope,
    *,
    limits: ApiRateLimits,
    connectors: Mapping[str, Connector] | None = None,
    library: ObjectStore | None = None,
    generators: GeneratorsSettings | None = None,
    letterbox_key: str = "",
    public_url: str = "",
) -> AdmissionMiddleware:
    """Create the API with its authentication, to be mounted at `/v1`.

    `library` is the media library; without it, uploads and picture copies are disabled.
    `generators` contains the prices and caps of image generation and the models for picture copies;
    without it, generation costs nothing. `letterbox_key` is the public key that seals webhook
    secrets; without it, no webhooks can be created (503). `public_url` is the address of short
    links.
    """
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorOut, "description": said}
        for status, said in ERROR_DESCRIPTIONS.items()
    }
    app = ApiApp(
        title="Greenroom",
        version="1",
        description=API_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=responses,
        telemetry=NO_TELEMETRY,
    )
    errors.install_error_handlers(app)
    known = loader.load_connectors() if connectors is None else connectors
    app.include_router(creator_routes(tenant))
    app.include_router(alert_routes(tenant))
    app.include_router(router.router(tenant, known))
    app.include_router(api_posts.router(tenant, known))
    app.include_router(series.router(tenant, known))
    app.include_router(deliveries.router(tenant, known))
    app.include_router(deliveries.settlement_router(tenant, known))
    app.include_router(dry_runs.router(tenant, known))
    app.include_router(acquisition_links.router(tenant, known, public_url=public_url))
    app.include_router(forecast_routes(tenant))
    app.include_router(workspace_routes(tenant))
    app.include_router(share_link_routes(tenant, public_url=public_url))
    app.include_router(webhooks.router(tenant, letterbox_key))
    for part in PARTS:
        app.include_router(part.router(tenant))
    _add_import_routes(app, tenant)
    app.include_router(api_media.router(tenant, library))
    prices = generators or GeneratorsSettings()
    _add_generation_routes(app, tenant, prices, library)
    app.include_router(mcp.router(tenant, known, prices, library))
    return AdmissionMiddleware(app, tenant, limits=limits)


def _add_import_routes(app: ApiApp, tenant: OpenScope) -> None:
    for part in (imports, feeds, suggestions):
        app.include_router(part.router(tenant))


def _add_generation_routes(
    app: ApiApp, tenant: OpenScope, prices: GeneratorsSettings, library: ObjectStore | None
) -> None:
    app.include_router(recipes.router(tenant))
    app.include_router(runs.router(tenant, prices))
    app.include_router(wildcards.router(tenant))
    app.include_router(costs.router(tenant))
    if library is not None:
        app.include_router(picture_copies.router(tenant, prices, library))
