"""Policy releases for tests: new keys in each run, which are removed afterwards."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, text

from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from gate.contract.public_keys import encode_public_key
from gate.policy import active_policy, bundle
from gate.policy.bundle import Bundle
from gate.policy.signed_release import PolicyRelease
from gate.text import lexicon
from tests.conftest import Cluster

ANN, BOB, EVE = (Ed25519PrivateKey.generate() for _ in range(3))
TRUSTED = f"{encode_public_key(ANN.public_key())}, {encode_public_key(BOB.public_key())}"
SANDBOX = "  test_network: true\n  verdicts: {G: A, S: A, N: F, E: F}\n"


def build_release(version: str, *, sandbox: str = "A", read_by: str = "") -> PolicyRelease:
    """Return the shipped policy as a later version. `sandbox` is the verdict for General and
    Suggestive posts on the test network; `read_by` replaces the review date of each rule."""
    matrix = bundle.SHIPPED_MATRIX_PATH.read_text("utf-8")
    matrix = matrix.replace(
        f"bundle_version: {bundle.shipped_bundle().version}", f"bundle_version: {version}"
    )
    low = "F" if sandbox == "A" else sandbox
    verdicts = f"G: {sandbox}, S: {sandbox}, N: {low}, E: {low}"
    matrix = matrix.replace(SANDBOX, SANDBOX.replace("G: A, S: A, N: F, E: F", verdicts), 1)
    if read_by:
        matrix = re.sub(r"review_by: 2027-\d\d-\d\d", f"review_by: {read_by}", matrix)
    return PolicyRelease(matrix, lexicon.SHIPPED_LEXICON_PATH.read_text("utf-8"))


def sign_release(
    version: str, *keys: Ed25519PrivateKey, sandbox: str = "A", read_by: str = ""
) -> bytes:
    """Return the signed release file, by default with two trusted signatures."""
    made = build_release(version, sandbox=sandbox, read_by=read_by)
    for key in keys or (ANN, BOB):
        made = made.with_signature(key)
    return made.to_bytes()


def install_rules(tenant: OpenScope, document: bytes) -> Bundle:
    """Activate a release."""
    with tenant(INSTALLATION_ID, "system:test") as scope:
        return active_policy.install_release(scope, document)


@contextmanager
def past_the_gate(cluster: Cluster) -> Iterator[Connection]:
    """Connect as the database administrator, without triggers."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
    engine.dispose()


@contextmanager
def trusting(cluster: Cluster) -> Iterator[None]:
    """Trust the keys of these tests in this process, and remove them and their policies afterwards."""
    active_policy.set_trusted_keys(TRUSTED)
    try:
        yield
    finally:
        active_policy.set_trusted_keys("")
        with past_the_gate(cluster) as connection:
            connection.execute(text("DELETE FROM policy_bundles"))
