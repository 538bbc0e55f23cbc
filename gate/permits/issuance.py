"""Issue permits: judge units, mint permits and consume them.

A permit is minted and consumed in the transaction of the claim, so it can be used only once. The
consumed permit is the record of the published copy (`gate/copies/live_copies.py`).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import Conflict, GreenroomError, Refused
from foundation.ids import uuid7
from gate import epochs
from gate.contract import text_marks
from gate.contract.facts import EvidenceSnapshot
from gate.contract.permit import PERMIT_TTL, Permit, sign_permit
from gate.contract.reasons import Reason
from gate.contract.units import Subject, Text, Unit, as_earlier_parts, combine_parts
from gate.copies.live_copies import (
    LiveCopy,
    find_copy,
    find_copy_by_native_id,
    list_copies,
    record_copy,
    record_removed,
    void_permit,
)
from gate.decision import unit_rules
from gate.decision.case import NO_AI, Case
from gate.decision.decide import Decision, decide_case, decide_unit
from gate.decision.shoot_card_terms import people_of_medium
from gate.evidence import snapshot, text_windows
from gate.log import decision_log
from gate.log.models import DecisionRow
from gate.policy import active_policy, admission
from gate.policy.active_policy import ActivePolicy
from gate.policy.bundle import Bundle
from gate.policy.queries import unit_rule_verifications
from gate.reviews import spot_checks
from tenants import audit

__all__ = [
    "Decision",
    "LiveCopy",
    "PermitDenied",
    "decide_unit",
    "find_copy",
    "find_copy_by_native_id",
    "judge_unit",
    "list_copies",
    "lock_unit",
    "mint_permit",
    "preview_decision",
    "preview_everywhere",
    "preview_for_viewer",
    "record_copy",
    "record_denial",
    "record_removed",
    "required_flags_of_unit",
    "void_permit",
    "with_required_marks",
]


class WireStep(Protocol):
    """The request that a permit is bound to, by its name and the digest of its bytes."""

    @property
    def name(self) -> str: ...

    def wire_digest(self) -> str: ...


class PermitDenied(GreenroomError):
    """The unit may not be published.

    `decision` contains the reasons; `entry` is to be logged after the rollback of the claim.
    """

    exit_code = 5

    def __init__(self, entry: decision_log.LogEntry) -> None:
        self.entry = entry
        self.decision = entry.decision
        super().__init__("gate.denied")

    def __str__(self) -> str:
        return f"denied: {', '.join(self.decision.reasons)}"


def lock_unit(scope: Scope, unit: Unit) -> None:
    """Take every lock that the evidence of the unit needs, shared and in order. This is the first
    step of a claim."""
    epochs.lock_shared(scope, unit)


def required_flags_of_unit(
    scope: Scope, unit: Unit, *, bundle: Bundle | None = None
) -> tuple[str, ...]:
    """Return the flags the unit must have on its surface at its current rating, for
    `dataclasses.replace(unit, flags=…)`."""
    by = bundle or active_policy.current_bundle(scope)
    case = Case(snapshot.gather_content_snapshot(scope, unit, by), unit, by, scope.now)
    return () if unit.service else unit_rules.required_marks(case)


def with_required_marks(
    scope: Scope, unit: Unit, *, line: Callable[[], str], bundle: Bundle | None = None
) -> Unit:
    """Return the unit with every mark that its surface requires.

    These are the flags, and `line` below the body if only a text can disclose AI and none does.
    `line` is called only then.
    """
    if unit.service:
        return replace(unit, flags=())
    by = bundle or active_policy.current_bundle(scope)
    return _apply_required_marks(
        Case(snapshot.gather_content_snapshot(scope, unit, by), unit, by, scope.now), line
    )


def _apply_required_marks(case: Case, line: Callable[[], str]) -> Unit:
    unit = replace(case.unit, flags=unit_rules.required_marks(case))
    if not case.needs_ai_words:
        return unit
    body = unit.text_of("body")
    by_bot = case.is_conversational and unit.text_ai != NO_AI
    # A bot message always gets the label, because its own text about AI may mean something else.
    if by_bot:
        body = text_marks.remove_text_mark(body).removesuffix(f"\n\n{line()}")
    if by_bot or not case.disclosure.stated:
        body = f"{body}\n\n{line()}".lstrip("\n")
    if by_bot and unit.audience == "viewer":
        body = text_marks.add_text_mark(body)
    return replace(
        unit, texts=(*(text for text in unit.texts if text.field != "body"), Text("body", body))
    )


def preview_everywhere(
    scope: Scope,
    posts: Sequence[Sequence[Unit]],
    *,
    author: str,
    line: Callable[[], str],
    by: ActivePolicy,
) -> list[tuple[list[Unit], Decision]]:
    """Preview the same content on several public surfaces, in the same number of parts everywhere.

    For each surface, return the parts with the required marks, and the decision about the last part
    with all earlier ones. Shared evidence is read once, because pages call this on every keystroke.
    `by` is the policy in force.
    """
    if not posts:
        return []
    shared, now = snapshot.gather_snapshot(scope, combine_parts(posts[0]), author=author, by=by)
    marked_ones = [_marked_parts(scope, shared, units, by.bundle, line) for units in posts]
    wholes = [combine_parts(units) for units in marked_ones]
    there = snapshot.snapshots_elsewhere(scope, shared, wholes, by=by)
    said = [
        decide_unit(facts, unit, by.bundle, now) for unit, facts in zip(wholes, there, strict=True)
    ]
    return list(zip(marked_ones, said, strict=True))


def _marked_parts(
    scope: Scope,
    facts: EvidenceSnapshot,
    units: Sequence[Unit],
    rules_now: Bundle,
    line: Callable[[], str],
) -> list[Unit]:
    found: list[Unit] = []
    for one in units:
        unit = replace(one, before=as_earlier_parts(found))
        again = unit_rule_verifications(scope, unit, rules_now, scope.now.date())
        here = replace(
            facts, again=again, foreign=admission.find_third_party_rule(scope, unit, rules_now)
        )
        found.append(_apply_required_marks(Case(here, unit, rules_now, scope.now), line))
    return found


def preview_decision(
    scope: Scope,
    unit: Unit,
    *,
    author: str,
    own_hosts: Sequence[str] = (),
    bundle: Bundle | None = None,
) -> Decision:
    """Return the decision that would be made now, without logging it. For pages."""
    return _evaluate_unit(scope, unit, author, own_hosts, bundle, stage="judge")[0].decision


def preview_for_viewer(
    scope: Scope, unit: Unit, reader: str, *, bundle: Bundle | None = None
) -> Decision:
    """Return the decision that would be made now for one viewer of a surface that admits viewers
    one by one, without logging it.

    `unit` is the published unit as it was judged: its reviews still count, and all other evidence
    is read again. `reader` is the ID of the viewer on that surface.
    """
    author = _last_author(scope, unit.subject)
    by = active_policy.current_policy(scope) if bundle is None else ActivePolicy(bundle)
    facts, now = snapshot.gather_snapshot(scope, unit, author=author, by=by)
    seen = replace(unit, audience="viewer", viewer=reader)
    return decide_unit(
        replace(facts, viewer=snapshot.viewer_facts(scope, seen)), seen, by.bundle, now
    )


def judge_unit(
    scope: Scope,
    unit: Unit,
    *,
    author: str,
    own_hosts: Sequence[str] = (),
    bundle: Bundle | None = None,
) -> Decision:
    """Judge a unit and log the decision.

    `author` is the actor who wrote it (`member:<id>`, `system:<what>`); `own_hosts` are the hosts
    of our own links.
    """
    entry, _ = _evaluate_unit(scope, unit, author, own_hosts, bundle, stage="judge")
    decision_log.append_entry(scope, entry)
    return entry.decision


class MintPermit(Protocol):
    """The signature of `mint_permit` once its key is bound."""

    def __call__(
        self,
        scope: Scope,
        unit: Unit,
        step: WireStep,
        *,
        uploads: Collection[str] = (),
        author: str | None = None,
        whole: Unit | None = None,
    ) -> Permit: ...


def mint_permit(
    scope: Scope,
    unit: Unit,
    step: WireStep,
    *,
    key: Ed25519PrivateKey,
    uploads: Collection[str] = (),
    author: str | None = None,
    own_hosts: Sequence[str] = (),
    bundle: Bundle | None = None,
    whole: Unit | None = None,
) -> Permit:
    """Read all evidence again, decide, and sign a permit for exactly this request. It is consumed
    when the transaction of the claim commits.

    `uploads` are native IDs of results of earlier steps of this subject that the request refers to.
    Without `author`, the author of the last decision about the subject is used; if there is none,
    no review counts. `whole` is the last part of the thread that this unit begins, with all earlier
    parts: a thread must be allowed as a whole before its first part is published.

    Raises PermitDenied. The caller then rolls back the claim and logs the decision with
    `record_denial` in the next transaction.
    """
    if unit.is_surface:  # The rules of surfaces ask for no review.
        raise ValueError("content on a surface needs no permit and gets none")
    # A claim has locked its units already; other callers have not.
    if not epochs.held_keys(scope):
        epochs.lock_shared(scope, unit)
    who = _last_author(scope, unit.subject) if author is None else author
    if whole is not None:
        ahead, _ = _evaluate_unit(scope, whole, who, own_hosts, bundle, stage="judge")
        if not ahead.decision.is_allowed:
            raise PermitDenied(ahead)
        decision_log.append_entry(scope, ahead)
    entry, case = _evaluate_unit(scope, unit, who, own_hosts, bundle, stage="mint")
    if not entry.decision.is_allowed:
        raise PermitDenied(entry)
    permit = sign_permit(_build_permit(unit, step, entry, uploads), key)
    scope.before_commit(
        lambda last: consume_permit(last, permit, entry), role="gate"
    )  # Runs last, so that all writes of the gate happen together.
    decision_log.append_entry(scope, entry)
    spot_checks.draw_sample(scope, entry, case, key)
    return permit


def record_denial(scope: Scope, denied: PermitDenied) -> None:
    """Log the decision of a claim that was rolled back.

    An attempt to use data of another agency is also recorded in the audit log.
    """
    decision_log.append_entry(scope, denied.entry)
    if Reason.TENANT_BOUNDARY in denied.decision.reasons:
        subject = denied.entry.unit.subject
        audit.record(scope, "gate.boundary", f"{subject.kind}:{subject.id}")


def _evaluate_unit(
    scope: Scope,
    unit: Unit,
    author: str,
    own_hosts: Sequence[str],
    bundle: Bundle | None,
    *,
    stage: str,
) -> tuple[decision_log.LogEntry, Case]:
    by = active_policy.current_policy(scope) if bundle is None else ActivePolicy(bundle)
    facts, now = snapshot.gather_snapshot(scope, unit, author=author, own_hosts=own_hosts, by=by)
    case = Case(facts, unit, by.bundle, now)
    return decision_log.create_entry(
        unit, facts, decide_case(case), author=author, stage=stage, decided_at=now
    ), case


def _last_author(scope: Scope, subject: Subject) -> str:
    found = scope.session.exec(
        select(DecisionRow.author)
        .where(
            DecisionRow.tenant_id == scope.tenant_id,
            DecisionRow.subject_kind == subject.kind,
            DecisionRow.subject_id == subject.id,
        )
        .order_by(col(DecisionRow.seq).desc())
    ).first()
    return found or ""


def _build_permit(
    unit: Unit, step: WireStep, entry: decision_log.LogEntry, uploads: Collection[str] = ()
) -> Permit:
    return Permit(
        jti=uuid7(),
        tenant_id=unit.tenant_id,
        channel_id=unit.channel_id,
        account=unit.account,
        surface=unit.surface,
        subject=unit.subject,
        step=step.name,
        unit_digest=unit.digest(),
        wire_digest=step.wire_digest(),
        viewer=unit.viewer,
        flags=unit.flags,
        points_at=tuple(sorted({*uploads, *(each.native_id for each in unit.references)})),
        rating=entry.decision.rating,
        bundle=entry.decision.bundle,
        minted_at=entry.decided_at,
        expires_at=entry.decided_at + PERMIT_TTL,
        price=unit.price,
    )


_CONSUME = """
INSERT INTO permits (tenant_id, id, creator_id, decision_id, subject_kind, subject_id,
channel_id, account, platform,
  surface, viewer, step, unit_digest, wire_digest, flags, media, persons, bundle, epochs,
  minted_at, expires_at, state,
  native_ids, gone_proof, sold, short_lines)
SELECT :tenant, :jti, :creator, :decision, :kind, :subject, :channel, :account, :platform,
  :surface, :viewer, :step, :unit_digest, :wire_digest, CAST(:flags AS jsonb), CAST(:media AS
  jsonb),
  CAST(:persons AS jsonb), :bundle, CAST(:epochs AS jsonb), :minted_at, :expires_at, 'consumed',
  '[]', '', :sold, CAST(:short_lines AS jsonb)
WHERE :expires_at > house_now() AND NOT EXISTS (
  SELECT 1 FROM epochs e WHERE e.tenant_id = :tenant AND e.key = ANY(CAST(:keys AS text[]))
    AND e.value <> COALESCE(CAST(CAST(:epochs AS jsonb) ->> e.key AS bigint), 0))
ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id
"""


def consume_permit(scope: Scope, permit: Permit, entry: decision_log.LogEntry) -> None:
    """Consume a permit by inserting the row of its copy, once.

    The statement verifies expiry and epochs again, which cannot fail in the transaction that minted
    the permit. Raises Conflict if it was consumed before, Refused if it has expired or its evidence
    changed.
    """
    unit = entry.unit
    facts = entry.snapshot
    keys = epochs.held_keys(scope) or epochs.unit_keys(scope, unit)
    with scope.acting_as("gate"):
        done = scope.run(
            _CONSUME,
            tenant=permit.tenant_id,
            jti=permit.jti,
            creator=unit.creator_id,
            decision=entry.id,
            kind=permit.subject.kind,
            subject=permit.subject.id,
            channel=permit.channel_id,
            account=permit.account,
            platform=unit.platform,
            surface=permit.surface,
            viewer=permit.viewer,
            step=permit.step,
            unit_digest=permit.unit_digest,
            wire_digest=permit.wire_digest,
            flags=_encode_json(list(permit.flags)),
            media=_encode_json(_shown_digests(unit, facts)),
            persons=_encode_json(sorted(str(one) for one in _shown_people(unit, facts))),
            bundle=permit.bundle,
            epochs=_encode_json(dict(facts.epochs)),
            keys=sorted(keys),
            minted_at=permit.minted_at,
            expires_at=permit.expires_at,
            sold=unit.is_sold,
            short_lines=_encode_json(text_windows.stored_lines(unit)),
        ).first()
    if done is not None:
        return
    # The insert gives no reason, so determine it now.
    if find_copy(scope, permit.jti) is not None:
        raise Conflict("gate.PERMIT_REPLAYED")
    late = scope.run("SELECT :expires_at <= house_now()", expires_at=permit.expires_at).scalar_one()
    raise Refused("gate.PERMIT_EXPIRED" if late else "gate.EPOCH_STALE")


def _shown_digests(unit: Unit, facts: EvidenceSnapshot) -> list[str]:
    """Return the digests of everything a copy shows, so that a recall also finds copies that refer
    to the bytes."""
    there = [sha256 for known in facts.references for sha256 in known.media]
    return list(dict.fromkeys([*(medium.sha256 for medium in unit.media), *there]))


def _shown_people(unit: Unit, facts: EvidenceSnapshot) -> set[UUID]:
    """Return all persons shown in a copy. Persons in earlier parts belong to the copies of those
    parts."""
    own = set(_shown_digests(unit, facts))
    return {
        each for known in facts.media if known.sha256 in own for each in people_of_medium(known)
    }


def _encode_json(value: object) -> str:
    return canonical_json(value).decode()
