"""An agency's log, its archive of checkpoints, and what is done with both in tests."""

from datetime import timedelta

from sqlalchemy import create_engine, text

from foundation.archive import Archive
from foundation.ids import HOUSE
from gate import anchoring, checkpoints, exporting, minting, proof
from gate.checkpoints import Checkpoint, LogKey
from gate.events import CheckpointDue
from tests.conftest import Cluster
from tests.gate.builders import World, unit

LOG_KEY = LogKey.derived(bytes(range(32)))
DUE = CheckpointDue(HOUSE, HOUSE)


def without(cluster: Cluster) -> None:
    """Empty every log: the archive of each test is new, and so is what was noted of it."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE log_checkpoints, log_heads, decision_inputs, permits, decisions, agencies CASCADE")
        )
    engine.dispose()


def judge(here: World, count: int) -> None:
    """Judge so many units: as many entries in the log."""
    with here.scope() as scope:
        for number in range(count):
            minting.judge(scope, unit(here, text=f"Hello {number}"), author=f"member:{here.ann}")


def later(here: World, shift: timedelta) -> None:
    """Move the house's clock."""
    with here.open(HOUSE, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=shift)


def kept(archive: Archive, log: str) -> list[Checkpoint]:
    """The checkpoints of a log that lie in an archive, in order."""
    found = []
    while True:
        try:
            data = archive.read(checkpoints.place(log, len(found) + 1))
        except Exception:
            return found
        found.append(Checkpoint.read(data, LOG_KEY.signing.public_key()))


def name_of(here: World) -> str:
    """The name of this agency's log in an archive."""
    with here.scope() as scope:
        return LOG_KEY.name(here.tenant_id, scope.run("SELECT created_at FROM log_heads").scalar_one())


def proven(here: World, archive: Archive) -> proof.Proof:
    """What somebody says who verifies this agency's exported log offline."""
    return proof.verify(exporting.lines([here.tenant_id], every=True, tenant=here.open, archive=archive, key=LOG_KEY))


def look(here: World, archive: Archive) -> None:
    """Sign what is due."""
    anchoring.anchor_logs(DUE, tenant=here.open, archive=archive, key=LOG_KEY)
