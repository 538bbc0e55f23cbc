"""What a unit points at counts as carried: only copies of ours resolve, and everything behind them
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
    """Send a unit, and note where it lies; the permit's id."""
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


def test_a_copy_of_ours_resolves_by_its_id_and_by_its_files(here: World) -> None:
    leave(here, unit(here, text="first", media=[shown(here)]), "p1", "AgAC1", "AgAC2")
    for native_id in ("p1", "AgAC1", "AgAC2"):
        decision = judged(here, quoting(here, native_id, kind="reuse"))
        assert (decision.verdict, decision.reasons) == ("A", ())
    again = replace(quoting(here), texts=())
    assert judged(here, again).is_allowed, "what shows something else is not empty"


def _gone(here: World, jti: Any) -> None:
    with here.scope() as scope:
        live_copies.record_removed(scope, jti, "404")


def _called_back(here: World, jti: Any) -> None:
    with here.scope() as scope:
        live_copies.mark_for_recall(scope, jti, Message("takedown.reason"))


def _forgotten(here: World, jti: Any) -> None:
    """What it was decided on is kept for a while only: then nobody knows what it shows."""
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("DELETE FROM decision_inputs WHERE tenant_id = :tenant", tenant=here.tenant_id)


def _nothing(here: World, jti: Any) -> None:
    return


NOT_OURS: dict[str, tuple[Callable[[World, Any], None], dict[str, Any], str]] = {
    "unknown": (_nothing, {}, "p2"),
    "gone": (_gone, {}, "p1"),
    "called back": (_called_back, {}, "p1"),
    "forgotten": (_forgotten, {}, "p1"),
    "of another account": (_nothing, {"account": "other-sandbox"}, "p1"),
    "of another platform": (_nothing, {"platform": "acme", "surface": "acme.post"}, "p1"),
    "empty": (_nothing, {}, ""),
    "a hostile id": (_nothing, {}, "p1' OR 1=1 --\u202e"),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_what_is_no_copy_of_ours_is_blocked(here: World, name: str) -> None:
    before, changes, native_id = NOT_OURS[name]
    before(here, leave(here, unit(here, text="first"), "p1"))
    decision = judged(here, quoting(here, native_id, **changes))
    assert decision.verdict == "B"
    assert Reason.REMOTE_REFERENCE in decision.reasons


def test_a_way_to_point_that_nobody_thought_through_is_blocked(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    assert Reason.REMOTE_REFERENCE in judged(here, quoting(here, kind="embed")).reasons


def test_another_tenants_copy_is_unknown_like_any_other(here: World, tenant: OpenScope) -> None:
    there = world(tenant, uuid7())
    leave(there, unit(there, text="first"), "p1")
    theirs, nobodys = judged(here, quoting(here, "p1")), judged(here, quoting(here, "p2"))
    assert (
        (theirs.verdict, theirs.reasons)
        == (nobodys.verdict, nobodys.reasons)
        == ("B", (Reason.REMOTE_REFERENCE,))
    )


def test_another_creators_copy_is_unknown(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    with here.scope() as scope:
        lea = agencies.add_creator(
            scope, slug="lea", name="Léa", kind="human", zone="UTC", languages=["fr"]
        )
    assert Reason.REMOTE_REFERENCE in judged(here, quoting(here, creator_id=lea)).reasons


def test_the_words_behind_it_are_read(here: World) -> None:
    leave(here, unit(here, text="Good morning, MINOR-C-A"), "p1")
    assert judged(here, quoting(here)).is_allowed
    flirt = replace(quoting(here), texts=(Text("body", "SUGGESTIVE-MARKER-A"),))
    assert Reason.PROHIBITED_MINOR in judged(here, flirt).reasons, (
        "beside what it points at the words mean something else"
    )


def test_words_behind_a_quote_of_a_quote_are_read(here: World) -> None:
    leave(here, unit(here, text="SUGGESTIVE-MARKER-A"), "p1")
    leave(here, quoting(here, "p1"), "p2")
    decision = judged(
        here, quoting(here, "p2", surface="sandbox.as_instagram", media=[shown(here)])
    )
    assert decision.rating is Rating.S


def test_media_behind_it_are_rated_at_the_new_place(here: World) -> None:
    leave(here, unit(here, text="first", media=[shown(here, Rating.S)]), "p1")
    assert judged(here, quoting(here, surface="sandbox.as_x")).rating is Rating.S
    there = judged(here, quoting(here, surface="sandbox.as_instagram", media=[shown(here)]))
    assert Reason.RATING_EXCEEDS_SURFACE in there.reasons


def test_people_behind_it_keep_their_say(here: World) -> None:
    """A permission that was taken back counts for what is only pointed at, in the decision and in
    its locks."""
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
    with here.scope() as scope, scope.acting_as("gate"):  # the grants alone: nothing is called back
        scope.run(
            "UPDATE consent_grants SET revoked_at = house_now() WHERE person_id = :id", id=person
        )
    assert Reason.CONSENT_REVOKED in judged(here, whole).reasons
    with here.scope() as scope:
        revoke_consent(scope, person)
    assert Reason.REMOTE_REFERENCE in judged(here, whole).reasons, (
        "what is called back is shown nowhere else"
    )


def test_frozen_media_behind_it_stay_frozen(here: World) -> None:
    medium = shown(here)
    leave(here, unit(here, text="first", media=[medium]), "p1")
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE renditions SET state = 'frozen' WHERE sha256 = :sha", sha=medium.sha256)
    assert Reason.COMPLAINT_FREEZE in judged(here, quoting(here)).reasons


def test_what_a_model_made_behind_it_is_marked(here: World) -> None:
    leave(here, unit(here, text="first", text_ai="generated"), "p1")
    with here.scope() as scope:
        assert "ai=true" in issuance.required_flags_of_unit(scope, quoting(here))


def test_the_permit_names_what_may_be_pointed_at(here: World) -> None:
    leave(here, unit(here, text="first"), "p1")
    with here.scope() as scope:
        whole = quoting(here)
        permit = issuance.mint_permit(
            scope, whole, Step(), key=KEY, uploads=("m9",), author=f"member:{here.ann}"
        )
    assert permit.points_at == ("m9", "p1")
    assert permit.is_signed_by(KEY.public_key())
    assert not replace(permit, points_at=("m9", "p1", "p2")).is_signed_by(KEY.public_key())


def test_a_no_is_a_no_at_the_claim_too(here: World) -> None:
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(scope, quoting(here), Step(), key=KEY, author=f"member:{here.ann}")
    assert denied.value.decision.reasons == (Reason.REMOTE_REFERENCE,)


def test_the_digest_covers_what_is_pointed_at_and_old_ones_stand(here: World) -> None:
    whole = unit(here)
    pointing = replace(whole, references=(Reference("quote", "p1"),))
    digests = {
        each.digest()
        for each in (whole, pointing, replace(pointing, references=(Reference("reply", "p1"),)))
    }
    assert len(digests) == 3
    assert whole.approved_content() != pointing.approved_content()


def heard(here: World, native_id: str = "r1", author: str = "ann") -> None:
    """Somebody said something on the account of `unit`."""
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


def test_what_somebody_said_to_us_may_be_answered(here: World) -> None:
    assert judged(here, answering(here)).reasons == (Reason.REMOTE_REFERENCE,), "nobody heard it"
    heard(here)
    decision = judged(here, answering(here))
    assert (decision.verdict, decision.reasons) == ("A", ())
    elsewhere = replace(answering(here), channel_id=uuid7())
    assert Reason.REMOTE_REFERENCE in judged(here, elsewhere).reasons, "another account heard it"


def test_an_answer_is_words_alone_in_general_under_one_remark(here: World) -> None:
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


def test_who_may_not_be_written_to_is_not_answered(here: World) -> None:
    heard(here)
    with here.scope() as scope:
        age_assurance.mark_suspected_minor(scope, unit(here).platform, "ann")
    assert judged(here, answering(here)).reasons == (Reason.VIEWER_BLOCKED,)


def test_a_clearance_for_an_answer_points_at_the_remark_alone(here: World) -> None:
    heard(here)
    with here.scope() as scope:
        permit = issuance.mint_permit(
            scope, answering(here), Step(), key=KEY, author=f"member:{here.ann}"
        )
    assert permit.points_at == ("r1",)


def test_another_agency_s_remark_is_heard_by_nobody(here: World, tenant: OpenScope) -> None:
    heard(here)
    other = world(tenant, uuid7())
    with other.scope() as scope:
        assert (
            received_comments.comment_facts(
                scope, replace(answering(here), tenant_id=other.tenant_id)
            )
            == ()
        )


def test_an_answer_bears_no_mark_of_a_post_and_says_in_words_what_a_model_wrote(
    here: World,
) -> None:
    heard(here)
    one = answering(here, text_ai="generated")
    posted = replace(one, references=())
    with here.scope() as scope:
        assert issuance.required_flags_of_unit(scope, posted), "a post would"
        marked = issuance.with_required_marks(
            scope, one, line=lambda: "Written with the help of AI."
        )
        assert marked.flags == ()
        assert issuance.preview_decision(scope, marked, author=f"member:{here.ann}").is_allowed
