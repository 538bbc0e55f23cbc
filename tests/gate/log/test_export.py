"""Log exports during normal operation, and the records of checkpoints."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.storage.archive import Archive, FileArchive
from gate.log import anchors, export, hash_chain, proof, signed_checkpoints
from gate.log.signed_checkpoints import Checkpoint, RootLink
from tests.conftest import Cluster
from tests.gate.builders import World, world
from tests.gate.log import checkpoint_archive
from tests.gate.log.checkpoint_archive import (
    LOG_KEY,
    advance_clock,
    get_log_name,
    judge_units,
    list_checkpoints,
    sign_due_checkpoint,
    verify_log,
)
from tests.gate.side_effects import StoredNotice, find_notice


@pytest.fixture(autouse=True)
def a_house_without_logs(cluster: Cluster) -> None:
    checkpoint_archive.clear_logs(cluster)


@pytest.fixture
def here(tenant: OpenScope, tenant_id, a_house_without_logs: None) -> World:
    return world(tenant, tenant_id)


@pytest.fixture
def archive(tmp_path: Path) -> FileArchive:
    return FileArchive(tmp_path)


def tamper(cluster: Cluster, here: World, statement: str) -> None:
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        assert connection.execute(text(statement), {"t": here.tenant_id}).rowcount
    engine.dispose()


def exported(
    here: World, archive: Archive, meanwhile: Callable[[], None], *, at: str
) -> list[bytes]:
    """Export the log and call the given function after the first line that contains `at`; return
    the lines."""
    found, happened = [], False
    for line in export.export_lines(
        [here.tenant_id], every=True, tenant=here.open, archive=archive, key=LOG_KEY
    ):
        found.append(line)
        if not happened and f'"{at}"'.encode() in line:
            meanwhile()
            happened = True
    assert happened
    return found


@pytest.mark.parametrize("at", ["export", "anchors", "log", "entry"])
def test_checkpoint_made_during_export_is_left_to_next_export(
    here: World, archive: FileArchive, at: str
) -> None:
    judge_units(here, 2)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    judge_units(here, 2)

    def meanwhile() -> None:
        judge_units(here, 3)
        advance_clock(here, timedelta(minutes=10))
        sign_due_checkpoint(here, archive)

    lines = exported(here, archive, meanwhile, at=at)
    found = proof.verify_export(lines)
    assert found.is_intact, found
    (one,) = found.logs
    whole = at in ("export", "anchors")  # entries written before the root was read are included
    assert (one.checkpoints, found.links) == ((2, 2) if whole else (1, 1))
    assert one.entries == (4 if at in ("log", "entry") else 7)
    assert len(list_checkpoints(archive, get_log_name(here))) == 2
    after = verify_log(here, archive)
    assert after.is_intact
    assert (after.logs[0].entries, after.logs[0].checkpoints, after.links) == (7, 2, 2)


def test_unreadable_checkpoint_is_exported_for_verifier(here: World, archive: FileArchive) -> None:
    judge_units(here, 2)
    archive.put_once(
        signed_checkpoints.checkpoint_name(get_log_name(here), 1), b'{"kind":"checkpoint"}'
    )
    found = verify_log(here, archive)
    assert not found.is_intact
    assert found.logs[0].fault == proof.ExportFault("checkpoint_forged", 1)


def test_export_header_and_footers_describe_content(here: World, archive: FileArchive) -> None:
    """The header and the footer of each log state the counts that a verifier compares."""
    judge_units(here, 2)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    judge_units(here, 1)
    empty = world(here.open, uuid7())
    lines = list(
        export.export_lines(
            [here.tenant_id, empty.tenant_id],
            every=False,
            tenant=here.open,
            archive=archive,
            key=LOG_KEY,
        )
    )
    said = [json.loads(line) for line in lines]
    opening, ends = said[0], [one for one in said if one.get("kind") == "end"]
    name = get_log_name(here)
    assert (opening["format"], opening["key"], opening["logs"]) == (
        proof.EXPORT_FORMAT,
        LOG_KEY.public_key_text,
        [name, ""],
    )
    assert (opening["every"], opening["links"]) == (False, 1)
    assert [(one["log"], one["seq"], one["checkpoints"]) for one in ends] == [
        (name, 3, 1),
        ("", 0, 0),
    ]
    with here.scope() as scope:
        head = scope.run(
            "SELECT hash FROM log_heads WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
        now = hash_chain.to_microseconds(scope.now)
    assert [one["hash"] for one in ends] == [head, hash_chain.GENESIS_HASH]
    assert all(0 <= now - one["at"] < 60_000_000 for one in (opening, *ends))
    titles = [(one["agency"], one["log"]) for one in said if one.get("kind") == "log"]
    assert titles == [(f"Agency {here.tenant_id}", name), (f"Agency {empty.tenant_id}", "")]


def test_checkpoint_is_recorded_completely(
    here: World, archive: FileArchive, tenant: OpenScope
) -> None:
    judge_units(here, 3)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    (one,) = list_checkpoints(archive, get_log_name(here))
    data = archive.get(signed_checkpoints.checkpoint_name(one.log, 1))
    root = archive.get(signed_checkpoints.root_link_name(1))
    with here.scope() as scope:
        head = scope.run(
            "SELECT hash FROM log_heads WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
        row = (
            scope.run("SELECT * FROM log_checkpoints WHERE tenant_id = :t", t=here.tenant_id)
            .mappings()
            .one()
        )
    assert (row["number"], row["seq"], row["head"], row["digest"], row["root"]) == (
        1,
        3,
        head,
        hash_chain.sha256_hex(data),
        1,
    )
    assert hash_chain.to_microseconds(row["at"]) == one.at
    assert (one.number, one.seq, one.head, one.previous, one.root) == (
        1,
        3,
        head,
        hash_chain.GENESIS_HASH,
        hash_chain.GENESIS_HASH,
    )
    with tenant(INSTALLATION_ID, "system:test") as scope:
        row = (
            scope.run("SELECT * FROM log_checkpoints WHERE tenant_id = :t", t=INSTALLATION_ID)
            .mappings()
            .one()
        )
    assert (row["number"], row["seq"], row["head"], row["digest"]) == (
        1,
        1,
        hash_chain.GENESIS_HASH,
        hash_chain.sha256_hex(root),
    )
    judge_units(here, 1)
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    _, second = list_checkpoints(archive, get_log_name(here))
    assert (second.previous, second.root) == (
        hash_chain.sha256_hex(data),
        hash_chain.sha256_hex(root),
    )
    link = RootLink.from_statement(
        archive.get(signed_checkpoints.root_link_name(2)), LOG_KEY.signing.public_key()
    )
    assert (link.number, link.previous, len(link.anchors)) == (2, hash_chain.sha256_hex(root), 1)


def test_checkpoint_is_due_after_exactly_ten_minutes(here: World, archive: FileArchive) -> None:
    judge_units(here, 1)
    advance_clock(here, timedelta(minutes=9, seconds=50))
    sign_due_checkpoint(here, archive)
    assert list_checkpoints(archive, get_log_name(here)) == []
    advance_clock(here, timedelta(seconds=10))
    sign_due_checkpoint(here, archive)
    assert len(list_checkpoints(archive, get_log_name(here))) == 1
    advance_clock(here, timedelta(minutes=20))
    sign_due_checkpoint(here, archive)
    assert len(list_checkpoints(archive, get_log_name(here))) == 1, "no new entries"


def test_broken_log_is_notified_with_entry_until_repaired(
    here: World, archive: FileArchive, cluster: Cluster
) -> None:
    judge_units(here, 3)
    tamper(cluster, here, "UPDATE decisions SET verdict = 'B' WHERE tenant_id = :t AND seq = 2")
    advance_clock(here, timedelta(minutes=10))
    sign_due_checkpoint(here, archive)
    with here.scope() as scope:
        assert find_notice(scope, anchors.LOG_BROKEN_CAUSE) == StoredNotice(
            "gate.log_broken", {"seq": 2}, urgent=True, open=True, creator=None
        )
    tamper(cluster, here, "UPDATE decisions SET verdict = 'A' WHERE tenant_id = :t AND seq = 2")
    sign_due_checkpoint(here, archive)
    with here.scope() as scope:
        after = find_notice(scope, anchors.LOG_BROKEN_CAUSE)
        assert after is not None
        assert not after.open
    assert len(list_checkpoints(archive, get_log_name(here))) == 1


def test_checkpoint_that_differs_from_archive_is_not_recorded(
    here: World, archive: FileArchive
) -> None:
    judge_units(here, 2)
    with here.scope() as scope:
        head = scope.run(
            "SELECT hash FROM log_heads WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
    log_name = get_log_name(here)
    for wrong in (
        b"{}",
        Checkpoint(
            log_name, 1, 2, "f" * 64, 1, hash_chain.GENESIS_HASH, hash_chain.GENESIS_HASH
        ).to_statement(LOG_KEY),
        Checkpoint(
            log_name, 2, 2, head, 1, hash_chain.GENESIS_HASH, hash_chain.GENESIS_HASH
        ).to_statement(LOG_KEY),
        Checkpoint(log_name, 1, 2, head, 1, "f" * 64, hash_chain.GENESIS_HASH).to_statement(
            LOG_KEY
        ),
        Checkpoint(
            "else", 1, 2, head, 1, hash_chain.GENESIS_HASH, hash_chain.GENESIS_HASH
        ).to_statement(LOG_KEY),
    ):
        advance_clock(here, timedelta(minutes=10))

        class Odd(FileArchive):
            def put_once(self, name: str, data: bytes, said: bytes = wrong) -> bytes:
                return said if name.startswith(log_name) else super().put_once(name, data)

        sign_due_checkpoint(here, Odd(archive._root))
        with here.scope() as scope:
            count = scope.run(
                "SELECT count(*) FROM log_checkpoints WHERE tenant_id = :t", t=here.tenant_id
            )
            assert count.scalar_one() == 0
            found = find_notice(scope, anchors.LOG_BROKEN_CAUSE)
            assert found is not None
            assert (found.params, found.open) == ({"seq": 2}, True)


def test_closing_of_removed_log_is_signed_with_its_head(here: World, archive: FileArchive) -> None:
    judge_units(here, 2)
    name = get_log_name(here)
    with here.scope() as scope:
        head = scope.run(
            "SELECT hash FROM log_heads WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
        now = hash_chain.to_microseconds(scope.now)
    anchors.close_log(here.tenant_id, tenant=here.open, archive=archive, key=LOG_KEY)
    anchors.close_log(uuid7(), tenant=here.open, archive=archive, key=LOG_KEY)
    said = signed_checkpoints.verify_statement(
        "closed", archive.get(signed_checkpoints.closing_name(name)), LOG_KEY.signing.public_key()
    )
    assert (said["log"], said["seq"], said["head"]) == (name, 2, head)
    assert 0 <= int(str(said["at"])) - now < 60_000_000
