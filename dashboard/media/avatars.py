"""Pictures of creators for signed-in members: `/files/creators/<creator>/<digest>`.

Access is checked on every request; unknown, inaccessible and replaced pictures get the same 404.
The digest in the address makes browsers load a new picture.
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
from foundation.errors import NotFound, Unavailable
from tenants.agencies import creators


async def serve_avatar(request: Request) -> Response:
    """Serve the picture of a creator whom the member has access to."""
    try:
        return await run_in_threadpool(_serve_avatar, request)
    except OperationalError:
        return Response(status_code=503, headers=library_files.PRIVATE_NO_STORE)


def _serve_avatar(request: Request) -> Response:
    who: Viewer | None = request.scope.get(VIEWER_SCOPE_KEY)
    try:
        creator_id = UUID(request.path_params["creator"])
        if who is None:
            raise NotFound("creator.unknown", creator="-")
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            found = creators.get_profile(scope, creator_id)
        named = request.path_params["digest"] == found.avatar != ""
        if not named or not who.member.works_for(found.creator.slug):
            raise NotFound("creator.unknown", creator="-")
        data = library_files.object_store().get(who.tenant_id, found.avatar)
    except (NotFound, Unavailable, ValueError):
        return Response(status_code=404, headers=library_files.PRIVATE_NO_STORE)
    headers = {**library_files.PRIVATE, **library_files.SAFE_HEADERS}
    return Response(data, headers=headers, media_type="image/webp")


ROUTES = [Route("/files/creators/{creator}/{digest}", serve_avatar, methods=["GET"])]
