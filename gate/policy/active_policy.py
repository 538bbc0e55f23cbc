"""Which rules are in force: those that come with the product, or a newer signed release kept in the
house's rows.

Whoever sends reads it under the house's lock, which a change of the rules takes alone. A release
that does not verify, or is not the newest that was ever taken in, closes the gate: the product's
own rules then only explain.
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
"""Versions a process remembers: the one in force, and a few that decisions are made again with."""


@dataclass(frozen=True)
class ActivePolicy:
    """The rules to judge by; `fault` is the code of the reason why nothing may leave by them, if
    so."""

    bundle: Bundle
    fault: str = ""


_trusted: list[str] = []
_known: dict[str, Bundle] = {}
"""By the digest of the release's bytes: what stands here was verified in this process."""


def set_trusted_keys(keys: str) -> None:
    """Whose signatures count in this process: public keys in base64, separated by commas or blanks.

    Nobody's until it is called: a process that was told of none judges by no release. Raises
    BadInput for a bad key.
    """
    found = keys.replace(",", " ").split()
    try:
        for key in found:
            decode_public_key(key)
    except ValueError as error:
        raise BadInput("policy.bad_key") from error
    _trusted[:] = found
    _known.clear()


_NEWEST = """
SELECT digest, number, state FROM policy_bundles WHERE tenant_id = :house AND state <> 'shipped'
ORDER BY number DESC LIMIT 1
"""


def current_policy(scope: Scope) -> ActivePolicy:
    """What is in force. Read once in a transaction that holds the house's lock, since nothing
    changes it until that ends; else each time."""
    held = scope.session.info.get(_HELD)
    if isinstance(held, ActivePolicy):
        return held
    newest = scope.run(_NEWEST, house=INSTALLATION_ID).first()
    found = (
        ActivePolicy(shipped_bundle())
        if newest is None
        else _resolve_policy(scope, newest.digest, newest.number, newest.state)
    )
    if epochs.installation_key() in epochs.held_keys(scope):
        scope.session.info[_HELD] = found
    return found


def current_bundle(scope: Scope) -> Bundle:
    """The rules in force, for whatever decides nothing by itself."""
    return current_policy(scope).bundle


def _resolve_policy(scope: Scope, digest: str, number: int, state: str) -> ActivePolicy:
    own = shipped_bundle()
    if own.number >= number:  # the product is the floor, and has moved past what was taken in
        return ActivePolicy(own)
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
    """Bring a signed release into force, in a scope of the house tenant; whatever is on its way out
    waits or is judged by it. The release in force taken in again changes nothing.

    Raises Refused: POLICY_SIGNATURE where fewer than two who may sign have, POLICY_ROLLBACK for
    what is not newer than all that came before. BadInput for signed rules that are not whole.
    """
    epochs.lock_and_advance(scope, epochs.installation_key())
    try:
        found = signed_release.verify_release(document, _trusted)
    except UnsignedRelease as unsigned:
        raise Refused("gate.POLICY_SIGNATURE") from unsigned
    except ValueError as error:
        raise BadInput("policy.not_whole", detail=" ".join(str(error).split())[:200]) from error
    newest = scope.run(_NEWEST, house=INSTALLATION_ID).first()
    have = max(shipped_bundle().number, newest.number if newest is not None else 0)
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
    """Keep the product's own rules, in a scope of the house tenant: a later product comes with
    others."""
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
    """The rules of a name that a decision bears, in force or not any more; None where they were
    never kept.

    The name holds a digest of the rules, and the log holds the name: whoever signed is not asked
    again.
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
