"""Wire format of requests: parts, credentials, and the stored parts of responses."""

from dataclasses import replace

import pytest

from connectors.contract.connector import (
    FileRef,
    OAuthClient,
    Response,
    StepKind,
    StepNotSent,
    WireStep,
)
from connectors.contract.outcomes import Rejected
from connectors.shared.http_responses import ADDRESS_ELSEWHERE, outcome_of_status
from connectors.transport import permit_record
from connectors.transport.references import uploaded_references
from connectors.transport.transport import EgressForbidden
from foundation.sealed import Sealed
from gate.contract.permit import PERMIT_TTL, AuthOrder
from tests.connectors.conftest import (
    AUTH,
    CHANNEL,
    CONTROL,
    DATA,
    HAND,
    LOOK,
    NOW,
    PUBLISH,
    STAGE,
    TENANT,
    RecordingServer,
    TransportSetup,
    permit,
    sha,
)


def test_several_files_are_sent_as_checked_parts(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.objects[TENANT, sha(b"two")] = b"two"
    parts = {
        "a": FileRef(sha(DATA), "image/png", name="mia.png"),
        "b": FileRef(sha(b"two"), "image/jpeg"),
    }
    step = replace(PUBLISH, json={"text": "hé", "tags": ["x"]}, files=parts)
    door.send(step, permit(step))
    _, _, headers, body = platform.got[0]
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (
        'name="text"',
        "hé",
        'name="tags"',
        '["x"]',
        'filename="mia.png"',
        'filename="b"',
        "image/jpeg",
    ):
        assert part.encode() in body
    assert DATA in body
    assert b"two" in body
    for malformed in (
        replace(step, file=FileRef(sha(DATA), "image/png")),
        replace(STAGE, json={"a": 1}),
    ):
        with pytest.raises(EgressForbidden, match="malformed"):
            door.send(malformed, permit(malformed))
    assert len(platform.got) == 1


def test_file_range_is_sent_and_the_whole_file_is_checked(
    door: TransportSetup, platform: RecordingServer
) -> None:
    part = replace(STAGE, file=FileRef(sha(DATA), "image/png", part=(2, 5)))
    door.send(part, permit(part))
    many = replace(
        STAGE,
        file=None,
        json={"n": 1},
        files={"media": FileRef(sha(DATA), "image/png", part=(0, 2))},
    )
    door.send(many, permit(many))
    assert platform.got[0][3] == DATA[2:5]
    assert DATA[:2] in platform.got[1][3]
    assert DATA[:3] not in platform.got[1][3]
    for other in (replace(part, file=FileRef(sha(DATA), "image/png", part=(2, 6))), STAGE):
        with pytest.raises(EgressForbidden, match="not_these_bytes"):
            door.send(other, permit(part))
    door.objects[TENANT, sha(DATA)] = DATA[:5] + b"other"
    with pytest.raises(EgressForbidden, match="file_changed"):
        door.send(part, permit(part))


def test_credential_is_sent_in_the_requested_form(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.account = replace(door.account, token=Sealed(b"1:a b/c"), refresh=Sealed(b"again"))
    for step in (
        replace(LOOK, token="path", path="/bot{token}/getMe"),
        replace(LOOK, token="bot"),
        replace(LOOK, token="refresh"),
        replace(LOOK, token="none"),
    ):
        door.send(step, CONTROL)
    assert [(path, headers.get("authorization")) for _, path, headers, _ in platform.got] == [
        ("/base/bot1:a%20b%2Fc/getMe", None),
        ("/base/posts?key=k", "Bot 1:a b/c"),
        ("/base/posts?key=k", "Bearer again"),
        ("/base/posts?key=k", None),
    ]


def test_sealed_values_are_opened_in_auth_steps_only(
    door: TransportSetup, platform: RecordingServer
) -> None:
    step = replace(AUTH, json={"a": {"b": Sealed(b"opened")}, "c": "as it is"})
    door.send(step, AuthOrder(TENANT, CHANNEL))
    assert platform.got[0][3] == b'{"a":{"b":"opened"},"c":"as it is"}'
    with pytest.raises(EgressForbidden, match="carries_content"):
        door.send(replace(LOOK, json={"a": Sealed(b"x")}), CONTROL)
    assert door.revealed == [Sealed(b"opened")]


def test_form_encoding_is_covered_by_the_permit(
    door: TransportSetup, platform: RecordingServer
) -> None:
    step = replace(PUBLISH, json={"text": "hé & co", "sent": True}, encoding="form")
    door.send(step, permit(step))
    _, _, headers, body = platform.got[0]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert body == b"text=h%C3%A9+%26+co&sent=true"
    with pytest.raises(EgressForbidden, match="not_these_bytes"):
        door.send(replace(step, encoding="json"), permit(step))


def test_client_secret_is_sent_in_auth_steps_only(
    door: TransportSetup, platform: RecordingServer
) -> None:
    client, code = OAuthClient("id-1", Sealed(b"s3cret")), Sealed(b"c&de")
    step = replace(AUTH, json={"code": code}, encoding="form", client=client)
    door.send(step, AuthOrder(TENANT, CHANNEL))
    _, _, headers, body = platform.got[0]
    assert (headers["authorization"], body) == ("Basic aWQtMTpzM2NyZXQ=", b"code=c%26de")
    assert b"s3cret" not in step.wire_digest().encode()
    for wrong in (replace(step, token="bearer"), replace(step, client=OAuthClient("id-1"))):
        with pytest.raises(EgressForbidden, match="malformed"):
            door.send(wrong, AuthOrder(TENANT, CHANNEL))
    with pytest.raises(EgressForbidden, match="malformed"):
        door.send(replace(LOOK, client=client, token="none"), CONTROL)
    assert len(platform.got) == 1
    assert "s3cret" not in repr(step)


def put(address: str, within: tuple[str, ...] = ("store.example",)) -> WireStep:
    """Return an upload step for a URL given by the platform."""
    return replace(
        STAGE, address=Sealed(address.encode()), within=within, token="none", text_as="receipt"
    )


@pytest.mark.parametrize("kind", [StepKind.STAGE, StepKind.PUBLISH])
def test_file_is_sent_to_an_upload_url_without_credential(
    door: TransportSetup, platform: RecordingServer, kind: StepKind
) -> None:
    """The file is staged in advance, or is the publishing request itself."""
    origin = platform.url.rpartition("/")[0]
    step = replace(put(f"{origin}/bucket/1?sig=a%2Fb"), kind=kind)
    platform.answer = (200, {"etag": '"e"'}, b"")
    answer = door.send(step, permit(step))
    method, path, headers, body = platform.got[0]
    assert (method, path, body) == ("PUT", "/bucket/1?sig=a%2Fb", DATA)
    assert "authorization" not in headers
    assert (answer.is_success, answer.headers["etag"]) == (True, '"e"')
    assert "sig" not in repr(step)
    with pytest.raises(EgressForbidden, match="not_these_bytes"):
        door.send(put(f"{origin}/bucket/2"), permit(step))


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/1",
        "https://store.example.evil.example/1",
        "https://notstore.example/1",
        "http://store.example/1",
        "https://user@store.example/1",
        "https://store.example/1#x",
        "https://store.example\\@evil.example/1",
        "https://store.example/1\r\nx: y",
        "https://[::1",
        "ftp://store.example/1",
        "",
    ],
)
def test_upload_url_of_another_host_is_refused(
    door: TransportSetup, platform: RecordingServer, address: str
) -> None:
    step = put(address)
    told = door.send(step, permit(step))
    assert told == StepNotSent(step.name, ADDRESS_ELSEWHERE)
    refused = outcome_of_status(told, creates=False)
    assert isinstance(refused, Rejected)
    assert refused.reason.code == "connectors.address_elsewhere"
    assert platform.got == []


def test_upload_url_accepts_files_only(door: TransportSetup, platform: RecordingServer) -> None:
    told = put(f"{platform.url}/1")
    for wrong in (replace(told, token="bearer"), replace(told, file=None, json={"a": 1})):
        with pytest.raises(EgressForbidden, match="malformed"):
            door.send(wrong, permit(wrong))
    look = replace(LOOK, address=told.address, token="none")
    with pytest.raises(EgressForbidden, match="malformed"):
        door.send(look, CONTROL)
    assert platform.got == []


def test_url_in_a_text_response_is_sealed(door: TransportSetup, platform: RecordingServer) -> None:
    platform.answer = (200, {}, b"https://store.example/1?sig=secret\n")
    answer = door.send(replace(LOOK, text_as="address"), CONTROL)
    whole = ({}, {"address": Sealed(b"sealed:https://store.example/1?sig=secret")})
    assert (answer.body, answer.sealed) == whole
    platform.answer = (200, {}, b'"https://store.example/1?sig=secret"')
    answer = door.send(replace(LOOK, text_as="address"), CONTROL)
    assert (answer.body, answer.sealed) == whole
    platform.answer = (404, {}, b"no such upload")
    refused = door.send(replace(LOOK, text_as="address"), CONTROL)
    assert (refused.body, refused.sealed) == (None, {})


def test_file_is_sent_with_the_platforms_form_fields(
    door: TransportSetup, platform: RecordingServer
) -> None:
    """A URL without a scheme uses that of the account; sealed upload fields are opened when they
    are sent."""
    told = {"key": "k/1", "policy": Sealed(b"secret policy")}
    files = {"file": FileRef(sha(DATA), "image/png", "a.png")}
    step = replace(
        put(""), address=platform.url.removeprefix("http:"), file=None, files=files, json=told
    )
    door.send(step, permit(step))
    _, path, headers, body = platform.got[0]
    assert path == "/base"
    assert "authorization" not in headers
    assert b"secret policy" in body
    assert body.index(b"secret policy") < body.index(DATA)
    others = (
        replace(step, json={**told, "policy": Sealed(b"another")}),
        replace(step, json={**told, "key": "k/2"}),
        replace(step, address="//store.example/"),
    )
    for other in others:
        with pytest.raises(EgressForbidden, match="not_these_bytes"):
            door.send(other, permit(step))
    assert door.send(
        replace(step, address="//evil.example/1"), permit(replace(step, address="//evil.example/1"))
    ) == (StepNotSent(step.name, ADDRESS_ELSEWHERE))
    assert len(platform.got) == 1


def test_nested_secrets_are_sealed_by_path(door: TransportSetup, platform: RecordingServer) -> None:
    fields = (
        b'[{"name": "key", "value": "k/1"}, {"name": "Policy", "value": "p"}, 7, {"value": "x"}]'
    )
    platform.answer = (
        200,
        {},
        b'{"args": {"action": "//store.example", "fields": ' + fields + b'}, "n": {"m": 1}}',
    )
    paths = ("args.fields.policy", "args.fields.missing", "args.none.policy", "n.m.o", "n.m")
    answer = door.send(replace(LOOK, secret_fields=paths), CONTROL)
    assert isinstance(answer, Response)
    assert answer.sealed == {"args.fields.policy": Sealed(b"sealed:p"), "n.m": Sealed(b"sealed:1")}
    kept = [{"name": "key", "value": "k/1"}, {"name": "Policy"}, 7, {"value": "x"}]
    assert answer.body == {"args": {"action": "//store.example", "fields": kept}, "n": {}}
    platform.answer = (200, {}, b'["args"]')
    assert door.send(replace(LOOK, secret_fields=paths), CONTROL).body == ["args"]


def test_url_in_a_response_header_is_sealed_and_dropped(
    door: TransportSetup, platform: RecordingServer
) -> None:
    platform.answer = (200, {"Location": "https://store.example/1?id=secret", "X-Other": "1"}, b"")
    answer = door.send(
        replace(LOOK, secret_headers=("location", "missing"), text_as="receipt"), CONTROL
    )
    assert isinstance(answer, Response)
    assert answer.sealed["location"] == Sealed(b"sealed:https://store.example/1?id=secret")
    assert "location" not in answer.headers
    assert answer.headers["x-other"] == "1"


def test_upload_url_accepts_a_request_without_body(
    door: TransportSetup, platform: RecordingServer
) -> None:
    asked = replace(put(f"{platform.url}/1"), file=None, headers={"content-range": "bytes */7"})
    door.send(asked, permit(asked))
    _, _, headers, body = platform.got[0]
    assert (headers["content-range"], body, "authorization" in headers) == ("bytes */7", b"", False)


@pytest.mark.parametrize(
    ("depth", "read"), [(20, True), (99, True), (100, False), (500, False), (960, False)]
)
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deeply_nested_response_is_unreadable(
    door: TransportSetup, platform: RecordingServer, depth: int, read: bool, opening: bytes
) -> None:
    """Code that walks a response recurses as deep as its nesting, so deeper responses would end it
    with a RecursionError."""
    closing = b"]" if opening == b"[" else b"}"
    body = b'{"id":"7","x":' + opening * depth + b"1" + closing * depth + b"}"
    platform.answer = (200, {}, body)
    answer = door.send(LOOK, CONTROL)
    assert isinstance(answer, Response)
    assert (answer.status, isinstance(answer.body, dict)) == (200, read)
    step = WireStep("publish", StepKind.PUBLISH, "POST", "/x", {"media_ids": ["7"]})
    assert uploaded_references(step, "mastodon", (answer,)) == (("7",) if read else ())


def test_request_may_set_only_the_user_agent(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.send(LOOK, CONTROL)
    door.send(replace(LOOK, headers={"user-agent": "python:greenroom:1 (by /u/mia)"}), CONTROL)
    assert [headers["user-agent"] for _, _, headers, _ in platform.got] == [
        "greenroom",
        "python:greenroom:1 (by /u/mia)",
    ]
    for headers in (
        {"user-agent": "hello, you"},
        {"user-agent": "x y" * 40},
        {"x-other": "python (by mia)"},
    ):
        with pytest.raises(EgressForbidden, match="carries_content"):
            door.send(replace(LOOK, headers=headers), CONTROL)


def test_auth_host_is_used_by_auth_steps_only(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.account = replace(
        door.account, base_url="http://127.0.0.1:9", auth_url=f"{platform.url}/auth"
    )
    door.send(replace(AUTH, host="auth"), AuthOrder(TENANT, CHANNEL))
    assert platform.got[0][1] == "/base/auth/token"
    assert isinstance(
        door.send(replace(AUTH, host="account"), AuthOrder(TENANT, CHANNEL)), StepNotSent
    )
    assert isinstance(door.send(replace(LOOK, host="auth"), CONTROL), StepNotSent), (
        "the auth host is for sign-in only"
    )


def test_response_keeps_only_the_requested_fields(
    door: TransportSetup, platform: RecordingServer
) -> None:
    step = replace(AUTH, only=("state", "words", "number", "missing"))
    kept = {"retry-after": "5", "x-more": "no"}
    platform.answer = (
        200,
        kept,
        b'{"state":"done","words":"two words","number":1,"other":"x","access":"AAA"}',
    )
    answer = door.send(step, AuthOrder(TENANT, CHANNEL))
    assert (answer.body, set(answer.sealed)) == ({"state": "done"}, {"access"})
    assert answer.headers["retry-after"] == "5"
    assert set(answer.headers) <= {"date", "retry-after"}
    platform.answer = (200, {}, b"[1]")
    assert door.send(step, AuthOrder(TENANT, CHANNEL)).body == [{}]
    platform.answer = (
        403,
        {},
        b'{"error":"outside the scopes","about":{"words":"two words"},"number":1}',
    )
    assert door.send(step, AuthOrder(TENANT, CHANNEL)).body == {"error": "outside the scopes"}
    inner = replace(AUTH, only=("data.after", "data.children.name"))
    platform.answer = (
        200,
        {},
        b'{"data":{"after":"b","children":[{"name":"a","body":"two words"},7]},"after":"x"}',
    )
    assert door.send(inner, AuthOrder(TENANT, CHANNEL)).body == {
        "data": {"after": "b", "children": [{"name": "a"}, {}]}
    }


def test_expired_permits_are_dropped_from_the_record() -> None:
    """Expired permits are refused by their time, so the record need not hold them."""
    clock = [NOW]
    record = permit_record.MemoryPermitRecord(now=lambda: clock[0], most=2)
    first, second, third = (permit(HAND) for _ in range(3))
    assert [record(one) for one in (first, second, first)] == ["first", "first", "replayed"]
    clock[0] += PERMIT_TTL
    late = permit(HAND, minted_at=clock[0], expires_at=clock[0] + PERMIT_TTL)
    assert [record(one) for one in (late, first, third)] == ["first", "expired", "expired"]


def test_auth_step_may_use_query_parameters(
    door: TransportSetup, platform: RecordingServer
) -> None:
    """Its secrets are opened when they are sent; no other step may use query encoding."""
    said = {"grant_type": "renew", "access_token": Sealed(b"secret & one")}
    step = WireStep(
        "renewal",
        StepKind.AUTH,
        "GET",
        "/renew",
        said,
        token="none",
        encoding="query",
        host="origin",
    )
    order = AuthOrder(TENANT, CHANNEL)
    platform.answer = (200, {}, b'{"data": [{"access_token": "AAA", "more": 1}]}')
    answer = door.send(
        replace(step, secret_fields=("data.0.access_token", "data.1.access_token", "data.0")), order
    )
    assert [entry[:2] for entry in platform.got] == [
        ("GET", "/renew?grant_type=renew&access_token=secret+%26+one")
    ]
    assert platform.got[0][3] == b""
    assert "content-type" not in platform.got[0][2]
    assert isinstance(answer, Response)
    assert answer.sealed == {"data.0.access_token": Sealed(b"sealed:AAA")}
    assert answer.body == {"data": [{"more": 1}]}
    look, post = replace(LOOK, json={"a": 1}, encoding="query"), replace(PUBLISH, encoding="query")
    for authority, wrong in ((CONTROL, look), (permit(post), post)):
        with pytest.raises(EgressForbidden, match="malformed"):
            door.send(wrong, authority)
    assert len(platform.got) == 1
