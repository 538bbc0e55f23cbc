"""The journal in the archive, and the replay of entries that a restored backup lacks.

Entries are numbered: the first statement stored under a number is that entry, so a writer of the
next number detects that the database is behind. The entries are then replayed before anything is
published. Publishing stops until a member has checked the state, because posts sent after the
backup are unknown too.
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
"""Cause of the notice that the journal is inconsistent. For a restored backup, `RESTORE_STOP` is
used."""

MISSING = "journal_missing"
"""Cause of the notice that the journal this database knows is missing from the archive."""

_HOUSE_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_log = telemetry.get_logger("gate.log.restore")


@dataclass(frozen=True)
class JournalArchive:
    """The archive of the journal and the key that signs it."""

    archive: Archive
    key: LogKey


@dataclass(frozen=True)
class JournalEntry:
    """An entry in stored form; `previous` is the digest of the one before."""

    journal: str
    number: int
    previous: str
    id: str
    act: str
    about: str
    more: str
    look: str


class JournalBroken(Exception):
    """Raised if an archived entry has an invalid signature or the wrong predecessor."""


def archive_journal_entry(
    event: JournalDue, *, tenant: OpenScope, archive: Archive, key: LogKey
) -> None:
    """Archive an entry and record it.

    If the journal is ahead of the database, replay it first. Raises JournalBroken if another
    statement has its number.
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
                ):  # A foreign statement has the number: fail, and let the task be retried.
                    raise JournalBroken


def replay_all_journals(*, tenant: OpenScope, archive: Archive, key: LogKey) -> int:
    """Replay the entries that a restored database lacks, for the installation and every agency.

    It runs before anything else. If the installation's own journal is missing, the restrictions of
    every agency are unknown, and nothing is published until members end the stop. Returns the
    number of entries replayed.
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
    """Replay the journal entries that the database lacks, in order, and return their number.

    An entry whose event is still pending in the outbox does not indicate a restored backup, only
    that its task failed before recording it. It is recorded without a replay.
    """
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
        # Posts sent after the backup are unknown and would be sent again.
        _stop_publishing(
            tenant_id, Message("gate.restored", {"count": done}), RESTORE_STOP, tenant=tenant
        )
    return done


def _is_journal_missing(tenant_id: UUID, *, tenant: OpenScope, outside: JournalArchive) -> bool:
    """Return True if the last entry that the database records is not in the archive."""
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
    """Write an entry for later starts to find: the first one, or the next after those that were
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
    """Return the first archived entry that is not recorded, or None.

    Raises JournalBroken if it is invalid.
    """
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
    """Repeat the action of an entry. Objects that the restored database lacks are skipped."""
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
                # The entry is a decision, or a restriction lifted after the backup. Members check
                # and may lift it again.
                case _:
                    return
        except NotFound:
            return


def _stop_publishing(tenant_id: UUID, why: Message, cause: str, *, tenant: OpenScope) -> None:
    """Stop publishing for an agency until a member has checked; the installation itself has no
    posts."""
    if tenant_id == INSTALLATION_ID:
        return
    with tenant(tenant_id, ACTOR) as scope:
        emergency_stops.close_switch(scope, "tenant", "", RESTORE_STOP, reason=cause)
        notices.put(scope, why, cause=cause, urgent=True)


def journal_name(scope: Scope, key: LogKey) -> str:
    """Return the journal's name in the archive. An agency that is removed and restored gets a new
    one."""
    return key.log_name(
        scope.tenant_id,
        _HOUSE_BEGAN if scope.tenant_id == INSTALLATION_ID else agency_founded_at(scope),
    )


def journal_entry_name(name: str, number: int) -> str:
    """Return the name of an entry in the archive."""
    return f"{name}/journal/{number:010d}"


def _load_last_entry(scope: Scope) -> tuple[int, str]:
    """Return the number and digest of the last recorded entry."""
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
