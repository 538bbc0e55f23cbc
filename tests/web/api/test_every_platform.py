"""Every operation of the API with an account of every platform, under the login of the web process.

An account with an application key could not be scheduled once: the check of its shared quota used a
role that web processes do not have, and no test had such an account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from connectors.registry import loader
from foundation.db.database import Database, OpenScope
from foundation.storage.object_store import FileStore
from tests.channels.every_platform import PlatformAccount, connect_every_platform
from tests.web.api.common.test_authentication import DOCUMENT, OPERATIONS, Operation
from tests.web.api_client import ZONE, create_api_client, instant_after
from tests.web.builders import LETTERBOX, PUBLIC
from tests.web.example_agency import ExampleAgency, create_example_agency, required_ids
from web.api.common.rate_limits import ApiRateLimit, ApiRateLimits
from web.app import create_web_app

PLATFORMS = sorted(loader.load_connectors())
REMOVING = "DELETE"


@dataclass
class EveryPlatform:
    """An agency with one resource of each kind and one account of each surface."""

    agency: ExampleAgency
    accounts: list[PlatformAccount]

    def of(self, platform: str) -> list[PlatformAccount]:
        return [account for account in self.accounts if account.platform == platform]

    def send(self, operation: Operation, ids: dict[str, str]) -> httpx.Response:
        """Send the documented example of an operation about these resources."""
        found = ExampleAgency(self.agency.api, ids)
        path = found.path(operation.path)
        query = {name: ids["channel_id"] for name in channel_parameters(operation)}
        body: Any = found.said(operation.said) if operation.said is not None else None
        address = f"{path}?{urlencode(query)}" if query else path
        api = self.agency.api
        version = 1 if operation.method in {"PUT", "PATCH", REMOVING} else None
        return api.ask(operation.method, address, body, key=api.secrets["owner"], version=version)


@pytest.fixture(scope="module")
def everywhere(
    pages: Database, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EveryPlatform]:
    store = FileStore(tmp_path_factory.mktemp("everywhere"))
    many = ApiRateLimit(1_000_000, timedelta(minutes=1))
    app = create_web_app(
        tenant=pages.scope,
        store=store,
        library=store,
        public_url=PUBLIC,
        limits=ApiRateLimits(many, many),
        letterbox_key=LETTERBOX,
    )
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        api = create_api_client(client, tenant)
        agency = create_example_agency(api)
        accounts = connect_every_platform(tenant, api.tenant_id, api.creators["mia"], zone=ZONE)
        yield EveryPlatform(agency, accounts)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_post_is_written_scheduled_and_checked_for_every_account(
    everywhere: EveryPlatform, platform: str
) -> None:
    api = everywhere.agency.api
    for account in everywhere.of(platform):
        wanted = api.draft(channels=[str(account.channel_id)])
        written = api.ask("POST", "/posts", wanted)
        assert written.status_code < 500, (account, written.text)
        draft = api.ask("POST", "/posts", {**wanted, "at": None, "channels": []})
        assert draft.status_code == 201, draft.text
        scheduled = api.ask(
            "POST",
            f"/posts/{draft.json()['id']}/schedule",
            {"at": instant_after(hours=2), "channels": [str(account.channel_id)]},
            version=1,
        )
        assert scheduled.status_code < 500, (account, scheduled.text)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_operation_fails_with_an_account_of_any_platform(
    everywhere: EveryPlatform, platform: str
) -> None:
    for account in everywhere.of(platform):
        ids = everywhere.agency.ids | {"channel_id": str(account.channel_id)}
        for operation in OPERATIONS:
            if operation.method == REMOVING or not concerns_account(operation):
                continue
            answer = everywhere.send(operation, ids)
            assert answer.status_code < 500, (account, operation, answer.text)


def concerns_account(operation: Operation) -> bool:
    """Return True if the path, a parameter or the example of an operation names an account."""
    ids = required_ids(operation.path, operation.said)
    return "channel_id" in ids or bool(channel_parameters(operation))


def channel_parameters(operation: Operation) -> list[str]:
    """Return the names of the query parameters of an operation that take an account."""
    said = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return [
        parameter["name"]
        for parameter in said.get("parameters", ())
        if parameter["in"] == "query" and "channel" in parameter["name"]
    ]
