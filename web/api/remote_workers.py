"""The API of remote workers: lease pictures to generate, report progress and upload the results.

A remote worker's key is valid for this API only, and the worker sees only the data of its leases.
The messages are defined in `generators/remote_protocol.py`.
"""

from typing import Annotated

from fastapi import Body, FastAPI, Header, Request
from fastapi.responses import Response
from pydantic import ValidationError

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.storage.object_store import ObjectStore
from generators.remote_protocol import (
    MAX_PICTURE_BYTES,
    MAX_RESULT_HEADER,
    PROTOCOL_VERSION,
    RESULT_HEADER,
    HeartbeatResponse,
    LeaseHeartbeat,
    LeaseReturn,
    MaterialRequest,
    PictureResult,
    WorkRequest,
    WorkResponse,
)
from studio.remote_workers import leases, results
from studio.remote_workers.leases import AgencyBounds
from tenants.api_keys import remote_workers
from tenants.api_keys.remote_workers import RemoteWorkerIdentity
from web.api.common import errors
from web.api.common.authentication import AdmissionMiddleware, AdmittedRequest, BodyRule, KeySpace
from web.api.common.errors import ApiError
from web.api.common.rate_limits import ApiRateLimits
from web.http import responses

MOUNT_PATH = "/machine/v1"
LONG_POLL_SECONDS = 5.0
"""Seconds that a worker waits before its next request if there was nothing to generate."""

PICTURE_BODY = BodyRule(
    frozenset({"application/octet-stream", "image/jpeg", "image/png", "image/webp"}),
    MAX_PICTURE_BYTES,
    "api.not_media",
)
WORKER_KEY_SPACE = KeySpace(remote_workers.authenticate_remote_worker, "machines")
WORKER_ACTOR = "system:machine"


def create_remote_worker_api(
    tenant: OpenScope, store: ObjectStore, *, per_day: int = 0
) -> AdmissionMiddleware:
    """Create the API with its authentication, to be mounted at `MOUNT_PATH`. `per_day` is the daily
    quota of pictures (0 for none)."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=responses.NO_TELEMETRY)
    errors.install_error_handlers(app)
    _add_work_route(app, tenant, store, per_day)
    _add_picture_route(app, tenant, store)
    files = {("POST", "/pictures"): PICTURE_BODY}
    return AdmissionMiddleware(
        app,
        tenant,
        limits=ApiRateLimits(),
        files=files,
        most=2 * MAX_PICTURE_BYTES,
        opens=WORKER_KEY_SPACE,
    )


def _add_work_route(app: FastAPI, tenant: OpenScope, store: ObjectStore, per_day: int) -> None:
    @app.post("/work")
    def ask(request: Request, wanted: WorkRequest) -> WorkResponse:
        """Lease pictures to generate, or return the time to wait. 409 for another protocol
        version."""
        if wanted.version != PROTOCOL_VERSION:
            raise ApiError(409, Message("machine.other_version", {"ours": PROTOCOL_VERSION}))
        who = _get_worker_identity(request)
        with tenant(who.tenant_id, WORKER_ACTOR) as scope:
            lent = leases.lease_pictures(
                scope, who.key_id, wanted, AgencyBounds(per_day, store.quota_bytes)
            )
        return WorkResponse(lent=lent, wait=0 if lent is not None else LONG_POLL_SECONDS)

    @app.post("/beats")
    def beat(request: Request, said: LeaseHeartbeat) -> HeartbeatResponse:
        """Report that the worker is still working on a lease."""
        who = _get_worker_identity(request)
        with tenant(who.tenant_id, WORKER_ACTOR) as scope:
            return leases.extend_lease(scope, who.key_id, said)

    @app.post("/given", status_code=204)
    def give_back(request: Request, said: LeaseReturn) -> None:
        """Return the unfinished part of a lease."""
        who = _get_worker_identity(request)
        with tenant(who.tenant_id, WORKER_ACTOR) as scope:
            leases.return_lease(scope, who.key_id, said)


def _add_picture_route(app: FastAPI, tenant: OpenScope, store: ObjectStore) -> None:
    @app.post("/pictures", status_code=204)
    def hand_in(
        request: Request,
        data: Annotated[bytes, Body(media_type="application/octet-stream")],
        said: Annotated[str, Header(alias=RESULT_HEADER, max_length=MAX_RESULT_HEADER)],
    ) -> None:
        """Upload one complete picture."""
        who = _get_worker_identity(request)
        made = _parse_picture_result(said)
        with tenant(who.tenant_id, WORKER_ACTOR) as scope:
            refused = results.accept_result(scope, store, who.key_id, made, data)
        if refused is not None:
            raise refused

    @app.post("/materials")
    def material(request: Request, wanted: MaterialRequest) -> Response:
        """Download an input picture of a lease."""
        who = _get_worker_identity(request)
        with tenant(who.tenant_id, WORKER_ACTOR) as scope:
            leases.check_material(scope, who.key_id, wanted)
        return Response(
            store.get(who.tenant_id, wanted.sha256), media_type="application/octet-stream"
        )


def _parse_picture_result(said: str) -> PictureResult:
    try:
        return PictureResult.model_validate_json(said)
    except ValidationError as error:
        raise BadInput("machine.made_unreadable") from error


def _get_worker_identity(request: Request) -> RemoteWorkerIdentity:
    asked: AdmittedRequest = request.state.asked
    joined: RemoteWorkerIdentity = asked.entered
    return joined
