"""Samples of voices for signed-in members: `/voices/<speech>`, asked anew each time, never kept by a browser.

What is wrong, foreign, over, or copied from somebody who no longer agrees is not found alike.
"""

from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard import entry, files, session
from dashboard.session import Viewer
from foundation.errors import NotFound
from studio import voice_samples
from tenants import reads as tenant_reads
from tenants.roles import Right, may


async def serve(request: Request) -> Response:
    """The sound, or the range of it that a player asks for."""
    try:
        return await run_in_threadpool(_serve, request)
    except OperationalError:
        return Response(status_code=503, headers=files.NO_STORE)


def _serve(request: Request) -> Response:
    who: Viewer | None = request.scope.get(entry.VIEWER)
    try:
        speech_id = UUID(request.path_params["speech"])
        if who is None or not may(who.member.role, Right.RUN):
            raise NotFound("speech.unknown")
        with session.tenant()(who.tenant_id, who.actor) as scope:
            creator_id, sound = voice_samples.sound(scope, speech_id)
            if who.member.creators and tenant_reads.creator(scope, creator_id).slug not in who.member.creators:
                raise NotFound("speech.unknown")
    except (NotFound, ValueError):
        return Response(status_code=404, headers=files.NO_STORE)
    headers = {**files.NO_STORE, **files.SAFE, "accept-ranges": "bytes"}
    return files.ranged(sound, request.headers.get("range"), headers, "audio/mp4")


ROUTES = [Route("/voices/{speech}", serve, methods=["GET"])]
