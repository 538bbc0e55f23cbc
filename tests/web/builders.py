"""A creator's page on a real web server, with a real database, files and HTTP."""

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from PIL import Image

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from gate.assets import asset_records
from gate.contract.units import Rating
from tenants.agencies import agencies
from tenants.vault import sealed_intake
from tests.gate.answers import rate_and_answer
from web.site import sites
from web.site.sites import SiteRef

PUBLIC = "https://pages.example.test"
AUTHORITY = "pages.example.test"
MASTER = b"m" * 32
LETTERBOX = sealed_intake.derive_public_key(MASTER)


def small_png(number: int) -> bytes:
    """Return a small picture that differs for each number."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256 % 256, 90)).save(out, "PNG")
    return out.getvalue()


def new_picture() -> bytes:
    """Return bytes that no other test uses."""
    return small_png(0) + uuid7().bytes


def new_content_id() -> str:
    """Return a content ID in the format of the installation."""
    return "gr" + uuid7().hex[:22]


@dataclass(frozen=True)
class WebServer:
    """The running web server: `client` calls it over HTTP, `pages` opens scopes with the login of
    the web processes."""

    client: httpx.Client
    tenant: OpenScope
    pages: OpenScope
    store: FileStore
    library: FileStore
    """Files served to platforms at temporary URLs."""


@dataclass(frozen=True)
class CreatorPage:
    """The page of one creator."""

    room: WebServer
    tenant_id: UUID
    creator_id: UUID
    slug: str
    token: str

    # Calls of the installation.

    def call(
        self, method: str, path: str, *, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """Send a request of the installation, by default with the credential of this page."""
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        return self.room.client.request(
            method, f"/house/{self.slug}{path}", headers=headers, **more
        )

    def stage(self, data: bytes, rating: Rating | None = Rating.G, *, ai: str = "none") -> str:
        """Upload and rate a file, and return its digest."""
        sha256 = hashlib.sha256(data).hexdigest()
        with self.scope() as scope:
            self.record(scope, sha256, rating, ai=ai)
        assert self.call("PUT", f"/files/{sha256}", content=data).status_code == 200
        return sha256

    def record(self, scope: Scope, sha256: str, rating: Rating | None, *, ai: str = "none") -> None:
        """Record and rate the file as the ingest does."""
        made = {
            "origin": "upload",
            "ai": ai,
            "engine": "",
            "made_at": scope.now,
            "source": "capture",
        }
        asset = asset_records.record_asset(scope, creator_id=self.creator_id, **made)
        asset_records.record_rendition(
            scope, asset, sha256=sha256, mime="image/png", size=1, width=8, height=8, profile="post"
        )
        if rating is not None:
            rate_and_answer(scope, sha256, rating, source="classifier@1")

    def put(
        self, key: str = "", *, media: Any = (), token: str | None = None, **item: Any
    ) -> httpx.Response:
        """Put an item; `media` contains digests or complete entries."""
        files = [
            {"sha256": one, "mime": "image/png"} if isinstance(one, str) else one for one in media
        ]
        body = {"title": "", "text": "hello", "media": files, "ai": False, **item}
        return self.call(
            "PUT", f"/items/{key or new_content_id()}", token=token, content=json.dumps(body)
        )

    def post(self, key: str = "", *, media: Any = (), **item: Any) -> str:
        """Put an item that must be accepted, and return its ID."""
        answer = self.put(key, media=media, **item)
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["id"])

    def delete(self, key: str) -> httpx.Response:
        return self.call("DELETE", f"/items/{key}")

    # Requests of visitors.

    def get(self, path: str = "", **headers: str) -> httpx.Response:
        """Request a path of this page as a visitor."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.room.client.get(f"/{self.slug}/{path}", headers=named)

    def file(self, sha256: str, suffix: str = "png") -> httpx.Response:
        return self.room.client.get(f"/files/{sha256}.{suffix}")

    def feed(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("feed.json").json()
        return found

    # Database access.

    def scope(self, actor: str = "system:test") -> Any:
        return self.room.tenant(self.tenant_id, actor)

    @property
    def found(self) -> SiteRef:
        found = sites.find_site_by_slug(self.room.tenant, self.slug)
        assert found is not None
        return found


def unique_slug() -> str:
    """Return a new slug. Its digits cannot be read as the letters of a term of the lexicon."""
    number = uuid7().int
    return "mia-" + "".join("2689"[number >> shift & 3] for shift in range(0, 48, 2))


def create_page(
    room: WebServer,
    *,
    tenant_id: UUID | None = None,
    language: str = "fr",
    title: str = "Mia",
    about: str = "Photographe",
) -> CreatorPage:
    """Create a page, with a new tenant unless one is given."""
    slug = unique_slug()
    owner = tenant_id or uuid7()
    with room.tenant(owner, "system:test") as scope:
        if tenant_id is None:
            agencies.create_agency(scope, name="Agency", language="fr", zone="Europe/Paris")
        creator = agencies.add_creator(
            scope,
            slug=slug,
            name=title,
            kind="human",
            zone="Europe/Paris",
            languages=["fr"],
            rating_ceiling="E",
        )
        token = sites.open_site(
            scope,
            creator_id=creator,
            slug=slug,
            title=title,
            about=about,
            language=language,
            chat_url="http://127.0.0.1:8490/c/mia",
            authority=AUTHORITY,
        )
    assert token is not None
    return CreatorPage(room, owner, creator, slug, token)
