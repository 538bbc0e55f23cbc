"""Temporary URLs from which platforms fetch the files of a post, valid until the publishing step
ends.

They serve exactly the bytes that the gate approved. There are no pages, redirects or caching.
"""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from channels.links import media_urls
from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.storage.object_store import ObjectStore
from web.http import responses
from web.http.responses import READ_METHODS

PRIVATE_HEADERS = {"cache-control": "private, no-store", "x-robots-tag": "noindex"}
GONE = 410


class TemporaryFiles:
    """Serves temporary URLs. `store` is the media library, which contains the approved files."""

    def __init__(self, tenant: OpenScope, store: ObjectStore) -> None:
        self._tenant = tenant
        self._store = store

    def serve_temporary_file(self, request: Request, token: str, name: str) -> Response:
        """Serve the file or a byte range of it. Return 404 for an unknown URL and 410 for an
        expired one. Every request for a known URL is recorded."""
        found = media_urls.find_media_url(self._tenant, token)
        if found is None:
            return PlainTextResponse("", 404, PRIVATE_HEADERS)
        tenant_id, lent_id = found
        with self._tenant(tenant_id, media_urls.MEDIA_URL_ACTOR) as scope:
            lent = media_urls.read_media_url(scope, lent_id)
            answer = self._serve_media_file(request, tenant_id, lent, name)
            size = (
                len(answer.body)
                if answer.status_code in (200, 206) and request.method == "GET"
                else 0
            )
            address = request.client.host if request.client else ""
            reason = lent.refused if answer.status_code == GONE else ""
            media_urls.record_fetch(
                scope, lent_id, status=answer.status_code, size=size, reason=reason, address=address
            )
        return answer

    def _serve_media_file(
        self, request: Request, tenant_id: UUID, lent: media_urls.MediaUrl, name: str
    ) -> Response:
        if name != lent.file_name:
            return PlainTextResponse("", 404, PRIVATE_HEADERS)
        if lent.refused:
            return PlainTextResponse(lent.refused, GONE, PRIVATE_HEADERS)
        try:
            body = self._store.get(tenant_id, lent.sha256)
        except NotFound:
            return PlainTextResponse("", GONE, PRIVATE_HEADERS)
        return responses.file_response(
            request, body, tag=f'"{lent.sha256}"', mime=lent.mime, headers=PRIVATE_HEADERS
        )


def router(tenant: OpenScope, store: ObjectStore) -> APIRouter:
    """Create the route of temporary URLs."""
    files = TemporaryFiles(tenant, store)
    routes = APIRouter()

    @routes.api_route(f"{media_urls.MEDIA_URL_PATH}{{token}}/{{name}}", methods=READ_METHODS)
    def file(request: Request, token: str, name: str) -> Response:
        return files.serve_temporary_file(request, token, name)

    return routes
