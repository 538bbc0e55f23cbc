"""The endpoint through which the `own_page` connector publishes: files by digest and items by
content ID, with the site's credential."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound, Unavailable
from foundation.http.request_bodies import read_body
from foundation.storage.object_store import ObjectStore
from web.site import items, sites
from web.site.items import CONTENT_ID_PATTERN, FILE_SUFFIXES, ItemContent, MediaFile
from web.site.sites import SiteRef

MAX_FILE_BYTES = 32 * 1024 * 1024
MAX_ITEM_BYTES = 1024 * 1024
"""Maximum bytes of an item in JSON: 20,000 characters and forty alt texts, all escaped."""

PUBLISHER_ACTOR = "system:own-page"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Authorization = Annotated[str, Header()]


class MediumIn(BaseModel):
    """A file of an item. It must be uploaded before the item."""

    model_config = ConfigDict(extra="ignore")
    sha256: Digest
    mime: Annotated[str, Field(pattern=f"^({'|'.join(FILE_SUFFIXES)})$")]
    alt: Annotated[str, Field(max_length=2000)] = ""
    ai: Annotated[str, Field(pattern=r"^(none|assisted|generated)$")] = "none"


class ItemIn(BaseModel):
    """An item in the connector's request."""

    model_config = ConfigDict(extra="ignore")
    title: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=20_000)] = ""
    media: Annotated[list[MediumIn], Field(max_length=40)] = []
    ai: bool = False


def _has_nul_character(item: ItemIn) -> bool:
    """Return True if a text contains NUL, which JSON allows but PostgreSQL text columns do not."""
    return any(
        "\x00" in text for text in (item.title, item.text, *(medium.alt for medium in item.media))
    )


class _Refused(Exception):
    def __init__(self, status: int, word: str) -> None:
        self.status = status
        self.word = word


def _build_error_response(refused: _Refused) -> JSONResponse:
    return JSONResponse({"error": refused.word}, status_code=refused.status)


class _Endpoint:
    """The operations of the endpoint, for a site whose credential was verified."""

    def __init__(self, tenant: OpenScope, store: ObjectStore, *, public_url: str) -> None:
        self._tenant = tenant
        self._store = store
        self._base = public_url

    def owner(self, slug: str, authorization: str) -> SiteRef:
        """Return the site that a credential may publish to. A wrong credential and an unknown site
        raise the same error."""
        scheme, _, token = authorization.partition(" ")
        found = (
            sites.find_site_by_token(self._tenant, slug, token)
            if scheme.lower() == "bearer"
            else None
        )
        if found is None:
            raise _Refused(401, "token_refused")
        return found

    def put_file(self, found: SiteRef, sha256: str, data: bytes) -> JSONResponse:
        """Store a file under its digest. Repeating the request changes nothing."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _Refused(422, "wrong_digest")
        try:
            self._store.put(found.tenant_id, data)
        except Unavailable as full:
            raise _Refused(507, "disk_full") from full
        return JSONResponse({"sha256": sha256, "size": len(data)})

    def put_item(self, found: SiteRef, content_id: str, body: bytes) -> JSONResponse:
        """Create or edit an item. Its files must be uploaded and permitted in this area."""
        try:
            item = ItemIn.model_validate_json(body)
        except ValidationError as error:
            raise _Refused(422, "unreadable") from error
        if not CONTENT_ID_PATTERN.fullmatch(content_id) or _has_nul_character(item):
            raise _Refused(422, "unreadable")
        digests = [medium.sha256 for medium in item.media]
        sizes = {digest: self._get_file_size(found, digest) for digest in set(digests)}
        media = tuple(
            MediaFile(one.sha256, one.mime, one.alt, one.ai, sizes[one.sha256])
            for one in item.media
        )
        with self._tenant(found.tenant_id, PUBLISHER_ACTOR) as scope:
            self._lock_admitted_files(scope, found, digests)
            written = items.put_item(
                scope, found, content_id, ItemContent(item.title, item.text, media, item.ai)
            )
        if written.gone:
            raise _Refused(410, "gone")
        if not written.new:  # an edit may have dropped files
            self._purge_unused_files(found, content_id)
        return JSONResponse(
            self._build_item_reference(found, content_id), status_code=201 if written.new else 200
        )

    def _get_file_size(self, found: SiteRef, digest: str) -> int:
        try:
            return len(self._store.get(found.tenant_id, digest))
        except NotFound as missing:
            raise _Refused(422, "file_not_staged") from missing

    def _lock_admitted_files(self, scope: Scope, found: SiteRef, digests: list[str]) -> None:
        """Lock the files and check them again: until the lock is held, the removal of another item
        may delete them."""
        items.lock_files(scope, digests)
        if not all(self._store.exists(scope.tenant_id, digest) for digest in digests):
            raise _Refused(422, "file_not_staged")
        allowed = items.admitted_ratings(scope, found, digests)
        if not all(digest in allowed for digest in digests):
            raise _Refused(403, "rating")

    def get_item(self, found: SiteRef, content_id: str) -> JSONResponse:
        """Return the ID and URL of a published item."""
        with self._tenant(found.tenant_id, PUBLISHER_ACTOR) as scope:
            known, entry = items.find_item(scope, found, content_id)
        if entry is None:
            raise _Refused(410, "gone") if known else _Refused(404, "no_such_item")
        return JSONResponse(self._build_item_reference(found, content_id))

    def delete_item(self, found: SiteRef, content_id: str) -> JSONResponse:
        """Remove an item permanently. Repeating the request changes nothing."""
        if not CONTENT_ID_PATTERN.fullmatch(content_id):
            raise _Refused(404, "no_such_item")
        with self._tenant(found.tenant_id, PUBLISHER_ACTOR) as scope:
            items.remove_item(scope, found, content_id)
        self._purge_unused_files(found, content_id)
        return JSONResponse({"deleted": content_id})

    def metrics(self, found: SiteRef, content_id: str) -> JSONResponse:
        """Return the number of views of an item."""
        with self._tenant(found.tenant_id, PUBLISHER_ACTOR) as scope:
            seen = items.count_views(scope, found, content_id)
        if seen is None:
            raise _Refused(404, "no_such_item")
        return JSONResponse({"views": seen})

    def _purge_unused_files(self, found: SiteRef, content_id: str) -> None:
        """Delete files that no item shows. This runs after the commit that hid them, with their
        locks held so that another request cannot publish them again."""
        with self._tenant(found.tenant_id, PUBLISHER_ACTOR) as scope:
            for digest in items.list_unused_files(scope, found, content_id):
                self._store.delete(found.tenant_id, digest)
            items.forget_purged_files(scope, found, content_id)

    def _build_item_reference(self, found: SiteRef, content_id: str) -> dict[str, str]:
        return {"id": content_id, "url": f"{self._base}{found.area_path}/p/{content_id}"}


def router(tenant: OpenScope, store: ObjectStore, *, public_url: str) -> APIRouter:
    """Create the routes. Each one verifies the credential before it reads the request body."""
    routes = APIRouter(prefix="/house/{slug}")
    house = _Endpoint(tenant, store, public_url=public_url)

    @routes.put("/files/{sha256}")
    async def put_file(
        slug: str, sha256: str, request: Request, authorization: Authorization = ""
    ) -> JSONResponse:
        try:
            found = await run_in_threadpool(house.owner, slug, authorization)
            data = await _read_item_body(request, MAX_FILE_BYTES)
            return await run_in_threadpool(house.put_file, found, sha256, data)
        except _Refused as refused:
            return _build_error_response(refused)

    @routes.put("/items/{content_id}")
    async def put_item(
        slug: str, content_id: str, request: Request, authorization: Authorization = ""
    ) -> JSONResponse:
        try:
            found = await run_in_threadpool(house.owner, slug, authorization)
            body = await _read_item_body(request, MAX_ITEM_BYTES)
            return await run_in_threadpool(house.put_item, found, content_id, body)
        except _Refused as refused:
            return _build_error_response(refused)

    @routes.get("/items/{content_id}")
    def get_item(slug: str, content_id: str, authorization: Authorization = "") -> JSONResponse:
        try:
            return house.get_item(house.owner(slug, authorization), content_id)
        except _Refused as refused:
            return _build_error_response(refused)

    @routes.delete("/items/{content_id}")
    def delete_item(slug: str, content_id: str, authorization: Authorization = "") -> JSONResponse:
        try:
            return house.delete_item(house.owner(slug, authorization), content_id)
        except _Refused as refused:
            return _build_error_response(refused)

    @routes.get("/items/{content_id}/metrics")
    def metrics(slug: str, content_id: str, authorization: Authorization = "") -> JSONResponse:
        try:
            return house.metrics(house.owner(slug, authorization), content_id)
        except _Refused as refused:
            return _build_error_response(refused)

    return routes


async def _read_item_body(request: Request, most: int) -> bytes:
    body = await read_body(request.stream(), max_bytes=most)
    if body is None:
        raise _Refused(413, "too_large")
    return body
