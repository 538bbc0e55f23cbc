"""Voice samples for signed-in members: `/voices/<speech>`. Access is checked on every request, and
browsers do not store them.

Invalid, inaccessible and expired samples, and samples of a person who revoked consent, get the same
404.
"""

from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.media import library_files
from dashboard.shell import session
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.errors import NotFound
from studio.voice import samples
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right


async def serve_sample(request: Request) -> Response:
    """Serve a sample or a byte range of it."""
    try:
        return await run_in_threadpool(_serve_voice_sample, request)
    except OperationalError:
        return Response(status_code=503, headers=library_files.PRIVATE_NO_STORE)


def _serve_voice_sample(request: Request) -> Response:
    who: Viewer | None = request.scope.get(VIEWER_SCOPE_KEY)
    try:
        speech_id = UUID(request.path_params["speech"])
        if who is None or not has_right(who.member.role, Right.RUN):
            raise NotFound("speech.unknown")
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            creator_id, sound = samples.sample_audio(scope, speech_id)
            if (
                who.member.creators
                and queries.get_creator(scope, creator_id).slug not in who.member.creators
            ):
                raise NotFound("speech.unknown")
    except (NotFound, ValueError):
        return Response(status_code=404, headers=library_files.PRIVATE_NO_STORE)
    headers = {
        **library_files.PRIVATE_NO_STORE,
        **library_files.SAFE_HEADERS,
        "accept-ranges": "bytes",
    }
    return library_files.range_response(sound, request.headers.get("range"), headers, "audio/mp4")


ROUTES = [Route("/voices/{speech}", serve_sample, methods=["GET"])]
