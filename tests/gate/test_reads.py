"""What pages ask the room: who is in a picture, what was decided last, and what keeps something back: each field."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import HOUSE, uuid7
from foundation.words import Message
from gate import (
    binding,
    copies,
    desk,
    dossiers,
    inforce,
    loading,
    minting,
    people,
    ratings,
    reads,
    receipts,
    reports,
    watching,
)
from gate.binding import BindingWanted
from gate.events import ReportDue
from gate.reads import Depicted, Held, Unagreed, Verdict
from gate.receipts import Given
from gate.units import Rating, Subject, Unit
from tests.gate import carding
from tests.gate.builders import (
    KEY,
    Step,
    World,
    asset_of,
    invented,
    looked_at,
    message,
    picture,
    real_person,
    unit,
    world,
)
from tests.gate.people_at_work import declare, references, somebody, stranger
from tests.gate.written import due

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def judge(here: World, whole: Unit) -> Any:
    with here.scope() as scope:
        return minting.judge(scope, whole, author=f"member:{here.ann}")


# ------------------------------------------------------------------ decisions
def test_what_waits_is_told_to_the_last_field_until_somebody_said_something(here: World) -> None:
    with here.scope() as scope:
        began = scope.now - DAY
        nude = picture(scope, here, Rating.N, person=invented(scope, here))
    held, other, fine = unit(here, media=(nude,)), unit(here, media=(nude,), text="Other"), unit(here)
    held, other = (marked(here, one) for one in (held, other))
    for whole in (held, held, other, fine):
        judge(here, whole)
    with here.scope() as scope:
        found = reads.waiting(scope, since=began)
        assert [one.subject for one in found] == [held.subject, other.subject]
        assert found[0] == Held(
            subject=held.subject, creator_id=here.creator_id, channel_id=here.channel_id, surface="sandbox.post",
            unit_digest=held.digest(), rating=Rating.N, reasons=found[0].reasons, since=found[0].since,
        )  # fmt: skip
        assert [str(reason) for reason in found[0].reasons] == ["REVIEW_MISSING"]
        assert found[0].since <= found[1].since
        assert reads.waiting(scope, since=scope.now + DAY) == []
        assert [one.subject for one in reads.waiting(scope, since=began, limit=1)] == [held.subject]
    with here.scope(f"member:{here.rob}") as scope:
        desk.review(scope, held.digest(), verdict="refuse")
        assert [one.subject for one in reads.waiting(scope, since=began)] == [other.subject]


def marked(here: World, whole: Unit) -> Unit:
    with here.scope() as scope:
        return minting.marked(scope, whole, line=str)


def test_the_last_decision_of_each_is_said_and_what_nobody_judged_is_absent(here: World) -> None:
    with here.scope() as scope:
        nude = picture(scope, here, Rating.N, person=invented(scope, here))
    held, fine, chat = marked(here, unit(here, media=(nude,))), unit(here), message(here, "fan")
    decision = judge(here, held)
    for whole in (held, fine, chat):
        judge(here, whole)
    wanted = (Message("gate.REVIEW_MISSING"),)
    assert reads.explain(decision) == wanted
    with here.scope() as scope:
        found = reads.verdicts(scope, "delivery", [held.subject.id, fine.subject.id, chat.subject.id, uuid7()])
        assert found == {
            held.subject.id: Verdict(wanted, Rating.N, "sandbox.post", found[held.subject.id].at),
            fine.subject.id: Verdict((), Rating.G, "sandbox.post", found[fine.subject.id].at),
        }
        assert scope.now - found[held.subject.id].at < DAY
        assert reads.verdicts(scope, "delivery", []) == {}
        assert list(reads.verdicts(scope, "draft", [chat.subject.id])) == [chat.subject.id]
        assert reads.unit_of(scope, held.digest()) == held
        assert reads.unit_of(scope, "0" * 64) is None
        assert reads.last_verdict(scope, held.subject) == wanted
        assert reads.last_verdict(scope, fine.subject) == ()
        assert reads.last_verdict(scope, Subject("draft", held.subject.id)) is None


def test_what_people_last_said_of_bytes_and_a_no_outweighs_a_yes(here: World) -> None:
    with here.scope() as scope:
        one, two, three = (picture(scope, here).sha256 for _ in range(3))
    for member, sha256, verdict in (
        (here.ann, one, "refuse"), (here.rob, one, "approve"), (here.ann, two, "refuse"), (here.ann, two, "approve"),
    ):  # fmt: skip
        with here.scope(f"member:{member}") as scope:
            desk.review_bytes(scope, sha256, verdict=verdict)
    with here.scope() as scope:
        assert reads.looked_at(scope, [one, two, three]) == {one: "refuse", two: "approve"}
        assert reads.looked_at(scope, []) == {}


# ------------------------------------------------------------------ people in pictures
def test_who_is_shown_is_named_with_the_end_of_what_they_allowed(here: World) -> None:
    with here.scope() as scope:
        zoe, ada = real_person(scope, display_ref="Zoe"), real_person(scope, display_ref="Ada", scopes=())
        nova = invented(scope, here)
        medium, apart = picture(scope, here, person=zoe), picture(scope, here, person=nova)
        ratings.depict(scope, asset_of(scope, medium), ada, how="mark")
        people.grant(
            scope, zoe, what="depict", surfaces=["sandbox"], max_rating=Rating.E, valid_from=scope.now,
            valid_until=scope.now + 500 * DAY, evidence_digest="e" * 64, signed_by=zoe,
        )  # fmt: skip
        until = scope.now + 300 * DAY
    with here.scope() as scope:
        assert reads.people_in(scope, [medium.sha256]) == [
            Depicted("Ada", "real", None), Depicted("Zoe", "real", until),
        ]  # fmt: skip
        assert reads.people_in(scope, [medium.sha256, apart.sha256])[1] == Depicted("Nova", "synthetic", None)
        assert reads.people_in(scope, []) == []


def test_who_keeps_a_picture_back_is_told_by_picture_and_name(here: World) -> None:
    with here.scope() as scope:
        fine, none = real_person(scope, display_ref="Fine"), real_person(scope, display_ref="None", scopes=())
        gone, nova = real_person(scope, display_ref="Gone"), invented(scope, here)
        medium = picture(scope, here, person=fine)
        asset = asset_of(scope, medium)
        for each in (gone, nova):
            ratings.depict(scope, asset, each, how="face", confirmed_by="member:rob")
        ratings.depict(scope, asset, none, how="face")
        other = asset_of(scope, picture(scope, here, person=gone))
        people.revoke(scope, gone)
    with here.scope() as scope:
        found = reads.unagreed(scope, [asset, other])
        at = next(one.revoked_at for one in found if one.name == "Gone")
        assert at is not None
        assert [one for one in found if one.asset_id == asset] == [
            Unagreed(asset, "Gone", named=True, revoked_at=at, shown=4),
            Unagreed(asset, "None", named=False, revoked_at=None, shown=4),
        ]
        assert [one for one in found if one.asset_id == other] == [Unagreed(other, "Gone", True, at, 1)]
        assert reads.unagreed(scope, []) == []


def test_who_was_invented_waits_for_eyes_while_enough_references_stand_and_nobody_doubted(here: World) -> None:
    few, enough = (somebody(here, "synthetic", display_ref=name) for name in ("Few", "Enough"))
    real, bare = somebody(here), somebody(here, "synthetic", display_ref="Bare")
    declare(here, few, references(here, 11))
    declared = declare(here, enough, references(here, 12))

    def waits() -> set[UUID]:
        with here.scope() as scope:
            return {one.id for one in dossiers.people(scope) if dossiers.judgeable(one)}

    assert waits() == {enough}
    assert {real, bare} & waits() == set()
    with here.scope() as scope:
        looked_at(scope, declared, stranger())
    assert waits() == {enough}
    with here.scope() as scope:
        looked_at(scope, declared, stranger())
    assert waits() == set()


def test_a_reference_that_is_gone_ends_the_looking(here: World) -> None:
    person, shown = somebody(here, "synthetic"), references(here)
    declare(here, person, shown)
    with here.scope() as scope:
        ratings.freeze(scope, shown[0])
    with here.scope() as scope:
        assert not any(dossiers.judgeable(one) for one in dossiers.people(scope))


# ------------------------------------------------------------------ what moves in, and what comes back
def test_a_history_of_permissions_taken_back_moves_in_as_it_was(here: World) -> None:
    with here.scope() as scope:
        gone, stays = real_person(scope), real_person(scope)
        first, later = scope.now - 9 * DAY, scope.now - 3 * DAY
    with here.scope() as scope:
        assert loading.load_revocation(scope, gone, at=first) == 3
        assert loading.load_revocation(scope, gone, at=later) == 0
        rows = scope.run("SELECT person_id, revoked_at FROM consent_grants WHERE tenant_id = :t", t=here.tenant_id)
        assert {tuple(row) for row in rows} == {(gone, first), (stays, None)}


# ------------------------------------------------------------------ requests, cards, places
def test_the_form_behind_a_report_is_kept_as_a_digest(tenant: OpenScope) -> None:
    receipt, form = f"{uuid7()}"[-14:], f"form-{uuid7()}"
    given = Given(address="https://x.example/1", words="me", by_house=True, form=form)
    with tenant(HOUSE, "system:door", role="door") as scope:
        said = {"pin_hash": "hash", "category": "other", "given": given, "looks": ("a5" * 8,), "source": str(uuid7())}
        assert reports.receive(scope, receipt=receipt, **said) == receipt
        assert reports.receive(scope, receipt="another", **said) == receipt, "sent twice, it is one"
    with tenant(HOUSE, "system:test") as scope:
        found = reports.by_receipt(scope, receipt)
        assert reports.form_of(scope, receipt) == receipts.digest(form)
        assert reports.form_of(scope, "3333-3333-3333") is None
        assert reports.pin_hash(scope, receipt) == "hash"
        assert reports.pin_hash(scope, "3333-3333-3333") is None
        assert (found.receipt, found.category, found.looks) == (receipt, "other", ("a5" * 8,))
        assert found.given == Given(address="https://x.example/1", words="me", by_house=True)
        assert (found.source, found.sought_at, found.found) == (said["source"], None, ())
        assert scope.now - found.at < DAY
        (task,) = [one for one in due(scope, ReportDue.kind) if one.subject == found.id]
        assert task.priority == 0
        assert found not in reports.unplaced(scope)
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            reports.one(scope, uuid7())
        with pytest.raises(NotFound, match=r"complaint\.unknown"):
            reports.by_receipt(scope, "3333-3333-3333")
    with tenant(HOUSE, "system:test") as scope:
        reports.found(scope, found.id, [])
    with tenant(HOUSE, "system:test") as scope:
        assert reports.unplaced(scope)[0].id == found.id
        reports.found(scope, found.id, [(found.id, "1234")])
    with tenant(HOUSE, "system:test") as scope:
        again = reports.one(scope, found.id)
        assert again.found == ((found.id, "1234"),)
        assert again.sought_at is not None
        assert found.id not in {one.id for one in reports.unplaced(scope)}


def test_a_letter_is_kept_once_under_its_form(tenant: OpenScope) -> None:
    form = f"form-{uuid7()}"
    with tenant(HOUSE, "system:door", role="door") as scope:
        reports.keep_contact(scope, form, b"sealed")
        reports.keep_contact(scope, form, b"another")
    with tenant(HOUSE, "system:test") as scope:
        assert reports.contact(scope, receipts.digest(form) or "") == b"sealed"
        assert reports.contact(scope, form) is None


def test_a_page_names_a_card_of_its_creator_alone(here: World) -> None:
    card = carding.make(here, carding.person(here))
    with here.scope() as scope:
        assert binding.card_of(scope, here.creator_id, str(card)) == card
        for creator, named in ((uuid7(), str(card)), (here.creator_id, str(uuid7())), (here.creator_id, "card")):
            with pytest.raises(NotFound, match=r"card\.unknown"):
                binding.card_of(scope, creator, named)
        asset = uuid7()
        for _ in range(2):
            binding.want(scope, asset, card, by=f"member:{here.ann}")
        (one,) = due(scope, BindingWanted.kind)
        assert (one.subject, one.args) == (asset, {"card": str(card), "by": f"member:{here.ann}"})
        assert (one.priority, one.dedupe) == (0, f"card.bind:{asset}:{card}")


def test_the_places_that_are_watched_are_those_of_what_stands_there_above_general(here: World) -> None:
    def outside(rating: Rating, **changes: Any) -> UUID:
        with here.scope() as scope:
            medium = picture(scope, here, rating, person=invented(scope, here))
            whole = minting.marked(scope, unit(here, media=(medium,), **changes), line=str)
        judge(here, whole)
        with here.scope(f"member:{here.rob}") as scope:
            desk.review(scope, whole.digest(), verdict="approve")
        with here.scope() as scope:
            jti = minting.mint(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti
        with here.scope() as scope:
            copies.note_copy(scope, jti, str(jti), scope.now)
            known = copies.copy(scope, jti)
            assert known is not None
            seen[watching.is_watched(scope, known)] = seen.get(watching.is_watched(scope, known), 0) + 1
        return jti

    seen: dict[bool, int] = {}
    with here.scope() as scope:
        row = inforce.rules(scope).row("telegram", "telegram.private_channel", on=scope.now.date())
    seen_there = tuple(probe.see for probe in row.probes)
    watched = {"platform": "telegram", "surface": "telegram.private_channel", "account": "mia", "seen": seen_there}
    outside(Rating.G, channel_id=uuid7(), **watched)
    outside(Rating.S, channel_id=uuid7())
    with here.scope() as scope:
        assert watching.watched(scope) == []
    channels = sorted(uuid7() for _ in range(2))
    jtis = [outside(Rating.N, channel_id=each, **watched) for each in reversed(channels)]
    with here.scope() as scope:
        assert watching.watched(scope) == channels
        copies.gone(scope, jtis[0], "404")
        assert watching.watched(scope) == channels[:1]
        copies.call_back(scope, jtis[1], Message("recall.raised"))
        assert watching.watched(scope) == []
    assert seen[True] == 2
