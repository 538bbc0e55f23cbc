"""Judging units and minting permits. A permit is minted and consumed in the claim's transaction, so
it exists once.

Once consumed it is the record of the copy it left outside (`gate/copies/live_copies.py`).
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
from gate.text.text_rating import has_ai_disclosure
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
    """What a permit is bound to: a request by its name and the digest of its bytes."""

    @property
    def name(self) -> str: ...

    def wire_digest(self) -> str: ...


class PermitDenied(GreenroomError):
    """The unit may not leave. `decision` says why; `entry` is for the log once the claim is
    undone."""

    exit_code = 5

    def __init__(self, entry: decision_log.LogEntry) -> None:
        self.entry = entry
        self.decision = entry.decision
        super().__init__("gate.denied")

    def __str__(self) -> str:
        return f"denied: {', '.join(self.decision.reasons)}"


def lock_unit(scope: Scope, unit: Unit) -> None:
    """Take every lock the unit's evidence needs, shared and in order: the first thing a claim
    does."""
    epochs.lock_shared(scope, unit)


def required_flags_of_unit(
    scope: Scope, unit: Unit, *, bundle: Bundle | None = None
) -> tuple[str, ...]:
    """The marks the unit must bear at its place as its rating stands, for
    `dataclasses.replace(unit, flags=…)`."""
    by = bundle or active_policy.current_bundle(scope)
    case = Case(snapshot.gather_content_snapshot(scope, unit, by), unit, by, scope.now)
    return () if unit.service else unit_rules.required_marks(case)


def with_required_marks(
    scope: Scope, unit: Unit, *, line: Callable[[], str], bundle: Bundle | None = None
) -> Unit:
    """The unit with every mark its place wants: the flags, and `line` under the body where only
    words can say that a model made it and none of them do. `line` is asked for only then."""
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
    if by_bot:  # what its words say of AI is about anything: the label is its own
        body = text_marks.remove_text_mark(body).removesuffix(f"\n\n{line()}")
    if by_bot or not has_ai_disclosure(case.texts, lexicon=case.bundle.lexicon):
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
    """The same content at several public places, in as many parts everywhere: each part marked as
    by `marked`, and what `preview` would say of the last with all above it.

    What they share is read once: for pages, that ask again at every word. `by` are the rules in
    force.
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
    """What the decision would be now, without writing it down: for pages."""
    return _evaluate_unit(scope, unit, author, own_hosts, bundle, stage="judge")[0].decision


def preview_for_viewer(
    scope: Scope, unit: Unit, reader: str, *, bundle: Bundle | None = None
) -> Decision:
    """What the decision would be now for one reader of a place that lets readers in one by one;
    nothing is written.

    `unit` is what was published there, as it was judged: what people said of it then still counts,
    and everything else is read again. `reader` is the place's id of them.
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
    """Judge a unit and write the decision into the log.

    `author` is the actor who wrote it (`member:<id>`, `system:<what>`); `own_hosts` are hosts our
    own links lie on.
    """
    entry, _ = _evaluate_unit(scope, unit, author, own_hosts, bundle, stage="judge")
    decision_log.append_entry(scope, entry)
    return entry.decision


class MintPermit(Protocol):
    """`mint_permit` with its key bound."""

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
    """Read everything again, decide, sign for just this request and consume as the claim's
    transaction ends.

    `uploads` are the platform's ids of what this subject's earlier steps put there and the request
    points at. `author` None takes the author of the last decision about the subject; with none
    either, nobody's review counts. `whole` is the last part of the thread that this unit begins,
    with all parts above it: none begins that may not end.

    Raises Denied; the claim is then undone, and `record_denial` keeps the decision in the
    transaction that follows.
    """
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
    )  # what the gate writes goes in one block
    decision_log.append_entry(scope, entry)
    spot_checks.draw_sample(scope, entry, case, key)
    return permit


def record_denial(scope: Scope, denied: PermitDenied) -> None:
    """Keep the decision of a claim that was undone; one that reached for another agency's things
    stays in sight."""
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
    """Use a permit up: the row of its copy appears, once.

    In the transaction that minted it nothing can have changed since; wherever else it turns up,
    that is looked at.

    Raises Conflict when it was used before, Refused when its minute is over or what it was decided
    on has changed.
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
            short_lines=_encode_json([] if unit.viewer else text_windows.short_lines(unit)),
        ).first()
    if done is not None:
        return
    if find_copy(scope, permit.jti) is not None:
        raise Conflict("gate.PERMIT_REPLAYED")
    late = scope.run("SELECT :expires_at <= house_now()", expires_at=permit.expires_at).scalar_one()
    raise Refused("gate.PERMIT_EXPIRED" if late else "gate.EPOCH_STALE")


def _shown_digests(unit: Unit, facts: EvidenceSnapshot) -> list[str]:
    """Digests of everything a copy shows, so that whoever calls one back finds also what points at
    it."""
    there = [sha256 for known in facts.references for sha256 in known.media]
    return list(dict.fromkeys([*(medium.sha256 for medium in unit.media), *there]))


def _shown_people(unit: Unit, facts: EvidenceSnapshot) -> set[UUID]:
    """Everybody in what a copy shows: who is in a part above is on the copy of that part."""
    own = set(_shown_digests(unit, facts))
    return {
        each for known in facts.media if known.sha256 in own for each in people_of_medium(known)
    }


def _encode_json(value: object) -> str:
    return canonical_json(value).decode()
