"""Coming back from a platform where somebody said yes, or no: the code goes on to the workers, sealed."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from channels import visiting
from dashboard import entry, session
from dashboard.session import Viewer
from foundation.errors import NotFound, Unavailable
from tenants import letterbox

ACCOUNTS = "/channels"
LONGEST = 4096
"""Characters of a code; no platform's is a tenth of it."""


async def back(request: Request) -> Response:
    """Take the code out of the address at once; what becomes of it stands on Accounts."""
    try:
        await run_in_threadpool(_came_back, request)
    except NotFound:
        return entry.page(request, "channels.not_yours", status=404)
    except Unavailable as missing:
        return entry.page(request, missing.message.code, status=503)
    return RedirectResponse(ACCOUNTS, 303, entry.NO_STORE)


def _came_back(request: Request) -> None:
    who: Viewer = request.scope[entry.VIEWER]
    said = request.query_params
    state, code = said.get("state", "")[:LONGEST], said.get("code", "")
    with session.tenant()(who.tenant_id, who.actor) as scope:
        if code and len(code) <= LONGEST and "error" not in said:
            letter = letterbox.seal(session.letterbox_key(), who.tenant_id, {visiting.CODE: code})
            visiting.came_back(scope, state, letter)
        else:
            visiting.declined(scope, state)


ROUTES = [Route(visiting.PATH, back, methods=["GET"])]
