"""Third-party rules that an agency has admitted: its owner read them, and they apply in the version
that was read.

The file is stored with the admission: if the package is changed, replaced or removed later, nothing
changes until an owner acts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from foundation.outbox.outbox import Queue
from gate import epochs
from gate.contract.facts import ThirdPartyRuleFacts
from gate.contract.units import Unit
from gate.policy import active_policy, plugin_place_rules
from gate.policy.bundle import Bundle
from gate.policy.plugin_place_rules import InvalidThirdPartyRules, ThirdPartyRules
from tenants import audit
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.notices import notices

RuleDocuments = Callable[[], Iterable[bytes]]
"""Returns the rule files of the installed packages."""

_KEPT = 32
_known: dict[tuple[str, str], ThirdPartyRules] = {}
"""Rules verified in this process, by the digests of the policy they were checked against and of
their bytes."""


@dataclass(frozen=True)
class AdmissionRequested:
    """An owner admits the rules that a third-party package ships for its platform, or, with `end`,
    ends their admission."""

    kind: ClassVar[str] = "rows.admit"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    digest: str
    end: bool
    by: str


@dataclass(frozen=True)
class Admission:
    """The rules that an agency admitted for a platform; `is_unchanged` is False if the stored file
    differs from the admitted one."""

    platform: str
    digest: str
    by: str
    since: datetime
    is_unchanged: bool


_ACTIVE = """
SELECT digest, admitted FROM foreign_rows WHERE tenant_id = :tenant AND platform = :platform AND
state = 'active'
"""
_DOCUMENT = (
    "SELECT document FROM foreign_rows WHERE tenant_id = :tenant AND platform = :platform AND "
    "state = 'active'"
)


def find_third_party_rule(scope: Scope, unit: Unit, rules: Bundle) -> ThirdPartyRuleFacts | None:
    """Return the admitted third-party rule for the surface of a unit.

    Return None for platforms that the policy covers, and if no rules were admitted.
    """
    if rules.has_platform(unit.platform):
        return None
    row = scope.run(_ACTIVE, tenant=scope.tenant_id, platform=unit.platform).first()
    if row is None:
        return None
    found = _load_admitted_rules(scope, unit.platform, row.digest, row.admitted, rules)
    written = found.row_of_place(unit.place_id) if found is not None else None
    return ThirdPartyRuleFacts(
        written.model_dump_json() if written is not None else "", fault=found is None
    )


def _load_admitted_rules(
    scope: Scope, platform: str, digest: str, admitted: str, rules: Bundle
) -> ThirdPartyRules | None:
    """Return the rules as they were admitted, or None if they changed or no longer verify against
    the policy."""
    # The database computes `digest` from the stored bytes, so a changed file no longer matches.
    if digest != admitted:
        return None
    known = _known.get((rules.digest, digest))
    if known is None:
        document = scope.run(_DOCUMENT, tenant=scope.tenant_id, platform=platform).scalar_one()
        try:
            known = plugin_place_rules.verify_rules(bytes(document), rules)
        except InvalidThirdPartyRules:
            return None
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)), None)
        _known[rules.digest, digest] = known
    return known if known.platform == platform else None


def list_admissions(scope: Scope) -> list[Admission]:
    """Return the admissions of this agency, ordered by platform."""
    rules = active_policy.current_bundle(scope)
    rows = scope.run(
        "SELECT platform, digest, admitted, by, created_at FROM foreign_rows"
        " WHERE tenant_id = :tenant AND state = 'active' ORDER BY platform",
        tenant=scope.tenant_id,
    ).all()
    return [
        Admission(
            row.platform,
            row.admitted,
            row.by,
            row.created_at,
            _load_admitted_rules(scope, row.platform, row.digest, row.admitted, rules) is not None,
        )
        for row in rows
    ]


_INSERT = """
INSERT INTO foreign_rows (tenant_id, id, platform, key, document, admitted, state, by)
VALUES (:tenant, :id, :platform, :key, :document, :admitted, 'active', :by)
"""
_END = """
UPDATE foreign_rows SET state = 'ended', updated_at = house_now()
WHERE tenant_id = :tenant AND platform = :platform AND state = 'active'
"""


def admit_rules(scope: Scope, document: bytes) -> ThirdPartyRules:
    """Admit rules as the acting owner, from now on and in place of earlier ones for the platform.

    Raises Refused for a member without the right, and POLICY_SIGNATURE for rules that exceed their
    bounds or are not signed.
    """
    require_right(queries.get_acting_member(scope, "switch.people_only").role, Right.RULES)
    try:
        found = plugin_place_rules.verify_rules(document, active_policy.current_bundle(scope))
    except InvalidThirdPartyRules as error:
        raise Refused("gate.POLICY_SIGNATURE") from error
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    row = {
        "platform": found.platform,
        "key": found.key,
        "document": document,
        "admitted": found.digest,
    }
    with scope.acting_as("gate"):
        scope.run(_END, tenant=scope.tenant_id, platform=found.platform)
        scope.run(_INSERT, tenant=scope.tenant_id, id=uuid7(), by=scope.actor, **row)
    audit.record(scope, "rows.admitted", f"platform:{found.platform}", digest=found.digest[:12])
    return found


def end_admission(scope: Scope, platform: str) -> None:
    """End the admission of rules; one member is enough.

    Raises Refused for a member without the right, NotFound if none are admitted.
    """
    require_right(queries.get_acting_member(scope, "switch.people_only").role, Right.RUN)
    epochs.lock_and_advance(scope, epochs.tenant_key(scope))
    with scope.acting_as("gate"):
        done = scope.run(_END, tenant=scope.tenant_id, platform=platform).rowcount
    if not done:
        raise NotFound("rows.none")
    audit.record(scope, "rows.ended", f"platform:{platform}")


def handle_admission_request(
    event: AdmissionRequested, *, tenant: OpenScope, documents: RuleDocuments
) -> None:
    """Admit rules, or end an admission, as the member who requested it.

    The file is searched among the installed packages; the member is notified of a refusal.
    """
    try:
        with tenant(event.tenant_id, event.by) as scope:
            if event.end:
                end_admission(scope, event.platform)
            else:
                admit_rules(scope, _find_document(documents(), event.digest, scope))
    except GreenroomError as refused:
        with tenant(event.tenant_id, event.by) as scope:
            notices.put(scope, refused.message, cause=f"{event.kind}:{event.subject_id}")


def _find_document(documents: Iterable[bytes], digest: str, scope: Scope) -> bytes:
    for document in documents:
        try:
            if (
                plugin_place_rules.verify_rules(
                    document, active_policy.current_bundle(scope)
                ).digest
                == digest
            ):
                return document
        except InvalidThirdPartyRules:
            continue
    raise NotFound("rows.none")
