"""Receipts of age checks by custodians.

Only the method, from a closed list, and a digest of the receipt are stored: no birth date and no
document.
"""

import hashlib
import re

from foundation.errors import BadInput

PROOF_METHODS = ("document", "eid", "bank", "notary")
"""Ways in which a custodian verifies an age: an identity document, an electronic identity, a bank,
or a meeting before a notary."""

MAX_RECEIPT = 200
"""Maximum number of characters of a receipt."""

DATE_LIKE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
"""Text that looks like a date of birth. It is rejected, so that no birth date is ever stored."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def receipt_digest(method: str, receipt: str) -> str:
    """Return the digest to store for a receipt: the receipt if it already is a SHA-256 in
    hexadecimal, else its SHA-256.

    Raises BadInput for a method outside `PROOF_METHODS`, and for a receipt that is empty, too long
    or looks like a date.
    """
    if method not in PROOF_METHODS:
        raise BadInput("proof.bad_method")
    typed = " ".join(receipt.split())
    if not 0 < len(typed) <= MAX_RECEIPT or DATE_LIKE.search(typed):
        raise BadInput("proof.no_receipt").about("receipt")
    return typed if _DIGEST.fullmatch(typed) else hashlib.sha256(typed.encode()).hexdigest()
