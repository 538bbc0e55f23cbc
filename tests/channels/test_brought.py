"""An account on a platform that a package brings: connected from a sealed form, and still shown once it is removed."""

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest

from channels import enrolling, reads
from channels.events import ChannelEnrol, ChannelTest
from channels.states import EnrolmentState
from connectors import registry
from connectors.suite.serving import served
from foundation.sealed import Sealed
from foundation.words import say
from tenants import letterbox
from tests.channels.builders import World
from tests.fakes.installed import EXAMPLE, install_example, look_again

MASTER = b"m" * 32


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example is installed; its fake, by path."""
    install_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    look_again()
    spec = importlib.util.spec_from_file_location("acme_fake", EXAMPLE / "tests/acme_fake.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    look_again()


def read_form(tenant_id: UUID, letter: bytes, secret: frozenset[str]) -> Mapping[str, str | Sealed]:
    form = letterbox.read(MASTER, tenant_id, letter)
    return {name: Sealed(typed.encode()) if name in secret else typed for name, typed in form.items()}


def connected(lea: World, url: str, token: str) -> enrolling.Enrolment:
    letter = letterbox.seal(letterbox.public_key(MASTER), lea.tenant_id, {"token": token})
    with lea.scope() as scope:
        asked = enrolling.ask(scope, creator_id=lea.creator_id, platform="acme", letter=letter)
    enrolling.enrol(
        ChannelEnrol(lea.tenant_id, asked),
        tenant=lea.tenant,
        transport=lea.transport(),
        connectables=registry.connectables(registry.load()),
        addresses=registry.addresses(registry.load(), {"acme": url}),
        read_form=read_form,
        may_reach=lambda address: True,
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        returns_to="https://here.test/auth/account",
    )
    with lea.scope() as scope:
        return enrolling.enrolment(scope, asked)


def test_a_token_becomes_an_account_that_answers(lea: World, fake: ModuleType) -> None:
    acme = fake.FakeAcme()
    with served(acme.app()) as url, closing(acme.book):
        done = connected(lea, url, fake.TOKEN)
        assert (done.state, done.reason) == (EnrolmentState.CONNECTED, None)
        assert done.channel_id is not None
        with lea.scope() as scope:
            channel = reads.channel(scope, done.channel_id)
        assert (channel.platform, channel.surface, channel.account) == ("acme", "acme.post", "mia")
        assert (channel.base_url, channel.token, channel.last_ok_at) == (url, Sealed(fake.TOKEN.encode()), None)
        enrolling.test(
            ChannelTest(lea.tenant_id, channel.id),
            tenant=lea.tenant,
            transport=lea.transport(),
            connectables=registry.connectables(registry.load()),
        )
    with lea.scope() as scope:
        assert reads.channel(scope, channel.id).last_ok_at is not None


def test_a_refusal_is_said_in_its_own_words(lea: World, fake: ModuleType) -> None:
    acme = fake.FakeAcme()
    with served(acme.app()) as url, closing(acme.book):
        done = connected(lea, url, "wrong")
    assert done.state is EnrolmentState.REFUSED
    assert done.reason is not None
    assert say(done.reason, "fr") == "Acme ne connaît pas ce jeton. Recopiez-le en entier."
