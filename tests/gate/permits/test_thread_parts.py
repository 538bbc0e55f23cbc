"""Thread parts are judged together with all previous parts and published only below our own copies."""

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
    """Return the units of a thread, each with the parts above it."""
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
    """Return the decision on a part with its required flags."""
    with here.scope() as scope:
        whole = replace(one, flags=issuance.required_flags_of_unit(scope, one))
        return issuance.judge_unit(scope, whole, author=f"member:{here.ann}", **more)


def leave(here: World, one: Unit, under: str = "", *, whole: Unit | None = None) -> UUID:
    """Publish a part, record its copy and return the permit ID. Raises `PermitDenied`."""
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


# Text.


@pytest.mark.parametrize("cut", [4, 9, 12])
def test_term_split_over_parts_counts_in_completing_part(here: World, cut: int) -> None:
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
    "order", ["picture above", "picture below", "same part", "text in two pictures"]
)
def test_term_split_over_picture_and_text_counts(here: World, order: str) -> None:
    """The other half is in another part, or in a picture of the same part."""

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
            "text in two pictures": [("", (reads(first),)), ("", (reads(second),))],
        }
        return plans[order]

    place = {"platform": "instagram", "surface": "instagram.post"}
    harm = thread(here, *shown(WORD[:9], WORD[9:]), **place)
    assert Reason.RATING_EXCEEDS_SURFACE in said(here, harm[-1]).reasons
    assert said(here, harm[0]).is_allowed
    twin = thread(here, *shown("GOOD-EVEN", "ING-ALL"), **place)
    assert all(said(here, one).is_allowed for one in twin)


def test_prohibited_combination_over_parts_is_found(here: World) -> None:
    units = thread(here, ("SUGGESTIVE-MARKER-A", ()), ("MINOR-C-A", ()))
    assert said(here, units[0]).is_allowed
    assert Reason.PROHIBITED_MINOR in said(here, units[1]).reasons
    assert said(here, thread(here, ("Hello", ()), ("MINOR-C-A", ()))[1]).is_allowed


def test_link_in_previous_part_must_remain_valid(here: World) -> None:
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


# Pictures and people.


def explicit(here: World) -> Medium:
    """Record an explicit picture of a synthetic person, reviewed by Rob."""

    def build(scope: Scope) -> Medium:
        medium = picture(scope, here, Rating.E, person=synthetic_person(scope, here))
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
        return medium

    with here.scope(f"member:{here.rob}") as scope:
        return build(scope)


def test_thread_rating_is_highest_so_far_with_its_flags(here: World) -> None:
    medium = explicit(here)
    units = thread(here, ("Hello", ()), ("Look", (medium,)), ("Bye", ()), surface="sandbox.as_x")
    decisions = [said(here, one) for one in units]
    assert [one.rating for one in decisions] == [Rating.G, Rating.E, Rating.E]
    assert not decisions[0].flags
    assert decisions[1].flags == decisions[2].flags != ()
    assert all(one.is_allowed for one in decisions), decisions


def test_change_to_previous_picture_stops_later_parts(here: World) -> None:
    for act, reason in (
        (lambda s, m: ratings.freeze_bytes(s, m.sha256), Reason.COMPLAINT_FREEZE),
        (lambda s, m: recall.block_bytes(s, m.sha256, category="shown"), Reason.BLOCKLIST_EXACT),
    ):
        medium = made(here, lambda scope: picture(scope, here))
        units = thread(here, ("Hello", (medium,)), ("Bye", ()))
        assert said(here, units[1]).is_allowed
        made(here, lambda scope, act=act, medium=medium: act(scope, medium))
        assert reason in said(here, units[1]).reasons


def test_unrecorded_bytes_in_previous_part_stop_later_parts(here: World) -> None:
    strange = Medium("f" * 64, "image/jpeg", 1000)
    assert (
        Reason.RENDITION_NOT_CANONICAL
        in said(here, thread(here, ("a", (strange,)), ("b", ()))[1]).reasons
    )


def test_consent_for_previous_part_is_required_for_later_parts(
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


# Parent copies.


def test_part_is_published_only_below_own_previous_part(here: World) -> None:
    units = thread(here, ("Hello", ()), ("Bye", ()))
    leave(here, units[0])
    foreign = thread(here, ("Other", ()), ("More", ()))
    with pytest.raises(PermitDenied) as denied:
        leave(here, foreign[1], "p0")  # our own copy of another thread
    assert denied.value.decision.reasons == (Reason.REMOTE_REFERENCE,)
    with pytest.raises(PermitDenied):
        leave(here, units[1], "p99")
    with pytest.raises(PermitDenied):
        leave(here, replace(units[1], channel_id=uuid7()), "p0")
    leave(here, units[1], "p0")


@pytest.mark.parametrize("how", ["recalled", "removed"])
def test_removed_or_recalled_part_stops_later_parts(here: World, how: str) -> None:
    from foundation.i18n.translation import Message

    units = thread(here, ("Hello", ()), ("Bye", ()), ("Again", ()))
    first = leave(here, units[0])
    leave(here, units[1], "p0")
    with here.scope() as scope:
        if how == "removed":
            live_copies.record_removed(scope, first, "404")
        else:
            live_copies.mark_for_recall(scope, first, Message("recall.blocked"))
    with pytest.raises(PermitDenied) as denied:
        leave(here, units[2], "p1")
    assert Reason.RECALL_IN_PROGRESS in denied.value.decision.reasons


# The whole thread.


def test_thread_with_denied_part_is_not_started(here: World) -> None:
    units = thread(here, ("Hello", ()), (WORD, ()), platform="x", surface="x.post")
    with pytest.raises(PermitDenied) as denied:
        leave(here, units[0], whole=units[-1])
    assert Reason.TEXT_EXPLICIT_NO_FLAG in denied.value.decision.reasons
    with here.scope() as scope:
        assert live_copies.list_consumed_permits(scope, units[0].subject) == []
    fine = thread(here, ("Hello", ()), ("Bye", ()), platform="x", surface="x.post")
    leave(here, fine[0], whole=fine[-1])


def approved(here: World, whole: Unit) -> None:
    """Judge the whole thread and approve it as Rob."""
    said(here, whole)
    with here.scope() as scope:
        digest = replace(whole, flags=issuance.required_flags_of_unit(scope, whole)).digest()
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, digest, verdict="approve")


def nude(here: World) -> list[Shown]:
    """Return three parts of which one needs a review."""
    return [("Hello", ()), ("NUDITY-MARKER-A", ()), ("Bye", ())]


def test_approval_of_thread_covers_all_parts(here: World) -> None:
    units = thread(here, *nude(here))
    assert Reason.REVIEW_MISSING in said(here, units[1]).reasons
    approved(here, units[-1])
    for place, one in enumerate(units):
        leave(here, one, f"p{place - 1}" if place else "")


@pytest.mark.parametrize("change", ["order", "shorter", "longer", "words", "alone"])
def test_approval_of_thread_does_not_cover_changed_thread(here: World, change: str) -> None:
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


def test_refusal_of_thread_covers_all_parts(here: World) -> None:
    """The last review counts, regardless of earlier approvals."""
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


# Digests.


def test_digest_of_single_post_is_unchanged_by_thread_fields(here: World) -> None:
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


def test_digest_changes_with_previous_parts_and_order(here: World) -> None:
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
