"""The policy in force: the one shipped with the product, or a newer signed release stored in the
database.

A sender reads it under the installation epoch, which a change of the policy locks exclusively. If a
release does not verify, or is not the newest ever installed, nothing can be published; the shipped
policy is then used for explanations only.
"""

from dataclasses import dataclass

from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from gate import epochs
from gate.contract.public_keys import decode_public_key
from gate.contract.reasons import Reason
from gate.policy import bundle, signed_release
from gate.policy.bundle import Bundle, shipped_bundle
from gate.policy.signed_release import PolicyRelease, UnsignedRelease
from gate.text import lexicon

_HELD = "gate.inforce"
_KEPT = 8
"""Number of versions that a process caches: the one in force, and a few for decisions that are
replayed."""


@dataclass(frozen=True)
class ActivePolicy:
    """The policy to judge by; `fault` is the code of the reason why it allows nothing to be
    published, or ""."""

    bundle: Bundle
    fault: str = ""


_trusted: list[str] = []
_known: dict[str, Bundle] = {}
"""Releases verified in this process, by the digest of their bytes."""


def set_trusted_keys(keys: str) -> None:
    """Set the keys whose signatures count in this process: public keys in base64, separated by
    commas or whitespace.

    Until it is called, no key is trusted and no release is accepted. Raises BadInput for an invalid
    key.
    """
    found = keys.replace(",", " ").split()
    try:
        for key in found:
            decode_public_key(key)
    except ValueError as error:
        raise BadInput("policy.bad_key") from error
    _trusted[:] = found
    _known.clear()


NEWEST_SQL = f"""
  (SELECT jsonb_build_array(p.digest, p.number, p.state) FROM policy_bundles p
    WHERE p.tenant_id = '{INSTALLATION_ID}' AND p.state <> 'shipped'
    ORDER BY p.number DESC LIMIT 1) AS newest
"""  # noqa: S608 only constants
"""The newest release ever installed, for `resolve_newest`."""


def current_policy(scope: Scope) -> ActivePolicy:
    """Return the policy in force.

    A transaction that has locked the installation epoch reads it once, because it cannot change
    until the transaction ends; any other transaction reads it on each call.
    """
    held = scope.session.info.get(_HELD)
    if isinstance(held, ActivePolicy):
        return held
    found = resolve_newest(scope, scope.run(f"SELECT {NEWEST_SQL}").scalar())
    # Without the lock, the policy may change during the transaction.
    if epochs.installation_key() in epochs.held_keys(scope):
        scope.session.info[_HELD] = found
    return found


def resolve_newest(scope: Scope, newest: tuple[str, int, str] | None) -> ActivePolicy:
    """Return the policy in force, given the result of `NEWEST_SQL`."""
    return ActivePolicy(shipped_bundle()) if newest is None else _resolve_policy(scope, *newest)


def current_bundle(scope: Scope) -> Bundle:
    """Return the policy bundle in force, for callers that make no decisions."""
    return current_policy(scope).bundle


def _resolve_policy(scope: Scope, digest: str, number: int, state: str) -> ActivePolicy:
    own = shipped_bundle()
    if own.number >= number:  # A newer shipped policy replaces any older release.
        return ActivePolicy(own)
    # The newest release was retired: an older policy must not come back into force.
    if state != "active":
        return ActivePolicy(own, Reason.POLICY_ROLLBACK)
    try:
        found = _known.get(digest) or _load_verified_bundle(scope, digest)
    except (UnsignedRelease, ValueError):
        return ActivePolicy(own, Reason.POLICY_SIGNATURE)
    return (
        ActivePolicy(found)
        if found.number == number
        else ActivePolicy(own, Reason.POLICY_SIGNATURE)
    )


def _load_verified_bundle(scope: Scope, digest: str) -> Bundle:
    found = signed_release.verify_release(_load_document(scope, digest), _trusted)
    _cache_bundle(digest, found)
    return found


def _cache_bundle(digest: str, found: Bundle) -> None:
    while len(_known) >= _KEPT:
        _known.pop(next(iter(_known)), None)
    _known[digest] = found


def _load_document(scope: Scope, digest: str) -> bytes:
    stored = scope.run(
        "SELECT document FROM policy_bundles WHERE tenant_id = :house AND digest = :digest LIMIT 1",
        house=INSTALLATION_ID,
        digest=digest,
    ).scalar_one()
    return bytes(stored)


_RETIRE = """
UPDATE policy_bundles SET state = 'retired', updated_at = house_now() WHERE tenant_id = :house
AND state = 'active'
"""
_INSERT = """
INSERT INTO policy_bundles (tenant_id, id, name, number, state, document, by)
VALUES (:house, :id, :name, :number, :state, :document, :by) ON CONFLICT DO NOTHING
"""


def install_release(scope: Scope, document: bytes) -> Bundle:
    """Put a signed release into force, in a scope of the installation tenant. Installing the
    release in force again changes nothing.

    Waits for claims in progress; later claims are judged by the new release. Raises Refused:
    POLICY_SIGNATURE if fewer than two trusted keys signed, POLICY_ROLLBACK if it is not newer than
    every earlier policy. Raises BadInput for signed rules that are incomplete.
    """
    epochs.lock_and_advance(scope, epochs.installation_key())
    try:
        found = signed_release.verify_release(document, _trusted)
    except UnsignedRelease as unsigned:
        raise Refused("gate.POLICY_SIGNATURE") from unsigned
    except ValueError as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    newest = scope.run(f"SELECT {NEWEST_SQL}").scalar()
    have = max(shipped_bundle().number, newest[1] if newest is not None else 0)
    current = current_policy(scope)
    if not current.fault and current.bundle.name == found.name:
        return found
    if found.number <= have:
        raise Refused("gate.POLICY_ROLLBACK")
    with scope.acting_as("gate"):
        scope.run(_RETIRE, house=INSTALLATION_ID)
        _record_bundle(scope, found, "active", signed_release.read_release(document).to_bytes())
    return found


def _record_bundle(scope: Scope, found: Bundle, state: str, document: bytes) -> None:
    row = {
        "name": found.name,
        "number": found.number,
        "state": state,
        "document": document,
        "by": scope.actor,
    }
    scope.run(_INSERT, house=INSTALLATION_ID, id=uuid7(), **row)


def store_shipped_bundle(scope: Scope) -> None:
    """Store the policy of this product version, in a scope of the installation tenant, so that its
    decisions can be replayed after an upgrade."""
    own = shipped_bundle()
    if (
        scope.run(
            "SELECT 1 FROM policy_bundles WHERE tenant_id = :house AND name = :name LIMIT 1",
            house=INSTALLATION_ID,
            name=own.name,
        ).first()
        is None
    ):
        written = PolicyRelease(
            bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"),
            lexicon.SHIPPED_LEXICON_PATH.read_text("utf-8"),
        ).to_bytes()
        with scope.acting_as("gate"):
            _record_bundle(scope, own, "shipped", written)


def find_bundle(scope: Scope, name: str) -> Bundle | None:
    """Return the policy bundle of a name that a decision records, or None if it was never stored.

    Signatures are not verified again: the name contains a digest of the rules, and the log protects
    the name.
    """
    if shipped_bundle().name == name:
        return shipped_bundle()
    row = scope.run(
        "SELECT digest, document FROM policy_bundles WHERE tenant_id = :house AND name = :name "
        "LIMIT 1",
        house=INSTALLATION_ID,
        name=name,
    ).first()
    if row is None:
        return None
    try:
        found = signed_release.read_release(bytes(row.document)).to_bundle()
    except (UnsignedRelease, ValueError):
        return None
    return found if found.name == name else None
