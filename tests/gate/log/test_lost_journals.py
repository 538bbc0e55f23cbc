"""Restored backups: the journal restores blocks and stops; without a journal, publishing stays
stopped until members end the stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from foundation.storage.archive import FileArchive
from gate.consent.grants import revoke_consent
from gate.contract.facts import RESTORE_STOP
from gate.contract.reasons import Reason
from gate.contract.states import AssuranceState
from gate.journal import JournalDue
from gate.log import restore
from gate.log.signed_checkpoints import LogKey
from gate.permits import issuance
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, message, real_person, unit, world

LOG_KEY = LogKey.derive(bytes(range(32)))
PLATFORM = "sandbox"
VIEWER = "viewer-4711"


@dataclass(frozen=True)
class Installation:
    """One agency, its database and the external archive."""

    here: World
    archive: FileArchive
    folder: Path
    cluster: Cluster

    def archive_entries(self, tenant_id: UUID | None = None) -> None:
        """Run the pending journal tasks."""
        of = tenant_id or self.here.tenant_id
        with self.here.open(of, "system:test") as scope:
            rows = scope.run(
                "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'journal.keep'"
                " ORDER BY available_at, id",
                t=of,
            ).all()
        for row in rows:
            event = outbox.rebuild_event(JournalDue, of, row.subject_id, row.args)
            restore.archive_journal_entry(
                event, tenant=self.here.open, archive=self.archive, key=LOG_KEY
            )

    def start(self) -> int:
        return restore.replay_all_journals(tenant=self.here.open, archive=self.archive, key=LOG_KEY)

    def by_the_server(self, *statements: str, tenant_id: UUID | None = None) -> None:
        engine = create_engine(self.cluster.url("postgres", "house"))
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement), {"t": tenant_id or self.here.tenant_id})
        engine.dispose()

    def restore_backup(self) -> None:
        """Restore a backup made before any restriction."""
        self.by_the_server(
            *(
                f"DELETE FROM {table} WHERE tenant_id = :t"
                for table in ("gate_journal", "outbox", "switches", "notices", "age_assurances")
            )
        )

    def lose_archive(self) -> None:
        for file in sorted(self.folder.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()

    def reasons(self, viewer: str = "") -> set[str]:
        whole = message(self.here, viewer) if viewer else unit(self.here)
        try:
            with self.here.scope() as scope:
                issuance.mint_permit(
                    scope, whole, Step(), key=KEY, author=f"member:{self.here.ann}"
                )
        except issuance.PermitDenied as denied:
            return set(denied.decision.reasons)
        return set()

    def resume(self) -> None:
        with self.here.scope(f"member:{self.here.rob}") as scope:
            assert emergency_stops.reopen_switch(
                scope, "tenant", "", RESTORE_STOP, reason="looked", second=self.here.ann
            )

    def notices(self) -> list[str]:
        with self.here.scope() as scope:
            return list(
                scope.run(
                    "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t",
                    t=self.here.tenant_id,
                ).scalars()
            )


@pytest.fixture
def kept(tenant: OpenScope, tmp_path: Path, cluster: Cluster) -> Iterator[Installation]:
    """An agency in a database without journals of other tests, which use other archives."""
    found = installation(tenant, tmp_path, cluster)
    yield found
    found.by_the_server("DELETE FROM gate_journal")


def installation(tenant: OpenScope, folder: Path, cluster: Cluster) -> Installation:
    found = Installation(world(tenant, uuid7()), FileArchive(folder), folder, cluster)
    found.by_the_server("DELETE FROM gate_journal")
    return found


def block(here: World) -> None:
    with here.scope() as scope:
        age_assurance.block_viewer(scope, PLATFORM, VIEWER)


def suspect(here: World) -> None:
    with here.scope() as scope:
        age_assurance.mark_suspected_minor(scope, PLATFORM, VIEWER)


def withdraw(here: World) -> None:
    with here.scope() as scope:
        age_assurance.begin_age_check(scope, PLATFORM, VIEWER)
        age_assurance.reset_assurance(scope, PLATFORM, VIEWER)


RESTRICTIONS: dict[str, tuple[Callable[[World], None], AssuranceState]] = {
    "blocked": (block, AssuranceState.BLOCKED),
    "suspected": (suspect, AssuranceState.SUSPECTED),
}


@pytest.mark.parametrize("name", RESTRICTIONS)
def test_blocked_minor_remains_blocked_after_restore(kept: Installation, name: str) -> None:
    forbid, state = RESTRICTIONS[name]
    forbid(kept.here)
    kept.archive_entries()
    kept.restore_backup()
    assert kept.start() == 1
    kept.resume()
    with kept.here.scope() as scope:
        assert age_assurance.get_assurance(scope, PLATFORM, VIEWER).state is state
    assert kept.reasons(VIEWER)
    assert not kept.reasons("someone-else")


def test_withdrawn_age_proof_remains_withdrawn_after_restore(kept: Installation) -> None:
    withdraw(kept.here)
    kept.archive_entries()
    kept.restore_backup()
    with kept.here.scope() as scope:
        age_assurance.begin_age_check(scope, PLATFORM, VIEWER)  # the viewer is known in the backup
    kept.by_the_server("DELETE FROM outbox WHERE tenant_id = :t")
    assert kept.start() == 1
    with kept.here.scope() as scope:
        found = age_assurance.get_assurance(scope, PLATFORM, VIEWER)
    assert found.state is AssuranceState.RESET


def test_archive_contains_no_viewer_ids(kept: Installation) -> None:
    block(kept.here)
    with kept.here.scope() as scope:
        chat = f"{kept.here.channel_id}:{VIEWER}"
        emergency_stops.close_switch(scope, "chat", chat, "sending", reason="a stop")
    kept.archive_entries()
    files = [file.read_bytes() for file in kept.folder.rglob("*") if file.is_file()]
    assert len(files) == 2
    assert not any(VIEWER.encode() in data or b"a stop" in data for data in files)


PLACES = st.sampled_from(["tenant", "platform", "creator", "channel", "chat"])
FEATURES = st.sampled_from(["sending", "nudity", "bot", "offers", "campaigns", "payments"])


def target_of(here: World, where: str) -> str:
    return {
        "tenant": "",
        "platform": PLATFORM,
        "creator": str(here.creator_id),
        "channel": str(here.channel_id),
        "chat": f"{here.channel_id}:{VIEWER}",
    }[where]


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PLACES, FEATURES, st.booleans()), min_size=1, max_size=4))
def test_stops_are_restored_from_journal(
    kept: Installation, presses: list[tuple[str, str, bool]]
) -> None:
    kept = installation(kept.here.open, kept.folder / uuid7().hex, kept.cluster)
    here = kept.here
    closed = set()
    for where, feature, opened in presses:
        target = target_of(here, where)
        with here.scope() as scope:
            emergency_stops.close_switch(scope, where, target, feature, reason="press")
        closed.add((where, target, feature))
        if opened:
            with here.scope(f"member:{here.rob}") as scope:
                emergency_stops.reopen_switch(
                    scope, where, target, feature, reason="over", second=here.ann
                )
            closed.discard((where, target, feature))
    kept.archive_entries()
    kept.restore_backup()
    assert kept.start() == len(presses) + sum(opened for *_, opened in presses)
    with here.scope() as scope:
        stops = emergency_stops.list_stops(scope)
    found = {(one.where, one.target, one.feature) for one in stops}
    assert found == closed | {("tenant", "", RESTORE_STOP)}


@pytest.mark.parametrize("whose", ["agency", "installation"])
def test_missing_journal_stops_publishing_until_members_resume(
    kept: Installation, whose: str
) -> None:
    if whose == "agency":
        with kept.here.scope() as scope:
            revoke_consent(scope, real_person(scope))
        kept.archive_entries()
    assert kept.start() == 0  # the installation's journal begins with the first start
    assert not kept.reasons()
    kept.lose_archive()
    assert kept.start() == 0
    assert kept.reasons() == {Reason.RESTORE_MISMATCH}
    assert set(kept.notices()) == {"gate.journal_missing"}
    assert kept.start() == 0
    assert kept.reasons() == {Reason.RESTORE_MISMATCH}, "another start does not end the stop"
    kept.resume()
    assert not kept.reasons()
    assert kept.start() == 0
    assert not kept.reasons(), "the reviewed installation is not stopped again"


def test_new_journal_is_used_after_loss(kept: Installation) -> None:
    kept.start()
    kept.lose_archive()
    kept.start()
    block(kept.here)
    kept.archive_entries()
    kept.restore_backup()
    kept.by_the_server("DELETE FROM gate_journal WHERE tenant_id = :t")
    assert kept.start() == 1
    assert kept.reasons(VIEWER) >= {Reason.RESTORE_MISMATCH}


def test_installation_wide_stop_is_restored(kept: Installation) -> None:
    forgotten = [
        f"DELETE FROM {table} WHERE tenant_id = :t"
        for table in ("gate_journal", "outbox", "switches")
    ]
    kept.by_the_server(*forgotten, tenant_id=INSTALLATION_ID)  # stops of other tests
    with kept.here.open(INSTALLATION_ID, "system:test") as scope:
        emergency_stops.close_switch(scope, "global", "", "payments", reason="test")
    kept.archive_entries(INSTALLATION_ID)
    kept.by_the_server(*forgotten, tenant_id=INSTALLATION_ID)
    try:
        assert kept.start() == 1
        with kept.here.open(INSTALLATION_ID, "system:test") as scope:
            stops = [(one.where, one.feature) for one in emergency_stops.list_stops(scope)]
    finally:
        kept.by_the_server(*forgotten, tenant_id=INSTALLATION_ID)
    assert stops == [("global", "payments")]
