"""The journal: restrictions are archived outside the database and applied again to a restored
backup before it publishes."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from foundation.storage.archive import FileArchive
from gate.consent.grants import revoke_consent
from gate.contract.facts import RESTORE_STOP
from gate.contract.reasons import Reason
from gate.decision.shoot_card_terms import CARD_WITHDRAWN
from gate.journal import JournalDue
from gate.log import restore
from gate.log.signed_checkpoints import LogKey, sign_statement
from gate.people import persons
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.removal import recall
from tests.conftest import Cluster
from tests.gate import shoot_card_builders
from tests.gate.builders import KEY, Step, World, picture, real_person, unit, world
from tests.gate.side_effects import StoredNotice, find_notice

LOG_KEY = LogKey.derive(bytes(range(32)))
FORGOTTEN = ("gate_journal", "outbox", "switches", "notices", "blocklist")
"""Tables without rows in the restored backups of these tests, because all their rows are newer."""


@dataclass(frozen=True)
class Kept:
    """One agency and the external archive."""

    here: World
    archive: FileArchive
    cluster: Cluster

    def due(self) -> list[JournalDue]:
        with self.here.scope() as scope:
            rows = scope.run(
                "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'journal.keep'"
                " ORDER BY available_at, id",
                t=scope.tenant_id,
            ).all()
        return [
            outbox.rebuild_event(JournalDue, self.here.tenant_id, row.subject_id, row.args)
            for row in rows
        ]

    def keep(self) -> None:
        for event in self.due():
            restore.archive_journal_entry(
                event, tenant=self.here.open, archive=self.archive, key=LOG_KEY
            )

    def restart(self) -> int:
        outside = restore.JournalArchive(self.archive, LOG_KEY)
        return restore.replay_journal(self.here.tenant_id, tenant=self.here.open, outside=outside)

    def restored(self, *more: str) -> None:
        """Restore a backup in which all restrictions are missing, as is any trace of them."""
        self.by_the_server(
            "UPDATE consent_grants SET revoked_at = NULL WHERE tenant_id = :t",
            "UPDATE renditions SET state = 'made' WHERE tenant_id = :t",
            "UPDATE persons SET state = 'active' WHERE tenant_id = :t",
            *(f"DELETE FROM {table} WHERE tenant_id = :t" for table in (*FORGOTTEN, *more)),
        )

    def by_the_server(self, *statements: str, tenant_id: UUID | None = None) -> None:
        """Run statements as the database administrator, without policies and triggers."""
        engine = create_engine(self.cluster.url("postgres", "house"))
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement), {"t": tenant_id or self.here.tenant_id})
        engine.dispose()

    def entries(self) -> int:
        with self.here.scope() as scope:
            return scope.run(
                "SELECT count(*) FROM gate_journal WHERE tenant_id = :t", t=scope.tenant_id
            ).scalar_one()

    def told(self) -> list[str]:
        with self.here.scope() as scope:
            return list(
                scope.run(
                    "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t", t=scope.tenant_id
                ).scalars()
            )


@pytest.fixture
def kept(tenant: OpenScope, tmp_path: Path, cluster: Cluster) -> Kept:
    return Kept(world(tenant, uuid7()), FileArchive(tmp_path), cluster)


def reasons(here: World, whole) -> set[str]:
    """Return the reasons for which the unit is denied, or an empty set."""
    try:
        with here.scope() as scope:
            issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    except PermitDenied as denied:
        return set(denied.decision.reasons)
    return set()


def shown(here: World):
    with here.scope() as scope:
        person = real_person(scope)
        return person, picture(scope, here, person=person)


def test_restored_backup_keeps_revocations_and_waits_for_review(
    kept: Kept,
) -> None:
    here = kept.here
    person, medium = shown(here)
    whole, words = unit(here, media=[medium]), unit(here)
    with here.scope() as scope:
        revoke_consent(scope, person)
    kept.keep()
    kept.restored()
    assert kept.restart() == 1
    assert {Reason.CONSENT_REVOKED, Reason.RESTORE_MISMATCH} <= reasons(here, whole)
    assert reasons(here, words) == {Reason.RESTORE_MISMATCH}
    assert kept.told() == ["gate.restored"]
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.reopen_switch(
            scope, "tenant", "", "restored", reason="looked", second=here.ann
        )
    assert kept.restart() == 0
    assert reasons(here, words) == set()
    assert Reason.CONSENT_REVOKED in reasons(here, whole)


def test_restored_backup_without_restrictions_publishes(kept: Kept) -> None:
    _, medium = shown(kept.here)
    kept.keep()
    kept.restored()
    assert kept.restart() == 0
    assert reasons(kept.here, unit(kept.here, media=[medium])) == set()


def test_all_kinds_of_entries_are_replayed_in_order(kept: Kept) -> None:
    here = kept.here
    (person, of_person), (_, frozen), (_, thawed), (_, gone) = (shown(here) for _ in range(4))
    with here.scope() as scope:
        persons.block_person(scope, person)
        ratings.freeze_bytes(scope, frozen.sha256)
        ratings.freeze_bytes(scope, thawed.sha256)
        ratings.unfreeze_bytes(scope, thawed.sha256)
        recall.block_bytes(scope, gone.sha256, category="ncii", phash="0" * 16)
    kept.keep()
    kept.restored()
    assert kept.restart() == 5
    with here.scope() as scope:
        states = dict(
            scope.run(
                "SELECT sha256, state FROM renditions WHERE tenant_id = :t", t=scope.tenant_id
            ).all()
        )
        assert (states[frozen.sha256], states[thawed.sha256], states[gone.sha256]) == (
            "frozen",
            "made",
            "removed",
        )
        assert (
            scope.run(
                "SELECT phash FROM blocklist WHERE tenant_id = :t", t=scope.tenant_id
            ).scalar_one()
            == "0" * 16
        )
        assert (
            scope.run("SELECT state FROM persons WHERE id = :p", p=person).scalar_one() == "blocked"
        )
    assert of_person.sha256 in states
    assert not kept.due()  # replayed entries are not archived again


def test_withdrawn_card_signature_survives_restore(kept: Kept) -> None:
    here = kept.here
    ida = shoot_card_builders.person(here)
    card = shoot_card_builders.add_signed_card(here, ida)
    medium = shoot_card_builders.add_undated_picture(here)
    shoot_card_builders.bind_pictures(here, card, medium)
    assert shoot_card_builders.judge_post(here, medium)[0] == "F"
    shoot_card_builders.answer_card(here, card, ida, CARD_WITHDRAWN)
    kept.keep()
    kept.restored("shoot_card_answers")
    assert kept.restart() == 1
    with here.scope() as scope:
        rows = scope.run(
            "SELECT person_id, said FROM shoot_card_answers WHERE tenant_id = :t", t=here.tenant_id
        ).all()
        assert [tuple(row) for row in rows] == [(ida, CARD_WITHDRAWN)]
        left = scope.run("SELECT count(*) FROM consent_grants WHERE revoked_at IS NULL AND "
                         "tenant_id = :t",
                         t=here.tenant_id).scalar_one()  # fmt: skip
        assert left == 0
    assert shoot_card_builders.judge_post(here, medium)[0] == "B"


def test_crash_before_record_is_not_taken_for_restore(kept: Kept) -> None:
    with kept.here.scope() as scope:
        revoke_consent(scope, real_person(scope))
    kept.keep()
    kept.by_the_server("DELETE FROM gate_journal WHERE tenant_id = :t")
    assert kept.restart() == 0  # the task is still pending, so the database is not a backup
    assert (kept.entries(), kept.told()) == (1, [])
    kept.keep()  # the task runs again and records the entry
    assert kept.entries() == 1


def test_entry_after_restore_follows_archived_entries(kept: Kept) -> None:
    """Without a restart, the first new entry finds its number in use and triggers the replay."""
    here = kept.here
    person, medium = shown(here)
    with here.scope() as scope:
        revoke_consent(scope, person)
    kept.keep()
    kept.restored()
    with here.scope() as scope:
        ratings.freeze_bytes(scope, picture(scope, here).sha256)
    kept.keep()
    assert kept.entries() == 2
    assert {Reason.CONSENT_REVOKED, Reason.RESTORE_MISMATCH} <= reasons(
        here, unit(here, media=[medium])
    )


@pytest.mark.parametrize(
    "forged", [b"", b"{}", b'{"kind":"journal"}', sign_statement("closed", {"log": "x"}, LOG_KEY)]
)
def test_forged_entry_is_not_applied_and_stops_publishing(kept: Kept, forged: bytes) -> None:
    here = kept.here
    with here.scope() as scope:
        name = restore.journal_name(scope, LOG_KEY)
    kept.archive.put_once(restore.journal_entry_name(name, 1), forged)
    assert kept.restart() == 0
    assert (kept.told(), kept.entries()) == (["gate.journal_broken"], 0)
    assert reasons(here, unit(here)) == {Reason.RESTORE_MISMATCH}
    with here.scope() as scope:
        revoke_consent(scope, real_person(scope))
    with pytest.raises(restore.JournalBroken):
        kept.keep()


def test_entry_of_unknown_person_is_skipped(kept: Kept) -> None:
    with kept.here.scope() as scope:
        person = real_person(scope)
        revoke_consent(scope, person)
        ratings.freeze_bytes(scope, picture(scope, kept.here).sha256)
    kept.keep()
    kept.restored(
        *(
            "depictions",
            "content_ratings",
            "renditions",
            "assets",
            "identity_checks",
            "consent_grants",
            "persons",
        )
    )
    assert kept.restart() == 2
    with kept.here.scope() as scope, pytest.raises(NotFound):
        revoke_consent(scope, person)


def test_journal_of_another_agency_is_ignored(kept: Kept, tenant: OpenScope) -> None:
    other = Kept(world(tenant, uuid7()), kept.archive, kept.cluster)
    with kept.here.scope() as scope:
        revoke_consent(scope, real_person(scope))
    kept.keep()
    assert other.restart() == 0
    assert not reasons(other.here, unit(other.here))


def test_all_agencies_are_replayed_at_start(kept: Kept, tenant: OpenScope) -> None:
    other = Kept(world(tenant, uuid7()), kept.archive, kept.cluster)
    for each, count in ((kept, 1), (other, 2)):
        with each.here.scope() as scope:
            for _ in range(count):
                revoke_consent(scope, real_person(scope))
        each.keep()
        each.restored()
    assert restore.replay_all_journals(tenant=tenant, archive=kept.archive, key=LOG_KEY) == 3
    assert restore.replay_all_journals(tenant=tenant, archive=kept.archive, key=LOG_KEY) == 0
    assert kept.told() == other.told() == ["gate.restored"]
    for each, count in ((kept, 1), (other, 2)):
        with each.here.scope() as scope:
            assert find_notice(scope, restore.RESTORE_STOP) == StoredNotice(
                "gate.restored", {"count": count}, urgent=True, open=True, creator=None
            )
            (stop,) = emergency_stops.list_stops(scope)
            assert (stop.where, stop.target, stop.feature, stop.reason) == (
                "tenant", "", RESTORE_STOP, restore.RESTORE_STOP,
            )  # fmt: skip


def test_installation_blocklist_is_replayed(kept: Kept, tenant: OpenScope) -> None:
    sha256 = uuid7().hex * 2
    outside = restore.JournalArchive(kept.archive, LOG_KEY)
    forgotten = [
        f"DELETE FROM {table} WHERE tenant_id = :t"
        for table in ("gate_journal", "outbox", "blocklist")
    ]
    kept.by_the_server(
        *forgotten, tenant_id=INSTALLATION_ID
    )  # other tests of this process recorded entries of other archives
    with tenant(INSTALLATION_ID, "system:test") as scope:
        recall.block_bytes(scope, sha256, category="ncii")
        row = scope.run(
            "SELECT subject_id, args FROM outbox WHERE kind = 'journal.keep' AND args ->> 'about' "
            "= :sha",
            sha=sha256,
        ).one()
    event = outbox.rebuild_event(JournalDue, INSTALLATION_ID, row.subject_id, row.args)
    restore.archive_journal_entry(event, tenant=tenant, archive=kept.archive, key=LOG_KEY)
    kept.by_the_server(*forgotten, tenant_id=INSTALLATION_ID)
    assert restore.replay_journal(INSTALLATION_ID, tenant=tenant, outside=outside) == 1
    with tenant(INSTALLATION_ID, "system:test") as scope:
        assert (
            scope.run("SELECT count(*) FROM blocklist WHERE sha256 = :sha", sha=sha256).scalar_one()
            == 1
        )
    kept.by_the_server(*forgotten, tenant_id=INSTALLATION_ID)
