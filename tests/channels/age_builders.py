"""One tenant's side of a provider of age checks: what its pages, its chats and its workers do, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from channels import ages, proving
from channels.events import AgeBegin, AgeLook, AgeProviderTry
from channels.states import CheckState
from connectors import ages as contract
from connectors.ages import AgeProvider
from foundation.sealed import Sealed
from gate import viewers
from gate.viewers import Assurance
from tenants import letterbox
from tests.channels.builders import World
from tests.fakes import yoti as fake

MASTER = b"m" * 32
PROVIDERS = contract.load()
PAGE = "https://pages.example/age/x"


def read_form(tenant_id: UUID, letter: bytes, secret: frozenset[str]) -> Mapping[str, str | Sealed]:
    form = letterbox.read(MASTER, tenant_id, letter)
    return {name: Sealed(typed.encode()) if name in secret else typed for name, typed in form.items()}


@dataclass
class Desk:
    """One tenant's side of the provider: what its pages, its chats and its workers do."""

    house: World
    running: fake.Running
    sdk_id: str
    key: str
    providers: Mapping[str, AgeProvider] = field(default_factory=lambda: PROVIDERS)

    def connect(self, **changes: str) -> ages.Provider:
        typed = {"sdk_id": self.sdk_id, "api_key": self.key} | changes
        letter = letterbox.seal(letterbox.public_key(MASTER), self.house.tenant_id, typed)
        with self.house.scope() as scope:
            row = ages.connect(scope, "yoti", letter, known=PROVIDERS)
        self.try_out(row)
        return self.provider()

    def try_out(self, provider_id: UUID) -> None:
        proving.connect(
            AgeProviderTry(self.house.tenant_id, provider_id),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
            addresses={"yoti": self.running.url},
            read_form=read_form,
        )

    def provider(self) -> ages.Provider:
        with self.house.scope() as scope:
            return ages.providers(scope)[0]

    def invite(self, user: str = "fan", *, platform: str = "telegram") -> UUID:
        with self.house.scope() as scope:
            token = ages.invite(scope, platform, user, channel_id=self.house.channel_id, language="en")
        assert token is not None
        found = ages.find(self.house.database.scope, token)
        assert found is not None
        assert found[0] == self.house.tenant_id
        return found[1]

    def begin(self, check_id: UUID) -> ages.Check:
        with self.house.scope() as scope:
            ages.begin(scope, check_id, page=PAGE)
        self.open(check_id)
        return self.check(check_id)

    def open(self, check_id: UUID) -> None:
        proving.begin(
            AgeBegin(self.house.tenant_id, check_id, PAGE),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
            call_address=lambda tenant_id, check_id: f"https://hooks.example/hooks/age/{check_id}",
        )

    def look(self, check_id: UUID, *, called: bool = False) -> None:
        proving.look(
            AgeLook(self.house.tenant_id, check_id, called=called),
            tenant=self.house.tenant,
            transport=self.house.transport(),
            providers=self.providers,
        )

    def check(self, check_id: UUID) -> ages.Check:
        with self.house.scope() as scope:
            return ages.check(scope, check_id)

    def age(self, user: str = "fan", *, platform: str = "telegram") -> Assurance:
        with self.house.scope() as scope:
            return viewers.level(scope, platform, user)

    def open_one(self, user: str = "fan", *, platform: str = "telegram") -> UUID:
        check_id = self.invite(user, platform=platform)
        assert self.begin(check_id).state is CheckState.OPEN
        return check_id

    def finish(self, check_id: UUID, status: str = "COMPLETE", method: str = "DOC_SCAN") -> None:
        self.running.world.finish(self.running.world.session(str(check_id)), status, method)

    def rows(self, statement: str, **params: Any) -> list[Any]:
        with self.house.scope() as scope:
            return list(scope.run(statement, tenant=self.house.tenant_id, **params))
