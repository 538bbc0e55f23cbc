"""The door of machines of an agency's own: they ask for pictures to make, say how far they are, and hand them in.

A machine reaches nothing else: its key opens no other door, and only what it was lent is told to it. What is said here
is `generators/wire.py`.
"""

from typing import Annotated

from fastapi import Body, FastAPI, Header, Request
from fastapi.responses import Response
from pydantic import ValidationError

from foundation.database import OpenScope
from foundation.errors import BadInput
from foundation.storage import ObjectStore
from foundation.words import Message
from generators.wire import (
    LONGEST_MADE,
    MADE,
    MOST_BYTES,
    VERSION,
    Beat,
    Given,
    Heard,
    Made,
    Material,
    Work,
    WorkWanted,
)
from studio import handed, lending
from studio.lending import Bounds
from tenants import machines
from tenants.machines import Joined
from web import answers, api_errors
from web.api_auth import Admission, Asked, Form, Keys
from web.api_errors import ApiRefused
from web.api_limits import Limits

AT = "/machine/v1"
WAIT = 5.0
"""Seconds after which a machine asks again that found nothing to do."""

PICTURES = Form(
    frozenset({"application/octet-stream", "image/jpeg", "image/png", "image/webp"}), MOST_BYTES, "api.not_media"
)
MACHINES = Keys(machines.enter, "machines")
ACTOR = "system:machine"


def create(tenant: OpenScope, store: ObjectStore, *, per_day: int = 0) -> Admission:
    """The app behind its door, to be mounted at `AT`; `per_day` is the house's quota of pictures, 0 for none."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=answers.SILENT)
    api_errors.install(app)
    _works(app, tenant, store, per_day)
    _pictures(app, tenant, store)
    files = {("POST", "/pictures"): PICTURES}
    return Admission(app, tenant, limits=Limits(), files=files, most=2 * MOST_BYTES, opens=MACHINES)


def _works(app: FastAPI, tenant: OpenScope, store: ObjectStore, per_day: int) -> None:
    @app.post("/work")
    def ask(request: Request, wanted: WorkWanted) -> Work:
        """Pictures to make, or nothing for a while."""
        if wanted.version != VERSION:
            raise ApiRefused(409, Message("machine.other_version", {"ours": VERSION}))
        who = _who(request)
        with tenant(who.tenant_id, ACTOR) as scope:
            lent = lending.lend(scope, who.key_id, wanted, Bounds(per_day, store.allowed))
        return Work(lent=lent, wait=0 if lent is not None else WAIT)

    @app.post("/beats")
    def beat(request: Request, said: Beat) -> Heard:
        """It is at it."""
        who = _who(request)
        with tenant(who.tenant_id, ACTOR) as scope:
            return lending.beat(scope, who.key_id, said)

    @app.post("/given", status_code=204)
    def give_back(request: Request, said: Given) -> None:
        """It makes no more of a lease."""
        who = _who(request)
        with tenant(who.tenant_id, ACTOR) as scope:
            lending.give_back(scope, who.key_id, said)


def _pictures(app: FastAPI, tenant: OpenScope, store: ObjectStore) -> None:
    @app.post("/pictures", status_code=204)
    def hand_in(
        request: Request,
        data: Annotated[bytes, Body(media_type="application/octet-stream")],
        said: Annotated[str, Header(alias=MADE, max_length=LONGEST_MADE)],
    ) -> None:
        """One picture, whole."""
        who, made = _who(request), _read(said)
        with tenant(who.tenant_id, ACTOR) as scope:
            refused = handed.take(scope, store, who.key_id, made, data)
        if refused is not None:
            raise refused

    @app.post("/materials")
    def material(request: Request, wanted: Material) -> Response:
        """A picture that those of a lease work from."""
        who = _who(request)
        with tenant(who.tenant_id, ACTOR) as scope:
            lending.material(scope, who.key_id, wanted)
        return Response(store.get(who.tenant_id, wanted.sha256), media_type="application/octet-stream")


def _read(said: str) -> Made:
    try:
        return Made.model_validate_json(said)
    except ValidationError as error:
        raise BadInput("machine.made_unreadable") from error


def _who(request: Request) -> Joined:
    asked: Asked = request.state.asked
    joined: Joined = asked.entered
    return joined
