"""An account on the platform of a plugin: connected from a sealed form, and still shown after the
plugin is removed."""

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest

from channels.accounts import queries
from channels.connections import account_setup
from channels.connections.events import AccountSetupRequested, AccountTestRequested
from channels.connections.states import AccountSetupState
from connectors.conformance.fake_servers import serve_app
from connectors.registry import loader
from foundation.i18n.translation import render_message
from foundation.sealed import Sealed
from tenants.vault import sealed_intake
from tests.channels.builders import World
from tests.fakes.installed_packages import EXAMPLE, clear_plugin_caches, install_example

MASTER = b"m" * 32


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The installed example; its fake, loaded by path."""
    install_example(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    clear_plugin_caches()
    spec = importlib.util.spec_from_file_location("acme_fake", EXAMPLE / "tests/acme_fake.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    clear_plugin_caches()


def read_form(tenant_id: UUID, letter: bytes, secret: frozenset[str]) -> Mapping[str, str | Sealed]:
    form = sealed_intake.unseal_form(MASTER, tenant_id, letter)
    return {
        name: Sealed(typed.encode()) if name in secret else typed for name, typed in form.items()
    }


def connected(lea: World, url: str, token: str) -> account_setup.AccountSetup:
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(MASTER), lea.tenant_id, {"token": token}
    )
    with lea.scope() as scope:
        asked = account_setup.request_setup(
            scope, creator_id=lea.creator_id, platform="acme", letter=letter
        )
    account_setup.run_setup(
        AccountSetupRequested(lea.tenant_id, asked),
        tenant=lea.tenant,
        transport=lea.transport(),
        connectables=loader.connectable_platforms(loader.load_connectors()),
        addresses=loader.base_addresses(loader.load_connectors(), {"acme": url}),
        read_form=read_form,
        may_reach=lambda address: True,
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        returns_to="https://here.test/auth/account",
    )
    with lea.scope() as scope:
        return account_setup.get_setup(scope, asked)


def test_plugin_account_connects_and_verifies(lea: World, fake: ModuleType) -> None:
    acme = fake.FakeAcme()
    with serve_app(acme.app()) as url, closing(acme.book):
        done = connected(lea, url, fake.TOKEN)
        assert (done.state, done.reason) == (AccountSetupState.CONNECTED, None)
        assert done.channel_id is not None
        with lea.scope() as scope:
            channel = queries.get_channel(scope, done.channel_id)
        assert (channel.platform, channel.surface, channel.account) == ("acme", "acme.post", "mia")
        assert (channel.base_url, channel.token, channel.last_ok_at) == (
            url,
            Sealed(fake.TOKEN.encode()),
            None,
        )
        account_setup.verify_account(
            AccountTestRequested(lea.tenant_id, channel.id),
            tenant=lea.tenant,
            transport=lea.transport(),
            connectors=loader.load_connectors(),
        )
    with lea.scope() as scope:
        assert queries.get_channel(scope, channel.id).last_ok_at is not None


def test_plugin_refusal_uses_its_translation(lea: World, fake: ModuleType) -> None:
    acme = fake.FakeAcme()
    with serve_app(acme.app()) as url, closing(acme.book):
        done = connected(lea, url, "wrong")
    assert done.state is AccountSetupState.REFUSED
    assert done.reason is not None
    assert (
        render_message(done.reason, "fr") == "Acme ne connaît pas ce jeton. Recopiez-le en entier."
    )
