"""Attacks by restoring a backup."""

import tempfile
from pathlib import Path

from foundation.storage.archive import FileArchive
from gate.contract.units import Rating
from gate.journal import REVOKE
from gate.log import restore
from gate.log.hash_chain import GENESIS_HASH
from gate.log.restore import JournalArchive, JournalEntry
from gate.log.signed_checkpoints import LogKey, sign_statement
from tests.attacks.harness import SCENARIOS, Result, Stage, register_attack
from tests.attacks.texts import text_unit
from tests.gate.builders import picture, real_person

__all__ = ["SCENARIOS"]


@register_attack("Z-05")
def a_backup_revives_a_permission(stage: Stage) -> Result:
    """Restore a database that contains no revocation. In the harmful case the external journal
    contains it."""
    world, key = stage.world, LogKey.derive(bytes(32))
    person = stage.do(real_person)
    shown = stage.do(lambda scope: picture(scope, world, Rating.E, person=person))
    with tempfile.TemporaryDirectory() as folder:
        outside = JournalArchive(FileArchive(Path(folder)), key)
        if stage.harm:
            name = stage.do(lambda scope: restore.journal_name(scope, key))
            entry = JournalEntry(
                name, 1, GENESIS_HASH, str(world.channel_id), REVOKE, str(person), "", ""
            )
            outside.archive.put_once(
                restore.journal_entry_name(name, 1), sign_statement("journal", vars(entry), key)
            )
        restore.replay_journal(world.tenant_id, tenant=world.open, outside=outside)
    return stage.send(text_unit(stage, "FV1", media=(shown,), body="Hello"))
