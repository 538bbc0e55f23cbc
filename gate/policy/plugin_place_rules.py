"""Rules that a third-party package ships for its platform: their signature and their bounds.

They may allow General and Suggestive only, on a platform that the policy does not cover. If a file
exceeds these bounds in any respect, all of it counts as absent.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter

from foundation.canonical_json import canonical_json
from gate.contract.public_keys import decode_public_key, encode_public_key
from gate.contract.units import Rating, Verdict
from gate.policy.bundle import Bundle
from gate.policy.matrix import MatrixRow, check_rows
from gate.policy.signed_release import reject_duplicate_keys, require_text

KIND = "greenroom rows"
MAX_BYTES = 64 * 1024
READ_FOR = timedelta(days=90)
"""Maximum time from reading a rule to its review date, the same as for shipped rules."""

_PLATFORM = re.compile(r"[a-z][a-z0-9_]{1,30}")
_NEVER = (Rating.N, Rating.E)
_ROWS = TypeAdapter(list[MatrixRow])


class InvalidThirdPartyRules(Exception):
    """Raised for rules that are incomplete, unsigned, or exceed the bounds of third-party rules."""


@dataclass(frozen=True)
class ThirdPartyRules:
    """The rules of a package for its platform.

    `key` is the public key of the signer in base64, `digest` that of the bytes of the file.
    """

    platform: str
    key: str
    digest: str
    rows: tuple[MatrixRow, ...]

    def row_of_place(self, place: str) -> MatrixRow | None:
        """Return the row of a surface (`acme.post`), or None."""
        return next((row for row in self.rows if row.id == place), None)


def sign_rules(platform: str, rows: str, key: Ed25519PrivateKey) -> bytes:
    """Return the file that a package ships: its rows as YAML text, signed by its publisher."""
    signature = base64.b64encode(key.sign(_rules_digest(platform, rows))).decode()
    own = encode_public_key(key.public_key())
    return canonical_json(
        {"kind": KIND, "platform": platform, "rows": rows, "key": own, "signature": signature}
    )


def _rules_digest(platform: str, rows: str) -> bytes:
    return hashlib.sha256(
        canonical_json({"kind": KIND, "platform": platform, "rows": rows})
    ).digest()


def verify_rules(document: bytes, ours: Bundle) -> ThirdPartyRules:
    """Return the rules of a file that is signed and within its bounds. Raises
    InvalidThirdPartyRules."""
    if len(document) > MAX_BYTES:
        raise InvalidThirdPartyRules("the file is too large")
    try:
        body = json.loads(document, object_pairs_hook=reject_duplicate_keys)
        kind, platform, written, key, signature = (
            require_text(body.pop(name))
            for name in ("kind", "platform", "rows", "key", "signature")
        )
        if body or kind != KIND:
            raise InvalidThirdPartyRules("the file has no rows")
        decode_public_key(key).verify(
            base64.b64decode(signature, validate=True), _rules_digest(platform, written)
        )
        rows = tuple(_ROWS.validate_python(yaml.load(written, Loader=yaml.CSafeLoader)))
        check_rows(rows, {})
    except InvalidSignature as error:
        raise InvalidThirdPartyRules("the file has no valid signature") from error
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        yaml.YAMLError,
    ) as error:
        raise InvalidThirdPartyRules("the file is incomplete") from error
    found = ThirdPartyRules(platform, key, hashlib.sha256(document).hexdigest(), rows)
    for beyond in _list_violations(found, ours):
        raise InvalidThirdPartyRules(beyond)
    return found


def _list_violations(found: ThirdPartyRules, ours: Bundle) -> Iterator[str]:
    """Yield every bound that the rules exceed."""
    if not found.rows or len({row.id for row in found.rows}) != len(found.rows):
        yield "the file has no rows or a duplicate row"
    if _PLATFORM.fullmatch(found.platform) is None or ours.has_platform(found.platform):
        yield "the platform belongs to another package"
    for row in found.rows:
        if row.platform != found.platform or row.id != f"{found.platform}.{row.surface}":
            yield f"{row.id} belongs to another platform"
        if any(row.verdicts[rating] is not Verdict.B for rating in _NEVER):
            yield f"{row.id} allows content that requires a release signed by two people"
        if row.same_as or row.rule or row.test_network or not row.ages:
            yield f"{row.id} refers to another row or never expires"
        if row.adult_link not in (None, Verdict.B):
            yield f"{row.id} allows adult links"
        read = row.checked_on
        until = row.review_by
        if read is None or until is None or not read <= until <= read + READ_FOR:
            yield f"{row.id} has no checked_on date or is valid for too long"
