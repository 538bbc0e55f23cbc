"""The decision log on the command line: changes to the database and to an export are detected."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, create_engine, text

from foundation.errors import BadInput, NotFound
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops import settings as house
from gate.log import anchors, hash_chain, proof
from gate.log.events import CheckpointDue
from gate.log.hash_chain import GENESIS_HASH
from gate.log.proof import ExportFault
from gate.permits import issuance
from tests.conftest import Cluster
from tests.gate.builders import World, unit, world
from tests.schedules.builders import wired
from workers.cli.gate import log_export
from workers.event_routes import registry
from workers.relay import dispatch
from workers.relay.ticks import TICKS
from workers.wiring import Services


@pytest.fixture
def root(cluster: Cluster) -> Iterator[Engine]:
    """The database as an attacker with full access to it."""
    engine = create_engine(cluster.url("postgres", "house"))
    yield engine
    engine.dispose()


@pytest.fixture
def services(cluster: Cluster, root: Engine, tmp_path: Path) -> Iterator[Services]:
    with root.begin() as connection:
        connection.execute(
            text("TRUNCATE log_checkpoints, log_heads, permits, decisions, agencies CASCADE")
        )
    with wired(cluster, tmp_path) as found:
        yield found


@pytest.fixture
def here(services: Services) -> World:
    """An agency with eight decisions, six of them signed in two checkpoints."""
    found = world(services.tenant, uuid7())
    for count in (3, 3, 2):
        with found.scope() as scope:
            for number in range(count):
                issuance.judge_unit(
                    scope, unit(found, text=f"Hello {number}"), author=f"member:{found.ann}"
                )
        if count == 3:
            with services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
                scope.run("SELECT house_shift(:by)", by=timedelta(minutes=10))
            due = CheckpointDue(INSTALLATION_ID, INSTALLATION_ID)
            anchors.handle_checkpoint_due(
                due, tenant=services.tenant, archive=services.archive, key=services.log_key
            )
    return found


def tamper(root: Engine, here: World, *statements: str) -> None:
    with root.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            assert connection.execute(text(statement), {"t": here.tenant_id}).rowcount, statement


def rehash(root: Engine, here: World) -> None:
    """Recompute every hash and the head, as an attacker with our source code could."""
    with root.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        seq, last = 0, GENESIS_HASH
        for row in connection.execute(
            text("SELECT * FROM decisions WHERE tenant_id = :t ORDER BY seq"), {"t": here.tenant_id}
        ).all():
            fields = dict(row._mapping)
            for name in ("hash", "created_at", "updated_at"):
                fields.pop(name)
            before, seq = fields["seq"], seq + 1
            fields |= {"seq": seq, "prev_hash": last}
            last = hash_chain.sha256_hex(hash_chain.hashed_bytes(fields))
            connection.execute(
                text(
                    "UPDATE decisions SET seq = :seq, prev_hash = :prev, hash = :hash"
                    " WHERE tenant_id = :t AND seq = :before"
                ),
                {
                    "t": here.tenant_id,
                    "seq": seq,
                    "prev": fields["prev_hash"],
                    "hash": last,
                    "before": before,
                },
            )
        connection.execute(
            text("UPDATE log_heads SET seq = :seq, hash = :hash WHERE tenant_id = :t"),
            {"t": here.tenant_id, "seq": seq, "hash": last},
        )


OF = "WHERE tenant_id = :t AND seq"
COPIED = (
    "tenant_id, prev_hash, hash, decided_at, subject_kind, subject_id, creator_id, channel_id, "
    "surface, unit_digest,"
    " snapshot_digest, author, stage, verdict, reasons, rating, flags, bundle"
)


def test_untouched_log_is_intact(services: Services, here: World) -> None:
    found = log_export.verify_stored_log(services)
    assert found.is_intact, found
    (one,) = found.logs
    assert (
        one.entries,
        one.anchored,
        one.entries_after_checkpoint,
        one.checkpoints,
        found.links,
    ) == (8, 6, 2, 2, 2)
    assert log_export.verify_stored_log(services, agency=one.agency.upper()).is_intact
    with pytest.raises(NotFound):
        log_export.verify_stored_log(services, agency="nobody")


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ([f"UPDATE decisions SET verdict = 'B' {OF} = 3"], ExportFault("entry_changed", 3)),
        ([f"UPDATE decisions SET verdict = 'B' {OF} = 8"], ExportFault("entry_changed", 8)),
        ([f"DELETE FROM decisions {OF} = 2"], ExportFault("entry_missing", 2)),
        (
            [
                f"UPDATE decisions SET seq = {to} {OF} = {seq}"
                for seq, to in ((5, 99), (7, 5), (99, 7))
            ],
            ExportFault("entry_changed", 5),
        ),
        (
            [
                f"DELETE FROM decisions {OF} > 5",
                "UPDATE log_heads SET seq = 5 WHERE tenant_id = :t",
            ],
            ExportFault("cut", 6),
        ),
        (
            [
                f"INSERT INTO decisions (id, seq, {COPIED})"
                f" SELECT gen_random_uuid(), 0, {COPIED} FROM decisions {OF} = 1"
            ],
            ExportFault("entry_changed", 1),
        ),
    ],
    ids=["edit", "edit in the tail", "delete", "swap", "truncate", "insert"],
)
def test_change_to_the_database_is_detected(
    services: Services, here: World, root: Engine, statements: list[str], fault: ExportFault
) -> None:
    tamper(root, here, *statements)
    found = log_export.verify_stored_log(services)
    assert found.logs[0].fault == fault
    assert log_export.print_proof(found) == 1


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (f"UPDATE decisions SET verdict = 'B' {OF} = 2", ExportFault("rewritten", 3)),
        (f"DELETE FROM decisions {OF} = 5", ExportFault("rewritten", 6)),
        (f"DELETE FROM decisions {OF} > 5", ExportFault("cut", 6)),
    ],
    ids=["edit", "delete", "truncate"],
)
def test_rewritten_log_contradicts_its_signatures(
    services: Services, here: World, root: Engine, statement: str, fault: ExportFault
) -> None:
    tamper(root, here, statement)
    rehash(root, here)
    tamper(root, here, "DELETE FROM log_checkpoints WHERE tenant_id = :t")
    assert log_export.verify_stored_log(services).logs[0].fault == fault


def test_deleted_log_is_detected(services: Services, here: World, root: Engine) -> None:
    for table in ("decisions", "log_heads", "log_checkpoints", "agencies"):
        tamper(root, here, f"DELETE FROM {table} WHERE tenant_id = :t")
    assert log_export.verify_stored_log(services).fault == ExportFault("log_gone", 1)


def test_only_the_unsigned_tail_can_be_rewritten(
    services: Services, here: World, root: Engine
) -> None:
    tamper(root, here, f"UPDATE decisions SET verdict = 'B' {OF} = 7")
    rehash(root, here)
    found = log_export.verify_stored_log(services)
    assert (found.is_intact, found.logs[0].entries_after_checkpoint) == (True, 2), (
        "the documented blind spot"
    )


def test_checkpoint_missing_from_the_archive_is_detected(
    services: Services, here: World, tmp_path: Path
) -> None:
    files = (path for path in (tmp_path / "objects-archive").rglob("*") if path.is_file())
    kept = sorted(path for path in files if path.parent.name != "root")
    kept[-1].unlink()
    assert log_export.verify_stored_log(services).logs[0].fault == ExportFault(
        "checkpoint_missing", 2
    )


def test_export_is_verified_without_the_installation(
    services: Services, here: World, tmp_path: Path, root: Engine
) -> None:
    path = tmp_path / "log.jsonl"
    assert log_export.write_log(services, path) == len(path.read_bytes().splitlines())
    tamper(root, here, f"UPDATE decisions SET verdict = 'B' {OF} = 3")
    found = log_export.verify_log(path, agency="", key=services.log_key.public_key_text)
    assert found.is_intact, "the export predates the change"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(
        b"".join(line.replace(b'"stage":"judge"', b'"stage":"mint"') for line in lines)
    )
    assert log_export.verify_log(path, agency="", key="").logs[0].fault == ExportFault(
        "entry_changed", 1
    )
    with pytest.raises(BadInput):
        log_export.verify_log(tmp_path / "none", agency="", key="")


def test_beat_schedules_and_the_route_signs_a_checkpoint(services: Services, here: World) -> None:
    dispatch.run_due_events(
        registry.build_routes(services), services.tenant, only=INSTALLATION_ID
    )  # events left over from other tests
    with services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=timedelta(minutes=10))
    for _ in range(2):
        next(tick for tick in TICKS if tick.name == "checkpoints").write_rows(services.tenant)
    assert (
        dispatch.run_due_events(
            registry.build_routes(services), services.tenant, only=INSTALLATION_ID
        )
        == 1
    )
    assert log_export.verify_stored_log(services).logs[0].entries_after_checkpoint == 0


def test_verification_succeeds_during_concurrent_writes(services: Services, here: World) -> None:
    over = Event()

    def write() -> None:
        while not over.is_set():
            with here.scope() as scope:
                issuance.judge_unit(scope, unit(here), author=f"member:{here.ann}")

    def sign() -> None:
        while not over.is_set():
            with services.tenant(INSTALLATION_ID, "system:test", role="relay") as scope:
                scope.run("SELECT house_shift(:by)", by=timedelta(minutes=10))
            due = CheckpointDue(INSTALLATION_ID, INSTALLATION_ID)
            anchors.handle_checkpoint_due(
                due, tenant=services.tenant, archive=services.archive, key=services.log_key
            )

    with ThreadPoolExecutor(3) as pool:
        busy = [pool.submit(work) for work in (write, write, sign)]
        try:
            found = [log_export.verify_stored_log(services) for _ in range(25)]
        finally:
            over.set()
        for each in busy:
            each.result()
    assert [each for each in found if not each.is_intact] == []
    assert found[-1].links > found[0].links


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_finding_has_a_sentence(
    services: Services,
    here: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(variable, language)
    assert house.terminal_language() == language
    found = log_export.verify_stored_log(services)
    assert log_export.print_proof(found) == 0
    told = capsys.readouterr().out
    assert re.search(r"8 (decisions|décisions)", told)
    assert "2" in told
    assert services.log_key.public_key_text in told
    source = Path(proof.__file__).read_text("utf-8")
    whats = set(
        re.findall(
            r"\"((?:entry|checkpoint|root|log|end)_[a-z]+|cut|rewritten|unreadable|other_key)\"",
            source,
        )
    )
    assert len(whats) >= 13
    for what in whats:
        broken = proof.ExportVerification(
            "",
            0,
            (proof.LogVerification("l", "A", fault=ExportFault(what, 3)),),
            (),
            ExportFault(what, 3),
        )
        assert log_export.print_proof(broken) == 1
