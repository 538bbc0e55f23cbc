"""Tests of every age verification provider, sent through the transport to its fake: results and
requests."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.age_verification import providers
from connectors.age_verification.providers import (
    AgeCheckRequest,
    AgeCheckResult,
    AgeCheckSession,
    AgeProvider,
)
from connectors.contract.connector import Response, Send, StepAnswerLost, StepKind, StepResult
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.transport.transport import AccountTarget, EgressForbidden, Transport
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.contract.permit import ControlOrder
from tests.fakes import yoti as fake

HTTP = HttpClient()
KEY = Ed25519PrivateKey.generate()


@dataclass
class Talk:
    """One customer of the provider, with its transport."""

    provider: AgeProvider
    running: fake.RunningYoti
    account: str
    key: str
    order: UUID = field(default_factory=uuid7)
    answers: list[StepResult] = field(default_factory=list)

    def send(self, turn: Send) -> StepResult:
        where = AccountTarget(
            self.order, self.order, self.account, self.running.url, Sealed(self.key.encode())
        )
        transport = Transport(
            http=HTTP,
            reveal=lambda tenant_id, sealed: sealed.box.decode(),
            seal=lambda tenant_id, secret: Sealed(secret.encode()),
            read_object=lambda tenant_id, sha256: b"",
            verify_key=KEY.public_key(),
        )
        answer = transport.send(
            turn.step, ControlOrder(self.order, self.order, turn.step.action), account=where
        )
        self.answers.append(answer)
        return answer

    def begin(self, reference: str = "check-1", *, lives: int = 900) -> AgeCheckSession | Outcome:
        asked = AgeCheckRequest(
            reference, "https://pages.example/age/x", "", timedelta(seconds=lives)
        )
        answers: tuple[StepResult, ...] = ()
        while isinstance(
            turn := self.provider.open_check(asked, self.account, self.running.url, answers), Send
        ):
            answers = (*answers, self.send(turn))
        return turn

    def read(self, native_id: str, reference: str = "check-1") -> AgeCheckResult | Outcome:
        answers: tuple[StepResult, ...] = ()
        while isinstance(
            turn := self.provider.read_result(native_id, reference, self.account, answers), Send
        ):
            answers = (*answers, self.send(turn))
        return turn

    def check(self) -> Outcome | None:
        answers: tuple[StepResult, ...] = ()
        while isinstance(turn := self.provider.verify_credential(self.account, answers), Send):
            answers = (*answers, self.send(turn))
        return turn


@pytest.fixture(scope="module")
def running() -> Iterator[fake.RunningYoti]:
    with fake.provider() as found:
        yield found


@pytest.fixture(params=sorted(providers.load_age_providers()))
def talk(running: fake.RunningYoti, request: pytest.FixtureRequest) -> Iterator[Talk]:
    account, key = running.world.customer()
    yield Talk(providers.load_age_providers()[request.param], running, account, key)
    running.clear()


def begun(talk: Talk, reference: str = "check-1", **more: int) -> AgeCheckSession:
    found = talk.begin(reference, **more)
    assert isinstance(found, AgeCheckSession)
    return found


def test_passed_check_reports_state_level_and_method(talk: Talk) -> None:
    check = begun(talk)
    assert check.native_id in check.address
    assert talk.read(check.native_id) == AgeCheckResult("pending")
    talk.running.world.finish(talk.running.world.session("check-1"))
    found = talk.read(check.native_id)
    assert isinstance(found, AgeCheckResult)
    assert (found.state, found.level) == ("passed", "L4")
    assert found.method


@pytest.mark.parametrize(
    ("status", "method", "state", "level"),
    [
        ("FAIL", "", "failed", "L0"),
        ("EXPIRED", "", "expired", "L0"),
        ("CANCELLED", "", "expired", "L0"),
        ("ERROR", "", "expired", "L0"),
        ("A_WORD_OF_NEXT_YEAR", "", "pending", "L0"),
        ("COMPLETE", "AGE_ESTIMATION", "passed", "L3"),
        ("COMPLETE", "A_METHOD_OF_NEXT_YEAR", "passed", "L0"),
    ],
)
def test_provider_status_maps_to_state_and_level(
    talk: Talk, status: str, method: str, state: str, level: str
) -> None:
    check = begun(talk)
    talk.running.world.finish(talk.running.world.session("check-1"), status, method)
    found = talk.read(check.native_id)
    assert isinstance(found, AgeCheckResult)
    assert (found.state, found.level) == (state, level)


def test_check_expires_after_its_lifetime(talk: Talk) -> None:
    check = begun(talk, lives=60)
    talk.running.world.clock.advance(61)
    assert talk.read(check.native_id) == AgeCheckResult("expired")


def test_no_personal_data_enters_results_or_logs(
    talk: Talk, caplog: pytest.LogCaptureFixture
) -> None:
    """The fake includes a birth date, a name, a document and a face in every response."""
    with caplog.at_level(logging.DEBUG):
        check = begun(talk)
        talk.running.world.finish(talk.running.world.session("check-1"))
        found = talk.read(check.native_id)
    told = "\n".join([repr(talk.answers), repr(found), repr(check), caplog.text])
    assert all(isinstance(answer, Response) for answer in talk.answers)
    assert not [leak for leak in fake.LEAKS if leak in told]
    assert not [
        answer
        for answer in talk.answers
        if isinstance(answer, Response) and "age" in (answer.body or {})
    ]


def test_session_request_carries_no_viewer_data(talk: Talk) -> None:
    begun(talk, "reference-of-ours")
    session = talk.running.world.session("reference-of-ours")
    assert session.asked["reference_id"] == "reference-of-ours"
    assert {name for name, value in session.asked.items() if isinstance(value, str)} == {
        "type",
        "reference_id",
        "cancel_url",
    }


def test_result_of_another_check_is_rejected(talk: Talk) -> None:
    check = begun(talk)
    talk.running.world.finish(talk.running.world.session("check-1"))
    assert isinstance(talk.read(check.native_id, "check-2"), Rejected)


def test_session_of_another_customer_reads_as_expired(talk: Talk) -> None:
    check = begun(talk)
    account, key = talk.running.world.customer(key="another")
    other = replace(talk, account=account, key=key, answers=[])
    assert other.read(check.native_id) == AgeCheckResult("expired")


def test_wrong_key_reauthorizes_and_outage_retries(talk: Talk) -> None:
    assert talk.check() is None
    for broken in (replace(talk, key="wrong"), replace(talk, account=str(uuid7()))):
        assert isinstance(broken.check(), Reauthorize)
        assert isinstance(broken.begin(), Reauthorize)
    talk.running.world.broken = 3
    for act in (talk.check, talk.begin, lambda: talk.read(str(uuid7()))):
        assert isinstance(act(), Retry)


def test_lost_or_missing_response_is_retried(talk: Talk) -> None:
    talk.running.world.lost = 1
    assert isinstance(talk.begin(), Retry)
    check = begun(talk)
    talk.running.world.hangs = 1
    turn = talk.provider.read_result(check.native_id, "check-1", talk.account, ())
    assert isinstance(turn, Send)
    answer = talk.send(Send(replace(turn.step, deadline=0.5)))
    assert isinstance(answer, StepAnswerLost)
    assert isinstance(
        talk.provider.read_result(check.native_id, "check-1", talk.account, (answer,)), Retry
    )


def test_steps_are_control_and_content_is_refused(talk: Talk) -> None:
    begun(talk)
    turn = talk.provider.open_check(
        AgeCheckRequest("r", "https://p.example/a b", "", timedelta(minutes=15)),
        talk.account,
        "",
        (),
    )
    assert isinstance(turn, Send)
    assert turn.step.kind is StepKind.CONTROL
    with pytest.raises(EgressForbidden):  # the space turns the URL into text
        talk.send(turn)


def test_setup_form_is_validated(talk: Talk) -> None:
    secret = Sealed(b"k")
    assert (
        talk.provider.read_form({"sdk_id": f" {talk.account.upper()} ", "api_key": secret})
        is not None
    )
    for form in (
        {"sdk_id": talk.account},
        {"sdk_id": "../x", "api_key": secret},
        {"api_key": secret},
    ):
        assert talk.provider.read_form(form) is None
