"""Attacks by a backup that is brought back."""

import tempfile
from pathlib import Path

from foundation.archive import FileArchive
from gate import restoring
from gate.chain import GENESIS
from gate.checkpoints import LogKey, state
from gate.journal import REVOKE
from gate.restoring import Entry, Outside
from gate.units import Rating
from tests.attacks.stage import SCENARIOS, Result, Stage, attack
from tests.attacks.words import at
from tests.gate.builders import picture, real_person

__all__ = ["SCENARIOS"]


@attack("Z-05")
def a_backup_revives_a_permission(stage: Stage) -> Result:
    """The database is the backup: it knows of no revocation. What is kept outside does, in the harmful case."""
    world, key = stage.world, LogKey.derived(bytes(32))
    person = stage.do(real_person)
    shown = stage.do(lambda scope: picture(scope, world, Rating.E, person=person))
    with tempfile.TemporaryDirectory() as folder:
        outside = Outside(FileArchive(Path(folder)), key)
        if stage.harm:
            name = stage.do(lambda scope: restoring.name_of(scope, key))
            entry = Entry(name, 1, GENESIS, str(world.channel_id), REVOKE, str(person), "", "")
            outside.archive.keep(restoring.place(name, 1), state("journal", vars(entry), key))
        restoring.catch_up(world.tenant_id, tenant=world.open, outside=outside)
    return stage.send(at(stage, "FV1", media=(shown,), body="Hello"))
