"""Signed policies: a release with two trusted signatures becomes active; older, changed or
incomplete ones are refused."""

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID
from gate.contract.reasons import Reason
from gate.contract.units import Unit, Verdict
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.permits.issuance import Decision, PermitDenied
from gate.policy import active_policy, bundle, signed_release
from gate.policy.signed_release import UnsignedRelease
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, unit, world
from tests.gate.policy_releases import (
    ANN,
    BOB,
    EVE,
    TRUSTED,
    build_release,
    install_rules,
    past_the_gate,
    sign_release,
    trusting,
)

LATER, LATEST = "2027.01.02-1", "2027.01.02-10"


@pytest.fixture(autouse=True)
def _trusted(cluster: Cluster) -> Iterator[None]:
    with trusting(cluster):
        yield


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def judged(here: World, whole: Unit) -> Decision:
    with here.scope() as scope:
        return issuance.judge_unit(scope, whole, author=f"member:{here.ann}")


def closed(here: World) -> frozenset[Reason]:
    """Return the reasons for which a permit is denied."""
    with pytest.raises(PermitDenied) as raised, here.scope() as scope:
        issuance.mint_permit(scope, unit(here), Step(), key=KEY, author=f"member:{here.ann}")
    return frozenset(raised.value.decision.reasons)


def test_signed_policy_becomes_active_for_all_decisions(tenant: OpenScope, here: World) -> None:
    post = unit(here)
    assert judged(here, post).bundle == bundle.shipped_bundle().name
    taken = install_rules(tenant, sign_release(LATER, sandbox="H"))
    held = judged(here, post)
    assert (held.verdict, held.bundle) == (Verdict.H, taken.name)
    with here.scope() as scope:
        assert issuance.preview_decision(scope, post, author="system:test").bundle == taken.name
        assert active_policy.current_bundle(scope) is active_policy.current_bundle(
            scope
        )  # parsed once per process
    assert Reason.RATING_EXCEEDS_SURFACE in closed(here)
    open_again = install_rules(tenant, sign_release(LATEST))
    assert judged(here, post).bundle == open_again.name
    with here.scope() as scope:
        issuance.mint_permit(scope, post, Step(), key=KEY, author=f"member:{here.ann}")


def test_decisions_replay_with_policy_of_their_time(tenant: OpenScope, here: World) -> None:
    post = unit(here)
    for version, sandbox in ((None, ""), (LATER, "H"), (LATEST, "B")):
        if version:
            install_rules(tenant, sign_release(version, sandbox=sandbox))
        judged(here, post)
    with here.scope() as scope:
        found = subject_history.list_decisions(scope, post.subject)
    assert [one.decision.verdict for one in found] == [Verdict.A, Verdict.H, Verdict.B]
    assert {one.replay for one in found} == {ReplayOutcome.SAME}


@pytest.mark.parametrize("version", ["2026.01.01-1", bundle.shipped_bundle().version])
def test_policy_older_than_shipped_is_refused(tenant: OpenScope, version: str) -> None:
    with pytest.raises(Refused, match="POLICY_ROLLBACK"):
        install_rules(tenant, sign_release(version, sandbox="H"))


def test_older_release_is_refused_and_newest_is_idempotent(tenant: OpenScope, here: World) -> None:
    install_rules(tenant, sign_release(LATER))
    newest = install_rules(tenant, sign_release(LATEST))
    for older in (
        sign_release(LATER),
        sign_release(LATER, sandbox="B"),
        sign_release(LATEST, sandbox="B"),
    ):
        with pytest.raises(Refused, match="POLICY_ROLLBACK"):
            install_rules(tenant, older)
    assert install_rules(tenant, sign_release(LATEST)).name == newest.name
    assert judged(here, unit(here)).bundle == newest.name
    with tenant(INSTALLATION_ID, "system:test") as scope:
        states = scope.run("SELECT state FROM policy_bundles ORDER BY number").scalars().all()
    assert states == ["retired", "active"]


def doubled(document: bytes) -> bytes:
    body = json.loads(document)
    body["signatures"] = [body["signatures"][0]] * 2
    return json.dumps(body).encode()


def edited(document: bytes) -> bytes:
    body = json.loads(document)
    body["matrix"] = body["matrix"].replace("N: H, E: H", "N: F, E: F")
    return json.dumps(body).encode()


BAD: dict[str, Callable[[], bytes]] = {
    "no signature": lambda: build_release(LATER).to_bytes(),
    "one signature": lambda: sign_release(LATER, ANN),
    "one signature twice": lambda: doubled(sign_release(LATER)),
    "one trusted and one unknown signature": lambda: sign_release(LATER, ANN, EVE),
    "changed after signing": lambda: edited(sign_release(LATER)),
    "duplicate field": lambda: sign_release(LATER).replace(b'"kind"', b'"matrix":"","kind"', 1),
    "not a release": lambda: b"[1]",
    "empty": lambda: b"",
}


@pytest.mark.parametrize("name", BAD)
def test_release_without_two_trusted_signatures_is_refused(
    tenant: OpenScope, here: World, name: str
) -> None:
    with pytest.raises(Refused, match="POLICY_SIGNATURE"):
        install_rules(tenant, BAD[name]())
    with tenant(INSTALLATION_ID, "system:test") as scope:
        assert scope.run("SELECT count(*) FROM policy_bundles").scalar_one() == 0
    assert judged(here, unit(here)).bundle == bundle.shipped_bundle().name


def test_invalid_signed_policy_is_refused(tenant: OpenScope) -> None:
    for old, new in (("verdicts: {G: A, S: A, N: F, E: F}", "verdicts: {G: A}"), (LATER, "soon")):
        whole = build_release(LATER)
        broken = (
            signed_release.PolicyRelease(whole.matrix.replace(old, new, 1), whole.lexicon)
            .with_signature(ANN)
            .with_signature(BOB)
        )
        with pytest.raises(BadInput):
            install_rules(tenant, broken.to_bytes())


def test_policy_changed_in_database_closes_gate(
    tenant: OpenScope, here: World, cluster: Cluster
) -> None:
    install_rules(tenant, sign_release(LATER))
    judged(here, unit(here))  # the process has cached the original
    with past_the_gate(cluster) as connection:
        document = edited(sign_release(LATER))
        connection.execute(
            text("UPDATE policy_bundles SET document = :document"), {"document": document}
        )
    assert closed(here) == {Reason.POLICY_SIGNATURE}
    denied = judged(here, unit(here))
    assert (denied.verdict, denied.reasons) == (Verdict.B, (Reason.POLICY_SIGNATURE,))


def test_untrusted_key_closes_gate(tenant: OpenScope, here: World) -> None:
    install_rules(tenant, sign_release(LATER))
    active_policy.set_trusted_keys(TRUSTED.partition(",")[0])
    assert closed(here) == {Reason.POLICY_SIGNATURE}
    active_policy.set_trusted_keys(TRUSTED)
    assert judged(here, unit(here)).is_allowed
    with pytest.raises(BadInput):
        active_policy.set_trusted_keys("not a key")


def test_reactivated_old_policy_closes_gate(
    tenant: OpenScope, here: World, cluster: Cluster
) -> None:
    install_rules(tenant, sign_release(LATER))
    install_rules(tenant, sign_release(LATEST, sandbox="H"))
    with past_the_gate(cluster) as connection:
        connection.execute(text("UPDATE policy_bundles SET state = 'retired'"))
    assert closed(here) == {Reason.POLICY_ROLLBACK}
    with past_the_gate(cluster) as connection:
        connection.execute(
            text("UPDATE policy_bundles SET state = 'active' WHERE number = :n"),
            {"n": 202701020001},
        )
    assert closed(here) == {Reason.POLICY_ROLLBACK}


def test_no_role_can_change_or_delete_policies(tenant: OpenScope, here: World) -> None:
    install_rules(tenant, sign_release(LATER))
    install_rules(tenant, sign_release(LATEST))
    for statement in (
        "UPDATE policy_bundles SET state = 'active' WHERE state = 'retired'",
        "UPDATE policy_bundles SET document = ''",
        "DELETE FROM policy_bundles",
    ):
        with (
            pytest.raises(DBAPIError),
            tenant(INSTALLATION_ID, "system:test", role="gate") as scope,
        ):
            scope.run(statement)
    insert = (
        "INSERT INTO policy_bundles (tenant_id, id, name, number, state, document, by)"
        " SELECT :tenant, :tenant, 'x', 1, 'shipped', '', ''"
    )
    for owner, role in ((INSTALLATION_ID, "app"), (here.tenant_id, "gate")):
        with pytest.raises(DBAPIError), tenant(owner, "system:test", role=role) as scope:
            scope.run(insert, tenant=owner)


def test_permit_transaction_locks_policy(tenant: OpenScope, here: World) -> None:
    with here.scope() as scope:
        issuance.lock_unit(scope, unit(here))
        before = active_policy.current_policy(scope)
        with tenant(INSTALLATION_ID, "system:test") as other:
            other.run("SET LOCAL lock_timeout = '50ms'")
            with pytest.raises(DBAPIError):
                active_policy.install_release(other, sign_release(LATER))
            other.session.rollback()
        assert active_policy.current_policy(scope) is before


def test_shipped_policy_is_stored_for_later_replay(tenant: OpenScope, cluster: Cluster) -> None:
    for _ in range(2):
        with tenant(INSTALLATION_ID, "system:test") as scope:
            active_policy.store_shipped_bundle(scope)
    with tenant(INSTALLATION_ID, "system:test") as scope:
        (document,) = (
            scope.run("SELECT document FROM policy_bundles WHERE state = 'shipped'").scalars().all()
        )
        assert active_policy.current_policy(scope) == active_policy.ActivePolicy(
            bundle.shipped_bundle()
        )
    assert (
        signed_release.read_release(bytes(document)).to_bundle().name
        == bundle.shipped_bundle().name
    )
    with pytest.raises(UnsignedRelease):
        signed_release.verify_release(bytes(document), TRUSTED.split(", "))
