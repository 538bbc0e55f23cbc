"""Every attack on the gate fails as the corpus states, and its benign twin passes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from foundation.db.database import Database, OpenScope
from tests.attacks import (
    adapters,
    evidence,
    model_texts,
    outside_evidence,
    pictures,
    process,
    references,
    resemblances,
    restores,
    reviewers,
    rules,
    texts,
    thread_parts,
    time,
    videos,
)
from tests.attacks.conversations import TALKED
from tests.attacks.harness import Result, Stage
from tests.attacks.places import PLACED
from tests.attacks.references import POINTED
from tests.attacks.surfaces import SHOWN
from tests.channels.builders import world
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.gate.policy_releases import past_the_gate, trusting
from tests.journeys.connected_creator import FakePlatforms, create_connected_creator
from tests.start_hour import AT_THE_HOUR
from tests.subscribers.builders import create_nova
from tests.web.builders import WebServer

HERE = Path(__file__).parent
CORPUS: list[dict[str, Any]] = yaml.safe_load((HERE / "gate-attacks.yaml").read_text("utf-8"))[
    "attacks"
]
RANK = "AFHB"
MODULES = (
    texts,
    model_texts,
    evidence,
    outside_evidence,
    process,
    time,
    reviewers,
    restores,
    rules,
    resemblances,
    thread_parts,
)
TRIED = {name: scenario for module in MODULES for name, scenario in module.SCENARIOS.items()}
WIRED = {**pictures.WIRED, **videos.WIRED, **adapters.WIRED, **references.WIRED}


@pytest.fixture(autouse=True)
def _signers(cluster: Cluster) -> Iterator[None]:
    """Trust the test's policy signers, and revoke the trust afterwards."""
    with trusting(cluster):
        yield
    with past_the_gate(cluster) as connection:  # some attacks wait for months
        connection.execute(text(AT_THE_HOUR))


@pytest.mark.parametrize("solo", [False, True], ids=["team", "alone"])
@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in TRIED], ids=lambda entry: entry["id"]
)
def test_attack_fails_and_its_twin_passes(
    entry: dict[str, Any], solo: bool, tenant: OpenScope
) -> None:
    """Run in an agency of two members and in an agency of one with a guest reviewer, which permits
    no more.

    Attacks on the transport involve no members and run once.
    """
    scenario = TRIED[entry["id"]]
    twin = Stage.build(tenant, harm=False, solo=solo)
    passed = scenario(twin)
    assert passed.verdict in "AF", f"the harmless twin is refused: {passed}"
    assert passed.sent == 1
    stage = Stage.build(tenant, harm=True, solo=solo)
    got = scenario(stage)
    refused(entry, got, stage.tokens.names)
    assert twin.verifies()
    assert stage.verifies()


def refused(entry: dict[str, Any], got: Result, about: object) -> None:
    """Check that the attack failed as the corpus states."""
    wanted = entry["reason"] if isinstance(entry["reason"], list) else [entry["reason"]]
    assert RANK.index(got.verdict) >= RANK.index(entry["verdict"]), (got, about)
    assert got.reasons & set(wanted), (got, wanted, about)
    assert got.sent == 0


@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in WIRED], ids=lambda entry: entry["id"]
)
def test_transport_attack_fails_and_its_twin_arrives(
    entry: dict[str, Any], database: Database, sandbox: RunningSandbox
) -> None:
    scenario = WIRED[entry["id"]]
    passed = scenario(world(database, sandbox, "twin"), False)
    assert (passed.verdict, passed.sent) == ("A", 1), f"the harmless twin is refused: {passed}"
    refused(entry, scenario(world(database, sandbox, "harm"), True), entry["title"])


@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in PLACED], ids=lambda entry: entry["id"]
)
def test_destination_attack_fails_and_its_twin_arrives(
    entry: dict[str, Any], networks: FakePlatforms
) -> None:
    scenario = PLACED[entry["id"]]
    passed = scenario(create_connected_creator(networks), False)
    assert (passed.verdict, passed.sent) == ("F", 1), f"the harmless twin is refused: {passed}"
    refused(entry, scenario(create_connected_creator(networks), True), entry["title"])


@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in POINTED], ids=lambda entry: entry["id"]
)
def test_reference_attack_fails_and_its_twin_arrives(
    entry: dict[str, Any], networks: FakePlatforms
) -> None:
    scenario = POINTED[entry["id"]]
    passed = scenario(create_connected_creator(networks), False)
    assert passed.verdict in "AF", f"the harmless twin is refused: {passed}"
    assert passed.sent == 1
    refused(entry, scenario(create_connected_creator(networks), True), entry["title"])


@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in TALKED], ids=lambda entry: entry["id"]
)
def test_chat_attack_fails_and_its_twin_arrives(
    entry: dict[str, Any], database: Database, sandbox: RunningSandbox
) -> None:
    scenario = TALKED[entry["id"]]
    passed = scenario(create_nova(database, sandbox), False)
    assert (passed.verdict, passed.sent) == ("A", 1), f"the harmless twin is refused: {passed}"
    got = scenario(create_nova(database, sandbox), True)
    if entry["verdict"] == "A":  # the required reply and no other
        assert got == Result("A", frozenset({entry["reason"]}), 1)
    else:
        refused(entry, got, entry["title"])


@pytest.mark.parametrize(
    "entry", [entry for entry in CORPUS if entry["id"] in SHOWN], ids=lambda entry: entry["id"]
)
def test_attack_on_a_page_fails_and_its_twin_is_shown(
    entry: dict[str, Any], room: WebServer
) -> None:
    scenario = SHOWN[entry["id"]]
    passed = scenario(room, False)
    assert (passed.verdict, passed.sent) == ("A", 1), f"the harmless twin is refused: {passed}"
    refused(entry, scenario(room, True), entry["title"])


def test_every_attack_of_the_corpus_is_tried() -> None:
    corpus = {entry["id"] for entry in CORPUS}
    assert len(corpus) == len(CORPUS)
    tried = set(TRIED) | set(WIRED) | set(PLACED) | set(TALKED) | set(POINTED) | set(SHOWN)
    assert tried == corpus
