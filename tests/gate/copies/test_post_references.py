"""References to posts count as content: only live copies of the tenant resolve, and their content
is judged again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate import epochs
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import COMMENT_REFERENCE, Medium, Rating, Reference, Text, Unit
from gate.copies import live_copies, post_references
from gate.decision.decide import Decision
from gate.evidence import received_comments
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.viewers import age_assurance
from tenants.agencies import agencies
from tests.gate.builders import KEY, Step, World, asset_of, picture, real_person, unit, world


@pytest.fixture
def here(tenant: OpenScope, tenant_id: Any) -> World:
    return world(tenant, tenant_id)


def leave(here: World, whole: Unit, native_id: str, *files: str) -> Any:
    """Publish a unit, record its copy, and return the permit ID."""
    with here.scope() as scope:
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        jti = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti
    with here.scope() as scope:
        issuance.record_copy(scope, jti, native_id, scope.now)
        live_copies.record_file_ids(scope, jti, files)
    return jti


def judged(here: World, whole: Unit) -> Decision:
    with here.scope() as scope:
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        return issuance.preview_decision(scope, whole, author=f"member:{here.ann}")


def quoting(here: World, native_id: str = "p1", kind: str = "quote", **changes: Any) -> Unit:
    return unit(here, text="look", references=(Reference(kind, native_id),), **changes)


def shown(here: World, rating: Rating = Rating.G) -> Medium:
    with here.scope() as scope:
        return picture(
            scope, here, rating, person=real_person(scope) if rating is not Rating.G else None
        )


def test_own_copy_resolves_by_id_and_files(here: World) -> None:
    leave(here, unit(here, text="first", media=[shown(here)]), "p1", "AgAC1", "AgAC2")
    for native_id in ("p1", "AgAC1", "AgAC2"):
        decision = judged(here, quoting(here, native_id, kind="reuse"))
        assert (decision.verdict, decision.reasons) == ("A", ())
    again = replace(quoting(here), texts=())
    assert judged(here, again).is_allowed, "a post with a reference is not empty"


def _gone(here: World, jti: Any) -> None:
    with here.scope() as scope:
        live_copies.record_removed(scope, jti, "404")


def _called_back(here: World, jti: Any) -> None:
    with here.scope() as scope:
        live_copies.mark_for_recall(scope, jti, Message("takedown.reason"))


def _forgotten(here: World, jti: Any) -> None:
    """Delete the decision inputs, as after their retention period: the content of the copy is then
    unknown."""
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("DELETE FROM decision_inputs WHERE tenant_id = :tenant", tenant=here.tenant_id)


def _nothing(here: World, jti: Any) -> None:
    return


NOT_OURS: dict[str, tuple[Callable[[World, Any], None], dict[str, Any], str]] = {
    "unknown": (_nothing, {}, "p2"),
    "removed": (_gone, {}, "p1"),
    "recalled": (_called_back, {}, "p1"),
    "inputs deleted": (_forgotten, {}, "p1"),
    "of another account": (_nothing, {"account": "other-sandbox"}, "p1"),
    "of another platform": (_nothing, {"platform": "acme", "surface": "acme.post"}, "p1"),
    "empty": (_nothing, {}, ""),
    "hostile id": (_nothing, {}, "p1' OR 1=1 --\u202e"),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_reference_to_unknown_copy_is_blocked(here: World, name: str) -> None:
    before, changes, native_id = NOT_OURS[name]
    before(here, leave(here, unit(here, text="first"), "p1"))
    decision = judged(here, quoting(here, native_id, **changes))
    assert decision.verdict == "B"
    assert Reason.REMOTE_REFERENCE in decision.reasons


def test_unknown_kind_of_reference_is_blocked(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    assert Reason.REMOTE_REFERENCE in judged(here, quoting(here, kind="embed")).reasons


def test_copy_of_another_tenant_is_unknown(here: World, tenant: OpenScope) -> None:
    there = world(tenant, uuid7())
    leave(there, unit(there, text="first"), "p1")
    theirs, nobodys = judged(here, quoting(here, "p1")), judged(here, quoting(here, "p2"))
    assert (
        (theirs.verdict, theirs.reasons)
        == (nobodys.verdict, nobodys.reasons)
        == ("B", (Reason.REMOTE_REFERENCE,))
    )


def test_copy_of_another_creator_is_unknown(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    with here.scope() as scope:
        lea = agencies.add_creator(
            scope, slug="lea", name="Léa", kind="human", zone="UTC", languages=["fr"]
        )
    assert Reason.REMOTE_REFERENCE in judged(here, quoting(here, creator_id=lea)).reasons


def test_referenced_text_is_judged(here: World) -> None:
    leave(here, unit(here, text="Good morning, MINOR-C-A"), "p1")
    assert judged(here, quoting(here)).is_allowed
    flirt = replace(quoting(here), texts=(Text("body", "SUGGESTIVE-MARKER-A"),))
    assert Reason.PROHIBITED_MINOR in judged(here, flirt).reasons, (
        "the texts together have another meaning"
    )


def test_text_behind_nested_quote_is_judged(here: World) -> None:
    leave(here, unit(here, text="SUGGESTIVE-MARKER-A"), "p1")
    leave(here, quoting(here, "p1"), "p2")
    decision = judged(
        here, quoting(here, "p2", surface="sandbox.as_instagram", media=[shown(here)])
    )
    assert decision.rating is Rating.S


def test_referenced_media_are_rated_at_new_destination(here: World) -> None:
    leave(here, unit(here, text="first", media=[shown(here, Rating.S)]), "p1")
    assert judged(here, quoting(here, surface="sandbox.as_x")).rating is Rating.S
    there = judged(here, quoting(here, surface="sandbox.as_instagram", media=[shown(here)]))
    assert Reason.RATING_EXCEEDS_SURFACE in there.reasons


def test_revoked_consent_applies_to_referenced_media(here: World) -> None:
    """A revoked consent counts for referenced media, in the decision and in its locks."""
    with here.scope() as scope:
        person = real_person(scope)
        medium = picture(scope, here, Rating.S, person=person)
        asset = asset_of(scope, medium)
    jti = leave(here, unit(here, text="first", media=[medium]), "p1")
    whole = quoting(here)
    assert judged(here, whole).is_allowed
    with here.scope() as scope:
        assert {epochs.person_key(scope, person), epochs.asset_key(scope, asset)} <= set(
            epochs.unit_keys(scope, whole)
        )
        assert post_references.shown_digests(scope, whole) == [medium.sha256]
    second = leave(here, whole, "p2")
    with here.scope() as scope:
        found = {each.jti for each in live_copies.live_copies_of_person(scope, person)}
        assert (
            found
            == {jti, second}
            == {each.jti for each in live_copies.live_copies_of_bytes(scope, medium.sha256)}
        )
    # revokes the grants only, without a recall
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now() WHERE person_id = :id", id=person
        )
    assert Reason.CONSENT_REVOKED in judged(here, whole).reasons
    with here.scope() as scope:
        revoke_consent(scope, person)
    assert Reason.REMOTE_REFERENCE in judged(here, whole).reasons, (
        "recalled copies cannot be referenced"
    )


def test_frozen_media_behind_reference_are_blocked(here: World) -> None:
    medium = shown(here)
    leave(here, unit(here, text="first", media=[medium]), "p1")
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE renditions SET state = 'frozen' WHERE sha256 = :sha", sha=medium.sha256)
    assert Reason.COMPLAINT_FREEZE in judged(here, quoting(here)).reasons


def test_ai_content_behind_reference_is_marked(here: World) -> None:
    leave(here, unit(here, text="first", text_ai="generated"), "p1")
    with here.scope() as scope:
        assert "ai=true" in issuance.required_flags_of_unit(scope, quoting(here))


def test_permit_lists_allowed_references(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    with here.scope() as scope:
        whole = quoting(here)
        permit = issuance.mint_permit(
            scope, whole, Step(), key=KEY, uploads=("m9",), author=f"member:{here.ann}"
        )
    assert permit.points_at == ("m9", "p1")
    assert permit.is_signed_by(KEY.public_key())
    assert not replace(permit, points_at=("m9", "p1", "p2")).is_signed_by(KEY.public_key())


def test_denied_reference_gets_no_permit(here: World) -> None:
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(scope, quoting(here), Step(), key=KEY, author=f"member:{here.ann}")
    assert denied.value.decision.reasons == (Reason.REMOTE_REFERENCE,)


def test_digest_covers_references(here: World) -> None:
    whole = unit(here)
    pointing = replace(whole, references=(Reference("quote", "p1"),))
    digests = {
        each.digest()
        for each in (whole, pointing, replace(pointing, references=(Reference("reply", "p1"),)))
    }
    assert len(digests) == 3
    assert whole.approved_content() != pointing.approved_content()


def heard(here: World, native_id: str = "r1", author: str = "ann") -> None:
    """Record a received comment on the account of `unit`."""
    one = unit(here)
    about = {"creator_id": here.creator_id, "channel_id": one.channel_id, "platform": one.platform}
    with here.scope() as scope:
        received_comments.record_received_comment(
            scope, **about, native_id=native_id, author=author
        )


def answering(here: World, native_id: str = "r1", **changes: Any) -> Unit:
    return unit(
        here,
        text="thank you for this",
        references=(Reference(COMMENT_REFERENCE, native_id),),
        **changes,
    )


def test_received_comment_can_be_answered(here: World) -> None:
    assert judged(here, answering(here)).reasons == (Reason.REMOTE_REFERENCE,), (
        "no such comment was received"
    )
    heard(here)
    decision = judged(here, answering(here))
    assert (decision.verdict, decision.reasons) == ("A", ())
    elsewhere = replace(answering(here), channel_id=uuid7())
    assert Reason.REMOTE_REFERENCE in judged(here, elsewhere).reasons, "another account received it"


def test_reply_is_general_text_under_one_comment(here: World) -> None:
    heard(here)
    wrong = {
        "a picture": answering(here, media=[shown(here)]),
        "two": replace(
            answering(here),
            references=(Reference(COMMENT_REFERENCE, "r1"), Reference("quote", "p1")),
        ),
        "under a part": replace(answering(here), reply_to="p1"),
    }
    for what, one in wrong.items():
        assert Reason.REMOTE_REFERENCE in judged(here, one).reasons, what
    loud = replace(answering(here), texts=(Text("body", "SUGGESTIVE-MARKER-A"),))
    assert Reason.RATING_EXCEEDS_SURFACE in judged(here, loud).reasons


def test_blocked_viewer_is_not_answered(here: World) -> None:
    heard(here)
    with here.scope() as scope:
        age_assurance.mark_suspected_minor(scope, unit(here).platform, "ann")
    assert judged(here, answering(here)).reasons == (Reason.VIEWER_BLOCKED,)


def test_permit_for_reply_references_only_the_comment(here: World) -> None:
    heard(here)
    with here.scope() as scope:
        permit = issuance.mint_permit(
            scope, answering(here), Step(), key=KEY, author=f"member:{here.ann}"
        )
    assert permit.points_at == ("r1",)


def test_comment_of_another_agency_is_unknown(here: World, tenant: OpenScope) -> None:
    heard(here)
    other = world(tenant, uuid7())
    with other.scope() as scope:
        assert (
            received_comments.comment_facts(
                scope, replace(answering(here), tenant_id=other.tenant_id)
            )
            == ()
        )


def test_ai_reply_has_textual_disclosure_instead_of_flag(
    here: World,
) -> None:
    heard(here)
    one = answering(here, text_ai="generated")
    posted = replace(one, references=())
    with here.scope() as scope:
        assert issuance.required_flags_of_unit(scope, posted), "a post needs flags"
        marked = issuance.with_required_marks(
            scope, one, line=lambda: "Written with the help of AI."
        )
        assert marked.flags == ()
        assert issuance.preview_decision(scope, marked, author=f"member:{here.ann}").is_allowed
