"""One tenant's use of an age check provider: the steps of its pages, chats and workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from channels.age_verification import age_checks, handlers
from channels.age_verification.events import (
    AgeCheckRequested,
    AgeCheckResultDue,
    AgeProviderTestDue,
)
from channels.age_verification.states import AgeCheckState
from connectors.age_verification import providers as contract
from connectors.age_verification.providers import AgeProvider
from foundation.sealed import Sealed
from gate.viewers import age_assurance
from gate.viewers.age_assurance import AgeAssuranceSummary
from tenants.vault import sealed_intake
from tests.channels.builders import World
from tests.fakes import yoti as fake

MASTER = b"m" * 32
PROVIDERS = contract.load_age_providers()
PAGE = "https://pages.example/age/x"


def read_form(tenant_id: UUID, letter: bytes, secret: frozenset[str]) -> Mapping[str, str | Sealed]:
    form = sealed_intake.unseal_form(MASTER, tenant_id, letter)
    return {
        name: Sealed(typed.encode()) if name in secret else typed for name, typed in form.items()
    }


@dataclass
class AgeCheckDesk:
    """One tenant's use of the provider: the steps of its pages, chats and workers."""

    house: World
    running: fake.RunningYoti
    sdk_id: str
    key: str
    providers: Mapping[str, AgeProvider] = field(default_factory=lambda: PROVIDERS)

    def connect(self, **changes: str) -> age_checks.AgeProviderView:
        typed = {"sdk_id": self.sdk_id, "api_key": self.key} | changes
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.house.tenant_id, typed
        )
        with self.house.scope() as scope:
            row = age_checks.connect_provider(scope, "yoti", letter, known=PROVIDERS)
        self.try_out(row)
        return self.provider()

    def try_out(self, provider_id: UUID) -> None:
        handlers.connect_provider_account(
            AgeProviderTestDue(self.house.tenant_id, provider_id),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
            addresses={"yoti": self.running.url},
            read_form=read_form,
        )

    def provider(self) -> age_checks.AgeProviderView:
        with self.house.scope() as scope:
            return age_checks.list_providers(scope)[0]

    def invite(self, user: str = "fan", *, platform: str = "telegram") -> UUID:
        with self.house.scope() as scope:
            token = age_checks.create_check_link(
                scope, platform, user, channel_id=self.house.channel_id, language="en"
            )
        assert token is not None
        found = age_checks.find_check(self.house.database.scope, token)
        assert found is not None
        assert found[0] == self.house.tenant_id
        return found[1]

    def begin(self, check_id: UUID) -> age_checks.AgeCheckView:
        with self.house.scope() as scope:
            age_checks.begin_check(scope, check_id, page=PAGE)
        self.open(check_id)
        return self.check(check_id)

    def open(self, check_id: UUID) -> None:
        handlers.open_provider_session(
            AgeCheckRequested(self.house.tenant_id, check_id, PAGE),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
            call_address=lambda tenant_id, check_id: f"https://hooks.example/hooks/age/{check_id}",
        )

    def look(self, check_id: UUID, *, called: bool = False) -> None:
        handlers.read_result(
            AgeCheckResultDue(self.house.tenant_id, check_id, called=called),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
        )

    def check(self, check_id: UUID) -> age_checks.AgeCheckView:
        with self.house.scope() as scope:
            return age_checks.get_check(scope, check_id)

    def age(self, user: str = "fan", *, platform: str = "telegram") -> AgeAssuranceSummary:
        with self.house.scope() as scope:
            return age_assurance.get_assurance(scope, platform, user)

    def open_one(self, user: str = "fan", *, platform: str = "telegram") -> UUID:
        check_id = self.invite(user, platform=platform)
        assert self.begin(check_id).state is AgeCheckState.OPEN
        return check_id

    def finish(self, check_id: UUID, status: str = "COMPLETE", method: str = "DOC_SCAN") -> None:
        self.running.world.finish(self.running.world.session(str(check_id)), status, method)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        with self.house.scope() as scope:
            return list(scope.run(statement, tenant=self.house.tenant_id, **params))
