"""Subject history: a thousand stored decisions replay identically; permits and read-backs are
listed."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating, Subject, Unit, Verdict
from gate.copies import live_copies
from gate.log import subject_history
from gate.log.subject_history import PermitRecord, ReadBackRecord, ReplayOutcome
from gate.permits import issuance
from gate.policy import bundle
from gate.reviews import content_reviews
from tests.gate.builders import (
    KEY,
    Step,
    World,
    message,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)

COUNT, BATCH = 1000, 100
TEXTS = (
    "Good morning",
    "EXPLICIT-MARKER-A",
    "see https://elsewhere.example/x",
    "size S, just turned 27",
    "e\u200bx\u200bp",
    "",
)


def test_thousand_stored_decisions_replay_identically(tenant: OpenScope, tenant_id: UUID) -> None:
    here, dice, subjects = world(tenant, tenant_id, ceiling="N"), random.Random(20261120), []
    rules = bundle.shipped_bundle()
    for _ in range(COUNT // BATCH):
        with here.scope(f"member:{here.rob}") as scope:
            gone = real_person(scope)
            cast = [
                None,
                real_person(scope),
                real_person(scope, max_rating=Rating.S),
                synthetic_person(scope, here),
                gone,
            ]
            revoke_consent(scope, gone)
            media = [
                picture(
                    scope,
                    here,
                    rating,
                    person=dice.choice(cast),
                    ai=dice.choice(("none", "generated")),
                )
                for rating in (*Rating, None)
            ]
            for each in media:
                content_reviews.review_bytes(
                    scope, each.sha256, verdict=dice.choice(("approve", "refuse"))
                )
            good = picture(scope, here, Rating.N, person=real_person(scope))
            content_reviews.review_bytes(scope, good.sha256, verdict="approve")
            for _ in range(BATCH):
                text, shown = dice.choice(TEXTS), dice.sample(media, dice.randint(0, 2))
                one = (
                    unit(here, text=text, media=shown)
                    if dice.random() < 0.9
                    else unit(here, media=[good])
                )
                if dice.random() < 0.3:
                    one = message(here, "fan", text=text, media=shown)
                elif dice.random() < 0.3:
                    one = unit(here, text=text, media=shown, platform="x", surface="x.post")
                one = replace(one, flags=issuance.required_flags_of_unit(scope, one))
                issuance.judge_unit(scope, one, author=f"member:{here.ann}")
                subjects.append(one.subject)
    with here.scope() as scope:
        found = [
            one
            for each in subjects
            for one in subject_history.list_decisions(scope, each, bundles={rules.name: rules})
        ]
    assert Counter(one.replay for one in found) == {ReplayOutcome.SAME: COUNT}
    assert {one.decision.verdict for one in found} == set(Verdict)
    assert len({reason for one in found for reason in one.decision.reasons}) > 8


def sent(here: World, whole: Unit, step: Step = Step()) -> UUID:  # noqa: B008  a frozen value
    with here.scope() as scope:
        issuance.lock_unit(scope, whole)
        return issuance.mint_permit(scope, whole, step, key=KEY, author=f"member:{here.ann}").jti


def test_permits_are_listed_completely_oldest_first(tenant: OpenScope, tenant_id: UUID) -> None:
    here = world(tenant, tenant_id)
    whole = unit(here)
    upload, post = sent(here, whole, Step("upload")), sent(here, whole, Step("publish", "the post"))
    sent(here, unit(here))
    with here.scope() as scope:
        live_copies.void_permit(scope, upload, "not_sent")
        live_copies.record_copy(scope, post, "n1", scope.now - timedelta(hours=1))
        live_copies.record_copy(scope, post, "n2", scope.now)
        live_copies.record_read_back(scope, post, missing=["label", "ad"], there=True)
        assert live_copies.mark_for_recall(
            scope, post, Message("recall.complaint", {"receipt": "1234"})
        )
        live_copies.record_removed(scope, post, "404")
        at = scope.now
        first, second = subject_history.list_permits(scope, whole.subject)
        decided = {row.jti: row.decision_id for row in (first, second)}
        logged = [one.id for one in subject_history.list_decisions(scope, whole.subject)]
        assert subject_history.list_permits(scope, Subject("draft", whole.subject.id)) == []
        assert subject_history.list_permits(scope, Subject("delivery", uuid7())) == []
    assert first == PermitRecord(
        jti=upload, decision_id=decided[upload], step="upload", minted_at=first.minted_at, void=True, native_ids=(),
        visible_at=None, recalled_at=None, recalled_for=None, gone_at=first.gone_at, replaced_at=None, read_back=None,
    )  # fmt: skip
    assert second == PermitRecord(
        jti=post, decision_id=decided[post], step="publish", minted_at=second.minted_at, void=False,
        native_ids=("n1", "n2"), visible_at=at - timedelta(hours=1), recalled_at=second.recalled_at,
        recalled_for=Message("recall.complaint", {"receipt": "1234"}), gone_at=second.gone_at, replaced_at=None,
        read_back=ReadBackRecord(at, there=True, missing=("ad", "label")),
    )  # fmt: skip
    assert [decided[upload], decided[post]] == logged
    assert first.minted_at < second.minted_at
    assert None not in (first.gone_at, second.recalled_at, second.gone_at)


def test_missing_copy_is_recorded_at_read_back(tenant: OpenScope, tenant_id: UUID) -> None:
    here = world(tenant, tenant_id)
    whole = unit(here)
    jti = sent(here, whole)
    with here.scope() as scope:
        (before,) = subject_history.list_permits(scope, whole.subject)
        assert (before.void, before.native_ids, before.visible_at, before.gone_at) == (
            False,
            (),
            None,
            None,
        )
        live_copies.record_read_back(scope, jti, missing=(), there=False)
        (one,) = subject_history.list_permits(scope, whole.subject)
        assert one.read_back == ReadBackRecord(scope.now, there=False, missing=())


def test_subjects_are_found_by_id_range_and_people_by_id(
    tenant: OpenScope, tenant_id: UUID
) -> None:
    here = world(tenant, tenant_id)
    posts = [unit(here) for _ in range(4)]
    with here.scope() as scope:
        for one in reversed(posts):
            issuance.judge_unit(scope, one, author="")
            issuance.judge_unit(scope, one, author="")
    with here.scope() as scope:
        low, high = posts[1].subject.id, posts[2].subject.id
        assert subject_history.find_subjects(scope, low, high) == [
            posts[1].subject,
            posts[2].subject,
        ]
        ida, tom = real_person(scope, display_ref="Ida"), real_person(scope, display_ref="Tom")
        real_person(scope, display_ref="Zoe")
        assert subject_history.person_names(scope, [ida, tom, uuid7()]) == {ida: "Ida", tom: "Tom"}
        assert subject_history.person_names(scope, []) == {}
