"""Policies of third-party packages: only for their platform, only up to Suggestive, and only as the
owner admitted them."""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from foundation.db.database import OpenScope
from foundation.errors import NotFound, Refused
from foundation.ids import uuid7
from gate.contract.facts import parse_snapshot, parse_unit
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Unit, Verdict
from gate.decision.decide import Decision, decide_unit
from gate.permits import issuance
from gate.policy import admission, bundle, plugin_place_rules
from gate.policy.admission import AdmissionRequested
from gate.policy.matrix import MatrixRow
from gate.policy.plugin_place_rules import InvalidThirdPartyRules
from tests.conftest import Cluster
from tests.gate.builders import World, picture, synthetic_person, unit, world
from tests.gate.policy_releases import past_the_gate
from tests.gate.third_party_packages import ACME, build_rule_file, build_rule_row

OURS = bundle.shipped_bundle()
DAY = timedelta(days=1)


def late(days: int) -> dict[str, Any]:
    return build_rule_row(review_by=build_rule_row()["checked_on"] + days * DAY)


def changed(document: bytes, old: bytes, new: bytes) -> bytes:
    assert document.count(old) == 1
    return document.replace(old, new)


BEYOND = {
    "allows nudity": build_rule_file(build_rule_row("AAFF")),
    "holds nudity": build_rule_file(build_rule_row("AAHB")),
    "allows explicit": build_rule_file(build_rule_row("AABA")),
    "missing rating": build_rule_file(build_rule_row() | {"verdicts": {"G": "A"}}),
    "higher rating looser": build_rule_file(build_rule_row("HABB")),
    "shipped row": build_rule_file(
        build_rule_row(id="sandbox.post", platform="sandbox"), platform="sandbox"
    ),
    "shipped platform": build_rule_file(build_rule_row(), platform="telegram"),
    "row of another platform": build_rule_file(
        build_rule_row(), build_rule_row(id="x.post", platform="x")
    ),
    "wrong row id": build_rule_file(build_rule_row(id="acme.chat")),
    "borrowed row": build_rule_file(build_rule_row(same_as=["own_page.assured"])),
    "test network": build_rule_file(build_rule_row(test_network=True)),
    "never expires": build_rule_file(build_rule_row(ages=False)),
    "adult links": build_rule_file(build_rule_row(adult_link="F")),
    "valid for a year": build_rule_file(late(365)),
    "expires before verification": build_rule_file(late(-1)),
    "never verified": build_rule_file(build_rule_row(checked_on=None)),
    "no review date": build_rule_file(build_rule_row(review_by=None)),
    "duplicate row": build_rule_file(build_rule_row(), build_rule_row()),
    "no rows": plugin_place_rules.sign_rules("acme", "[]", ACME),
    "not a list": plugin_place_rules.sign_rules("acme", "3", ACME),
    "invalid YAML": plugin_place_rules.sign_rules("acme", "{[", ACME),
    "invalid platform name": build_rule_file(
        build_rule_row(id="a b.post", platform="a b"), platform="a b"
    ),
    "changed after signing": changed(build_rule_file(build_rule_row("HHBB")), b"G: H", b"G: A"),
    "invalid signature": changed(build_rule_file(), b'"signature":"', b'"signature":"AAAA'),
    "duplicate field": changed(build_rule_file(), b'"kind"', b'"platform":"acme","kind"'),
    "extra field": changed(build_rule_file(), b'"kind"', b'"more":"1","kind"'),
    "another kind": changed(build_rule_file(), b"greenroom rows", b"greenroom policy"),
    "too long": build_rule_file(build_rule_row(note="x" * plugin_place_rules.MAX_BYTES)),
    "empty": b"",
    "not a JSON object": b"[1]",
}


@pytest.mark.parametrize("name", BEYOND)
def test_third_party_policy_beyond_limits_is_rejected(name: str) -> None:
    with pytest.raises(InvalidThirdPartyRules):
        plugin_place_rules.verify_rules(BEYOND[name], OURS)


def test_third_party_policy_within_limits_is_valid() -> None:
    found = plugin_place_rules.verify_rules(
        build_rule_file(build_rule_row("HHBB"), build_rule_row(id="acme.chat", surface="chat")),
        OURS,
    )
    assert (found.platform, [one.id for one in found.rows]) == ("acme", ["acme.post", "acme.chat"])


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def admit(here: World, document: bytes, who: Any = None) -> None:
    with here.scope(f"member:{who or here.rob}") as scope:
        admission.admit_rules(scope, document)


def there(here: World, rating: Rating = Rating.G, **changes: Any) -> Unit:
    with here.scope() as scope:
        medium = picture(scope, here, rating, person=synthetic_person(scope, here))
    place = {"platform": "acme", "surface": "acme.post", "account": "AC1"}
    return unit(here, media=(medium,), **{**place, **changes})


def judged(here: World, what: Unit) -> Decision:
    with here.scope() as scope:
        return issuance.judge_unit(scope, what, author=f"member:{here.ann}")


def test_owner_admits_policy_for_one_agency_and_member_ends_it(
    here: World, tenant: OpenScope
) -> None:
    other = world(tenant, uuid7())
    assert judged(here, there(here)).reasons == (Reason.DESTINATION_UNKNOWN,)
    with pytest.raises(Refused, match="role"):
        admit(here, build_rule_file(), here.ann)
    admit(here, build_rule_file())
    assert judged(here, there(here)).verdict is Verdict.A
    assert judged(here, there(here, Rating.S)).verdict is Verdict.A
    nudity = judged(here, there(here, Rating.N))
    assert nudity.verdict is Verdict.B
    assert Reason.RATING_EXCEEDS_SURFACE in nudity.reasons
    assert judged(here, there(here, surface="acme.story")).reasons == (Reason.DESTINATION_UNKNOWN,)
    assert judged(other, there(other)).reasons == (Reason.DESTINATION_UNKNOWN,)
    admit(
        here, build_rule_file(build_rule_row("AHBB"), key=Ed25519PrivateKey.generate())
    )  # the next version replaces the first
    assert judged(here, there(here, Rating.S)).verdict is Verdict.H
    with here.scope(f"member:{here.ann}") as scope:
        assert [(one.platform, one.is_unchanged) for one in admission.list_admissions(scope)] == [
            ("acme", True)
        ]
        admission.end_admission(scope, "acme")
    assert judged(here, there(here)).reasons == (Reason.DESTINATION_UNKNOWN,)
    with pytest.raises(NotFound), here.scope(f"member:{here.ann}") as scope:
        admission.end_admission(scope, "acme")


@pytest.mark.parametrize("name", ["allows nudity", "invalid signature", "shipped row", "empty"])
def test_owner_cannot_admit_policy_beyond_limits(here: World, name: str) -> None:
    with pytest.raises(Refused, match="POLICY_SIGNATURE"):
        admit(here, BEYOND[name])
    assert judged(here, there(here)).reasons == (Reason.DESTINATION_UNKNOWN,)


TAMPERED = {
    "loosened": build_rule_file(build_rule_row("AAFF")),
    "signed with another key": build_rule_file(build_rule_row(), key=Ed25519PrivateKey.generate()),
    "cut": build_rule_file()[:-1],
}


@pytest.mark.parametrize("name", TAMPERED)
def test_policy_changed_after_admission_is_ignored(
    here: World, cluster: Cluster, name: str
) -> None:
    admit(here, build_rule_file(build_rule_row("AABB")))
    judged(here, there(here))  # the process has cached the original
    with past_the_gate(cluster) as connection:
        connection.execute(
            text("UPDATE foreign_rows SET document = :document WHERE tenant_id = :tenant"),
            {"document": TAMPERED[name], "tenant": here.tenant_id},
        )
    general, nudity = judged(here, there(here)), judged(here, there(here, Rating.N))
    assert (general.verdict, nudity.verdict) == (Verdict.H, Verdict.B)
    assert Reason.POLICY_SIGNATURE in general.reasons
    assert Reason.POLICY_SIGNATURE in nudity.reasons
    with here.scope() as scope:
        assert [one.is_unchanged for one in admission.list_admissions(scope)] == [False]


def test_row_written_in_database_cannot_allow_nudity(here: World, cluster: Cluster) -> None:
    """A database administrator can insert an admission; the limits are part of the product's
    policy."""
    with past_the_gate(cluster) as connection:
        connection.execute(
            text(
                "INSERT INTO foreign_rows (tenant_id, id, platform, key, document, admitted, "
                "state, by) VALUES"
                " (:tenant, :tenant, 'acme', '', :document, encode(sha256(:document), 'hex'), "
                "'active', '')"
            ),
            {"tenant": here.tenant_id, "document": build_rule_file(build_rule_row("AAFF"))},
        )
    assert Reason.POLICY_SIGNATURE in judged(here, there(here, Rating.N)).reasons
    open_ = MatrixRow.model_validate(build_rule_row("AAFF"))
    assert (
        OURS.third_party_row(open_, on=build_rule_row()["checked_on"]).verdict(Rating.N)
        is Verdict.B
    )


def test_no_role_can_change_or_reactivate_admission(here: World) -> None:
    admit(here, build_rule_file())
    admit(here, build_rule_file(build_rule_row("HHBB")))
    for statement in (
        "UPDATE foreign_rows SET state = 'active' WHERE state = 'ended'",
        "UPDATE foreign_rows SET document = '' WHERE state = 'active'",
        "DELETE FROM foreign_rows",
    ):
        with (
            pytest.raises(DBAPIError),
            here.open(here.tenant_id, "system:test", role="gate") as scope,
        ):
            scope.run(statement)
    with pytest.raises(DBAPIError), here.scope() as scope:
        scope.run("UPDATE foreign_rows SET state = 'ended'")


def test_shipped_rule_replaces_third_party_rule(here: World) -> None:
    admit(here, build_rule_file())
    ours = MatrixRow.model_validate(
        build_rule_row(
            "HHBB", verified={"verdicts": "primary", "flags": "primary", "ai": "primary"}
        )
    )
    later = replace(OURS, rows=MappingProxyType({**OURS.rows, ours.id: ours}))
    with here.scope() as scope:
        decision = issuance.judge_unit(
            scope, there(here), author=f"member:{here.ann}", bundle=later
        )
    assert decision.verdict is Verdict.H
    with pytest.raises(InvalidThirdPartyRules):
        plugin_place_rules.verify_rules(build_rule_file(), later)


def test_third_party_rules_expire_and_decisions_replay(here: World) -> None:
    admit(here, build_rule_file())
    what = there(here, Rating.S)
    assert judged(here, what).verdict is Verdict.A
    with here.scope() as scope:
        stored = scope.run(
            "SELECT i.unit, i.snapshot, d.decided_at FROM decision_inputs i JOIN decisions d "
            "USING (tenant_id, id)"
            " WHERE d.subject_id = :id",
            id=what.subject.id,
        ).one()
    facts, same = parse_snapshot(stored.snapshot), parse_unit(stored.unit)
    assert decide_unit(facts, same, OURS, stored.decided_at).verdict is Verdict.A
    assert decide_unit(facts, same, OURS, stored.decided_at + 272 * DAY).reasons == (
        Reason.POLICY_STALE,
    )


def test_workers_find_requested_policy_among_installed(here: World, tenant: OpenScope) -> None:
    shipped = build_rule_file()
    digest = plugin_place_rules.verify_rules(shipped, OURS).digest

    def press(who: Any, *, end: bool = False) -> None:
        asked = AdmissionRequested(
            here.tenant_id, uuid7(), platform="acme", digest=digest, end=end, by=f"member:{who}"
        )
        admission.handle_admission_request(
            asked, tenant=tenant, documents=lambda: [b"", BEYOND["allows nudity"], shipped]
        )

    press(here.ann)
    assert judged(here, there(here)).verdict is Verdict.H
    with here.scope() as scope:
        told = (
            scope.run("SELECT message FROM notices WHERE tenant_id = :t", t=here.tenant_id)
            .scalars()
            .all()
        )
        assert [one["code"] for one in told] == ["role.forbidden.rules"]
    press(here.rob)
    assert judged(here, there(here)).verdict is Verdict.A
    press(here.ann, end=True)
    assert judged(here, there(here)).verdict is Verdict.H
