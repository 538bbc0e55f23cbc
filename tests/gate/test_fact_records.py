"""Stored facts are read back completely: decision facts, copies, viewers and stops."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.storage.archive import FileArchive
from gate import epochs
from gate.assets import asset_records
from gate.contract.facts import (
    AgeProof,
    AnswerFacts,
    ConsentFacts,
    DeclarationFacts,
    DepictionFacts,
    EvidenceSnapshot,
    LinkFacts,
    MediumFacts,
    PersonFacts,
    ReviewFacts,
    StopFacts,
    ViewerFacts,
)
from gate.contract.states import AssuranceState, PersonState
from gate.contract.units import Rating, Subject, Unit
from gate.copies import live_copies
from gate.evidence import snapshot, text_windows
from gate.evidence.text_windows import CONTEXT_CHARACTERS
from gate.log import export
from gate.log.hash_chain import GENESIS_HASH
from gate.log.signed_checkpoints import LogKey
from gate.policy import active_policy, emergency_stops
from gate.ratings import ratings
from gate.reviews import content_reviews, link_targets
from gate.text import urls
from gate.viewers import age_assurance
from gate.viewers.age_assurance import AgeAssuranceSummary
from tests.gate.builders import (
    MIME,
    World,
    asset_of,
    message,
    picture,
    publish_unit,
    real_person,
    synthetic_person,
    unit,
    world,
)

DAY = timedelta(days=1)


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def facts(here: World, whole: Unit, author: str = "", **more: Any) -> EvidenceSnapshot:
    with here.scope() as scope:
        found, _ = snapshot.gather_snapshot(
            scope,
            whole,
            author=author or f"member:{here.ann}",
            by=active_policy.current_policy(scope),
            **more,
        )
    return found


def close_switches(scope: Scope, here: World) -> None:
    """Stop the channel, the creator, another creator, the platform and the tenant."""
    emergency_stops.close_switch(scope, "channel", str(here.channel_id), "offers", reason="x")
    emergency_stops.close_switch(scope, "creator", str(here.creator_id), "bot", reason="x")
    emergency_stops.close_switch(scope, "creator", str(uuid7()), "bot", reason="another")
    emergency_stops.close_switch(scope, "platform", "sandbox", "nudity", reason="x")
    emergency_stops.close_switch(scope, "tenant", "", "payments", reason="x")


def real_facts(person: UUID, now: datetime) -> PersonFacts:
    proof = AgeProof(now - 200 * DAY, None, None)
    permission = ConsentFacts(
        "depict", ("sandbox", "own_page"), Rating.E, now - DAY, now + 300 * DAY, False
    )
    return PersonFacts(person, "real", PersonState.ACTIVE, (proof,), (permission,))


def synthetic_facts(person: UUID) -> PersonFacts:
    declared = DeclarationFacts(True, True)
    return PersonFacts(person, "synthetic", PersonState.ACTIVE, declaration=declared)


def test_all_facts_of_post_are_gathered(here: World) -> None:
    with here.scope() as scope:
        ann, rob = here.principal(scope, here.ann), here.principal(scope, here.rob)
        real, nova = real_person(scope, scopes=("depict",)), synthetic_person(scope, here)
        first = picture(scope, here, Rating.N, person=real, people_seen=2)
        second = picture(scope, here, Rating.S, person=nova, ai="generated", source="", age=2 * DAY)
        third = picture(scope, here, None, source="said", age=3 * DAY)
        ratings.record_depiction(scope, asset_of(scope, first), nova, how="mark")
        link_targets.register_link_target(
            scope, here.creator_id, "https://b.test/y", rating=Rating.G, adult=False, lives=DAY
        )
        link_targets.register_link_target(
            scope, here.creator_id, "https://a.test/x", rating=Rating.S, adult=True
        )
        close_switches(scope, here)
        now = scope.now
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_bytes(scope, first.sha256, verdict="refuse", seen_percent=60)
        said_at = scope.now
    whole = unit(
        here, text="see https://b.test/y and https://a.test/x", media=(third, second, first)
    )
    found = facts(here, whole, own_hosts=("mia.test",))
    known = {each.sha256: each for each in found.media}
    assert [each.sha256 for each in found.media] == sorted(known)
    assert known[first.sha256] == MediumFacts(
        first.sha256, MIME, 1000, "made", "none", now - 30 * DAY, Rating.N, "", 2,
        tuple(sorted((DepictionFacts(real, "confirmed"), DepictionFacts(nova, "proposed")), key=lambda one: one.person)),
        (ReviewFacts(rob, False, 60, known[first.sha256].reviews[0].at),), "",
        answer=AnswerFacts("no_people"),
    )  # fmt: skip
    assert timedelta() <= known[first.sha256].reviews[0].at - said_at < DAY
    assert known[second.sha256] == MediumFacts(
        second.sha256, MIME, 1000, "made", "generated", now - 2 * DAY, Rating.S, "", None,
        (DepictionFacts(nova, "confirmed"),), (), "", answer=AnswerFacts("no_people"),
    )  # fmt: skip
    unrated = MediumFacts(
        third.sha256,
        MIME,
        1000,
        "made",
        "none",
        None,
        None,
        "",
        None,
        (),
        (),
        "",
        answer=AnswerFacts("no_people"),
    )
    assert known[third.sha256] == unrated
    assert found.links == (
        LinkFacts(
            "https://a.test/x", True, Rating.S, True, now + link_targets.LINK_TARGET_LIFETIME
        ),
        LinkFacts("https://b.test/y", False, Rating.G, True, now + DAY),
    )
    persons = (real_facts(real, now), synthetic_facts(nova))
    asked = EvidenceSnapshot(here.tenant_id, f"member:{here.ann}", ann, Rating.E)
    assert found == replace(
        asked, names=("Mia", "mia"), media=found.media, persons=tuple(sorted(persons, key=lambda one: one.id)),
        links=found.links, own_hosts=("mia.test",), epochs=found.epochs, unlocked=found.unlocked,
        stops=(StopFacts("channel", "offers"), StopFacts("creator", "bot"), StopFacts("platform", "nudity"),
               StopFacts("tenant", "payments")),
    )  # fmt: skip
    assert dict(found.epochs).keys() <= set(epochs_of(here, whole))
    with here.scope() as scope:
        shown = snapshot.gather_content_snapshot(scope, whole, active_policy.current_bundle(scope))
    bare = EvidenceSnapshot(here.tenant_id, "", None, Rating.G, own_hosts=urls.own_hosts())
    assert shown == replace(bare, media=shown.media, persons=found.persons, links=found.links)
    assert {one.sha256: replace(one, blocked="") for one in shown.media} == known


def epochs_of(here: World, whole: Unit) -> list[str]:
    with here.scope() as scope:
        return list(epochs.unit_keys(scope, whole))


def test_author_is_known_member_or_system(here: World) -> None:
    plain = unit(here)
    with here.scope() as scope:
        ann = here.principal(scope, here.ann)
    for said, author, principal in (
        (f"member:{here.ann}", f"member:{here.ann}", ann),
        (f"member:{uuid7()}", "", None),
        ("member:nobody", "", None),
        ("system:plan", "system:plan", None),
    ):
        found = facts(here, plain, said)
        assert (found.author, found.author_principal) == (author, principal)
    strange = facts(here, replace(plain, creator_id=uuid7()))
    assert (strange.creator_known, strange.names, strange.ceiling) == (False, (), Rating.G)


def test_viewer_is_known_on_their_platform_only(here: World) -> None:
    with here.scope() as scope:
        done = age_assurance.record_assurance(
            scope, platform="sandbox", user_id="fan", method="test", assured_level="L3", over_18=True,
            environment="test", jurisdiction="FR", lives=9 * DAY,
        )  # fmt: skip
        until = scope.now + 9 * DAY
        expected = AgeAssuranceSummary(AssuranceState.ASSURED, True, "L3", "test", until, 1)
        assert done == expected
        assert age_assurance.get_assurance(scope, "sandbox", "fan") == expected
        assert (
            age_assurance.get_assurance(scope, "telegram", "fan")
            == age_assurance.UNKNOWN_VIEWER
            == age_assurance.get_assurance(scope, "sandbox", "other")
        )
        assert age_assurance.list_verified_adults(scope, "telegram") == []
    whole = message(here, "fan")
    assert facts(here, whole).viewer == ViewerFacts(
        AssuranceState.ASSURED, "L3", True, True, "FR", until, 1
    )
    assert facts(here, replace(whole, viewer="other")).viewer is None
    with here.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=9 * DAY)
    with here.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "fan") == AgeAssuranceSummary(
            AssuranceState.EXPIRED, False, "L0", "test", until, 1
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"assured_level": "L5"},
        {"user_id": ""},
        {"lives": timedelta()},
        {"lives": age_assurance.ASSURANCE_LIFETIME + DAY},
    ],
)
def test_invalid_assurance_is_rejected(here: World, changed: dict[str, Any]) -> None:
    asked: dict[str, Any] = {
        "platform": "sandbox", "user_id": "fan", "method": "test", "assured_level": "L3", "over_18": True,
        "environment": "test", "lives": age_assurance.ASSURANCE_LIFETIME,
    }  # fmt: skip
    with here.scope() as scope, pytest.raises(BadInput) as refused:
        age_assurance.record_assurance(scope, **{**asked, **changed})
    assert refused.value.message == Message(
        "viewer.bad_level", {"level": changed.get("assured_level", "L3")}
    )
    for elsewhere in ({"environment": "production"}, {"platform": "telegram"}):
        with here.scope() as scope, pytest.raises(Refused):
            age_assurance.record_assurance(scope, **{**asked, **elsewhere})
    with here.scope() as scope:
        assert age_assurance.record_assurance(scope, **asked).over_18


def test_recent_messages_of_viewer_are_read_up_to_window(here: World) -> None:
    long = ("Good morning, how are you today? " * 40)[:1200].rstrip()
    for number, text in enumerate((long, "Hello you", long)):
        publish_unit(here, message(here, "fan", text=text), body=str(number))
    publish_unit(here, message(here, "other", text="Good night"), body="3")
    last = message(here, "fan", text="See you")
    assert len(long) * 2 > CONTEXT_CHARACTERS
    assert facts(here, last).recent == ("Hello you", long)
    assert facts(here, unit(here)).recent == ()
    own = message(here, "fan", text="Bye", subject=Subject("draft", uuid7()))
    publish_unit(here, own, body="4")
    assert facts(here, own).recent == ("Hello you", long)
    assert facts(here, last).recent == ("Hello you", long, "Bye")


def test_copy_records_location_and_outcome(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here, person=real_person(scope))
    whole = unit(here, text="Hello", media=(medium,))
    jti = publish_unit(here, whole, native="")
    with here.scope() as scope:
        assert live_copies.list_copies(scope, whole.subject) == []
        (trace,) = live_copies.list_consumed_permits(scope, whole.subject)
        assert (trace.visible_at, trace.native_ids, trace.media) == (None, (), (medium.sha256,))
        at = scope.now - DAY
        live_copies.record_copy(scope, jti, "n1", at)
        live_copies.record_copy(scope, jti, "n1", at + DAY)
        live_copies.record_copy(scope, jti, "n2", at + DAY)
        (one,) = live_copies.list_copies(scope, whole.subject)
        assert one == replace(trace, visible_at=at, native_ids=("n1", "n2"))
        assert (
            one
            == live_copies.find_copy(scope, jti)
            == live_copies.find_copy_by_native_id(scope, here.channel_id, "n2")
        )
        assert (one.channel_id, one.account, one.surface, one.step) == (
            here.channel_id, "mia-sandbox", "sandbox.post", "create"
        )  # fmt: skip
        assert live_copies.find_copy_by_native_id(scope, uuid7(), "n2") is None
        assert live_copies.find_copy_by_native_id(scope, here.channel_id, "n3") is None
        assert (
            live_copies.live_copies_of_bytes(scope, medium.sha256)
            == [one]
            == live_copies.all_copies_of_bytes(scope, medium.sha256)
        )
        assert live_copies.live_copies_of_bytes(scope, "0" * 64) == []
        live_copies.record_read_back(scope, jti, missing=["b", "a"], there=True)
        said = scope.run("SELECT readback FROM permits WHERE id = :jti", jti=jti).scalar_one()
        assert (said["missing"], said["there"], said["at"]) == (
            ["a", "b"],
            True,
            scope.now.isoformat(),
        )
        with pytest.raises(BadInput, match=r"copy\.no_proof"):
            live_copies.record_removed(scope, jti, "")
        for unknown in (
            lambda: live_copies.record_removed(scope, uuid7(), "404"),
            lambda: live_copies.record_copy(scope, uuid7(), "n", at),
        ):
            with pytest.raises(NotFound, match=r"copy\.unknown"):
                unknown()
        assert live_copies.mark_for_recall(scope, jti, Message("recall.complaint"))
        assert not live_copies.mark_for_recall(scope, jti, Message("recall.complaint"))
        live_copies.record_removed(scope, jti, "404")
        live_copies.record_removed(scope, jti, "later")
        found = live_copies.find_copy(scope, jti)
        assert found is not None
        assert found.is_read_back
        assert scope.now <= min(found.removed_at, found.recalled_at) < scope.now + DAY
        row = scope.run(
            "SELECT gone_proof, recall_reason, state FROM permits WHERE id = :jti", jti=jti
        ).one()
        assert tuple(row) == ("404", Message("recall.complaint").to_json(), "consumed")
        assert live_copies.live_copies_of_bytes(scope, medium.sha256) == []
        assert live_copies.all_copies_of_bytes(scope, medium.sha256) == [found]


def test_unpublished_permit_is_no_copy(here: World) -> None:
    kept, lost = unit(here, text="One"), unit(here, text="Two")
    stays, goes = publish_unit(here, kept, "1", native=""), publish_unit(here, lost, "2", native="")
    with here.scope() as scope:
        live_copies.record_copy(scope, stays, "n1", scope.now)
        for jti in (stays, goes):
            live_copies.void_permit(scope, jti, "not_sent")
        assert live_copies.find_copy(scope, stays) is not None
        assert live_copies.find_copy(scope, goes) is None
        row = scope.run(
            "SELECT state, gone_proof, gone_at IS NULL FROM permits WHERE id = :jti", jti=goes
        ).one()
        assert tuple(row) == ("void", "not_sent", False)


def test_proposed_depiction_is_confirmed_once(here: World) -> None:
    with here.scope() as scope:
        person, medium = real_person(scope), picture(scope, here)
        asset = asset_of(scope, medium)
        states = "SELECT state, confirmed_by FROM depictions WHERE asset_id = :asset"
        for by, hidden, after in (
            ("", False, ("proposed", "")),
            ("member:x", True, ("non_identifiable", "member:x")),
            ("member:y", False, ("non_identifiable", "member:x")),
        ):
            ratings.record_depiction(
                scope, asset, person, how="face", confirmed_by=by, hidden=hidden
            )
            assert tuple(scope.run(states, asset=asset).one()) == after


def test_derivative_keeps_origin_of_source(here: World) -> None:
    with here.scope() as scope:
        asset = asset_of(scope, picture(scope, here, source="capture", age=9 * DAY, ai="assisted"))
        child = asset_of(scope, picture(scope, here, source="shoot_card", age=DAY, parent=asset))
        row = scope.run("SELECT source, made_at, ai FROM assets WHERE id = :id", id=child).one()
        assert tuple(row) == ("capture", scope.now - 9 * DAY, "assisted")
        older = asset_of(scope, picture(scope, here, age=20 * DAY, parent=asset, ai="generated"))
        row = scope.run("SELECT made_at, ai FROM assets WHERE id = :id", id=older).one()
        assert tuple(row) == (scope.now - 20 * DAY, "generated")
        found = asset_records.newest_rendition(scope, child, "post")
        assert found is not None
        assert (found.mime, found.size, found.width, found.height, found.ai) == (
            MIME,
            1000,
            10,
            10,
            "assisted",
        )
        assert asset_records.newest_rendition(scope, child, "story") is None
        assert asset_records.newest_rendition(scope, uuid7(), "post") is None


def test_refusal_is_stored_with_reason(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_bytes(
            scope, medium.sha256, verdict="refuse", reason=Message("review.own"), seen_percent=0
        )
        row = scope.run("SELECT verdict, reason, seen_percent, about FROM human_reviews").one()
        assert tuple(row) == ("refuse", Message("review.own").to_json(), 0, "bytes")
        for share in (-1, 101):
            with pytest.raises(BadInput, match=r"review\.bad_share"):
                content_reviews.review_bytes(
                    scope, medium.sha256, verdict="approve", seen_percent=share
                )


def test_active_stops_are_listed_latest_first(here: World) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.close_switch(scope, "creator", str(here.creator_id), "bot", reason="one")
    with here.scope(f"member:{here.ann}") as scope:
        emergency_stops.close_switch(scope, "tenant", "", "offers", reason="two")
        emergency_stops.close_switch(scope, "channel", str(here.channel_id), "bot", reason="three")
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.reopen_switch(scope, "channel", str(here.channel_id), "bot", reason="done")
        found = emergency_stops.list_stops(scope)
        assert [(one.where, one.target, one.feature, one.by, one.reason) for one in found] == [
            ("tenant", "", "offers", f"member:{here.ann}", "two"),
            ("creator", str(here.creator_id), "bot", f"member:{here.rob}", "one"),
        ]
        bot, offers = (
            emergency_stops.stopped_scope(scope, "bot"),
            emergency_stops.stopped_scope(scope, "offers"),
        )
        assert (bot.everywhere, bot.targets) == (False, {str(here.creator_id)})
        assert bot.covers(uuid7(), here.creator_id)
        assert not bot.covers(here.channel_id)
        assert offers.covers(here.channel_id)
        assert emergency_stops.is_stopped(scope, "bot", creator=here.creator_id)
        assert not emergency_stops.is_stopped(scope, "bot", channel=here.channel_id)
        assert emergency_stops.is_stopped(scope, "offers")
        with pytest.raises(Refused, match=r"switch\.alone_too_early") as refused:
            emergency_stops.reopen_switch(scope, "tenant", "", "offers", reason="x")
        assert refused.value.message.params == {"minutes": 15}


def test_export_of_agency_without_decisions_is_empty(here: World, tmp_path: Any) -> None:
    key = LogKey.derive(bytes(range(32)))
    with pytest.raises(NotFound), here.scope() as scope:
        live_copies.record_copy(scope, uuid7(), "n", scope.now)
    lines = export.export_lines(
        [here.tenant_id], every=False, tenant=here.open, archive=FileArchive(tmp_path), key=key
    )
    opening, log, end = (json.loads(line) for line in lines)
    assert (opening["kind"], opening["format"], opening["key"], opening["logs"]) == (
        "export",
        1,
        key.public_key_text,
        [""],
    )
    assert (opening["every"], log["kind"], log["agency"], log["log"]) == (
        False, "log", f"Agency {here.tenant_id}", ""
    )  # fmt: skip
    said = {name: end[name] for name in end if name not in ("at", "signature")}
    assert said == {"kind": "end", "log": "", "seq": 0, "hash": GENESIS_HASH, "checkpoints": 0}


def test_public_post_does_not_read_messages_of_viewers(here: World) -> None:
    """For an account with years of posts, a query plan that ignores the viewer would read all of
    them for each permit."""

    def reads(viewer: str) -> list[str]:
        asked = {
            "tenant": here.tenant_id,
            "platform": "sandbox",
            "subject": uuid7(),
            "most": 60,
        }
        with here.scope() as scope:
            scope.run("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")
            plan = scope.run(
                f"EXPLAIN (ANALYZE) SELECT {text_windows.RECENT_SQL}", viewer=viewer, **asked
            ).scalars()
            return [line for line in plan if "on permits" in line and "never executed" not in line]

    publish_unit(here, message(here, "fan"))
    publish_unit(here, unit(here))
    assert reads("fan")
    assert not reads("")
