"""Checkpoints: when they are due, recovery from crashes at any step, and no signature over a broken
log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import DatabaseRole, OpenScope, Scope
from foundation.ids import uuid7
from foundation.storage.archive import Archive, FileArchive
from gate.log import anchors, proof, signed_checkpoints
from gate.log.signed_checkpoints import RootLink
from tests.conftest import Cluster
from tests.gate.builders import World, world
from tests.gate.log import checkpoint_archive
from tests.gate.log.checkpoint_archive import (
    DUE,
    LOG_KEY,
    advance_clock,
    get_log_name,
    judge_units,
    list_checkpoints,
    sign_due_checkpoint,
    verify_log,
)


@pytest.fixture(autouse=True)
def a_house_without_logs(cluster: Cluster) -> None:
    checkpoint_archive.clear_logs(cluster)


@pytest.fixture
def here(tenant: OpenScope, tenant_id, a_house_without_logs: None) -> World:
    return world(tenant, tenant_id)


@pytest.fixture
def archive(tmp_path: Path) -> FileArchive:
    return FileArchive(tmp_path)


def test_checkpoint_is_signed_and_anchored_after_ten_minutes(
    here: World, archive: FileArchive
) -> None:
    judge_units(here, 3)
    sign_due_checkpoint(here, archive)
    assert list_checkpoints(archive, get_log_name(here)) == []
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    sign_due_checkpoint(here, archive)
    (one,) = list_checkpoints(archive, get_log_name(here))
    assert (one.number, one.seq) == (1, 3)
    root = RootLink.from_statement(
        archive.get(signed_checkpoints.root_link_name(1)), LOG_KEY.signing.public_key()
    )
    assert [(each.log, each.number) for each in root.anchors] == [(one.log, 1)]
    judge_units(here, 1)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    first, second = list_checkpoints(archive, get_log_name(here))
    assert (second.seq, second.previous != first.previous) == (4, True)
    found = verify_log(here, archive)
    assert found.is_intact
    assert (
        found.logs[0].entries,
        found.logs[0].checkpoints,
        found.logs[0].entries_after_checkpoint,
        found.links,
    ) == (
        4,
        2,
        0,
        2,
    )


def test_full_checkpoint_is_due_immediately(here: World, archive: FileArchive) -> None:
    judge_units(here, anchors.ENTRIES_PER_CHECKPOINT - 1)
    sign_due_checkpoint(here, archive)
    assert list_checkpoints(archive, get_log_name(here)) == []
    judge_units(here, 2)
    sign_due_checkpoint(here, archive)
    (one,) = list_checkpoints(archive, get_log_name(here))
    assert one.seq == anchors.ENTRIES_PER_CHECKPOINT + 1
    judge_units(here, 2)
    found = verify_log(here, archive).logs[0]
    assert (found.fault, found.anchored, found.entries_after_checkpoint) == (None, one.seq, 2)


def test_log_name_does_not_identify_agency(
    here: World, archive: FileArchive, tmp_path: Path
) -> None:
    judge_units(here, 1)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode()
    names = " ".join(str(path) for path in tmp_path.rglob("*"))
    assert str(here.tenant_id) not in written + names
    assert here.tenant_id.hex not in written + names


class Killed(BaseException):
    """Raised when the simulated process dies."""


@dataclass
class Mortal:
    """Opens scopes and stores bytes until its `life` is over, and dies before or after that
    operation."""

    open: OpenScope
    archive: Archive
    life: int
    after: bool
    acts: list[str] = field(default_factory=list)

    def _act(self, name: str, do: Callable[[], bytes]) -> bytes:
        last = len(self.acts) >= self.life
        if last and not self.after:
            raise Killed
        done = do()
        self.acts.append(name)
        if last:
            raise Killed
        return done

    def put_once(self, name: str, data: bytes) -> bytes:
        return self._act(name, lambda: self.archive.put_once(name, data))

    def get(self, name: str) -> bytes:
        return self.archive.get(name)

    @contextmanager
    def tenant(self, tenant_id, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        with self.open(tenant_id, actor, role=role) as scope:
            yield scope
            if len(self.acts) >= self.life and not self.after:
                raise Killed
        self._act("scope", lambda: b"")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("life", range(14))
def test_next_run_completes_checkpoint_after_crash_at_any_step(
    here: World, archive: FileArchive, life: int, after: bool
) -> None:
    judge_units(here, 2)
    advance_clock(here, timedelta(minutes=10))
    mortal = Mortal(here.open, archive, life, after)
    try:
        anchors.handle_checkpoint_due(DUE, tenant=mortal.tenant, archive=mortal, key=LOG_KEY)
    except Killed:
        judge_units(here, 1)  # new entries after the crash
        advance_clock(here, timedelta(minutes=10))
        sign_due_checkpoint(here, archive)
        sign_due_checkpoint(here, archive)
    found = verify_log(here, archive)
    assert found.is_intact, found
    assert found.links >= 1
    advance_clock(here, timedelta(minutes=20))
    sign_due_checkpoint(here, archive)
    assert (
        verify_log(here, archive).logs[0].entries_after_checkpoint,
        verify_log(here, archive).is_intact,
    ) == (0, True)


def test_concurrent_runs_create_one_checkpoint(here: World, archive: FileArchive) -> None:
    judge_units(here, 2)
    advance_clock(here, timedelta(minutes=10))
    inner = FileArchive(archive._root)

    class Overtaken:
        """An archive during whose first write another process completes a run."""

        def put_once(self, name: str, data: bytes) -> bytes:
            if not name.startswith("root") and not hasattr(self, "done"):
                self.done = True
                sign_due_checkpoint(here, inner)
            return inner.put_once(name, data)

        def get(self, name: str) -> bytes:
            return inner.get(name)

    sign_due_checkpoint(here, Overtaken())
    assert len(list_checkpoints(archive, get_log_name(here))) == 1
    assert verify_log(here, archive).is_intact


def tamper(cluster: Cluster, here: World, statement: str) -> None:
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        assert connection.execute(text(statement), {"t": here.tenant_id}).rowcount
    engine.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET verdict = 'B' WHERE tenant_id = :t AND seq = 5",
        "DELETE FROM decisions WHERE tenant_id = :t AND seq = 5",
        "UPDATE log_heads SET seq = 3 WHERE tenant_id = :t",
    ],
)
def test_broken_log_is_not_signed(
    here: World, archive: FileArchive, cluster: Cluster, statement: str
) -> None:
    judge_units(here, 4)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    judge_units(here, 2)
    tamper(cluster, here, statement)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    sign_due_checkpoint(here, archive)
    assert len(list_checkpoints(archive, get_log_name(here))) == 1
    with here.scope() as scope:
        told = scope.run("SELECT message FROM notices WHERE cause = 'log'").scalars().all()
    assert [each["code"] for each in told] == ["gate.log_broken"]
    assert not verify_log(here, archive).is_intact


def test_log_of_removed_agency_has_closing_statement(
    here: World, archive: FileArchive, tenant: OpenScope
) -> None:
    judge_units(here, 2)
    advance_clock(here, timedelta(minutes=10))
    other = world(tenant, uuid7())
    judge_units(other, 2)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    alone = verify_log(here, archive)
    assert alone.fault == proof.ExportFault("log_gone", 1)
    anchors.close_log(other.tenant_id, tenant=tenant, archive=archive, key=LOG_KEY)
    assert verify_log(here, archive).is_intact
