"""Every operation for an account of every platform, with the login of web processes: the answer may
be a refusal, but never a server error."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from connectors.registry.loader import load_builtin_connectors
from foundation.db.database import Database, OpenScope, Scope
from foundation.storage.object_store import FileStore
from tests.channels.builders import connect_account_of
from tests.web.api.common.test_authentication import OPERATIONS
from tests.web.api_client import create_api_client, instant_after
from tests.web.builders import LETTERBOX, PUBLIC
from tests.web.example_agency import ExampleAgency, create_example_agency
from web.api.common.rate_limits import ApiRateLimit, ApiRateLimits
from web.app import create_web_app

EACH_COMMIT = frozenset({"reddit", "x"})
"""Platforms that are tried for each commit; the others in rotation."""

PLATFORMS = [
    pytest.param(name, marks=() if name in EACH_COMMIT else pytest.mark.heavy)
    for name in sorted(load_builtin_connectors())
]
LAST = ("DELETE", "remove", "cancel")
"""Operations that end a resource are asked for last."""


@pytest.fixture(scope="module")
def eager(
    pages: Database, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExampleAgency]:
    """Yield an agency with one resource of each kind behind a server with high rate limits."""
    store = FileStore(tmp_path_factory.mktemp("kinds"))
    rate = ApiRateLimit(1_000_000, timedelta(minutes=1))
    app = create_web_app(
        tenant=pages.scope,
        store=store,
        library=store,
        public_url=PUBLIC,
        limits=ApiRateLimits(rate, rate),
        letterbox_key=LETTERBOX,
    )
    with serve_app(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield create_example_agency(create_api_client(client, tenant))


def connect(agency: ExampleAgency, platform: str) -> str:
    """Connect an account of the platform through an application whose limits are in use."""
    with agency.api.scope() as scope:
        return str(connect_account_of(scope, UUID(agency.ids["creator_id"]), platform))


def has_used_units(scope: Scope, channel_id: str) -> bool:
    """Return True if the application of an account has a limit in use."""
    return bool(
        scope.run(
            "SELECT count(*) FROM channels c CROSS JOIN app_quota_standing(c.app_key, house_now())"
            " WHERE c.id = :id",
            id=UUID(channel_id),
        ).scalar()
    )


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_operation_fails_for_an_account_of_the_platform(
    eager: ExampleAgency, platform: str
) -> None:
    api, account = eager.api, connect(eager, platform)
    body = {**api.draft(), "channels": [account]}
    failed = []

    def ask(method: str, path: str, said: Any = None, **more: Any) -> httpx.Response:
        answer = api.ask(method, path, said, key=api.secrets["owner"], **more)
        if answer.status_code >= 500:
            failed.append((method, path, answer.status_code))
        return answer

    written = ask("POST", "/posts", body)
    if not written.is_success:
        written = ask("POST", "/posts", {name: body[name] for name in ("creator_id", "body")})
    if written.is_success:
        post = f"/posts/{written.json()['id']}"
        plan = {"channels": [account], "at": instant_after(hours=2)}
        ask("POST", f"{post}/schedule", plan, if_match=ask("GET", post).headers["etag"])
    post_id = written.json()["id"] if written.is_success else eager.ids["post_id"]
    ids = {**eager.ids, "channel_id": account, "post_id": post_id}
    of_account = ExampleAgency(api, ids)
    for one in sorted(
        OPERATIONS, key=lambda each: any(word in f"{each.method} {each.path}" for word in LAST)
    ):
        if not touches_account(one.path, one.example):
            continue
        path = of_account.path(one.path)
        tag = '"1"'
        if one.method != "GET" and "{" in one.path:
            tag = ask("GET", "/".join(path.split("/")[:3])).headers.get("etag", tag)
        said = of_account.said(one.example) if one.example is not None else one.body
        ask(one.method, path, said, if_match=tag)
    assert failed == []


def touches_account(path: str, example: Any) -> bool:
    """Return True if an operation names an account, a post or a delivery, or lists them."""
    named = path + json.dumps(example)
    return any(
        word in named for word in ("channel", "post", "deliver", "queue", "calendar", "slot")
    )


def test_applications_of_the_platforms_have_limits_in_use(eager: ExampleAgency) -> None:
    accounts = {name: connect(eager, name) for name in ("x", "youtube", "sandbox")}
    with eager.api.scope() as scope:
        in_use = {name: has_used_units(scope, one) for name, one in accounts.items()}
    assert in_use == {"x": True, "youtube": True, "sandbox": True}
