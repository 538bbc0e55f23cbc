"""Decision explanations: the history of a post in both languages, without the matched term, and
honest replays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import LANGUAGES, Message, load_catalogue, render_message
from foundation.ids import uuid7
from gate.contract import replacement_picture
from gate.contract.states import AssuranceState
from gate.contract.units import Rating, Subject, Verdict
from gate.copies import live_copies
from gate.log import subject_history
from gate.log.subject_history import ReplayOutcome
from gate.permits import issuance
from gate.policy import bundle
from gate.reviews import content_reviews
from gate.text import lexicon
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox, network
from tests.gate.builders import KEY, Step, World, asset_of, picture, real_person, unit, world
from tests.schedules.builders import SandboxAgency, wired
from tests.schedules.builders import create_sandbox_agency as desk_of
from workers.cli.gate import decision_explanation
from workers.wiring import Services


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> Iterator[SandboxAgency]:
    yield desk_of(services, sandbox)
    sandbox.clear()


@pytest.fixture
def here(services: Services) -> World:
    return world(services.tenant, uuid7())


def told(services: Services, what: object, language: str = "en") -> str:
    return decision_explanation.render_decision(services, str(what), language)


def test_explanation_covers_a_post_from_draft_to_removal(
    services: Services, lea: SandboxAgency
) -> None:
    photo = lea.photo(1)
    delivery = lea.delivery("hello", media=(photo,), after=1200)
    lea.live(minutes=22)
    with lea.scope() as scope:
        post = scope.run("SELECT post_id FROM deliveries WHERE id = :id", id=delivery).scalar_one()
    english, french = told(services, post), told(services, post, "fr")
    assert told(services, delivery).splitlines()[1:] == english.splitlines()[1:], (
        "a post with one delivery has the same explanation"
    )
    assert "Agence" in english
    assert "Europe/Paris" in english
    assert "Checked at the time of sending. Author: Anne" in english
    assert "Images or files: 1. " in english
    assert "created no content by itself" in english, "the upload"
    assert "Rating: General" in english
    assert "visible since" in english
    assert "identical, byte for byte" in english
    assert "Classement : Tout public" in french
    assert "identique, octet pour octet" in french
    with lea.scope() as scope:
        (copy,) = live_copies.list_copies(scope, Subject("delivery", delivery))
        live_copies.record_removed(scope, copy.jti, "404")
    assert "sent; removed on" in told(services, post)


def test_id_prefix_is_accepted_unless_ambiguous(services: Services, lea: SandboxAgency) -> None:
    first, second = lea.delivery("one", after=60), lea.delivery("two", after=120)
    lea.live(minutes=3)
    assert str(first) in told(services, str(first).replace("-", "")[:26].upper())
    with pytest.raises(BadInput) as raised:
        told(services, str(first)[:6])
    assert raised.value.message.code == "cli.story.several"
    assert str(second) in told(services, second)
    for nothing in ("ffffffffffff", str(uuid7())):
        with pytest.raises(NotFound):
            told(services, nothing)
    for no_id in ("", "hello there", "12", "g" * 12, "1" * 33):
        with pytest.raises(BadInput):
            told(services, no_id)
    with pytest.raises(BadInput):
        decision_explanation.resolve_language("de")


def test_post_without_a_decision_says_so(services: Services, lea: SandboxAgency) -> None:
    post = lea.write("later")
    delivery = lea.wish(post, after=86_400)
    assert "No decision yet." in told(services, delivery)


def test_explanation_names_people_but_not_the_matched_term(services: Services, here: World) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        person = real_person(scope, display_ref="Petra")
        medium = picture(scope, here, Rating.N, person=person)
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")
    with here.scope() as scope:
        whole = unit(here, text="EXPLICIT-MARKER-A tonight", media=[medium])
        issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
    assert "Checked ahead of time. Author: ann" in told(services, whole.subject.id)
    english, french = told(services, whole.subject.id), told(services, whole.subject.id, "fr")
    for said in (english, french):
        assert "MARKER" not in said
        assert "Petra" in said
        assert "rob" in said
        assert "ann" in said
    assert "Depicted: Petra (real person)" in english
    assert "Consent to publication, up to Explicit" in english
    assert "Proof of age, valid from" in english
    assert "Approved by rob on" in english
    assert "Rating: Explicit" in english
    assert "Characters of text: 25" in english


def test_insufficient_consent_is_named(services: Services, here: World) -> None:
    with here.scope() as scope:
        person = real_person(scope, max_rating=Rating.S)
        medium = picture(scope, here, Rating.N, person=person)
        assert asset_of(scope, medium)
        whole = unit(here, media=[medium])
        issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
    assert "No recorded consent covers" in told(services, whole.subject.id)
    assert ": blocked" in told(services, whole.subject.id)


def test_replacement_of_a_copy_is_mentioned(services: Services, here: World) -> None:
    code, post = "service.safety.removed.message", unit(here)
    with here.scope() as scope:
        permit = issuance.mint_permit(scope, post, Step(), key=KEY, author=f"member:{here.ann}")
    with here.scope() as scope:
        live_copies.record_copy(scope, permit.jti, "7", scope.now)
        instead = Subject(replacement_picture.REPLACEMENT_STEP, permit.jti)
        told_there = unit(
            here, text=render_message(Message(code), "en"), service=code, subject=instead
        )
        issuance.mint_permit(
            scope, told_there, Step(body="instead"), key=KEY, author="system:channels"
        )
    assert "was replaced" not in told(services, post.subject.id)
    with here.scope() as scope:
        live_copies.record_replaced(scope, permit.jti)
    for language, sentence in (
        ("en", "its content was replaced"),
        ("fr", "son contenu a été remplacé"),
    ):
        assert sentence in told(services, post.subject.id, language)
    assert "Replacement of removed content" in told(services, permit.jti)


def replayed(
    here: World, subject: Subject, rules: bundle.Bundle | None = None
) -> list[ReplayOutcome]:
    known = bundle.shipped_bundle() if rules is None else rules
    with here.scope() as scope:
        return [
            each.replay
            for each in subject_history.list_decisions(scope, subject, bundles={known.name: known})
        ]


def alter(cluster: Cluster, here: World, statement: str) -> None:
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        assert connection.execute(text(statement), {"t": here.tenant_id}).rowcount
    engine.dispose()


def test_replay_gives_the_same_decision_or_the_difference(
    services: Services, here: World, cluster: Cluster, tmp_path: Path
) -> None:
    with here.scope() as scope:
        whole = unit(here, media=[picture(scope, here)])
        issuance.judge_unit(scope, whole, author=f"member:{here.ann}")
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    assert replayed(here, whole.subject) == [ReplayOutcome.SAME, ReplayOutcome.SAME]
    changed = tmp_path / "matrix.yaml"
    changed.write_text(
        bundle.SHIPPED_MATRIX_PATH.read_text("utf-8").replace(
            bundle.shipped_bundle().version, "2026.12.31-1", 1
        ),
        "utf-8",
    )
    other = bundle.load_bundle(changed, lexicon.shipped_lexicon())
    assert replayed(here, whole.subject, other) == [ReplayOutcome.OTHER_RULES] * 2
    assert (
        replayed(here, whole.subject, replace(other, version="x"))
        == [ReplayOutcome.OTHER_RULES] * 2
    )
    alter(cluster, here, "UPDATE decisions SET verdict = 'H' WHERE tenant_id = :t AND seq = 1")
    assert replayed(here, whole.subject) == [ReplayOutcome.DIFFERENT, ReplayOutcome.SAME]
    assert "NOT identical" in told(services, whole.subject.id)
    alter(
        cluster,
        here,
        "UPDATE decision_inputs SET unit = replace(unit, 'Good morning', 'Good night') WHERE "
        "tenant_id = :t",
    )
    assert replayed(here, whole.subject) == [ReplayOutcome.INPUTS_CHANGED] * 2
    alter(cluster, here, "UPDATE decision_inputs SET snapshot = '{' WHERE tenant_id = :t")
    assert replayed(here, whole.subject) == [ReplayOutcome.INPUTS_CHANGED] * 2
    alter(cluster, here, "DELETE FROM decision_inputs WHERE tenant_id = :t")
    assert replayed(here, whole.subject) == [ReplayOutcome.NO_INPUTS] * 2
    assert "the inputs were deleted" in told(services, whole.subject.id)
    assert "Images or files" not in told(services, whole.subject.id)


def test_unsent_copy_is_not_called_visible(services: Services, here: World) -> None:
    with here.scope() as scope:
        whole = unit(here)
        first = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")
    assert "content may be live" in told(services, whole.subject.id)
    with here.scope() as scope:
        live_copies.void_permit(scope, first.jti, "not_sent")
    assert "not sent (confirmed)" in told(services, whole.subject.id)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_log_value_has_a_translation(language: str) -> None:
    known = load_catalogue(language)
    parts = {
        "verdict": list(Verdict),
        "replay": list(ReplayOutcome),
        "viewer": list(AssuranceState),
        "stage": ["judge", "mint"],
        "person": ["real", "synthetic", "digital_twin"],
        "grant": ["depict", "publish", "download_sell", "ai_likeness"],
        "subject": ["delivery", "draft", "fulfilment", "export"],
    }
    missing = [f"cli.story.{part}.{each}" for part, all_of in parts.items() for each in all_of]
    missing += [f"rating.{each}" for each in Rating]
    assert not [code for code in missing if code not in known]
