"""What is kept of a custodian's confirmation of an age: a method of a closed list, and a digest of
the receipt. No birth date, no document."""

import hashlib
import re

from foundation.errors import BadInput

PROOF_METHODS = ("document", "eid", "bank", "notary")
"""How a custodian knows an age: an identity document, an electronic identity, a bank, a meeting
before a notary."""

MAX_RECEIPT = 200
"""Characters of a receipt."""

DATE_LIKE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
"""Text that looks like a day of birth: it is taken nowhere."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def receipt_digest(method: str, receipt: str) -> str:
    """Return the digest that is kept of a receipt: the receipt itself where it is one, else its
    SHA-256.

    Raises BadInput for a method that is none of `PROOF_METHODS`, and for a receipt that is empty,
    too long or looks like a date.
    """
    if method not in PROOF_METHODS:
        raise BadInput("proof.bad_method")
    typed = " ".join(receipt.split())
    if not 0 < len(typed) <= MAX_RECEIPT or DATE_LIKE.search(typed):
        raise BadInput("proof.no_receipt")
    return typed if _DIGEST.fullmatch(typed) else hashlib.sha256(typed.encode()).hexdigest()
