"""A part of a thread is judged with all parts above it, and goes under our own copy alone."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import pytest

from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating, Subject, Text, Unit, UnitPart, Verdict
from gate.copies import live_copies
from gate.permits import issuance
from gate.permits.issuance import Decision, PermitDenied
from gate.ratings import inspections, ratings
from gate.removal import recall
from gate.reviews import content_reviews, link_targets
from tests.gate.builders import (
    KEY,
    Step,
    World,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)

HELLO = ("Good morning", "The shop is open", "See you there")
WORD = "EXPLICIT-MARKER-A"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


Shown = tuple[str, Sequence[Medium]]


def thread(here: World, *shown: Shown, **changes: Any) -> list[Unit]:
    """Units of a thread, each with what is above it."""
    first, found = unit(here, **changes), []
    above: tuple[UnitPart, ...] = ()
    for body, media in shown:
        texts = (Text("body", body),) if body else ()
        found.append(
            replace(first, texts=texts, media=tuple(media), before=above, parts=len(shown))
        )
        above = (*above, UnitPart(texts, tuple(media)))
    return found


def said(here: World, one: Unit, **more: Any) -> Decision:
    """What is decided of a part, with its marks."""
    with here.scope() as scope:
        whole = replace(one, flags=issuance.required_flags_of_unit(scope, one))
        return issuance.judge_unit(scope, whole, author=f"member:{here.ann}", **more)


def leave(here: World, one: Unit, under: str = "", *, whole: Unit | None = None) -> UUID:
    """A part leaves and stands outside under an id of its own. Raises Denied."""
    with here.scope() as scope:
        marked = replace(one, flags=issuance.required_flags_of_unit(scope, one), reply_to=under)
        permit = issuance.mint_permit(
            scope, marked, Step(), key=KEY, author=f"member:{here.ann}", whole=whole
        )
    with here.scope() as scope:
        live_copies.record_copy(scope, permit.jti, f"p{len(one.before)}", scope.now)
    return permit.jti


def made(here: World, act: Callable[[Scope], Any]) -> Any:
    with here.scope() as scope:
        return act(scope)


# words


@pytest.mark.parametrize("cut", [4, 9, 12])
def test_a_word_over_two_parts_counts_in_the_one_that_completes_it(here: World, cut: int) -> None:
    units = thread(
        here, (f"Hello {WORD[:cut]}", ()), (f"{WORD[cut:]} you", ()), platform="x", surface="x.post"
    )
    assert said(here, units[0]).is_allowed
    last = said(here, units[1])
    assert last.verdict is Verdict.H
    assert Reason.TEXT_EXPLICIT_NO_FLAG in last.reasons
    assert last.rating is Rating.E
    clean = thread(
        here, ("Hello GOOD-EVEN", ()), ("ING-ALL you", ()), platform="x", surface="x.post"
    )
    assert all(said(here, one).is_allowed for one in clean)


@pytest.mark.parametrize(
    "order", ["picture above", "picture below", "same part", "words in two pictures"]
)
def test_a_word_over_a_picture_and_a_text_counts(here: World, order: str) -> None:
    """Wherever the other half stands: in another part, or in the picture of the same one."""

    def reads(words: str) -> Medium:
        medium: Medium = made(here, lambda scope: picture(scope, here))
        source = {"source": "classifier:eye@1", "rating": Rating.G, "words": (words,)}
        made(
            here,
            lambda scope: inspections.record_classifier_finding(scope, medium.sha256, **source),
        )
        return medium

    def shown(first: str, second: str) -> list[Shown]:
        plans: dict[str, list[Shown]] = {
            "picture above": [("Hello", (reads(first),)), (second, ())],
            "picture below": [(first, ()), ("", (reads(second),))],
            "same part": [("Hello", ()), (second, (reads(first),))],
            "words in two pictures": [("", (reads(first),)), ("", (reads(second),))],
        }
        return plans[order]

    place = {"platform": "instagram", "surface": "instagram.post"}
    harm = thread(here, *shown(WORD[:9], WORD[9:]), **place)
    assert Reason.RATING_EXCEEDS_SURFACE in said(here, harm[-1]).reasons
    assert said(here, harm[0]).is_allowed
    twin = thread(here, *shown("GOOD-EVEN", "ING-ALL"), **place)
    assert all(said(here, one).is_allowed for one in twin)


def test_a_harmless_word_and_a_suggestive_one_meet_over_parts(here: World) -> None:
    units = thread(here, ("SUGGESTIVE-MARKER-A", ()), ("MINOR-C-A", ()))
    assert said(here, units[0]).is_allowed
    assert Reason.PROHIBITED_MINOR in said(here, units[1]).reasons
    assert said(here, thread(here, ("Hello", ()), ("MINOR-C-A", ()))[1]).is_allowed


def test_an_address_of_a_part_above_must_still_hold(here: World) -> None:
    url = "https://shop.test/mia"
    made(
        here,
        lambda s: link_targets.register_link_target(
            s, here.creator_id, url, rating=Rating.G, adult=False
        ),
    )
    units = thread(here, (f"more on {url}", ()), ("see you", ()))
    assert said(here, units[1]).is_allowed
    made(here, lambda s: link_targets.mark_link_target_changed(s, url))
    assert Reason.LINK_CHANGED in said(here, units[1]).reasons


# pictures and people


def explicit(here: World) -> Medium:
    """An explicit tile of an invented person at which rob looked."""

    def build(scope: Scope) -> Medium:
        medium = picture(scope, here, Rating.E, person=synthetic_person(scope, here))
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
        return medium

    with here.scope(f"member:{here.rob}") as scope:
        return build(scope)


def test_rating_is_the_highest_so_far_and_the_marks_follow_it(here: World) -> None:
    medium = explicit(here)
    units = thread(here, ("Hello", ()), ("Look", (medium,)), ("Bye", ()), surface="sandbox.as_x")
    decisions = [said(here, one) for one in units]
    assert [one.rating for one in decisions] == [Rating.G, Rating.E, Rating.E]
    assert not decisions[0].flags
    assert decisions[1].flags == decisions[2].flags != ()
    assert all(one.is_allowed for one in decisions), decisions


def test_what_happens_to_a_picture_above_stops_the_rest(here: World) -> None:
    for act, reason in (
        (lambda s, m: ratings.freeze_bytes(s, m.sha256), Reason.COMPLAINT_FREEZE),
        (lambda s, m: recall.block_bytes(s, m.sha256, category="shown"), Reason.BLOCKLIST_EXACT),
    ):
        medium = made(here, lambda scope: picture(scope, here))
        units = thread(here, ("Hello", (medium,)), ("Bye", ()))
        assert said(here, units[1]).is_allowed
        made(here, lambda scope, act=act, medium=medium: act(scope, medium))
        assert reason in said(here, units[1]).reasons


def test_bytes_nobody_recorded_above_stop_the_rest(here: World) -> None:
    strange = Medium("f" * 64, "image/jpeg", 1000)
    assert (
        Reason.RENDITION_NOT_CANONICAL
        in said(here, thread(here, ("a", (strange,)), ("b", ()))[1]).reasons
    )


def test_permission_of_somebody_above_is_asked_for_every_part_and_noted_on_their_own_copy(
    here: World,
) -> None:
    person = made(here, real_person)
    medium = made(here, lambda scope: picture(scope, here, person=person))
    units = thread(here, ("Hello", (medium,)), ("Bye", ()), ("Again", ()))
    first = leave(here, units[0])
    second = leave(here, units[1], "p0")
    with here.scope() as scope:
        assert [copy.jti for copy in live_copies.live_copies_of_person(scope, person)] == [first]
        assert second != first
        revoke_consent(scope, person)
    with pytest.raises(PermitDenied) as denied:
        leave(here, units[2], "p1")
    assert Reason.CONSENT_REVOKED in denied.value.decision.reasons


# what it stands under


def test_a_part_goes_under_our_own_part_alone(here: World) -> None:
    units = thread(here, ("Hello", ()), ("Bye", ()))
    leave(here, units[0])
    foreign = thread(here, ("Other", ()), ("More", ()))
    with pytest.raises(PermitDenied) as denied:
        leave(here, foreign[1], "p0")  # a copy of ours, of something else
    assert denied.value.decision.reasons == (Reason.REMOTE_REFERENCE,)
    with pytest.raises(PermitDenied):
        leave(here, units[1], "p99")
    with pytest.raises(PermitDenied):
        leave(here, replace(units[1], channel_id=uuid7()), "p0")
    leave(here, units[1], "p0")


@pytest.mark.parametrize("how", ["called back", "gone"])
def test_nothing_follows_a_part_that_must_go(here: World, how: str) -> None:
    from foundation.i18n.translation import Message

    units = thread(here, ("Hello", ()), ("Bye", ()), ("Again", ()))
    first = leave(here, units[0])
    leave(here, units[1], "p0")
    with here.scope() as scope:
        if how == "gone":
            live_copies.record_removed(scope, first, "404")
        else:
            live_copies.mark_for_recall(scope, first, Message("recall.blocked"))
    with pytest.raises(PermitDenied) as denied:
        leave(here, units[2], "p1")
    assert Reason.RECALL_IN_PROGRESS in denied.value.decision.reasons


# the whole


def test_no_thread_begins_that_may_not_end(here: World) -> None:
    units = thread(here, ("Hello", ()), (WORD, ()), platform="x", surface="x.post")
    with pytest.raises(PermitDenied) as denied:
        leave(here, units[0], whole=units[-1])
    assert Reason.TEXT_EXPLICIT_NO_FLAG in denied.value.decision.reasons
    with here.scope() as scope:
        assert live_copies.list_consumed_permits(scope, units[0].subject) == []
    fine = thread(here, ("Hello", ()), ("Bye", ()), platform="x", surface="x.post")
    leave(here, fine[0], whole=fine[-1])


def approved(here: World, whole: Unit) -> None:
    """The whole is judged, and rob says yes to it."""
    said(here, whole)
    with here.scope() as scope:
        digest = replace(whole, flags=issuance.required_flags_of_unit(scope, whole)).digest()
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, digest, verdict="approve")


def nude(here: World) -> list[Shown]:
    """Words that a person must look at before they leave, in two parts."""
    return [("Hello", ()), ("NUDITY-MARKER-A", ()), ("Bye", ())]


def test_a_yes_to_the_whole_is_one_to_each_of_its_parts(here: World) -> None:
    units = thread(here, *nude(here))
    assert Reason.REVIEW_MISSING in said(here, units[1]).reasons
    approved(here, units[-1])
    for place, one in enumerate(units):
        leave(here, one, f"p{place - 1}" if place else "")


@pytest.mark.parametrize("change", ["order", "shorter", "longer", "words", "alone"])
def test_a_yes_to_the_whole_is_none_to_another_one(here: World, change: str) -> None:
    units = thread(here, *nude(here))
    approved(here, units[-1])
    shown = nude(here)
    plans: dict[str, list[Shown]] = {
        "order": [shown[1], shown[0], shown[2]],
        "shorter": shown[:2],
        "longer": [*shown, ("More", ())],
        "words": [shown[0], ("NUDITY-MARKER-A now", ()), shown[2]],
        "alone": [shown[1]],
    }
    other = thread(here, *plans[change], subject=units[0].subject)
    changed = said(here, other[-1])
    assert Reason.UNIT_CHANGED in changed.reasons, changed


def test_a_no_to_the_whole_is_one_to_each_of_its_parts(here: World) -> None:
    """A last word against it counts, whoever said yes before."""
    units = thread(here, *nude(here))
    approved(here, units[-1])
    with here.scope() as scope:
        digest = replace(
            units[-1], flags=issuance.required_flags_of_unit(scope, units[-1])
        ).digest()
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, digest, verdict="refuse")
    decision = said(here, units[1])
    assert not decision.is_allowed


# digests


def test_what_stands_alone_has_the_digest_it_had_before_there_were_threads(here: World) -> None:
    one = unit(here, media=[Medium("a" * 64, "image/jpeg", 1)])
    new = {
        "before",
        "parts",
        "reply_to",
        "native_key",
        "seen",
        "references",
        "leads",
        "price",
        "options",
        "sold",
    }
    old = {
        each.name: getattr(one, each.name)
        for each in fields(one)
        if each.compare and each.name not in new
    }
    assert one.digest() == hashlib.sha256(canonical_json(old)).hexdigest()
    assert replace(one, reply_to="p1", native_key="k").digest() == one.digest()


def test_digest_changes_with_every_part_above_and_their_order(here: World) -> None:
    a, b = UnitPart((Text("body", "a"),)), UnitPart((Text("body", "b"),))
    base = unit(here, subject=Subject("delivery", uuid7()))
    wholes = [
        replace(base, before=above, parts=parts)
        for above, parts in (
            ((), 1),
            ((), 2),
            ((), 3),
            ((a,), 3),
            ((b,), 3),
            ((a, b), 3),
            ((b, a), 3),
            ((a, b), 4),
        )
    ]
    assert len({one.digest() for one in wholes}) == len(wholes)
