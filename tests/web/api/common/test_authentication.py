"""Authentication of the API: every documented operation without a key, with the wrong key and with
the IDs of another agency."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.storage.object_store import FileStore
from insights.reports.report_files import MEDIA_TYPES
from tenants import audit
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.auth import members
from tests.web.api_client import NEXT_YEAR, ApiClient, create_api_client, error_code
from tests.web.builders import WebServer
from tests.web.example_agency import (
    ExampleAgency,
    create_example_agency,
    new_photo,
    upload_import,
    upload_picture,
)
from web.api.app import create_api
from web.api.common.rate_limits import ApiRateLimits


@dataclass(frozen=True)
class Operation:
    """A documented operation with a body to send to an unknown resource."""

    method: str
    path: str
    needs: str
    body: Any

    @property
    def example(self) -> Any:
        """Return the body of the documented example, or None if there is no example."""
        taken = DOCUMENT["paths"][self.path][self.method.lower()].get(
            "requestBody", {"content": {}}
        )["content"]
        schemas = [
            DOCUMENT["components"]["schemas"].get(one["schema"].get("$ref", "")[21:])
            for one in taken.values()
        ]
        return next(
            (one["examples"][0] for one in schemas if one is not None and "examples" in one), None
        )

    @property
    def said(self) -> Any:
        """Return a valid body with the IDs of the examples."""
        return self.body if self.body is not None else self.example

    def ask(self, api: ApiClient, **more: Any) -> httpx.Response:
        return api.ask(self.method, re.sub(r"\{\w+\}", str(uuid7()), self.path), self.body, **more)


BODIES: dict[str, Any] = {
    "POST /posts": None,
    "PATCH /posts/{post_id}": {"body": "x"},
    "POST /posts/{post_id}/schedule": {"at": f"{NEXT_YEAR}-01-01T00:00:00Z"},
    "POST /posts/{post_id}/approve": {},
    "POST /deliveries/{delivery_id}/move": {"at": f"{NEXT_YEAR}-01-01T00:00:00Z"},
    "POST /deliveries/{delivery_id}/importance": {"priority": 3},
    "POST /deliveries/{delivery_id}/link": {"url": "https://example.test/1"},
    "POST /deliveries/{delivery_id}/once-more": {"at": f"{NEXT_YEAR}-01-01T00:00:00Z"},
    "POST /posts/{post_id}/reword": {"body": "other words"},
    "POST /series/{series_id}/change": {"day": "2031-03-06"},
    "POST /series/{series_id}/skip": {"day": "2031-03-06"},
    "POST /series/{series_id}/detach": {"day": "2031-03-06"},
    "POST /series/{series_id}/test": {
        "day": "2031-03-06",
        "metric": "views",
        "age_hours": 24,
        "planned": 60,
    },
    "POST /tests/{test_id}/end": {"keep": "a"},
    "POST /creators/{creator_id}/script-tests": {
        "personas": [str(uuid7())],
        "metric": "buyers",
        "planned": 500,
        "window_days": 7,
    },
    "POST /creators/{creator_id}/script-tests/end": {"keep": "a"},
    "POST /queues/{channel_id}/fill": {"posts": [str(uuid7())]},
    "POST /queues/{channel_id}/take-out": {"delivery_id": str(uuid7())},
    "POST /queues/{channel_id}/reorder": {"order": [str(uuid7())]},
    "POST /imports/{import_id}/apply": {},
    "POST /labels/give": {"label": str(uuid7()), "posts": [str(uuid7())]},
    "POST /labels/take": {"label": str(uuid7()), "posts": [str(uuid7())]},
    "PATCH /labels/{label_id}": {"name": "x", "colour": "blue"},
    "PUT /creators/{creator_id}/routine": {
        "slots": [{"at": "10:00", "channels": [str(uuid7())], "media": "library"}]
    },
    "POST /creators/{creator_id}/routine/again": {"step_id": str(uuid7())},
    "PUT /writing-styles/{creator_id}": {"styles": []},
    "PUT /acquisition-links/{link_id}": {"name": "Bio", "source": "bio"},
    "PATCH /pools/{creator_id}": {"channels": [str(uuid7())]},
    "POST /pools/{creator_id}/add": {"post_id": str(uuid7())},
    "POST /pools/{creator_id}/wording": {"entry_id": str(uuid7()), "body": "x"},
    "POST /pools/{creator_id}/take-out": {"entry_id": str(uuid7())},
    "POST /posts/{post_id}/ask-change": {"note": "x"},
    "POST /posts/{post_id}/reject": {"note": "x"},
    "POST /comments/{comment_id}/answer": {"words": "x"},
    "PATCH /weeks/lines/{line_id}": {"body": "x"},
    "POST /ideas/{ideas_id}/dismiss": {"number": 0},
    "PATCH /channels/{channel_id}": {"apart_minutes": 30},
    "PATCH /creators/{creator_id}": {"biography": "x"},
    "POST /deliveries/{delivery_id}/anyway": {"seen": []},
    "POST /deliveries/{delivery_id}/words-say": {"came": True},
    "POST /hooks/{hook_id}/rotate": {"secret": "x" * 40},
    "PUT /creators/{creator_id}/persona": {"name": "Nova", "languages": ["en"]},
    "PUT /creators/{creator_id}/answers": {"answers": [], "by_first_name": False},
    "PUT /creators/{creator_id}/autonomy": {"level": "off"},
    "PATCH /word-lists/{list_id}": {"words": ["x"]},
    "PATCH /recipes/{recipe_id}": {"steps": 30},
    "PUT /report-schedules/{schedule_id}": {
        "name": "Week",
        "kind": "weekly",
        "zone": "Europe/Paris",
    },
    "POST /hooks/{hook_id}/again": {"call_id": str(uuid7())},
    "POST /alerts/{alert_id}/snooze": {"days": 3},
    "PUT /alert-rules/{rule_id}": {"kind": "anomaly", "metric": "likes"},
    "POST /creators/{creator_id}/splits": {
        "creator": 6000,
        "agency": 4000,
        "starts_on": f"{NEXT_YEAR}-01-01",
    },
    "POST /creators/{creator_id}/payouts": {
        "minor": 100,
        "currency": "EUR",
        "paid_on": "2026-01-01",
        "reference": "SEPA 1",
    },
}


def document() -> dict[str, Any]:
    """Return the document served at `/v1/openapi.json`."""

    def nobody(*_: object, **__: object) -> Any:
        raise AssertionError("the document needs no database")

    with serve_app(
        create_api(nobody, limits=ApiRateLimits(), library=FileStore(Path("nowhere")))
    ) as url:
        found: dict[str, Any] = httpx.get(f"{url}/openapi.json", timeout=60).json()
    return found


DOCUMENT = document()
NEEDS = re.compile(r"Requires\s+the\s+`([\w:]+)`\s+scope")
OPERATIONS = [
    Operation(
        method.upper(),
        path,
        NEEDS.findall(said["description"])[0],
        BODIES.get(f"{method.upper()} {path}"),
    )
    for path, methods in DOCUMENT["paths"].items()
    for method, said in methods.items()
]
EACH = pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
OF_ONE = [one for one in OPERATIONS if "{" in one.path]
EACH_OF_ONE = pytest.mark.parametrize("one", OF_ONE, ids=lambda one: f"{one.method} {one.path}")
WRITES = [one for one in OPERATIONS if one.method != "GET"]
EACH_WRITE = pytest.mark.parametrize("one", WRITES, ids=lambda one: f"{one.method} {one.path}")


@EACH
def test_each_operation_documents_its_key_scope_and_errors(one: Operation) -> None:
    said = DOCUMENT["paths"][one.path][one.method.lower()]
    assert said["security"] == [{"key": []}]
    assert {"401", "403", "404", "409", "412", "422", "429"} <= set(said["responses"])
    assert one.needs in set(ApiKeyScope)
    named = {parameter["name"] for parameter in said.get("parameters", ())}
    assert ("Idempotency-Key" in named) == (one.method == "POST")
    assert ("If-Match" in named) == (one.method != "GET" and "{" in one.path)
    ok = [status for status in said["responses"] if status.startswith("2")]
    assert len(ok) == 1
    content = said["responses"][ok[0]]["content"]
    files: list[set[str]] = [{"image/jpeg"}, {"text/csv"}, {"text/calendar"}, {"application/pdf"}]
    files.append(set(MEDIA_TYPES.values()))  # a report in a format of choice
    assert set(content) in files or content["application/json"]["schema"]


@EACH
def test_request_without_valid_key_is_refused(room: WebServer, one: Operation) -> None:
    path = re.sub(r"\{\w+\}", str(uuid7()), one.path)
    for shown in ("", "Bearer x", "Bearer grk_" + "x" * 43, "Basic Zm9vOmJhcg==", "Bearer"):
        headers = {
            "authorization": shown,
            "cookie": "greenroom=x",
            "x-forwarded-for": "203.0.113.9",
        }
        answer = room.client.request(one.method, f"/v1{path}", headers=headers, content=b"{" * 100)
        assert answer.status_code in {401, 429}, shown  # these many tests share one client address
        error_code(answer)
        assert "etag" not in answer.headers


@pytest.fixture(scope="module")
def other_agency(room: WebServer, tenant: OpenScope) -> ApiClient:
    """Return an agency with a key for each scope, each key lacking exactly that scope."""
    found = create_api_client(room.client, tenant)
    for lacking in ApiKeyScope:
        found.secrets[lacking] = found.key(
            Role.OWNER, scopes=[each for each in ApiKeyScope if each != lacking]
        )
    return found


@pytest.fixture
def refused(other_agency: ApiClient) -> ApiClient:
    """Return the agency with fresh rate limits."""
    return forgotten(other_agency)


def forgotten(api: ApiClient) -> ApiClient:
    """Reset the rate limits of the agency: the tests send more requests than one key may."""
    with api.scope() as scope:
        scope.run("DELETE FROM api_buckets WHERE tenant_id = :t", t=api.tenant_id)
    return api


@EACH
def test_key_of_another_scope_is_refused(refused: ApiClient, one: Operation) -> None:
    answer = refused.ask(
        one.method,
        re.sub(r"\{\w+\}", str(uuid7()), one.path),
        refused.draft() if one.path == "/posts" and one.method == "POST" else one.body,
        key=refused.secrets[one.needs],
        version=1,
    )
    assert (answer.status_code, error_code(answer)) == (403, "api.other_scope")


@pytest.fixture(scope="module")
def kept(room: WebServer, tenant: OpenScope) -> ExampleAgency:
    """Return an agency with one resource of each kind for zoe and a key that sees mia only."""
    found = create_example_agency(create_api_client(room.client, tenant), "zoe", store=room.library)
    found.api.secrets["mia"] = found.api.key(Role.OWNER, creators=["mia"])
    return found


@pytest.fixture
def theirs(kept: ExampleAgency) -> ExampleAgency:
    """Return the agency with fresh rate limits."""
    forgotten(kept.api)
    return kept


@EACH_OF_ONE
def test_unknown_resource_is_not_found(theirs: ExampleAgency, one: Operation) -> None:
    answer = one.ask(theirs.api, key=theirs.api.secrets["owner"], version=1)
    assert answer.status_code == 404, answer.text
    error_code(answer)


@pytest.mark.parametrize("whose", ["another agency", "another creator"])
@EACH_OF_ONE
def test_foreign_resource_looks_unknown(
    refused: ApiClient, theirs: ExampleAgency, one: Operation, whose: str
) -> None:
    """The owner of the resource gets another response, which shows that the resource exists."""
    api, other = refused, theirs.api
    foreign = api.secrets["owner"] if whose == "another agency" else other.secrets["mia"]
    answer = api.ask(one.method, theirs.path(one.path), one.body, key=foreign, version=1)
    # Labels and shared views belong to the agency, not to a creator.
    if re.search(r"\{(label|view)_id\}", one.path) and whose == "another creator":
        assert answer.status_code == (200 if one.method == "GET" else 412), answer.text
        return
    nobodys = one.ask(api, key=foreign, version=1)
    assert (answer.status_code, error_code(answer)) == (404, error_code(nobodys))
    own = api.ask(
        one.method, theirs.path(one.path), one.body, key=other.secrets["owner"], version=99
    )
    assert own.status_code == (200 if one.method == "GET" else 412), own.text


HOSTILE: dict[str, Any] = {
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep object": b'{"a":' * 100_000,
    "not UTF-8": b'{"body": "\xff\xfe"}',
    "half a pair": b'{"body": "\\ud800"}',
    "half a pair as a name": b'{"\\ud800": 1}',
    "half a pair as a place": b'{"at": {"wall_time": "2031-01-01T10:00", "zone": "\\ud800"}}',
    "not a number": b'{"at": NaN}',
    "a long number": b'{"at": ' + b"9" * 5000 + b"}",
    "unknown name": b'{"tenant_id": "x"}',
    "a name of Python": b'{"__class__": {"__init__": 1}}',
}


@EACH_WRITE
def test_hostile_body_is_refused(theirs: ExampleAgency, one: Operation) -> None:
    api = theirs.api
    path = re.sub(r"\{\w+\}", str(uuid7()), one.path)
    takes_none = "requestBody" not in DOCUMENT["paths"][one.path][one.method.lower()]
    refused = {415} if one.path in {"/imports", "/uploads"} else {400, 404 if takes_none else 422}
    for name, body in HOSTILE.items():
        answer = api.ask(one.method, path, body, key=api.secrets["owner"], version=1)
        assert answer.status_code in refused, (name, answer.text)
        error_code(answer)


def test_body_size_content_type_and_method_are_limited(api: ApiClient) -> None:
    big = json.dumps(api.draft("x" * 2_000_000))
    assert error_code(api.ask("POST", "/posts", big)) == "api.too_large"
    pieces = (b" " * 65536 for _ in range(40))
    headers = {
        "authorization": f"Bearer {api.secrets['manager']}",
        "content-type": "application/json",
    }
    assert api.client.post("/v1/posts", headers=headers, content=pieces).status_code == 413
    form = api.ask("POST", "/posts", "body=x", content_type="application/x-www-form-urlencoded")
    assert (form.status_code, error_code(form)) == (415, "api.not_json")
    assert error_code(api.ask("DELETE", "/posts")) == "api.no_method"
    assert error_code(api.ask("GET", "/nowhere")) == "api.no_route"
    assert error_code(api.ask("GET", "/posts/1")) == "api.no_route"
    assert api.ask("GET", "/posts?limit=0").status_code == 422
    assert api.ask("GET", "/posts?limit=201").status_code == 422
    assert api.ask("GET", "/posts?unknown=1").status_code == 422


def test_errors_do_not_repeat_the_request(api: ApiClient) -> None:
    answer = api.ask("POST", "/posts", {**api.draft(), "secret-name": "secret-value"})
    assert answer.status_code == 422
    assert "secret-value" not in answer.text


@EACH_WRITE
def test_change_requires_idempotency_key_and_current_version(
    theirs: ExampleAgency, one: Operation
) -> None:
    api, path = theirs.api, theirs.path(one.path)
    if one.path == "/imports":
        assert error_code(upload_import(api, idempotency_key="")) == "api.no_name"
        return
    if one.path == "/uploads":
        assert error_code(upload_picture(api, new_photo(), idempotency_key="")) == "api.no_name"
        return
    body = theirs.said(one.said)
    if one.method == "POST":
        unnamed = api.ask(
            "POST", path, body, key=api.secrets["owner"], version=1, idempotency_key=""
        )
        assert (unnamed.status_code, error_code(unnamed)) == (400, "api.no_name")
        long = api.ask(
            "POST", path, body, key=api.secrets["owner"], version=1, idempotency_key="x" * 256
        )
        assert long.status_code == 400
    if "{" in one.path:
        assert (
            error_code(api.ask(one.method, path, body, key=api.secrets["owner"]))
            == "api.no_version"
        )
        for stale in ('"99"', "*", '"x"', 'W/"1"', '""'):
            answer = api.ask(one.method, path, body, key=api.secrets["owner"], if_match=stale)
            assert answer.status_code == 412, (stale, answer.text)


def test_revoked_key_stops_working_at_once(api: ApiClient) -> None:
    secret = api.key()
    assert api.ask("GET", "/creators", key=secret).status_code == 200
    with api.scope(f"member:{api.members['manager']}") as scope:
        newest = keys.list_keys(scope, member_id=api.members[Role.MANAGER])[0]
        keys.revoke_key(scope, newest.id)
    assert api.ask("GET", "/creators", key=secret).status_code == 401
    assert api.ask("GET", "/creators").status_code == 200
    with api.scope() as scope:
        members.remove_member(scope, api.members[Role.MANAGER])
    assert api.ask("GET", "/creators").status_code == 401


def test_key_has_no_more_rights_than_its_member(api: ApiClient) -> None:
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.ACCOUNTANT, creators=())
    answer = api.ask("GET", "/posts")
    assert (answer.status_code, error_code(answer)) == (403, "role.forbidden.run")
    with api.scope() as scope:
        members.change_member(scope, api.members[Role.MANAGER], role=Role.MANAGER, creators=["zoe"])
    assert [one["slug"] for one in api.get("/creators")["items"]] == ["zoe"]
    assert [one["name"] for one in api.get("/channels")["items"]] == ["Sandbox zoe"]
    assert api.ask("POST", "/posts", api.draft()).status_code == 404
    foreign = api.draft(creator="zoe", channels=[str(api.channels["mia"])])
    assert api.ask("POST", "/posts", foreign).status_code == 404


def test_channels_show_their_limits_without_the_token(api: ApiClient) -> None:
    (mia, _) = api.get("/channels")["items"]
    assert (mia["platform"], mia["state"]) == ("sandbox", "active")
    assert mia["limits"]["max_text"] > 0
    assert "token" not in json.dumps(mia)
    assert api.get(f"/channels/{mia['id']}") == mia
    assert api.get(f"/creators/{mia['creator_id']}")["approvals"] == 1


def test_audit_log_names_member_and_key(api: ApiClient) -> None:
    post = api.write()
    with api.scope() as scope:
        (said, *_) = [act for act in audit.list_recent_acts(scope) if act.act == "api.called"]
        (key, *_) = keys.list_keys(scope, member_id=api.members[Role.MANAGER])
    assert (said.actor, said.about) == (f"member:{api.members['manager']}", f"post:{post['id']}")
    assert said.details == {"did": "post.write", "key": "test", "key_id": str(key.id)}
    assert key.used_at is not None
