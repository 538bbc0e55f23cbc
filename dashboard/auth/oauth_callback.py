"""The OAuth callback: seals the authorization code for the workers."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from channels.connections import oauth_flow
from dashboard.shell import session
from dashboard.shell.plain_pages import NO_STORE, plain_page
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.errors import NotFound, Unavailable
from tenants.vault import sealed_intake

CHANNELS_PATH = "/channels"
MAX_CODE_LENGTH = 4096
"""Maximum number of characters in an authorization code. Real codes are less than a tenth as long.
"""

_STATE = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def receive_oauth_code(request: Request) -> Response:
    """Store the authorization code and redirect, so that the code does not remain in the URL. The
    Channels page shows the result."""
    try:
        await run_in_threadpool(_process_oauth_return, request)
    except NotFound:
        return plain_page(request, "channels.not_yours", status=404)
    except Unavailable as missing:
        return plain_page(request, missing.message.code, status=503)
    return RedirectResponse(CHANNELS_PATH, 303, NO_STORE)


def _process_oauth_return(request: Request) -> None:
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    said = request.query_params
    state = said.get("state", "")
    # our states are tokens; other values may contain characters that PostgreSQL rejects
    if not _STATE.fullmatch(state):
        raise NotFound("enrolment.unknown")
    code = said.get("code", "")
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        if code and len(code) <= MAX_CODE_LENGTH and "error" not in said:
            letter = sealed_intake.seal_form(
                session.sealed_intake_key(), who.tenant_id, {oauth_flow.CODE_FIELD: code}
            )
            oauth_flow.accept_return(scope, state, letter)
        else:
            oauth_flow.record_refusal(scope, state)


ROUTES = [Route(oauth_flow.OAUTH_RETURN_PATH, receive_oauth_code, methods=["GET"])]
