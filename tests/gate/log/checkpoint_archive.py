"""The log of an agency, its archive of checkpoints, and operations on both."""

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
    """Empty all logs and their checkpoint records, because each test has a new archive."""
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
    """Judge `count` units, which adds as many log entries."""
    with here.scope() as scope:
        for number in range(count):
            issuance.judge_unit(
                scope, unit(here, text=f"Hello {number}"), author=f"member:{here.ann}"
            )


def advance_clock(here: World, shift: timedelta) -> None:
    """Shift the database clock."""
    with here.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=shift)


def list_checkpoints(archive: Archive, log: str) -> list[Checkpoint]:
    """Return the checkpoints of a log in an archive, in order."""
    found = []
    while True:
        try:
            data = archive.get(signed_checkpoints.checkpoint_name(log, len(found) + 1))
        except Exception:
            return found
        found.append(Checkpoint.from_statement(data, LOG_KEY.signing.public_key()))


def get_log_name(here: World) -> str:
    """Return the name of the agency's log in an archive."""
    with here.scope() as scope:
        return LOG_KEY.log_name(
            here.tenant_id, scope.run("SELECT created_at FROM log_heads").scalar_one()
        )


def verify_log(here: World, archive: Archive) -> proof.ExportVerification:
    """Export the agency's log and verify it offline."""
    return proof.verify_export(
        export.export_lines(
            [here.tenant_id], every=True, tenant=here.open, archive=archive, key=LOG_KEY
        )
    )


def sign_due_checkpoint(here: World, archive: Archive) -> None:
    """Sign the checkpoints that are due."""
    anchors.handle_checkpoint_due(DUE, tenant=here.open, archive=archive, key=LOG_KEY)
