"""Age verification from the fan's /age command to the confirmation: bot, page, provider and real
processes."""

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from channels.age_verification import age_checks
from channels.age_verification.states import AgeProviderState
from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database
from foundation.i18n.translation import Message, render_message
from gate.contract.states import AssuranceState
from gate.viewers import age_assurance
from tenants.vault import envelope, sealed_intake
from tests.conftest import Cluster, wait_until
from tests.fakes import yoti
from tests.fakes.sandbox import RunningSandbox, network
from tests.fakes.telegram import server as fake
from tests.journeys.telegram_creator import TelegramCreator, create_telegram_creator
from tests.schedules.builders import wired
from tests.workers.relay_worker import house
from web.app import create_web_app
from workers.event_routes import registry
from workers.wiring import Services


@pytest.fixture(scope="module")
def services(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with wired(cluster, tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def provider() -> Iterator[yoti.RunningYoti]:
    with yoti.provider() as running:
        yield running


@pytest.fixture
def lea(
    services: Services,
    provider: yoti.RunningYoti,
    tmp_path_factory: pytest.TempPathFactory,
    database: Database,
    redis_url: str,
) -> Iterator[TelegramCreator]:
    """Provide Léa's bot with a listener, in an installation with a fake age provider."""
    sandbox: RunningSandbox
    with (
        network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as sandbox,
        fake.network() as telegram,
    ):
        made = create_telegram_creator(services, sandbox, telegram)
        settings = made.services.settings
        own = settings.connectors.model_copy(update={"yoti_url": provider.url})
        made.desk.services = replace(
            made.services, settings=settings.model_copy(update={"connectors": own})
        )
        with house(database, redis_url, registry.build_routes(made.services)):
            made.listen()
            yield made
            made.deaf()


@pytest.fixture
def visitor(lea: TelegramCreator, pages: Database) -> Iterator[httpx.Client]:
    app = create_web_app(
        tenant=pages.scope,
        store=lea.services.store,
        public_url=lea.services.settings.web.public_url,
    )
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


def connect(lea: TelegramCreator, provider: yoti.RunningYoti) -> None:
    """Submit the provider's form and wait for the workers to connect it."""
    sdk_id, key = provider.world.customer()
    master = envelope.parse_master_key(lea.services.settings.tenants.master_key.get_secret_value())
    typed = {"sdk_id": sdk_id, "api_key": key}
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(master), lea.desk.tenant_id, typed
    )
    with lea.desk.scope(f"member:{lea.desk.manager}") as scope:
        age_checks.connect_provider(scope, "yoti", letter, known=lea.services.age_providers)

    def stands() -> bool:
        with lea.desk.scope() as scope:
            return age_checks.list_providers(scope)[0].state is AgeProviderState.CONNECTED

    wait_until(stands)


def link(lea: TelegramCreator, person: str) -> str:
    """Return the path of the last age page that the bot sent."""
    found = [re.search(r"/age/[A-Za-z0-9_-]{32}", text) for text in lea.texts(person)]
    return [match[0] for match in found if match][-1]


def prove(
    lea: TelegramCreator,
    provider: yoti.RunningYoti,
    visitor: httpx.Client,
    person: str,
    status: str,
) -> None:
    """Request a check as the fan, open its page and complete it at the provider."""
    known = len(lea.texts(person))
    lea.world.say(lea.bot, person, "/age")
    wait_until(lambda: any("/age/" in text for text in lea.texts(person)[known:]))
    path = link(lea, person)
    assert visitor.post(path).status_code == 303
    wait_until(lambda: provider.url in visitor.get(path).text)
    [row] = lea.rows("SELECT id FROM age_checks WHERE tenant_id = :tenant AND state = 'open'")
    provider.world.finish(provider.world.session(str(row.id)), status)


def age(lea: TelegramCreator, person: str) -> AssuranceState:
    mine = age_checks.token_digest(link(lea, person).removeprefix(age_checks.AGE_PATH))
    checks = lea.rows("SELECT user_id, digest FROM age_checks WHERE tenant_id = :tenant")
    [user] = [str(row.user_id) for row in checks if row.digest == mine]
    with lea.desk.scope() as scope:
        return age_assurance.get_assurance(scope, "telegram", user).state


@pytest.mark.heavy
def test_passed_check_assures_a_fan_and_failed_check_blocks(
    lea: TelegramCreator, provider: yoti.RunningYoti, visitor: httpx.Client
) -> None:
    lea.connected()
    lea.world.say(lea.bot, "leo", "/age")
    none_here = render_message(Message("service.age.none_here"), "fr")
    wait_until(lambda: none_here in lea.texts("leo"))
    connect(lea, provider)
    prove(lea, provider, visitor, "leo", "COMPLETE")
    wait_until(lambda: lea.texts("leo")[-1] == render_message(Message("service.age.thanks"), "fr"))
    assert age(lea, "leo") is AssuranceState.ASSURED
    assert render_message(Message("age.stands.passed"), "fr") in visitor.get(link(lea, "leo")).text
    prove(lea, provider, visitor, "ben", "FAIL")
    wait_until(
        lambda: lea.texts("ben")[-1] == render_message(Message("service.safety.minor"), "fr")
    )
    assert age(lea, "ben") is AssuranceState.BLOCKED
    assert age(lea, "leo") is AssuranceState.ASSURED
