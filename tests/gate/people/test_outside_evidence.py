"""Age evidence comes from a custodian outside the agency; members cannot enter it."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate.contract.age_receipts import PROOF_METHODS, receipt_digest
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.evidence import media_facts
from gate.people import age_proofs, age_requests
from gate.people.age_proofs import AgeProofSubmitted
from gate.permits import issuance
from gate.viewers import age_assurance
from gate.viewers.events import ViewerConfirmed
from gate.viewers.handlers import handle_viewer_confirmed
from tenants.agencies import agencies, queries
from tenants.agencies.rights import OUTSIDE_ROLES, Right, Role, has_right
from tenants.auth import device_fingerprints, members
from tests.gate.builders import World, picture, real_person, unit, world
from tests.gate.person_actions import (
    add_custodian,
    add_unknown_person,
    build_age_confirmation,
    member_scope,
    note_age_proof,
    request_age_proof,
    run_workers,
)
from tests.gate.side_effects import list_stored_tasks
from tests.tenants import totp_app

STUDIO, NOTARY = "203.0.113.7", "198.51.100.9"
INSIDE = [role for role in Role if role is not Role.CUSTODIAN]


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def seen(here: World, member: UUID, *, address: str = "", device: str = "") -> None:
    with here.scope() as scope:
        device_fingerprints.record_device(
            scope, totp_app.KEY, queries.get_member(scope, member), address=address, device=device
        )


def member_of(here: World, role: Role) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope,
            name=role.title(),
            email=f"{uuid7()}@example.test",
            role=role,
            language="en",
            zone="UTC",
        )


def is_proven(here: World, person: UUID) -> bool:
    with here.scope() as scope:
        (found,) = media_facts.person_facts(scope, [person])
        return bool(found.identities)


def test_members_cannot_confirm_age(here: World) -> None:
    ida = add_unknown_person(here)
    asked = request_age_proof(here, ida)
    with here.scope() as scope:
        now = scope.now
    for role in INSIDE:
        member = member_of(here, role)
        for act in (
            lambda scope: age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope)),
            age_requests.list_open_requests,
            lambda scope: age_requests.decline_request(scope, asked),
            lambda scope: age_assurance.confirm_age(
                scope, "telegram", "fan", method="document", receipt="12"
            ),
        ):
            with member_scope(here, member) as scope, pytest.raises(Refused):
                act(scope)
        actor = f"member:{member}"
        proof = AgeProofSubmitted(
            here.tenant_id, ida, "Notaire", "document", now, None, None, "a" * 64, actor
        )
        age_proofs.handle_age_proof(proof, tenant=here.open)
        viewer = ViewerConfirmed(
            here.tenant_id, uuid7(), "telegram", "fan", "Notaire", "a" * 64, actor, "document"
        )
        handle_viewer_confirmed(viewer, tenant=here.open)
    assert not is_proven(here, ida)
    with here.scope() as scope:
        assert not age_assurance.get_assurance(scope, "telegram", "fan").over_18


def test_custodian_role_cannot_be_gained_or_lost(here: World) -> None:
    outside = add_custodian(here)
    for role in INSIDE:
        member = member_of(here, role)
        with member_scope(here, here.rob) as scope:
            with pytest.raises(Refused, match="custodian_role"):
                members.change_member(scope, member, role=Role.CUSTODIAN, creators=())
            with pytest.raises(Refused, match="custodian_role"):
                members.change_member(scope, outside, role=role, creators=())
            members.remove_member(scope, member)
            email = scope.run("SELECT email FROM members WHERE id = :id", id=member).scalar_one()
            with pytest.raises(Refused, match="custodian_role"):
                members.invite_member(
                    scope, name="X", email=email, role=Role.CUSTODIAN, language="en", zone="UTC"
                )


def test_only_custodians_have_vouch_right() -> None:
    assert [role for role in Role if has_right(role, Right.VOUCH)] == [Role.CUSTODIAN]
    assert Role.CUSTODIAN in OUTSIDE_ROLES


def test_custodian_link_is_sent_and_never_shown(here: World) -> None:
    with member_scope(here, here.rob) as scope:
        secret = members.invite_member(
            scope,
            name="Roux",
            email="roux@notaire.example",
            role=Role.CUSTODIAN,
            language="fr",
            zone="UTC",
        )
        assert secret == ""
        (member,) = [one for one in queries.list_members(scope) if one.role is Role.CUSTODIAN]
        assert [one.subject for one in list_stored_tasks(scope, "member.custodian_link")] == [
            member.id
        ]
        assert members.create_member_link(scope, member.id) == ""
        assert scope.run("SELECT count(*) FROM login_links").scalar() == 0


@pytest.mark.parametrize("place", [{"address": STUDIO}, {"device": "a" * 32}])
@pytest.mark.parametrize("when", ["before", "after"])
def test_custodian_on_member_device_counts_as_that_member(
    here: World, place: dict[str, Any], when: str
) -> None:
    ida = add_unknown_person(here)
    roux = add_custodian(here)
    seen(here, here.ann, **place)
    seen(here, roux, address=NOTARY)
    if when == "before":
        seen(here, roux, **place)
        asked = request_age_proof(here, ida)
        with member_scope(here, roux) as scope, pytest.raises(Refused, match="same_human"):
            age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
    else:
        note_age_proof(here, ida)
        assert is_proven(here, ida)
        seen(here, roux, **place)
    assert not is_proven(here, ida)


def test_age_proof_is_required_above_general(here: World) -> None:
    with here.scope() as scope:
        ida = real_person(scope)
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE identity_checks SET withdrawn_at = house_now()")
    with here.scope() as scope:
        whole = unit(here, media=(picture(scope, here, Rating.S, person=ida),))

    def reasons() -> tuple[Reason, ...]:
        with here.scope() as scope:
            return tuple(issuance.judge_unit(scope, whole, author=f"member:{here.ann}").reasons)

    assert Reason.IDENTITY_MISSING in reasons()
    note_age_proof(here, ida)
    assert Reason.IDENTITY_MISSING not in reasons()


def test_age_request_needs_custodian_and_is_made_once(here: World) -> None:
    ida = add_unknown_person(here)
    with member_scope(here, here.ann) as scope, pytest.raises(Conflict, match="no_custodian_here"):
        age_requests.request_person_check(scope, ida, reference="12")
    asked = request_age_proof(here, ida)
    with member_scope(here, here.ann) as scope:
        with pytest.raises(Conflict, match="requested"):
            age_requests.request_person_check(scope, ida, reference="12")
        for reference in ("", " ", "x" * 81, "née le 3/4/2001"):
            with pytest.raises(BadInput):
                age_requests.request_viewer_check(scope, "x", "fan", reference=reference)
    with member_scope(here, add_custodian(here)) as scope:
        age_requests.decline_request(scope, asked)
        with pytest.raises(NotFound):
            age_proofs.submit_age_proof(scope, asked, build_age_confirmation(scope))
    assert run_workers(here) == []
    assert not is_proven(here, ida)


def test_viewer_age_is_confirmed_by_requested_custodian(here: World) -> None:
    roux = add_custodian(here)
    with member_scope(here, here.rob) as scope:
        asked = age_requests.request_viewer_check(scope, "telegram", "fan", reference="12")
    with member_scope(here, roux) as scope:
        (one,) = age_requests.list_open_requests(scope)
        assert (one.platform, one.user_id, one.reference) == ("telegram", "fan", "12")
        age_proofs.submit_viewer_age(scope, asked, method="eid", receipt="file 7")
        (event,) = list_stored_tasks(scope, ViewerConfirmed.kind)
    handle_viewer_confirmed(
        ViewerConfirmed(here.tenant_id, event.subject, **event.args), tenant=here.open
    )
    with here.scope() as scope:
        known = age_assurance.get_assurance(scope, "telegram", "fan")
    assert (known.over_18, known.level, known.method) == (True, "L4", "custodian.eid")


@given(method=st.text("abcdocumentbknry ", max_size=9), receipt=st.text("a1 -/.", max_size=40))
@settings(max_examples=60, deadline=None)
def test_unknown_proof_method_is_rejected(method: str, receipt: str) -> None:
    if method in PROOF_METHODS:
        return
    with pytest.raises(BadInput):
        receipt_digest(method, receipt)


@given(
    day=st.dates(),
    form=st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d.%m.%y", "born %m/%d/%Y"]),
)
@settings(max_examples=50, deadline=None)
def test_receipt_with_birth_date_is_rejected(day: Any, form: str) -> None:
    with pytest.raises(GreenroomError):
        receipt_digest("document", f"file {day.strftime(form)}")
