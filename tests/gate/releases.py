"""Releases of rules for tests: keys of their own, made in each run, and a house that forgets them afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, create_engine, text

from foundation.database import OpenScope
from foundation.ids import HOUSE
from gate import bundle, inforce, lexicon
from gate.bundle import Bundle
from gate.checkpoints import public_text
from gate.release import Release
from tests.conftest import Cluster

ANN, BOB, EVE = (Ed25519PrivateKey.generate() for _ in range(3))
TRUSTED = f"{public_text(ANN.public_key())}, {public_text(BOB.public_key())}"
SANDBOX = "  test_network: true\n  verdicts: {G: A, S: A, N: F, E: F}\n"


def written(version: str, *, sandbox: str = "A", read_by: str = "") -> Release:
    """The product's rules as a later version, with what the test network's posts allow of General and Suggestive;
    `read_by` is the day by which every rule has to be read again."""
    matrix = bundle.SHIPPED.read_text("utf-8")
    matrix = matrix.replace(f"bundle_version: {bundle.shipped().version}", f"bundle_version: {version}")
    low = "F" if sandbox == "A" else sandbox
    verdicts = f"G: {sandbox}, S: {sandbox}, N: {low}, E: {low}"
    matrix = matrix.replace(SANDBOX, SANDBOX.replace("G: A, S: A, N: F, E: F", verdicts), 1)
    if read_by:
        matrix = matrix.replace("review_by: 2027-02-18", f"review_by: {read_by}")
    return Release(matrix, lexicon.SHIPPED.read_text("utf-8"))


def signed(version: str, *keys: Ed25519PrivateKey, sandbox: str = "A", read_by: str = "") -> bytes:
    """The file, signed by two who may unless told otherwise."""
    made = written(version, sandbox=sandbox, read_by=read_by)
    for key in keys or (ANN, BOB):
        made = made.signed(key)
    return made.written()


def take(tenant: OpenScope, document: bytes) -> Bundle:
    """Bring a release into force."""
    with tenant(HOUSE, "system:test") as scope:
        return inforce.take(scope, document)


@contextmanager
def past_the_gate(cluster: Cluster) -> Iterator[Connection]:
    """Somebody who owns the whole server, and whom no trigger stops."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
    engine.dispose()


@contextmanager
def trusting(cluster: Cluster) -> Iterator[None]:
    """This process believes the keys of these tests; afterwards neither it nor the database knows of them."""
    inforce.trust(TRUSTED)
    try:
        yield
    finally:
        inforce.trust("")
        with past_the_gate(cluster) as connection:
            connection.execute(text("DELETE FROM policy_bundles"))
