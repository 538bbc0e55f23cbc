"""Random requests never cause a server error, and the documented examples work."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from connectors.conformance.fake_servers import serve_app
from foundation.db.database import Database, OpenScope
from foundation.storage.object_store import FileStore
from tenants.api_keys.keys import ApiKeyScope
from tests.web.api.common.test_authentication import DOCUMENT, EACH, OPERATIONS, Operation
from tests.web.api.schema_values import generate_value
from tests.web.api_client import ApiClient, create_api_client
from tests.web.builders import LETTERBOX, PUBLIC
from tests.web.example_agency import (
    ExampleAgency,
    create_example_agency,
    create_series,
    expect_success,
    new_photo,
    required_ids,
    review_picture,
    upload_import,
)
from web.api.common.authentication import MEDIA_TYPES
from web.api.common.rate_limits import ApiRateLimit, ApiRateLimits
from web.app import create_web_app

OF_OWNERS = frozenset(
    {ApiKeyScope.CREATORS_WRITE, ApiKeyScope.HOOKS_WRITE, ApiKeyScope.SETTINGS_WRITE}
)
PERSONA = next(
    one for one in OPERATIONS if (one.method, one.path) == ("PUT", "/creators/{creator_id}/persona")
)
WITH_EXAMPLE = [
    one
    for one in OPERATIONS
    if one.method != "GET" and one.example is not None and "/script-tests" not in one.path
]
"""Tests of bot scripts need two versions of a persona: tests/web/api/test_experiments.py."""

EXAMPLES = [
    (name, example)
    for name, schema in DOCUMENT["components"]["schemas"].items()
    for example in schema.get("examples", ())
]


@pytest.fixture(scope="module")
def eager(
    pages: Database, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExampleAgency]:
    """Yield an agency with one resource of each kind behind a server with high rate limits."""
    store = FileStore(tmp_path_factory.mktemp("eager"))
    limits = ApiRateLimits(
        ApiRateLimit(1_000_000, timedelta(minutes=1)), ApiRateLimit(1_000_000, timedelta(minutes=1))
    )
    with (
        serve_app(
            create_web_app(
                tenant=pages.scope,
                store=store,
                library=store,
                public_url=PUBLIC,
                limits=limits,
                letterbox_key=LETTERBOX,
            )
        ) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield create_example_agency(create_api_client(client, tenant))


PHOTO = new_photo()
FILES = st.one_of(
    st.just(PHOTO),
    st.binary(max_size=300),
    st.integers(1, len(PHOTO)).map(lambda cut: PHOTO[:cut]),
    st.binary(max_size=300).map(lambda rest: PHOTO + rest),
    st.binary(max_size=300).map(lambda rest: b"\0\0\0\x18ftypmp42" + rest),
)
"""A picture, nearly a picture, the beginning of a video, and arbitrary bytes."""


@pytest.mark.heavy
@EACH
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_random_requests_never_fail_with_a_server_error(
    eager: ExampleAgency, one: Operation, data: st.DataObject
) -> None:
    said = DOCUMENT["paths"][one.path][one.method.lower()]
    asked = [each for each in said.get("parameters", ()) if each["in"] == "query"]
    query = {
        each["name"]: data.draw(generate_value(each["schema"], DOCUMENT, eager, each["name"]))
        for each in asked
        if each.get("required") or data.draw(st.booleans())
    }
    content = said.get("requestBody", {"content": {}})["content"]
    body: Any = None
    if "application/json" in content:
        body = json.dumps(
            data.draw(generate_value(content["application/json"]["schema"], DOCUMENT, eager))
        )
    more: dict[str, Any] = {}
    if "text/csv" in content:
        body, more["content_type"] = data.draw(st.binary(max_size=300)) or b"x", "text/csv"
    if "application/octet-stream" in content:
        body, more["content_type"] = (
            data.draw(FILES) or b"x",
            data.draw(st.sampled_from(sorted(MEDIA_TYPES))),
        )
    if "{" in one.path:
        found = eager.api.ask(
            "GET", "/".join(eager.path(one.path).split("/")[:3]), key=eager.api.secrets["owner"]
        )
        more["if_match"] = found.headers.get("etag", '"1"')
    path = eager.path(one.path) + (
        "?" + urlencode({k: str(v) for k, v in query.items()}) if query else ""
    )
    answer = eager.api.ask(one.method, path, body, key=eager.api.secrets["owner"], **more)
    event(f"answered {answer.status_code}")
    assert answer.status_code < 500, (path, body, answer.text)
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}
    else:
        (right,) = [status for status in said["responses"] if status.startswith("2")]
        assert str(answer.status_code) == right


SCHEMAS = DOCUMENT["components"]["schemas"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_random_series_are_started_changed_or_refused(
    eager: ExampleAgency, data: st.DataObject
) -> None:

    def draw(name: str) -> Any:
        return data.draw(generate_value(SCHEMAS[name], DOCUMENT, eager, name))

    api = eager.api
    begun = api.ask(
        "POST",
        "/series",
        create_series(eager, repeat=draw("RepeatIn"), at=draw("WallIn"), confirmed=True),
    )
    event(f"begun {begun.status_code}")
    assert begun.status_code in {201, 422}, begun.text
    if begun.status_code == 422:
        return
    path, tag = f"/series/{begun.json()['id']}", begun.headers["etag"]
    coming = [wall["wall_time"][:10] for wall in begun.json()["coming"]]
    day = data.draw(st.sampled_from([*coming, "2031-03-06"]))
    more = {} if data.draw(st.booleans()) else {"repeat": draw("RepeatIn")}
    change = {"day": day, "at": draw("WallIn"), "confirmed": True, **more}
    changed = api.ask("POST", f"{path}/change", change, if_match=tag)
    event(f"changed {changed.status_code}")
    assert changed.status_code in {200, 422}, changed.text
    if changed.status_code == 422:
        skipped = api.ask("POST", f"{path}/skip", {"day": day}, if_match=tag)
        event(f"skipped {skipped.status_code}")
        assert skipped.status_code in {200, 422}, skipped.text
    for one in (begun, changed):
        if one.is_success:
            which = f"/series/{one.json()['id']}"
            assert api.ask(
                "POST", f"{which}/stop", if_match=api.ask("GET", which).headers["etag"]
            ).is_success


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_each_example_matches_its_schema(name: str, example: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    assert list(Draft202012Validator(schema).iter_errors(example)) == []


@pytest.mark.parametrize("one", WITH_EXAMPLE, ids=lambda one: f"{one.method} {one.path}")
def test_each_example_request_succeeds(api: ApiClient, one: Operation) -> None:
    if one.path == "/imports":
        assert upload_import(api).status_code == 202
        return
    found = create_example_agency(api, ids_of=required_ids(one.path, one.example))
    if "{import_id}" in one.path:
        found.ids["import_id"] = expect_success(upload_import(api, text=FRESH))["id"]
        review_picture(api, found.ids["import_id"])
    if one.path.endswith("/autonomy"):
        tag = {"if_match": found.etag(PERSONA.path, key=api.secrets["owner"])}
        path, key = found.path(PERSONA.path), api.secrets["manager"]
        expect_success(api.ask("PUT", path, PERSONA.example, key=key, **tag))
    tag = {"if_match": found.etag(one.path, key=api.secrets["owner"])} if "{" in one.path else {}
    key = api.secrets["owner" if one.needs in OF_OWNERS else "manager"]
    answer = api.ask(one.method, found.path(one.path), found.said(one.example), key=key, **tag)
    assert answer.is_success, answer.text


FRESH = (
    "key,creator,channels,date,time,zone,body\r\n9,{creator},Sandbox "
    "{creator},2031-03-02,11:00,Europe/Paris,New\r\n"
)


NO_JSON = ("preview", "slots", "file", "calendar.csv", "calendar.ics", "csv", "pdf")
"""Operations with a non-JSON response or with required parameters."""


def test_responses_match_the_document(api: ApiClient) -> None:
    found = create_example_agency(api)
    values = {
        "creator": found.ids["creator_id"],
        "post": found.ids["post_id"],
        "first": "2031-03-01",
        "last": "2031-03-28",
        "metric": "views",
        "age_hours": "24",
        "by": "item",
    }
    for one in OPERATIONS:
        given = DOCUMENT["paths"][one.path].get("get", {}).get("parameters", ())
        required = [each["name"] for each in given if each["in"] == "query" and each["required"]]
        asked = "?" + urlencode({name: values.get(name, "") for name in required})
        if one.method == "GET" and one.path.rpartition("/")[2] not in NO_JSON:
            schema = DOCUMENT["paths"][one.path]["get"]["responses"]["200"]["content"][
                "application/json"
            ]["schema"]
            whole = {**schema, "components": DOCUMENT["components"]}
            answered = api.get(found.path(one.path) + asked, key=api.secrets["owner"])
            assert list(Draft202012Validator(whole).iter_errors(answered)) == [], one.path
