"""An agency's log, its archive of checkpoints, and what is done with both in tests."""

from datetime import timedelta

from sqlalchemy import create_engine, text

from foundation.ids import INSTALLATION_ID
from foundation.storage.archive import Archive
from gate.log import anchors, export, proof, signed_checkpoints
from gate.log.events import CheckpointDue
from gate.log.signed_checkpoints import Checkpoint, LogKey
from gate.permits import issuance
from tests.conftest import Cluster
from tests.gate.builders import World, unit

LOG_KEY = LogKey.derive(bytes(range(32)))
DUE = CheckpointDue(INSTALLATION_ID, INSTALLATION_ID)


def clear_logs(cluster: Cluster) -> None:
    """Empty every log: the archive of each test is new, and so is what was noted of it."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(
            text(
                "TRUNCATE log_checkpoints, log_heads, decision_inputs, permits, decisions, "
                "agencies CASCADE"
            )
        )
    engine.dispose()


def judge_units(here: World, count: int) -> None:
    """Judge so many units: as many entries in the log."""
    with here.scope() as scope:
        for number in range(count):
            issuance.judge_unit(
                scope, unit(here, text=f"Hello {number}"), author=f"member:{here.ann}"
            )


def advance_clock(here: World, shift: timedelta) -> None:
    """Move the house's clock."""
    with here.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=shift)


def list_checkpoints(archive: Archive, log: str) -> list[Checkpoint]:
    """The checkpoints of a log that lie in an archive, in order."""
    found = []
    while True:
        try:
            data = archive.get(signed_checkpoints.checkpoint_name(log, len(found) + 1))
        except Exception:
            return found
        found.append(Checkpoint.from_statement(data, LOG_KEY.signing.public_key()))


def get_log_name(here: World) -> str:
    """The name of this agency's log in an archive."""
    with here.scope() as scope:
        return LOG_KEY.log_name(
            here.tenant_id, scope.run("SELECT created_at FROM log_heads").scalar_one()
        )


def verify_log(here: World, archive: Archive) -> proof.ExportVerification:
    """What somebody says who verifies this agency's exported log offline."""
    return proof.verify_export(
        export.export_lines(
            [here.tenant_id], every=True, tenant=here.open, archive=archive, key=LOG_KEY
        )
    )


def sign_due_checkpoint(here: World, archive: Archive) -> None:
    """Sign what is due."""
    anchors.handle_checkpoint_due(DUE, tenant=here.open, archive=archive, key=LOG_KEY)
