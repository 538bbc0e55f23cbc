"""Somebody signed in: where they came from is noted, and whoever needs a second factor is asked for it first."""

import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard import session
from dashboard.session import Viewer
from tenants import factors, login, reads, sightings

LIFE = int(login.SESSION_LIFE.total_seconds())
YEAR = 365 * 24 * 3600
SECOND = "/auth/second"


def let_in(request: Request, secret: str, *, to: str = "/") -> Response:
    """On to `to` with the cookie of a new session; on to the second factor where it waits for one.

    Raises Unavailable where the key for second factors is missing.
    """
    waiting = login.waiting(session.tenant(), secret)
    if waiting is not None:
        tenant_id, member_id = waiting
        with session.tenant()(tenant_id, f"member:{member_id}") as scope:
            factors.begin(scope, session.door_key(), member_id)
            who: Viewer | None = Viewer(tenant_id, reads.member(scope, member_id))
    else:
        who = session.viewer(secret)
    device = _device(request) or secrets.token_urlsafe(24)
    if who is not None:
        seen(request, who, device=device)
    return _answer(secret, device, to if waiting is None else SECOND)


def seen(request: Request, who: Viewer, *, device: str = "") -> None:
    """Note where a member was seen."""
    address = request.client.host if request.client else ""
    with session.tenant()(who.tenant_id, who.actor) as scope:
        sightings.note(scope, session.door_key(), who.member, address=address, device=device or _device(request))


def _device(request: Request) -> str:
    """What the browser keeps of us, if it was here before."""
    return request.cookies.get(session.device_name(), "")[:64]


def _answer(secret: str, device: str, to: str) -> Response:
    answer = RedirectResponse(to, status_code=303, headers={"cache-control": "no-store"})
    kept = ((session.cookie_name(), secret, LIFE), (session.device_name(), device, YEAR))
    for name, value, life in kept:
        answer.set_cookie(name, value, max_age=life, path="/", httponly=True, secure=session.secure(), samesite="lax")
    return answer
