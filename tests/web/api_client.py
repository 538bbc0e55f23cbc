"""An agency with API keys and a client that calls the API over real HTTP, with a real database."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from channels.accounts import lifecycle
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth.models import Passkey
from tests.start_hour import module_start_time

ZONE = "Europe/Paris"
NEXT_YEAR = wall_now().year + 1
"""A year in which posts can be scheduled on every day."""
EVERYTHING = tuple(ApiKeyScope)


@dataclass
class ApiClient:
    """An agency with a member in each role, two creators with one account each, and keys of the
    manager and the owner."""

    client: httpx.Client
    tenant: OpenScope
    tenant_id: UUID
    members: dict[Role, UUID]
    creators: dict[str, UUID]
    channels: dict[str, UUID]
    secrets: dict[str, str] = field(default_factory=dict)

    def scope(self, actor: str = "system:test") -> Any:
        return self.tenant(self.tenant_id, actor)

    def key(
        self,
        role: Role = Role.MANAGER,
        *,
        scopes: Any = EVERYTHING,
        creators: Any = (),
        days: int = 30,
    ) -> str:
        """Create a key of the member in this role."""
        with self.scope(f"member:{self.members[role]}") as scope:
            return keys.create_key(scope, name="test", scopes=scopes, creators=creators, days=days)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        version: int | None = None,
        **headers: str,
    ) -> httpx.Response:
        """Send a request. A POST gets a random idempotency key unless one is given."""
        said = {"authorization": f"Bearer {key or self.secrets['manager']}"}
        if method == "POST":
            said["idempotency-key"] = str(uuid7())
        if version is not None:
            said["if-match"] = f'"{version}"'
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        more: dict[str, Any] = {}
        if body is not None:
            more["content"] = body if isinstance(body, str | bytes) else json.dumps(body)
            said.setdefault("content-type", "application/json")
        return self.client.request(method, f"/v1{path}", headers=said, **more)

    def get(self, path: str, **more: Any) -> Any:
        """Return the JSON of a GET request, which must succeed."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def draft(self, body: str = "hello", *, creator: str = "mia", **more: Any) -> dict[str, Any]:
        """Return the JSON body of a post due in one hour."""
        return {
            "creator_id": str(self.creators[creator]),
            "body": body,
            "channels": [str(self.channels[creator])],
            "at": instant_after(hours=1),
            **more,
        }

    def write(self, body: str = "hello", **more: Any) -> dict[str, Any]:
        """Create a post and return it."""
        answer = self.ask("POST", "/posts", self.draft(body, **more))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def approved(self, body: str = "hello", **more: Any) -> dict[str, Any]:
        """Create a post as the manager, approve it as the owner, and return it."""
        post = self.write(body, **more)
        answer = self.ask(
            "POST", f"/posts/{post['id']}/approve", {}, key=self.secrets["owner"], version=1
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def instant_after(**by: float) -> str:
    """Return the time this long after the start of the module, in the format of the API."""
    return (module_start() + timedelta(**by)).isoformat()


def module_start() -> datetime:
    """Return the start of the test module in UTC, rounded down to the minute."""
    return module_start_time().replace(second=0, microsecond=0)


def create_api_client(client: httpx.Client, tenant: OpenScope) -> ApiClient:
    """Create an agency."""
    tenant_id = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agency", language="fr", zone=ZONE)
        members = {
            role: agencies.add_member(
                scope,
                name=str(role),
                email=f"{role}@example.test",
                role=role,
                language="fr",
                zone=ZONE,
            )
            for role in Role
        }
        creators, channels = {}, {}
        for slug in ("mia", "zoe"):
            creators[slug] = agencies.add_creator(
                scope, slug=slug, name=slug.title(), kind="virtual", zone=ZONE, languages=["fr"]
            )
            channels[slug] = lifecycle.connect_account(
                scope,
                creator_id=creators[slug],
                platform="sandbox",
                surface="sandbox.post",
                account=f"{slug}-{str(tenant_id)[-8:]}",
                name=f"Sandbox {slug}",
                base_url="http://127.0.0.1:9",
                token=None,
                zone=ZONE,
                app_key=f"app-{tenant_id}",
            )
        for role in (Role.OWNER, Role.MANAGER):
            add_passkey(scope, members[role])
    made = ApiClient(client, tenant, tenant_id, members, creators, channels)
    made.secrets = {"manager": made.key(), "owner": made.key(Role.OWNER)}
    return made


def add_passkey(scope: Scope, member_id: UUID) -> None:
    """Give a member a second factor."""
    scope.add(
        Passkey(
            tenant_id=scope.tenant_id,
            member_id=member_id,
            credential=uuid7().hex,
            public_key=b"none",
            name="Phone",
        )
    )


def parse_instant(said: str) -> datetime:
    """Parse a time of the API."""
    return datetime.fromisoformat(said)


def error_code(answer: httpx.Response) -> str:
    """Return the code of an error response and check that the body has the documented form."""
    body = answer.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "states", "fields"}
    assert answer.headers["cache-control"] == "no-store"
    return str(body["error"]["code"])
