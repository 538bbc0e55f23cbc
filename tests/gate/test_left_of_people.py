"""What each act about people leaves behind: proofs, names, declarations, permissions, cards and links."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation import outbox
from foundation.database import OpenScope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.ids import uuid7
from gate import (
    cardfacts,
    faces,
    facing,
    inventing,
    mine,
    naming,
    never,
    offers,
    people,
    proposing,
    proving,
    signing,
)
from gate.carded import DECLINED, SIGNED, WITHDRAWN
from gate.declared import Look, Source
from gate.events import (
    RevocationWanted,
)
from gate.faces import ReferencesDue
from gate.inventing import Draft
from gate.naming import NamingWanted
from gate.offers import OfferAnswered
from gate.proposing import PeopleProposed
from gate.proving import ProofNoted
from gate.signing import AnswerWanted
from gate.units import Rating
from tests.gate import carding
from tests.gate.builders import World, asset_of, invented, picture, real_person, world
from tests.gate.people_at_work import answer, ask, by, declare, draft, references, somebody, terms, work, yes
from tests.gate.written import Told, audited, due, told

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def quietly(code: str, **params: Any) -> Told:
    return Told(code, params, urgent=False, open=True, creator=None)


def test_what_a_custodian_said_waits_as_it_was_typed_but_for_spaces(here: World) -> None:
    ida = somebody(here)
    with by(here, here.ann) as scope:
        said = yes(scope, custodian="  Notaire   Roux ", receipt=" dossier  12 ")
        proving.ask(scope, ida, said)
        proving.ask(scope, ida, yes(scope, receipt="A" * 64))
        first, second = due(scope, ProofNoted.kind)
        assert (first.subject, first.priority, first.args["custodian"]) == (ida, 0, "Notaire Roux")
        assert (first.args["method"], first.args["by"]) == ("document", f"member:{here.ann}")
        assert (first.args["valid_until"], first.args["on_day"]) == (None, None)
        assert first.args["digest"] != second.args["digest"] != "A" * 64
        assert first.args["digest"] == hashlib.sha256(b"dossier 12").hexdigest()
        proving.ask(scope, ida, yes(scope, custodian="x" * proving.LONGEST_NAME, ago=timedelta()))
        for wrong, code, params in (
            ({"custodian": "x" * 81}, "proof.no_custodian", {"most": 80}),
            ({"method": ""}, "proof.no_custodian", {"most": 80}),
            ({"receipt": " "}, "proof.no_receipt", {}),
            ({"valid_until": scope.now}, "proof.bad_time", {}),
            ({"on_day": scope.now + timedelta(seconds=1)}, "proof.bad_time", {}),
        ):
            with pytest.raises(BadInput) as refused:
                proving.ask(scope, ida, yes(scope, **wrong))
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        nova = people.add_person(scope, kind="synthetic", display_ref="Nova")
        with pytest.raises(BadInput) as refused:
            proving.ask(scope, nova, yes(scope))
        assert (refused.value.message.code, refused.value.message.params) == ("person.bad_kind", {"kind": "synthetic"})
    work(here)
    with here.scope() as scope:
        row = scope.run("SELECT custodian, method, noted_by, verified_at FROM identity_checks WHERE person_id = :p"
                        " ORDER BY id LIMIT 1", p=ida).one()  # fmt: skip
        assert (row.custodian, row.method, row.noted_by) == ("Notaire Roux", "document", f"member:{here.ann}")
        assert row.verified_at == said.verified_at
        assert audited(scope, "person.proved")[0] == (f"member:{here.ann}", "person.proved", f"person:{ida}", {})


def test_who_is_in_a_picture_is_proposed_and_confirmed_in_the_audit(here: World) -> None:
    ida, tom = somebody(here), somebody(here, display_ref="tom")
    with here.scope() as scope:
        asset = asset_of(scope, picture(scope, here))
        blocked = people.add_person(scope, kind="real", display_ref="Gone")
        people.block(scope, blocked)
    with by(here, here.ann) as scope:
        for _ in range(2):
            proposing.ask(scope, asset, [tom, ida, tom])
        (one,) = due(scope, PeopleProposed.kind)
        assert (one.subject, one.priority, one.dedupe) == (asset, 0, f"person.propose:{asset}")
        assert (set(one.args["people"].split()), one.args["by"]) == ({str(ida), str(tom)}, f"member:{here.ann}")
        for asset_id, wanted, code, params in (
            (uuid7(), [ida], "asset.unknown", {}),
            (asset, [], "person.nobody", {"most": 20}),
            (asset, [uuid7() for _ in range(21)], "person.nobody", {"most": 20}),
            (asset, [uuid7() for _ in range(20)], "person.unknown", {}),
            (asset, [blocked], "person.unknown", {}),
        ):
            with pytest.raises(GreenroomError) as refused:
                proposing.ask(scope, asset_id, wanted)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        assert list(proposing.candidates(scope).items()) == [(str(ida), "Ida"), (str(tom), "tom")]
    work(here)
    with here.scope() as scope:
        (open_one,) = proposing.waiting(scope)
        assert (open_one.asset_id, open_one.creator_id) == (asset, here.creator_id)
        assert open_one.people == {ida: "Ida", tom: "tom"}
        assert open_one.proposed_by == {f"member:{here.ann}"}
        assert (
            proposing.waiting(scope, asset_id=asset)
            == proposing.waiting(scope, creators=[here.creator_id])
            == [open_one]
        )
        assert proposing.waiting(scope, asset_id=uuid7()) == proposing.waiting(scope, creators=[uuid7()]) == []
        assert proposing.waiting(scope, creators=[]) == proposing.waiting(scope, limit=0) == []
        assert audited(scope, "person.proposed") == [(f"member:{here.ann}", "person.proposed", f"asset:{asset}", {})]
    with by(here, here.rob) as scope:
        naming.ask(scope, asset, [ida], maker=f"member:{here.ann}")
        (task,) = due(scope, NamingWanted.kind)
        assert (task.subject, task.priority, task.dedupe) == (asset, 1, None)
        assert task.args == {"people": str(ida), "maker": f"member:{here.ann}", "by": f"member:{here.rob}"}
    work(here)
    with here.scope() as scope:
        assert audited(scope, "card.named") == [(f"member:{here.rob}", "card.named", f"asset:{asset}", {})]
        rows = scope.run("SELECT person_id, state, confirmed_by FROM depictions WHERE asset_id = :a", a=asset).all()
        assert [tuple(row) for row in rows] == [(ida, "confirmed", f"member:{here.rob}")]


def test_a_declaration_has_its_references_compared_and_is_looked_at_once(here: World) -> None:
    person, shown = somebody(here, "synthetic", display_ref="Nova"), references(here)
    declared = declare(here, person, (*shown, shown[0]))
    with here.scope() as scope:
        (task,) = due(scope, ReferencesDue.kind)
        assert (task.subject, task.args) == (person, {"digests": " ".join(shown)})
    facing.referred(outbox.rebuild(ReferencesDue, here.tenant_id, person, task.args), tenant=here.open)
    with here.scope() as scope:
        after = faces.living(scope, person)
        assert after is not None
        assert after.pictures == sorted(shown), "what a page wrote down is what the workers read"
        assert audited(scope, "person.declared") == [(f"member:{here.ann}", "person.declared", f"person:{person}", {})]
    with by(here, here.rob) as scope:
        inventing.look(scope, person, declared, doubts=[shown[2], shown[1]], resembles=False)
        row = scope.run("SELECT principal_id, resembles, doubts, tiles FROM invented_looks WHERE tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert (row.principal_id, row.resembles, row.tiles) == (here.principal(scope, here.rob), False, 12)
        assert row.doubts == sorted(shown[1:3])
        assert audited(scope, "person.looked_at") == [
            (f"member:{here.rob}", "person.looked_at", f"person:{person}", {})
        ]
        with pytest.raises(Conflict, match=r"person\.looked_before"):
            inventing.note_look(scope, declared, Look(row.principal_id, True, (), 12))
    with by(here, here.ann) as scope:
        for wrong, code, params in (
            (draft([f"{n:064x}" for n in range(41)]), "person.many_references", {"most": 40}),
            (draft(["0" * 64]), "person.bad_reference", {}),
            (draft(shown, name=" "), "person.no_model", {}),
            (Draft(draft(shown).sources * 2, shown), "person.no_model", {}),
            (Draft(draft(shown).sources[1:], shown), "person.no_model", {}),
            (Draft((*draft(shown).sources, Source("else", "x", "", "", True)), shown), "person.no_model", {}),
            (draft(shown, name="x" * 121), "person.no_model", {}),
            (draft(shown, licence="x" * 121), "person.no_model", {}),
            (draft(shown, digest="a" * 63), "person.bad_digest", {}),
            (draft(shown, digest="g" * 64), "person.bad_digest", {}),
        ):
            with pytest.raises(BadInput) as refused:
                inventing.declare(scope, person, wrong)
            assert (refused.value.message.code, refused.value.message.params) == (code, params)
        inventing.declare(scope, person, draft((), name="x" * 120, licence="y" * 120, digest=""))
        inventing.declare(scope, person, draft((), name="x"))
        assert len(due(scope, ReferencesDue.kind)) == 1, "nothing to compare"


def test_what_somebody_is_asked_and_answers_is_written_and_told(here: World) -> None:
    ida = somebody(here)
    offer = ask(here, ida)
    with here.scope(f"person:{ida}") as scope:
        assert audited(scope, "consent.offered") == [(f"member:{here.ann}", "consent.offered", f"person:{ida}", {})]
        (sheet,) = offers.sheets(scope, ida)
        assert (sheet.offer, sheet.waits, sheet.may_answer) == (offer, False, True)
        for _ in range(2):
            offers.ask(scope, offer.id, SIGNED, digest=offer.digest)
        (task,) = due(scope, OfferAnswered.kind)
        assert (task.subject, task.priority, task.dedupe) == (offer.id, 0, f"offer.answer:{offer.id}")
        assert datetime.fromisoformat(task.args.pop("at")) <= scope.now
        assert task.args == {"said": SIGNED, "digest": offer.digest, "by": f"person:{ida}"}
        (sheet,) = offers.sheets(scope, ida)
        assert (sheet.waits, sheet.may_answer) == (True, False)
    work(here)
    with here.scope() as scope:
        assert told(scope, f"offer:{offer.id}") == quietly("asking.told_signed", name="Ida")
        (done,) = offers.of(scope, [ida])
        assert (done.said, done.open, done.said_at is not None, done.late) == (SIGNED, False, True, False)
        row = scope.run("SELECT person_id, said, digest, said_by FROM consent_answers WHERE tenant_id = :t",
                        t=here.tenant_id).one()  # fmt: skip
        assert tuple(row) == (ida, SIGNED, offer.digest, f"person:{ida}")
        grants = scope.run("SELECT scope, surfaces, max_rating, valid_until, signed_by, evidence_digest"
                           " FROM consent_grants WHERE person_id = :p ORDER BY scope", p=ida).all()  # fmt: skip
        assert [tuple(one) for one in grants] == [
            (what, ["sandbox"], "N", offer.terms.valid_until, ida, offer.digest) for what in ("depict", "publish")
        ]
    again = ask(here, ida)
    answer(here, again, DECLINED)
    with here.scope() as scope:
        assert told(scope, f"offer:{again.id}") == quietly("asking.told_declined", name="Ida")


def test_what_is_asked_for_is_checked_to_the_day(here: World) -> None:
    ida = somebody(here)
    with by(here, here.ann) as scope:
        longest = people.LONGEST
        for changes, code in (
            ({"scopes": ("depict",)}, "asking.bad_scopes"),
            ({"scopes": ("depict", "publish", "all")}, "asking.bad_scopes"),
            ({"surfaces": ()}, "asking.no_place"),
            ({"surfaces": tuple(str(n) for n in range(41))}, "asking.no_place"),
            ({"max_rating": Rating.X}, "asking.invalid"),
            ({"valid_from": scope.now, "valid_until": scope.now}, "asking.bad_days"),
            ({"valid_from": scope.now, "valid_until": scope.now + longest + DAY}, "asking.bad_days"),
            ({"valid_from": scope.now - DAY, "valid_until": scope.now}, "asking.bad_days"),
        ):
            with pytest.raises(BadInput) as refused:
                offers.make(scope, ida, terms(scope, **changes))
            assert refused.value.message.code == code, changes
        offers.make(scope, ida, terms(scope, surfaces=tuple(str(n) for n in range(40)),
                                      valid_from=scope.now, valid_until=scope.now + longest))  # fmt: skip
        offers.make(scope, ida, terms(scope, scopes=("publish", "depict"), surfaces=("x", "sandbox", "x")))
        newest, older = offers.of(scope, [ida])
        assert (newest.terms.scopes, newest.terms.surfaces) == (("depict", "publish"), ("sandbox", "x"))
        assert (newest.open, older.open, older.late) == (True, False, True)
        assert offers.of(scope, []) == []
    with here.scope(f"person:{ida}") as scope:
        for offer_id, said, digest, code in (
            (newest.id, "maybe", newest.digest, "card.bad_answer"),
            (uuid7(), SIGNED, newest.digest, "asking.unknown"),
            (newest.id, SIGNED, older.digest, "asking.changed"),
            (older.id, SIGNED, older.digest, "asking.not_now"),
        ):
            with pytest.raises(GreenroomError) as failed:
                offers.ask(scope, offer_id, said, digest=digest)
            assert failed.value.message.code == code
    with by(here, here.ann) as scope, pytest.raises(Refused, match=r"card\.own_hand"):
        offers.ask(scope, newest.id, SIGNED, digest=newest.digest)


def test_the_list_of_whom_never_to_depict_is_kept_by_two(here: World) -> None:
    with by(here, here.ann) as scope:
        pictures = [asset_of(scope, picture(scope, here, phash=look)) for look in ("00" * 8, "ff" * 8, "00" * 8)]
        bare = asset_of(scope, picture(scope, here))
        one = never.note(scope, "  Ada   Love ", pictures=[*pictures, bare])
        two = never.note(scope, "abe")
        for wrong in ("ab", "x" * 81, "  "):
            with pytest.raises(BadInput) as refused:
                never.note(scope, wrong)
            assert (refused.value.message.code, refused.value.message.params) == (
                "never.bad_name", {"least": 3, "most": 80},
            )  # fmt: skip
        never.note(scope, "x" * 80)
        abe, ada = never.entries(scope)[:2]
        assert abe == never.Entry(two, "abe", 0, f"member:{here.ann}", abe.since)
        assert ada == never.Entry(one, "Ada Love", 2, f"member:{here.ann}", ada.since)
        with pytest.raises(Refused, match=r"never\.another_ends"):
            never.end(scope, one)
        for words in ("a portrait of ADA, love", "ada-love", "Ada\tLove!"):
            with pytest.raises(Refused, match=r"never\.named"):
                never.refuse_words(scope, words)
        for words in ("Adalove", "Ada Lovelace", "love Ada", ""):
            never.refuse_words(scope, words)
    with by(here, here.rob) as scope:
        never.end(scope, one)
        with pytest.raises(NotFound, match=r"person\.unknown"):
            never.end(scope, one)
        never.refuse_words(scope, "Ada Love")
        assert one not in {each.id for each in never.entries(scope)}
        assert audited(scope, "never.ended") == [(f"member:{here.rob}", "never.ended", f"never:{one}", {})]
        assert audited(scope, "never.noted")[:2] == [
            (f"member:{here.ann}", "never.noted", f"never:{each}", {}) for each in (one, two)
        ]
        ended = scope.run("SELECT ended_by FROM never_depicted WHERE id = :i", i=one).scalar_one()
        assert ended == f"member:{here.rob}"


@pytest.mark.parametrize(("bits", "refuses"), [(8, True), (9, False)])
def test_a_picture_that_looks_like_one_of_them_is_refused_up_to_what_counts_as_near(
    here: World, bits: int, refuses: bool
) -> None:
    with by(here, here.ann) as scope:
        known = asset_of(scope, picture(scope, here, phash="0" * 16))
        never.note(scope, "Ada Love", pictures=[known])
        shown = picture(scope, here, phash=f"{(1 << bits) - 1:016x}").sha256
        never.refuse_looks(scope, [])
        if refuses:
            with pytest.raises(Refused, match=r"never\.looks_like"):
                never.refuse_looks(scope, [shown])
        else:
            never.refuse_looks(scope, [shown])


def test_a_card_is_bound_and_answered_with_what_is_told_of_it(here: World) -> None:
    ida, tom = (carding.person(here, display_ref=name) for name in ("Ida", "Tom"))
    card = carding.make(here, ida, tom)
    medium = carding.undated(here)
    carding.put(here, card, medium)
    with here.scope() as scope:
        asset = asset_of(scope, medium)
        facts = cardfacts.facts(scope, card)
        assert audited(scope, "card.made") == [(f"member:{here.ann}", "card.made", f"card:{card}", {})]
        assert audited(scope, "card.bound") == [(f"member:{here.ann}", "card.bound", f"asset:{asset}", {})]
    with here.scope(f"person:{ida}") as scope:
        for _ in range(2):
            signing.ask(scope, card, SIGNED, digest=facts.digest)
        (task,) = due(scope, AnswerWanted.kind)
        assert (task.subject, task.priority) == (card, 0)
        assert task.dedupe == f"card.answer:{card}:{ida}:{SIGNED}"
        assert datetime.fromisoformat(task.args.pop("at")) <= scope.now
        assert task.args == {"said": SIGNED, "digest": facts.digest, "by": f"person:{ida}"}
        for said, digest, code in (
            ("maybe", facts.digest, "card.bad_answer"), (SIGNED, "0" * 64, "card.changed"),
            (WITHDRAWN, facts.digest, "card.not_now"),
        ):  # fmt: skip
            with pytest.raises(GreenroomError) as refused:
                signing.ask(scope, card, said, digest=digest)
            assert refused.value.message.code == code
    carding.say(here, card, ida)
    carding.say(here, card, tom, DECLINED)
    with here.scope() as scope:
        assert told(scope, f"card:{card}:{ida}:{SIGNED}") is None
        assert told(scope, f"card:{card}:{tom}:{DECLINED}") == Told(
            "card.told_declined", {"day": str(facts.day)}, urgent=False, open=True, creator=here.creator_id
        )
    carding.say(here, card, ida, WITHDRAWN)
    with here.scope() as scope:
        assert told(scope, f"card:{card}:{ida}:{WITHDRAWN}") == Told(
            "card.told_withdrawn", {"day": str(facts.day)}, urgent=False, open=True, creator=here.creator_id
        )


def test_a_link_is_told_once_and_what_is_pressed_there_waits_first(here: World) -> None:
    with by(here, here.ann) as scope:
        ida = real_person(scope, display_ref="Ida")
        nova = invented(scope, here)
        first = mine.make_link(scope, ida)
        assert mine.asked(scope, ida) is None
        with pytest.raises(BadInput) as refused:
            mine.make_link(scope, nova)
        assert (refused.value.message.code, refused.value.message.params) == ("person.bad_kind", {"kind": "synthetic"})
        with pytest.raises(NotFound, match=r"person\.unknown"):
            mine.make_link(scope, uuid7())
        assert audited(scope, "person.link") == [(f"member:{here.ann}", "person.link", f"person:{ida}", {})]
    assert mine.find(here.open, first) == (here.tenant_id, ida)
    with by(here, here.ann) as scope:
        second = mine.make_link(scope, ida)
    assert (mine.find(here.open, first), mine.find(here.open, second)) == (None, (here.tenant_id, ida))
    assert mine.find(here.open, "x") is None
    with here.scope(f"person:{ida}") as scope:
        for _ in range(2):
            mine.ask(scope, ida, "publish")
        (task,) = due(scope, RevocationWanted.kind)
        assert (task.subject, task.priority, task.dedupe) == (ida, 0, f"revoke:{ida}:publish")
        assert task.args == {"scope": "publish", "by": f"person:{ida}"}
        found = mine.asked(scope, ida)
        assert found is not None
        assert (found[0], scope.now - found[1] < DAY) == ("publish", True)
        with pytest.raises(BadInput, match=r"person\.bad_scope"):
            mine.ask(scope, ida, "everything")
        with pytest.raises(Conflict, match=r"person\.nothing_left"):
            mine.ask(scope, ida, "ai_likeness")
        with pytest.raises(Conflict, match=r"person\.nothing_left"):
            mine.ask(scope, ida, people.FACE)
    with here.scope() as scope:
        (one,) = [each for each in mine.named(scope) if each.person_id == ida]
        assert (one.name, one.linked_at is not None) == ("Ida", True)
        assert nova not in {each.person_id for each in mine.named(scope)}
        assert {each.what for each in mine.permissions(scope, ida)} == {"depict", "publish", "download_sell"}
        assert mine.standing(mine.permissions(scope, ida)) == tuple(
            what for what in people.SCOPES if what in ("depict", "publish", "download_sell")
        )
