"""Keeping the journal outside the database, and doing again what a restored backup no longer knows.

Entries are counted: what is kept under a number first is that entry, so whoever asks for the next
number learns whether the database fell behind. Then everything is done again before anything
leaves, and a person looks before it goes on: what was sent after the backup is not known either.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops import telemetry
from foundation.outbox import outbox
from foundation.storage.archive import Archive
from gate import journal
from gate.consent import card_answers, queries
from gate.consent.grants import revoke_consent
from gate.contract.facts import RESTORE_STOP
from gate.contract.states import AssuranceState
from gate.evidence import age_proof_withdrawal
from gate.journal import JournalDue
from gate.log import hash_chain
from gate.log.hash_chain import GENESIS_HASH
from gate.log.signed_checkpoints import ForgedStatement, LogKey, sign_statement, verify_statement
from gate.people import persons
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.removal import recall
from gate.viewers import age_assurance
from tenants.agencies.queries import agency_founded_at
from tenants.notices import notices
from tenants.scope import list_tenant_ids

ACTOR = "system:restore"
BROKEN = "journal"
"""Cause of the notice that the journal does not fit together; that of a backup brought back is
`RESTORED`."""

MISSING = "journal_missing"
"""Cause of the notice that the journal this database knows is not there."""

_HOUSE_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_log = telemetry.get_logger("gate.log.restore")


@dataclass(frozen=True)
class JournalArchive:
    """Where the journal lies, and what signs it."""

    archive: Archive
    key: LogKey


@dataclass(frozen=True)
class JournalEntry:
    """One entry as it is kept; `previous` is the digest of the one before."""

    journal: str
    number: int
    previous: str
    id: str
    act: str
    about: str
    more: str
    look: str


class JournalBroken(Exception):
    """What is kept under a number is not what we signed, or does not follow the entry before."""


def archive_journal_entry(
    event: JournalDue, *, tenant: OpenScope, archive: Archive, key: LogKey
) -> None:
    """Keep one entry outside and note it. Where the journal is ahead of the database, that is
    caught up with first.

    Raises Broken where something else lies in its place.
    """
    outside = JournalArchive(archive, key)
    while not _is_noted(event, tenant):
        with tenant(event.tenant_id, ACTOR) as scope:
            name = journal_name(scope, key)
            (number, digest) = _load_last_entry(scope)
        about = key.seal_text(event.about) if event.act in journal.SEALED_ACTS else event.about
        said = (str(event.subject_id), event.act, about, event.more, event.look)
        made = JournalEntry(name, number + 1, digest, *said)
        kept = archive.put_once(
            journal_entry_name(name, made.number), sign_statement("journal", vars(made), key)
        )
        if kept == sign_statement("journal", vars(made), key):
            _record_replayed_entry(event.tenant_id, made, kept, tenant=tenant)
        else:
            replay_journal(event.tenant_id, tenant=tenant, outside=outside)
            with tenant(event.tenant_id, ACTOR) as scope:
                if (
                    _load_last_entry(scope)[0] < made.number
                ):  # the place is taken by what is none of ours: it is told, and waits
                    raise JournalBroken


def replay_all_journals(*, tenant: OpenScope, archive: Archive, key: LogKey) -> int:
    """Do again what a restored database forgot, for the house and every agency, before anything
    runs.

    Where the house's own journal is not there, what was forbidden is unknown for every agency, and
    nothing is published until people end the stop. Returns how many entries there were.
    """
    outside = JournalArchive(archive, key)
    agencies = list_tenant_ids(tenant)
    if _is_journal_missing(INSTALLATION_ID, tenant=tenant, outside=outside):
        for each in agencies:
            _report_missing_journal(each, tenant=tenant)
        _begin_journal(INSTALLATION_ID, tenant=tenant, outside=outside)
    done = sum(
        replay_journal(each, tenant=tenant, outside=outside)
        for each in (INSTALLATION_ID, *agencies)
    )
    with tenant(INSTALLATION_ID, ACTOR) as scope:
        (number, _) = _load_last_entry(scope)
    if number == 0:
        _begin_journal(INSTALLATION_ID, tenant=tenant, outside=outside)
    return done


def replay_journal(tenant_id: UUID, *, tenant: OpenScope, outside: JournalArchive) -> int:
    """Do what the journal says and the database does not know, in order. An entry whose task only
    died before it was noted is no restored backup: it is noted, and that is all."""
    done = 0
    try:
        if _is_journal_missing(tenant_id, tenant=tenant, outside=outside):
            _report_missing_journal(tenant_id, tenant=tenant)
            _begin_journal(tenant_id, tenant=tenant, outside=outside)
        while (found := _find_next_entry(tenant_id, tenant=tenant, outside=outside)) is not None:
            entry, kept = found
            with tenant(tenant_id, ACTOR) as scope:
                restored = not outbox.is_pending(scope, UUID(entry.id), JournalDue.kind)
                if restored:
                    _replay_entry(scope, entry, outside.key)
            _record_replayed_entry(tenant_id, entry, kept, tenant=tenant)
            done += restored
    except JournalBroken:
        _log.error("journal.broken", tenant=str(tenant_id))
        _stop_publishing(tenant_id, Message("gate.journal_broken"), BROKEN, tenant=tenant)
    if done:
        _log.error("journal.restored", tenant=str(tenant_id), entries=done)
        _stop_publishing(
            tenant_id, Message("gate.restored", {"count": done}), RESTORE_STOP, tenant=tenant
        )
    return done


def _is_journal_missing(tenant_id: UUID, *, tenant: OpenScope, outside: JournalArchive) -> bool:
    """Return True if the last entry that the database notes is not in the archive."""
    with tenant(tenant_id, ACTOR) as scope:
        name = journal_name(scope, outside.key)
        (number, _) = _load_last_entry(scope)
    if number == 0:
        return False
    try:
        outside.archive.get(journal_entry_name(name, number))
    except NotFound:
        return True
    return False


def _report_missing_journal(tenant_id: UUID, *, tenant: OpenScope) -> None:
    _log.error("journal.missing", tenant=str(tenant_id))
    _stop_publishing(tenant_id, Message("gate.journal_missing"), MISSING, tenant=tenant)


def _begin_journal(tenant_id: UUID, *, tenant: OpenScope, outside: JournalArchive) -> None:
    """Write an entry that later starts find: the first one, or the next after those that were
    lost."""
    with tenant(tenant_id, ACTOR) as scope:
        name = journal_name(scope, outside.key)
        (number, digest) = _load_last_entry(scope)
    made = JournalEntry(name, number + 1, digest, str(uuid7()), journal.BEGIN, "", "", "")
    statement = sign_statement("journal", vars(made), outside.key)
    if outside.archive.put_once(journal_entry_name(name, made.number), statement) == statement:
        _record_replayed_entry(tenant_id, made, statement, tenant=tenant)


def _find_next_entry(
    tenant_id: UUID, *, tenant: OpenScope, outside: JournalArchive
) -> tuple[JournalEntry, bytes] | None:
    """The first entry that is kept outside and not noted here. Raises Broken for one that is not
    ours."""
    with tenant(tenant_id, ACTOR) as scope:
        name = journal_name(scope, outside.key)
        (number, digest) = _load_last_entry(scope)
    try:
        kept = outside.archive.get(journal_entry_name(name, number + 1))
    except NotFound:
        return None
    try:
        entry = JournalEntry(**verify_statement("journal", kept, outside.key.signing.public_key()))
    except (ForgedStatement, TypeError) as error:
        raise JournalBroken from error
    if (entry.journal, entry.number, entry.previous) != (name, number + 1, digest):
        raise JournalBroken
    return entry, kept


def _replay_entry(scope: Scope, entry: JournalEntry, key: LogKey) -> None:
    """Do once more what an entry says; what the restored database never knew needs nothing."""
    about = key.unseal_text(entry.about) if entry.act in journal.SEALED_ACTS else entry.about
    with journal.replaying(scope):
        try:
            match entry.act:
                case journal.REVOKE:
                    revoke_consent(scope, UUID(entry.about), what=entry.more or None)
                case journal.BLOCK_PERSON:
                    persons.block_person(scope, UUID(entry.about))
                case journal.FREEZE:
                    ratings.freeze_bytes(scope, entry.about)
                case journal.THAW:
                    ratings.unfreeze_bytes(scope, entry.about)
                case journal.WITHDRAW:
                    card_answers.withdraw_card_signature(
                        scope, queries.get_card_facts(scope, UUID(entry.about)), UUID(entry.more)
                    )
                case journal.WITHDRAW_PROOF:
                    age_proof_withdrawal.withdraw_age_proof(scope, UUID(entry.about))
                case journal.BLOCK:
                    recall.block_bytes(
                        scope, entry.about, category=entry.more, phash=entry.look or None
                    )
                case journal.STOP:
                    where, feature, target = about.split(":", 2)
                    emergency_stops.close_switch(scope, where, target, feature, reason=RESTORE_STOP)
                case journal.REOPEN:
                    where, feature, target = about.split(":", 2)
                    emergency_stops.repeat_reopening(
                        scope, where, target, feature, reason=RESTORE_STOP
                    )
                case journal.VIEWER:
                    platform, _, user_id = about.partition(":")
                    age_assurance.repeat_restriction(
                        scope, platform, user_id, AssuranceState(entry.more)
                    )
                # a decision, or what was lifted after the backup: people look, and may lift it
                # again
                case _:
                    return
        except NotFound:
            return


def _stop_publishing(tenant_id: UUID, why: Message, cause: str, *, tenant: OpenScope) -> None:
    """Nothing of this agency leaves until somebody looked; the house itself sends nothing."""
    if tenant_id == INSTALLATION_ID:
        return
    with tenant(tenant_id, ACTOR) as scope:
        emergency_stops.close_switch(scope, "tenant", "", RESTORE_STOP, reason=cause)
        notices.put(scope, why, cause=cause, urgent=True)


def journal_name(scope: Scope, key: LogKey) -> str:
    """The journal's name outside: an agency that is removed and comes back begins another."""
    return key.log_name(
        scope.tenant_id,
        _HOUSE_BEGAN if scope.tenant_id == INSTALLATION_ID else agency_founded_at(scope),
    )


def journal_entry_name(name: str, number: int) -> str:
    """Under which name an entry is kept."""
    return f"{name}/journal/{number:010d}"


def _load_last_entry(scope: Scope) -> tuple[int, str]:
    """Number and digest of the last entry that was noted."""
    row = scope.run(
        "SELECT number, digest FROM gate_journal WHERE tenant_id = :tenant ORDER BY number DESC "
        "LIMIT 1",
        tenant=scope.tenant_id,
    ).first()
    return (row.number, row.digest) if row is not None else (0, GENESIS_HASH)


def _is_noted(event: JournalDue, tenant: OpenScope) -> bool:
    with tenant(event.tenant_id, ACTOR) as scope:
        return bool(
            scope.run(
                "SELECT EXISTS (SELECT FROM gate_journal WHERE tenant_id = :tenant AND id = :id)",
                tenant=scope.tenant_id,
                id=event.subject_id,
            ).scalar_one()
        )


def _record_replayed_entry(
    tenant_id: UUID, entry: JournalEntry, kept: bytes, *, tenant: OpenScope
) -> None:
    with tenant(tenant_id, ACTOR) as scope, scope.acting_as("gate"):
        scope.run(
            "INSERT INTO gate_journal (tenant_id, id, number, digest) VALUES (:tenant, :id, "
            ":number, :digest)"
            " ON CONFLICT DO NOTHING",
            tenant=tenant_id,
            id=UUID(entry.id),
            number=entry.number,
            digest=hash_chain.sha256_hex(kept),
        )
