"""Léa's account on a platform with manual posting, and the phone of a member, without its pages."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.accounts import lifecycle
from channels.manual_tasks import assignees, file_downloads, tasks
from channels.manual_tasks.tasks import ManualTask
from connectors.contract.account_setup import ConnectedAccount
from connectors.platforms.byhand.publisher import ByHand
from tenants.agencies import queries as tenant_reads
from tests.schedules.builders import ZONE, SandboxAgency

LINK = "https://www.instagram.com/p/C9xYz12Abc/"
NAME = "hand"


def connect_manual_account(
    lea: SandboxAgency, site: str = "instagram", handle: str = "mia.lumiere"
) -> UUID:
    """Connect the account as account setup does."""
    found = ByHand().connect({"site": site, "account": handle}, ())
    assert isinstance(found, ConnectedAccount)
    with lea.scope() as scope:
        lea.channels[NAME] = lifecycle.connect_account(
            scope,
            creator_id=lea.creator_id,
            platform="byhand",
            surface=found.surface,
            account=f"{found.account}-{str(lea.tenant_id)[-6:]}",
            name=found.name,
            base_url="",
            token=None,
            zone=ZONE,
            options=found.options,
        )
    return lea.channels[NAME]


def pair_phone(lea: SandboxAgency, member_id: UUID | None = None) -> None:
    """Pair the phone of the manager or of another member."""
    with lea.scope(f"member:{member_id or lea.manager}") as scope:
        assignees.pair_phone(
            scope, tenant_reads.get_member(scope, member_id or lea.manager), name="Pixel"
        )
    lea.run()


@dataclass
class Phone:
    """A member with a paired phone."""

    lea: SandboxAgency
    member: UUID

    def scope(self) -> Any:
        return self.lea.scope(f"member:{self.member}")

    @property
    def creators(self) -> frozenset[UUID]:
        return frozenset({self.lea.creator_id})

    def tasks(self) -> list[ManualTask]:
        with self.scope() as scope:
            return tasks.list_due_tasks(scope, creators=self.creators)

    def task(self, task_id: UUID) -> ManualTask:
        with self.scope() as scope:
            return tasks.get_task(scope, task_id, creators=self.creators)

    def open(self, task_id: UUID) -> ManualTask:
        with self.scope() as scope:
            return tasks.open_task(scope, task_id, creators=self.creators)

    def done(
        self,
        task_id: UUID,
        pasted: str = LINK,
        ticked: tuple[str, ...] = ("adult", "ai", "audience"),
    ) -> ManualTask:
        with self.scope() as scope:
            found = tasks.complete_task(
                scope,
                task_id,
                creators=self.creators,
                pasted=pasted,
                ticked=ticked,
                connectors=self.lea.services.connectors,
            )
        self.lea.run()
        return found

    def act(self, function: Any, *args: Any, **more: Any) -> Any:
        with self.scope() as scope:
            found = function(scope, *args, creators=self.creators, **more)
        self.lea.run()
        return found

    def save(self, task_id: UUID, sha256: str) -> tuple[str, bytes | None]:
        """Request a file, wait for the answer and claim it; return the refusal's code, or the
        bytes."""
        with self.scope() as scope:
            wish_id = file_downloads.request_file(scope, task_id, sha256, creators=self.creators)
        self.lea.run()
        with self.scope() as scope:
            answer = file_downloads.get_download(scope, wish_id)
        if answer.reason is not None:
            return answer.reason.code, None
        with self.scope() as scope:
            digest = file_downloads.claim_download(scope, wish_id)
        return "", self.lea.services.store.get(self.lea.tenant_id, digest)


def open_phone(lea: SandboxAgency, member: UUID | None = None) -> Phone:
    """Return the manager's phone, or that of another member."""
    return Phone(lea, member or lea.manager)


def list_permits(lea: SandboxAgency) -> list[tuple[str, str]]:
    """Return step and state of every permit used."""
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT step, state FROM permits WHERE tenant_id = :t ORDER BY created_at, id",
            t=lea.tenant_id,
        )
        return [(row.step, row.state) for row in rows]
