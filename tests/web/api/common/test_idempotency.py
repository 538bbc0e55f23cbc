"""Idempotency and rate limits: a repeated request runs once, concurrent writers produce one
version, and fast clients wait."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.storage.object_store import FileStore
from schedules.calendar import versioned_actions
from schedules.drafts.drafts import Draft
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import failed_attempts
from tests.web.api_client import ApiClient, create_api_client, error_code, instant_after
from tests.web.builders import PUBLIC
from web.api.app import create_api
from web.api.common.authentication import AdmittedRequest
from web.api.common.calls import ApiCall, Caller, ChangeResult
from web.api.common.errors import FieldError
from web.api.common.rate_limits import ApiRateLimit, ApiRateLimits
from web.app import create_web_app


def test_repeated_request_runs_once_and_returns_the_same_response(api: ApiClient) -> None:
    body, name = api.draft(), "monday"
    first = api.ask("POST", "/posts", body, idempotency_key=name)
    second = api.ask("POST", "/posts", body, idempotency_key=name)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert [second.headers[name] for name in ("etag", "location")] == [
        first.headers[name] for name in ("etag", "location")
    ]
    assert second.headers["idempotent-replayed"] == "true"
    assert len(api.get("/posts")["items"]) == 1
    other = api.ask("POST", "/posts", api.draft("other"), idempotency_key=name)
    assert (other.status_code, error_code(other)) == (422, "api.name_taken")
    elsewhere = api.ask("POST", "/posts", body, idempotency_key=name, key=api.secrets["owner"])
    assert elsewhere.json()["id"] != first.json()["id"], "idempotency keys belong to one API key"


def test_simultaneous_identical_requests_run_once(api: ApiClient) -> None:
    body, name = api.draft(), "at once"
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: api.ask("POST", "/posts", body, idempotency_key=name), range(8))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(api.get("/posts")["items"]) == 1


def test_repeated_move_runs_once(api: ApiClient) -> None:
    post = api.approved()
    (place,) = post["deliveries"]
    path, body = f"/deliveries/{place['id']}/move", {"at": instant_after(hours=4)}
    answers = [
        api.ask("POST", path, body, version=place["version"], idempotency_key="move")
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert (
        api.ask("POST", path, body, version=place["version"], idempotency_key="twice").status_code
        == 412
    )


def test_refused_request_may_be_retried_with_the_same_key(api: ApiClient) -> None:
    late = api.draft(at={"wall_time": "2020-01-01T10:00", "zone": "UTC"})
    assert api.ask("POST", "/posts", late, idempotency_key="k").status_code == 422
    assert api.ask("POST", "/posts", api.draft(), idempotency_key="k").status_code == 201


def test_idempotency_key_expires_after_one_day(api: ApiClient) -> None:
    first = api.ask(
        "POST", "/posts", api.draft(at=instant_after(days=9)), idempotency_key="daily"
    ).json()
    with api.scope() as scope:
        scope.run(
            "UPDATE api_answers SET created_at = created_at - interval '24 hours' WHERE tenant_id "
            "= :t",
            t=api.tenant_id,
        )
    body = api.draft("next day", at=instant_after(days=9))
    second = api.ask("POST", "/posts", body, idempotency_key="daily")
    assert second.status_code == 201
    assert second.json()["id"] != first["id"]
    assert api.ask("POST", "/posts", body, idempotency_key="daily").json() == second.json()


def test_concurrent_writers_produce_one_version(api: ApiClient) -> None:
    post = api.write()
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda n: api.ask("PATCH", f"/posts/{post['id']}", {"body": f"by {n}"}, version=1),
                range(4),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert api.get(f"/posts/{post['id']}")["body"] == won["body"]


@pytest.fixture(scope="module")
def slow(pages: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Yield a client of a server with low rate limits."""
    store = FileStore(tmp_path_factory.mktemp("slow"))
    limits = ApiRateLimits(
        ApiRateLimit(5, timedelta(minutes=10)), ApiRateLimit(8, timedelta(minutes=10))
    )
    with (
        serve_app(
            create_web_app(tenant=pages.scope, store=store, public_url=PUBLIC, limits=limits)
        ) as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client


def test_fast_client_gets_retry_after(slow: httpx.Client, tenant: OpenScope) -> None:
    api = create_api_client(slow, tenant)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.ask("GET", "/creators"), range(8)))
    taken = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(taken), len(refused)) == (5, 3)
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {
        '"key";q=5;w=600, "agency";q=8;w=600'
    }
    left = sorted(
        int(re.match(r'"key";r=(\d+);', answer.headers["ratelimit"])[1]) for answer in taken
    )  # type: ignore[index]  # a match
    assert left[0] == 0
    assert set(left) <= set(range(5)), "simultaneous requests may count each other"
    for answer in refused:
        assert error_code(answer) == "api.too_fast"
        assert 1 <= int(answer.headers["retry-after"]) <= 120
    others = [api.ask("GET", "/creators", key=api.secrets["owner"]).status_code for _ in range(4)]
    assert others == [200, 200, 200, 429], "all keys of an agency share one limit"
    assert create_api_client(slow, tenant).get("/creators")["items"], (
        "another agency is not slowed down"
    )


def test_rate_limit_refills_with_time(slow: httpx.Client, tenant: OpenScope) -> None:
    api = create_api_client(slow, tenant)
    assert [api.ask("GET", "/creators").status_code for _ in range(6)] == [200] * 5 + [429]
    with api.scope() as scope:
        scope.run(
            "UPDATE api_buckets SET full_until = full_until - interval '4 minutes' WHERE "
            "tenant_id = :t",
            t=api.tenant_id,
        )
    assert [api.ask("GET", "/creators").status_code for _ in range(3)] == [200, 200, 429]


def test_wrong_keys_are_counted_per_address_and_valid_keys_pass(api: ApiClient) -> None:
    wrong = "grk_" + "A" * 43
    answers = [
        api.ask("GET", "/creators", key=wrong)
        for _ in range(failed_attempts.MAX_FAILURES_PER_ADDRESS + 2)
    ]
    assert answers[-1].status_code == 429
    assert error_code(answers[-1]) == "key.wait"
    assert int(answers[-1].headers["retry-after"]) == 900
    assert api.ask("GET", "/creators").status_code == 200
    with api.tenant(INSTALLATION_ID, "system:test", role="door") as scope:
        failed_attempts.clear_failures(
            scope, failed_attempts.failure_key("api address", "127.0.0.1")
        )


def test_killed_request_changes_nothing_and_may_be_retried(api: ApiClient, pages: Database) -> None:
    entered = keys.authenticate_key(pages.scope, api.secrets["manager"], address="test")
    assert entered is not None
    call = ApiCall(
        pages.scope, AdmittedRequest(entered, "digest"), ApiKeyScope.POSTS_WRITE, name="killed"
    )
    written: list[UUID] = []

    def write(scope: Scope, sight: Caller) -> ChangeResult:
        creator = next(iter(sight.creators))
        draft = Draft(creator, "", "hello", (), ())
        written.append(
            versioned_actions.create_post_at(
                scope, draft, key=uuid7(), at=None, author=scope.actor, origin="api"
            )
        )
        return ChangeResult(FieldError(at="x", problem="y"), "post.write", f"post:{written[-1]}")

    def dies(scope: Scope, sight: Caller) -> ChangeResult:
        write(scope, sight)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call.apply_once(dies)
    assert api.get("/posts")["items"] == []
    first, second = call.apply_once(write), call.apply_once(write)
    assert first.body == second.body
    assert [one["id"] for one in api.get("/posts")["items"]] == [str(written[1])]


@pytest.mark.parametrize("when", ["at the door", "in the act"])
def test_unavailable_database_is_reported_as_json(
    api: ApiClient, pages: Database, when: str
) -> None:
    def away(tenant_id: UUID, actor: str, **more: Any) -> Any:
        if when == "at the door" or actor.startswith("member:"):
            raise OperationalError("", None, Exception())
        return pages.scope(tenant_id, actor, **more)

    def broken(tenant_id: UUID, actor: str, **more: Any) -> Any:
        if actor.startswith("member:"):
            raise ZeroDivisionError
        return pages.scope(tenant_id, actor, **more)

    headers = {"authorization": f"Bearer {api.secrets['manager']}"}
    with serve_app(create_api(away, limits=ApiRateLimits())) as url:
        answer = httpx.get(f"{url}/posts", headers=headers)
    assert (answer.status_code, error_code(answer), answer.headers["retry-after"]) == (
        503,
        "api.away",
        "5",
    )
    with serve_app(create_api(broken, limits=ApiRateLimits())) as url:
        answer = httpx.get(f"{url}/posts", headers=headers)
    assert (answer.status_code, error_code(answer)) == (500, "api.broken")
