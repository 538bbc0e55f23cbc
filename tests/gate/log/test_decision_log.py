"""The decision log: no gaps, no edits, and every decision replays."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from gate.contract import facts
from gate.decision.decide import decide_unit
from gate.log import decision_log
from gate.log.decision_log import ChainBroken, ChainIntact
from gate.permits import issuance
from gate.policy import bundle
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, picture, unit, world


@pytest.fixture
def here(tenant: OpenScope, tenant_id) -> World:
    return world(tenant, tenant_id)


def judge(here: World, count: int) -> None:
    with here.scope() as scope:
        for number in range(count):
            issuance.judge_unit(
                scope, unit(here, text=f"Hello {number}"), author=f"member:{here.ann}"
            )


def tamper(cluster: Cluster, here: World, statement: str) -> None:
    """Change rows past all permissions, as an attacker with database access would."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        assert connection.execute(text(statement), {"t": here.tenant_id}).rowcount
    engine.dispose()


def test_chain_is_intact_after_concurrent_transactions(here: World) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: judge(here, 3), range(8)))
    with here.scope() as scope:
        assert isinstance(found := decision_log.verify_chain(scope), ChainIntact)
        assert found.count == 24


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE decisions SET verdict = 'B' WHERE tenant_id = :t AND seq = 3", 3),
        ("UPDATE decisions SET author = 'member:x' WHERE tenant_id = :t AND seq = 5", 5),
        (
            "UPDATE decisions SET decided_at = decided_at + interval '1 second' WHERE tenant_id = "
            ":t AND seq = 1",
            1,
        ),
        ("DELETE FROM decisions WHERE tenant_id = :t AND seq = 2", 2),
        ("DELETE FROM decisions WHERE tenant_id = :t AND seq = 6", 6),
        (
            "UPDATE decisions SET seq = CASE seq WHEN 3 THEN -4 ELSE -3 END WHERE tenant_id = :t "
            "AND seq IN (3, 4)",
            1,
        ),
        ("UPDATE log_heads SET seq = 5 WHERE tenant_id = :t", 7),
    ],
    ids=["verdict", "author", "time", "removed", "cut off", "swapped", "head"],
)
def test_tampering_is_detected(here: World, cluster: Cluster, statement: str, seq: int) -> None:
    judge(here, 6)
    tamper(cluster, here, statement)
    with here.scope() as scope:
        assert decision_log.verify_chain(scope) == ChainBroken(seq)


@pytest.mark.parametrize("role", ["app", "gate"])
@pytest.mark.parametrize(
    "statement", ["UPDATE decisions SET verdict = 'A'", "DELETE FROM decisions"]
)
def test_no_database_role_can_change_log(here: World, role: str, statement: str) -> None:
    judge(here, 1)
    with (
        pytest.raises(Exception, match="permission denied"),
        here.scope() as scope,
        scope.acting_as(role),
    ):  # type: ignore[arg-type]  # a parameterized role
        scope.run(statement)


def test_stored_decisions_replay_identically(here: World) -> None:
    judge(here, 5)
    with here.scope() as scope:
        whole = unit(here, text="with a picture", media=[picture(scope, here)])
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        rows = scope.run(
            "SELECT * FROM decisions d JOIN decision_inputs i USING (tenant_id, id) ORDER BY seq"
        ).all()
        assert len(rows) == 6
        for row in rows:
            snapshot, whole = facts.parse_snapshot(row.snapshot), facts.parse_unit(row.unit)
            again = decide_unit(snapshot, whole, bundle.shipped_bundle(), row.decided_at)
            assert (str(again.verdict), list(again.reasons), str(again.rating)) == (
                row.verdict,
                row.reasons,
                row.rating,
            )
            assert (list(again.flags), again.bundle) == (row.flags, row.bundle)
            assert whole.digest() == row.unit_digest
            assert decision_log.encode_snapshot(snapshot) == row.snapshot
