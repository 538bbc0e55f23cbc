"""An agency with a remote worker and a creator with a recipe, and a decompression bomb."""

import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.clock import wall_now
from foundation.storage.object_store import ObjectStore, bytes_digest
from generators.engines.images.placeholder import PlaceholderEngine
from generators.provenance import content_credentials
from generators.remote_protocol import PROTOCOL_VERSION, RESULT_HEADER, LeasedPictures, PictureOrder
from studio.library import assets
from studio.recipes import specs
from studio.remote_workers import results
from studio.remote_workers.events import RemotePictureDue
from studio.runs import remote_routing, runner
from studio.runs.events import RunDue
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import remote_workers
from tests.studio.builders import build_spec

CREDENTIAL = content_credentials.development_credential(now=wall_now())
ABLE = {"engine": "placeholder", "model": "scenes-1"}


@dataclass
class RemoteWorkerAgency:
    """One agency with one creator and one remote worker with its key."""

    client: httpx.Client
    tenant: OpenScope
    store: ObjectStore
    tenant_id: UUID
    creator_id: UUID
    owner: UUID
    key: str = ""
    machine_id: UUID = field(default_factory=uuid7)
    instance: UUID = field(default_factory=uuid7)

    def scope(self, actor: str = "system:test") -> Any:
        return self.tenant(self.tenant_id, actor)

    def machine(self, name: str = "the cellar") -> tuple[UUID, str]:
        """Create another remote worker and return its ID and key."""
        machine_id = uuid7()
        with self.scope(f"member:{self.owner}") as scope:
            return machine_id, remote_workers.create_remote_worker(
                scope, name=name, machine_id=machine_id
            )

    def end(self, machine_id: UUID | None = None) -> int:
        with self.scope(f"member:{self.owner}") as scope:
            return remote_routing.end_remote_worker(scope, machine_id or self.machine_id)

    def start(self, *, key: str = "run", seed: int = 7, **changes: Any) -> UUID:
        """Start a run of a small recipe."""
        with self.scope() as scope:
            recipe_id = specs.save_recipe(scope, self.creator_id, build_spec(**changes))
            return runner.start_run(
                scope, creator_id=self.creator_id, recipe_id=recipe_id, seed=seed, key=key
            )

    def post(self, path: str, body: Any, *, key: str = "", **headers: str) -> httpx.Response:
        """Send a request as the worker."""
        said = {"authorization": f"Bearer {key or self.key}", **headers}
        more: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        return self.client.post(f"/machine/v1{path}", headers=said, timeout=30, **more)

    def ask(
        self, *, instance: UUID | None = None, key: str = "", **able: Any
    ) -> LeasedPictures | None:
        """Request work and return the lease, or None if there is none."""
        wanted = {
            "version": PROTOCOL_VERSION,
            "instance": str(instance or self.instance),
            "able": {**ABLE, **able},
        }
        answer = self.post("/work", wanted, key=key)
        assert answer.status_code == 200, answer.text
        said = answer.json()["lent"]
        return LeasedPictures.model_validate(said) if said else None

    def lent(self, **more: Any) -> LeasedPictures:
        """Request work and return the lease, which must exist."""
        found = self.ask(**more)
        assert found is not None
        return found

    def hand_in(
        self,
        lent: LeasedPictures,
        which: int,
        data: bytes | None = None,
        *,
        key: str = "",
        **said: Any,
    ) -> httpx.Response:
        """Upload a picture of a lease: the rendered one unless other bytes are given."""
        asked = next(one for one in lent.pictures if one.number == which)
        data = draw_picture(asked) if data is None else data
        made = {
            **{
                "lease": str(lent.lease),
                "number": which,
                "sha256": bytes_digest(data),
                "seconds": 1.5,
            },
            **{
                "engine": "placeholder",
                "model": "scenes-1",
                "label": "placeholder",
                "parameters": {"steps": 1},
            },
            **said,
        }
        told = json.dumps(made)
        kind = {"content-type": "application/octet-stream", RESULT_HEADER: told}
        return self.post("/pictures", data, key=key, **kind)

    def bring(self) -> int:
        """Ingest the pending results as the workers do, and return their number."""
        with self.scope() as scope:
            found = scope.run(
                "DELETE FROM outbox WHERE tenant_id = :tenant AND kind = :kind RETURNING id, "
                "subject_id",
                tenant=self.tenant_id,
                kind=RemotePictureDue.kind,
            )
            ids = [row.subject_id for row in sorted(found, key=lambda row: row.id)]
        for one in ids:
            results.ingest_result(
                RemotePictureDue(self.tenant_id, one),
                tenant=self.tenant,
                store=self.store,
                credential=lambda: CREDENTIAL,
            )
        return len(ids)

    def progress(self, job_id: UUID) -> tuple[str, int, int]:
        with self.scope() as scope:
            state, done, total = runner.run_progress(scope, job_id)
        return str(state), done, total

    def why(self, job_id: UUID) -> str:
        with self.scope() as scope:
            found = runner.failure_reason(scope, job_id)
        return found.code if found else ""

    def pictures(self) -> list[assets.LibraryAsset]:
        with self.scope() as scope:
            return assets.list_assets(scope, self.creator_id)

    def count(self, table: str) -> int:
        with self.scope() as scope:
            found = scope.run(
                f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant", tenant=self.tenant_id
            )
            return int(found.scalar_one())

    def due(self) -> int:
        """Return the number of jobs for the installation's workers."""
        with self.scope() as scope:
            found = scope.run(
                "SELECT count(*) FROM outbox WHERE tenant_id = :t AND kind = :kind",
                t=self.tenant_id,
                kind=RunDue.kind,
            )
            return int(found.scalar_one())

    def silent(self) -> None:
        """Let the lease expire."""
        with self.scope() as scope:
            scope.run(
                "UPDATE home_runs SET until = people_now() - interval '1 second'"
                " WHERE tenant_id = :tenant AND until IS NOT NULL",
                tenant=self.tenant_id,
            )


def create_remote_worker_agency(
    client: httpx.Client, tenant: OpenScope, store: ObjectStore, *, came: bool = True
) -> RemoteWorkerAgency:
    """Create an agency whose worker has connected once if `came` is True."""
    tenant_id = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agency", language="fr", zone="Europe/Paris")
        owner = agencies.add_member(
            scope,
            name="O",
            email="o@example.test",
            role=Role.OWNER,
            language="fr",
            zone="Europe/Paris",
        )
        creator = agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
    made = RemoteWorkerAgency(client, tenant, store, tenant_id, creator, owner)
    made.machine_id, made.key = made.machine("studio at home")
    if came:
        assert made.ask() is None
    return made


def draw_picture(asked: PictureOrder) -> bytes:
    """Return the picture as the worker's engine renders it."""
    return PlaceholderEngine().draw(asked.to_job(lambda _: b"")).data


def decompression_bomb(edge: int = 60_000) -> bytes:
    """Return a PNG of a few bytes that would decompress to gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )
