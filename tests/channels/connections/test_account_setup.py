"""Account setup from a sealed form: validation, messages, and erasure of what was entered."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import pytest

from channels.accounts import queries
from channels.accounts.states import ChannelState
from channels.connections import account_setup
from channels.connections.account_setup import AccountSetup
from channels.connections.events import AccountSetupRequested, AccountTestRequested
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import SupportsAccountSetup
from connectors.platforms.telegram.publisher import Telegram
from connectors.registry import loader
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from tenants.agencies import agencies
from tenants.vault import sealed_intake
from tests.channels.builders import World
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.state import Bot

MASTER = b"m" * 32
ABLE: Mapping[str, SupportsAccountSetup] = loader.connectable_platforms({"telegram": Telegram()})


@pytest.fixture
def bot(telegram: fake.TelegramServer, lea: World) -> Bot:
    """A bot that may post to its channel."""
    made = telegram.world.bot(f"bot{str(lea.tenant_id)[-8:]}")
    telegram.world.channel("Léa", username=f"{made.username}_channel", post=made)
    return made


def read_form(tenant_id: UUID, letter: bytes, secret: frozenset[str]) -> Mapping[str, str | Sealed]:
    form = sealed_intake.unseal_form(MASTER, tenant_id, letter)
    return {
        name: Sealed(typed.encode()) if name in secret else typed for name, typed in form.items()
    }


def ask(lea: World, token: str, channel: str = "", *, creator: UUID | None = None) -> UUID:
    """Request a setup with a sealed form."""
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(MASTER), lea.tenant_id, {"token": token, "channel": channel}
    )
    with lea.scope() as scope:
        return account_setup.request_setup(
            scope, creator_id=creator or lea.creator_id, platform="telegram", letter=letter
        )


def enrol(lea: World, telegram: fake.TelegramServer, enrolment_id: UUID) -> AccountSetup:
    """Run the setup as the workers do."""
    act = partial(
        account_setup.run_setup,
        tenant=lea.tenant,
        transport=lea.transport(),
        connectables=ABLE,
        addresses={"telegram": telegram.url},
        read_form=read_form,
        may_reach=lambda address: True,
        seal=lambda tenant_id, secret: Sealed(secret.encode()),
        returns_to="https://here.test/auth/account",
    )
    act(AccountSetupRequested(lea.tenant_id, enrolment_id))
    with lea.scope() as scope:
        return account_setup.get_setup(scope, enrolment_id)


def test_valid_token_connects_a_channel(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    done = enrol(lea, telegram, ask(lea, bot.token, f"@{bot.username}_channel"))
    assert (done.state, done.reason) == (AccountSetupState.CONNECTED, None)
    assert done.channel_id is not None
    with lea.scope() as scope:
        channel = queries.get_channel(scope, done.channel_id)
    assert (channel.platform, channel.account, channel.state) == (
        "telegram",
        bot.username,
        ChannelState.ACTIVE,
    )
    assert (channel.surface, channel.chat_surface) == ("telegram.public_channel", "telegram.bot_dm")
    assert channel.destination_id.startswith("-100")
    assert channel.token == Sealed(bot.token.encode())


def test_form_is_erased_with_the_result(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    for token in (bot.token, "7:wrong"):
        asked = ask(lea, token)
        enrol(lea, telegram, asked)
        with lea.scope() as scope:
            left = scope.run("SELECT letter FROM enrolments WHERE id = :id", id=asked).scalar_one()
        assert bytes(left) == b""


def test_refusal_says_what_to_do(lea: World, telegram: fake.TelegramServer, bot: Bot) -> None:
    done = enrol(lea, telegram, ask(lea, "7:wrong"))
    assert done.state is AccountSetupState.REFUSED
    assert done.reason is not None
    assert done.reason.code == "telegram.bad_token"
    silent = telegram.world.channel("No", username=f"{bot.username}_no", silent=bot)
    done = enrol(lea, telegram, ask(lea, bot.token, silent.username))
    assert done.reason is not None
    assert (done.reason.code, done.reason.params["bot"]) == (
        "telegram.cannot_post",
        f"@{bot.username}",
    )


def test_repeated_setup_keeps_one_account_and_adds_its_channel(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    first = enrol(lea, telegram, ask(lea, bot.token))
    second = enrol(lea, telegram, ask(lea, bot.token, f"{bot.username}_channel"))
    assert first.channel_id == second.channel_id is not None
    with lea.scope() as scope:
        assert queries.get_channel(scope, second.channel_id).destination_id != ""


def test_bot_of_another_creator_cannot_be_connected(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    enrol(lea, telegram, ask(lea, bot.token))
    with lea.scope() as scope:
        mia = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="UTC", languages=["en"]
        )
    done = enrol(lea, telegram, ask(lea, bot.token, creator=mia))
    assert done.reason is not None
    assert done.reason.code == "channel.other_creator"


def test_unreachable_platform_is_retried_and_then_refused(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    asked = ask(lea, bot.token)
    telegram.book.schedule_fault("status:503", account=str(bot.id), times=20)
    with pytest.raises(outbox.RetryLater):
        enrol(lea, telegram, asked)
    lea.pass_time(16 * 60)
    done = enrol(lea, telegram, asked)
    telegram.book.clear_faults()
    assert done.state is AccountSetupState.REFUSED


def test_account_test_records_success_or_requires_a_new_token(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    done = enrol(lea, telegram, ask(lea, bot.token))
    assert done.channel_id is not None

    def tried() -> queries.Channel:
        assert done.channel_id is not None
        with lea.scope() as scope:
            account_setup.request_test(scope, done.channel_id)
        event = AccountTestRequested(lea.tenant_id, done.channel_id)
        account_setup.verify_account(
            event,
            tenant=lea.tenant,
            transport=lea.transport(),
            connectors={"telegram": Telegram()},
        )
        with lea.scope() as scope:
            return queries.get_channel(scope, done.channel_id)

    assert tried().last_ok_at is not None
    bot.alive = False
    assert tried().state is ChannelState.REAUTHORIZE


def test_unknown_setup_is_not_found(lea: World) -> None:
    with lea.scope() as scope, pytest.raises(NotFound):
        account_setup.get_setup(scope, uuid7())


def test_setup_result_is_shown_however_late(
    lea: World, telegram: fake.TelegramServer, bot: Bot
) -> None:
    asked = ask(lea, bot.token)
    lea.pass_time(20 * 60)
    with lea.scope() as scope:
        assert account_setup.latest_setup(scope, [lea.creator_id]) is None
    enrol(lea, telegram, asked)
    with lea.scope() as scope:
        told = account_setup.latest_setup(scope, [lea.creator_id])
    assert told is not None
    assert told.id == asked
