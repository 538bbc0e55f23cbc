"""Pictures of a creator at hosted engines: none is sent without a grant, and none twice, with any
fault."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.money import Money, Price
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating
from gate.people import persons
from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    Progress,
    PurchaseRecord,
    ignore_progress,
)
from generators.engines.images.replicate import Replicate, ReplicateService
from generators.engines.images.stability import Stability
from generators.retouch.masks import MaskRegion
from studio.library import assets as library
from studio.recipes import export_grants, specs, style_references
from studio.recipes.input_pictures import InitPicture
from studio.runs import runner
from tests.channels.builders import Killed
from tests.fakes.generators import replicate, stability
from tests.fakes.generators.replicate import EDITS, LOOKS, FakeReplicate, Fault
from tests.fakes.generators.stability import FakeStability
from tests.gate.answers import rate_and_answer
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, build_spec, create_studio
from tests.studio.person_builders import add_consenting_creator, add_creator_person, name_people
from workers.wiring import Services

PRICE = Price(Decimal("0.3"), "USD")
SOLD = {
    "core": PRICE,
    "sd3": PRICE,
    "inpaint": Price(Decimal(5), "USD"),
    "style": Price(Decimal(4), "USD"),
}
WORDS = "What leaves the house: copies of pictures."


@pytest.fixture
def there() -> Iterator[FakeReplicate]:
    with replicate.serving() as state:
        state.looks = 1
        yield state


@pytest.fixture
def stable() -> Iterator[FakeStability]:
    with stability.serving() as state:
        yield state


class Dying(Replicate):
    """Crashes at a step of an order: `mark_requested`, `mark_ordered` or `bought`."""

    at = ""

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        if self.at in ("mark_requested", "mark_ordered"):
            step = getattr(slip, self.at)

            def killed(*told: Any) -> None:
                step(*told)
                raise Killed

            setattr(slip, self.at, killed)
        picture = super().buy(job, slip, progress)
        if self.at == "bought":
            raise Killed
        return picture


def replicate_of(there: FakeReplicate, model: str = LOOKS, *, at: str = "") -> Dying:
    service = ReplicateService(there.url, SecretStr(replicate.TOKEN), there.files_url)
    engine = Dying(service, model, {model: PRICE}, deadline=1.0, listed_after=0.3, look=0.02)
    engine.at = at
    return engine


def stability_of(stable: FakeStability) -> Stability:
    return Stability(stable.url, SecretStr(stability.TOKEN), "core", SOLD, deadline=2.0)


def of_mine(nova: CreatorStudio, *seeds: int, rating: Rating | None = Rating.G) -> list[UUID]:
    """Add pictures that name the creator, who consented to generated likenesses."""
    person = add_consenting_creator(nova)
    found = [
        name_people(nova, nova.upload(encoded(a_picture(640, 480, seed=seed))), person)
        for seed in seeds
    ]
    if rating is not None:
        rate(nova, found, rating)
    return found


def rate(nova: CreatorStudio, assets: list[UUID], rating: Rating) -> None:
    with nova.scope() as scope:
        for asset in assets:
            rate_and_answer(
                scope, library.get_asset(scope, asset).sha256, rating, source="member:a"
            )


def yes(nova: CreatorStudio, engine: str = "replicate") -> None:
    with nova.scope("member:owner") as scope:
        export_grants.grant_export(scope, nova.creator_id, engine, words=WORDS)


def no_more(nova: CreatorStudio, engine: str = "replicate") -> None:
    with nova.scope("member:manager") as scope:
        export_grants.revoke_export(scope, nova.creator_id, engine)


def start(
    nova: CreatorStudio,
    *,
    key: str = "run",
    count: int = 1,
    look: int = 0,
    begin: InitPicture | None = None,
) -> UUID:
    with nova.scope() as scope:
        recipe = specs.save_recipe(
            scope, nova.creator_id, build_spec(width=512, height=384, look=look)
        )
        return runner.start_run(
            scope,
            creator_id=nova.creator_id,
            recipe_id=recipe,
            seed=7,
            key=key,
            count=count,
            begin=begin,
        )


def with_look(nova: CreatorStudio, *assets: UUID, count: int = 1, key: str = "run") -> UUID:
    with nova.scope() as scope:
        for asset in assets:
            style_references.add_style_reference(scope, nova.creator_id, asset)
    return start(nova, look=60, count=count, key=key)


def why(nova: CreatorStudio, job: UUID) -> Message | None:
    with nova.scope() as scope:
        return runner.failure_reason(scope, job)


def code(nova: CreatorStudio, job: UUID) -> str:
    found = why(nova, job)
    return found.code if found is not None else ""


def refusal(nova: CreatorStudio, engine: str = "replicate") -> str:
    with pytest.raises(GreenroomError) as found:
        yes(nova, engine)
    return found.value.message.code


def test_grant_is_for_one_engine_and_records_author_time_and_text(
    nova: CreatorStudio, services: Services
) -> None:
    assert refusal(nova) == "outgoing.nobody"
    living = add_creator_person(nova)
    assert refusal(nova) == "look.not_allowed", (
        "a real person first consents to generated likenesses"
    )
    add_consenting_creator(nova)
    assert refusal(nova, "diffusion") == "outgoing.engine"
    for _ in range(2):
        yes(nova)
    no_more(nova)
    yes(nova, "stability")
    with nova.scope() as scope:
        told = [
            (one.engine, one.by, one.words, one.revoked_by)
            for one in export_grants.list_export_grants(scope, nova.creator_id)
        ]
        noted = scope.run(
            "SELECT act, actor, details ->> 'engine' AS engine FROM audit_entries WHERE tenant_id "
            "= :t"
            " AND act LIKE 'outgoing.%' ORDER BY created_at",
            t=nova.tenant_id,
        ).all()
        assert list(export_grants.active_export_grants(scope, nova.creator_id)) == ["stability"]
        with pytest.raises(BadInput):
            export_grants.grant_export(scope, nova.creator_id, "replicate", words=" ")
    assert told == [
        ("stability", "member:owner", WORDS, ""),
        ("replicate", "member:owner", WORDS, "member:manager"),
    ]
    assert [tuple(row) for row in noted] == [
        ("outgoing.allowed", "member:owner", "replicate"),
        ("outgoing.withdrawn", "member:manager", "replicate"),
        ("outgoing.allowed", "member:owner", "stability"),
    ]
    other = create_studio(services)
    with other.scope() as scope, pytest.raises(NotFound):
        export_grants.revoke_export(scope, nova.creator_id, "stability")
    with other.scope() as scope, pytest.raises(Refused):
        export_grants.check_export_granted(scope, other.creator_id, "stability")
    assert living


def test_synthetic_person_needs_a_declaration(nova: CreatorStudio) -> None:
    invented = add_creator_person(nova, kind="synthetic")
    assert refusal(nova) == "look.undeclared"
    with nova.scope() as scope:
        persons.record_declaration(
            scope,
            invented,
            source_digest="d" * 64,
            adult_licence=False,
            declared_by=nova.creator_id,
        )
    yes(nova)


def test_no_picture_is_sent_without_a_grant_and_text_needs_none(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job = with_look(nova, *of_mine(nova, 1))
    nova.work(job, lambda: replicate_of(there))
    assert why(nova, job) == Message("outgoing.no_yes", {"engine": "Replicate", "name": "Nova"})
    yes(nova, "stability")
    other = start(nova, key="other", look=60)
    nova.work(other, lambda: replicate_of(there))
    assert (code(nova, other), there.asked) == ("outgoing.no_yes", []), (
        "a grant for one engine is none for another"
    )
    words = start(nova, key="words")
    nova.work(words, lambda: replicate_of(there))
    assert nova.progress(words)[0] == "done"


def test_granted_reference_is_sent_and_each_picture_bought_once(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    assets = of_mine(nova, 1, 2)
    yes(nova)
    job = with_look(nova, *assets, count=2)
    nova.work(job, lambda: replicate_of(there))
    nova.work(job, lambda: replicate_of(there))
    assert (nova.progress(job), len(there.billed), len(there.asked)) == (("done", 2, 2), 2, 2)
    assert [len(one["reference_images"]) for one in there.asked] == [2, 2]
    with nova.scope() as scope:
        parts = scope.run(
            "SELECT DISTINCT part_id FROM asset_parts WHERE tenant_id = :t", t=nova.tenant_id
        ).scalars()
        assert set(parts) == set(assets)


def test_grant_revoked_during_a_run_stops_the_next_picture(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    yes_for = of_mine(nova, 1)
    yes(nova)
    job, look = with_look(nova, *yes_for, count=3), there.look

    def looked(order: str) -> dict[str, Any]:
        with nova.scope() as scope:
            stands = bool(export_grants.active_export_grants(scope, nova.creator_id))
        if stands:
            no_more(nova)
        return look(order)

    # # a person acts during the first picture
    there.look = looked  # type: ignore[method-assign]  # see above
    nova.work(job, lambda: replicate_of(there))
    assert (code(nova, job), nova.progress(job)[:2]) == ("outgoing.no_yes", ("failed", 1))
    assert (len(there.asked), len(there.billed)) == (1, 1)


@pytest.mark.parametrize("at", ["mark_requested", "mark_ordered", "bought"])
def test_crash_with_a_picture_in_progress_causes_one_charge(
    nova: CreatorStudio, there: FakeReplicate, at: str
) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova)
    job = with_look(nova, asset)
    with pytest.raises(Killed):
        nova.work(job, lambda: replicate_of(there, at=at))
    nova.work(job, lambda: replicate_of(there))
    assert (nova.progress(job), len(there.asked), len(there.billed)) == (("done", 1, 1), 1, 1)


def test_picture_is_not_sent_when_the_grant_is_revoked_after_a_crash(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova)
    job = with_look(nova, asset)
    with pytest.raises(Killed):
        nova.work(job, lambda: replicate_of(there, at="mark_requested"))
    no_more(nova)
    nova.work(job, lambda: replicate_of(there))
    assert (code(nova, job), there.asked) == ("outgoing.no_yes", [])
    with nova.scope() as scope:
        assert (
            scope.run(
                "SELECT state FROM engine_orders WHERE tenant_id = :t", t=nova.tenant_id
            ).scalar()
            == "released"
        )


@pytest.mark.parametrize("fault", [Fault(reset_after=True), Fault(status=500)], ids=repr)
def test_lost_response_sends_no_picture_again(
    nova: CreatorStudio, there: FakeReplicate, fault: Fault
) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova)
    job = start(nova, begin=InitPicture(asset, 40))
    there.fail(f"/v1/models/{EDITS}/predictions", fault)
    nova.work(job, lambda: replicate_of(there, EDITS), caps={"USD": Money(1, "USD")})
    assert (nova.progress(job), len(there.asked), len(there.billed)) == (("done", 1, 1), 1, 1)
    assert there.asked[0]["prompt_strength"] == 0.4


@pytest.mark.parametrize("rating", [None, Rating.N, Rating.E])
def test_adult_and_unrated_pictures_are_not_sent(
    nova: CreatorStudio, there: FakeReplicate, rating: Rating | None
) -> None:
    (asset,) = of_mine(nova, 1, rating=rating)
    yes(nova)
    job = start(nova, begin=InitPicture(asset, 40))
    nova.work(job, lambda: replicate_of(there, EDITS))
    assert (code(nova, job), there.asked) == ("outgoing.rating", [])


def test_picture_without_the_creator_or_with_another_is_not_sent(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    add_consenting_creator(nova)
    yes(nova)
    nobody = nova.upload(encoded(a_picture(640, 480, seed=3)))
    other = name_people(
        nova,
        nova.upload(encoded(a_picture(640, 480, seed=4))),
        add_creator_person(nova, creator=False),
    )
    rate(nova, [nobody, other], Rating.G)
    for key, asset, expected in (("a", nobody, "look.nobody"), ("b", other, "look.other")):
        job = start(nova, key=key, begin=InitPicture(asset, 40))
        nova.work(job, lambda: replicate_of(there, EDITS))
        assert (code(nova, job), there.asked) == (expected, [])


def test_revoked_likeness_consent_prevents_sending_despite_a_grant(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova)
    job = start(nova, begin=InitPicture(asset, 40))
    with nova.scope() as scope:
        (person,) = scope.run(
            "SELECT id FROM persons WHERE tenant_id = :t", t=nova.tenant_id
        ).scalars()
        revoke_consent(scope, person, what="ai_likeness")
    nova.work(job, lambda: replicate_of(there, EDITS))
    assert (code(nova, job), there.asked) == ("look.not_allowed", [])


def test_only_the_masked_region_is_sent(nova: CreatorStudio, stable: FakeStability) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova, "stability")
    job = start(nova, begin=InitPicture(asset, 95, MaskRegion(10, 10, 30, 30)))
    nova.work(job, lambda: stability_of(stable), caps={"USD": Money(5, "USD")})
    assert (nova.progress(job), stable.services) == (("done", 1, 1), ["edit/inpaint"])
    whole, sent = 640 / 480, stable.shown[0]["image"]
    assert sent.width / sent.height != pytest.approx(whole, abs=0.05)
    with nova.scope() as scope:
        row = scope.run(
            "SELECT model, minor, state FROM engine_orders WHERE tenant_id = :t", t=nova.tenant_id
        ).one()
    assert tuple(row) == ("inpaint", Decimal(5), "paid")
    again = start(nova, key="again", begin=InitPicture(asset, 50))
    nova.work(again, lambda: stability_of(stable), caps={"USD": Money(5, "USD")})
    assert (code(nova, again), len(stable.shown)) == ("spending.cap_reached", 1), (
        "the cap includes these purchases"
    )


def test_lost_response_of_a_seller_without_retrieval_is_paid_and_not_resent(
    nova: CreatorStudio, stable: FakeStability
) -> None:
    (asset,) = of_mine(nova, 1)
    yes(nova, "stability")
    job = with_look(nova, asset)
    stable.faults.append(Fault(reset_after=True))
    nova.work(job, lambda: stability_of(stable))
    nova.work(job, lambda: stability_of(stable))
    assert (code(nova, job), len(stable.shown), stable.billed) == ("engine.order_lost", 1, 1)
