"""Transport: every violation is stopped before the first byte; responses are returned unchanged,
with secrets sealed."""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connectors.contract.connector import (
    FileRef,
    Response,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    WireStep,
)
from connectors.transport.transport import EgressForbidden
from foundation.errors import NotFound
from foundation.ids import uuid7
from gate.contract import replacement_picture
from gate.contract.permit import AuthOrder, ControlOrder, NoticeOrder, RemovalOrder
from tests.connectors.conftest import (
    ASK,
    AUTH,
    CHANNEL,
    CONTROL,
    DATA,
    DELETE,
    HAND,
    LOOK,
    PUBLISH,
    REMOVAL,
    STAGE,
    TENANT,
    RecordingServer,
    TransportSetup,
    permit,
    sha,
)


def test_content_is_sent_with_its_permit(door: TransportSetup, platform: RecordingServer) -> None:
    answer = door.send(PUBLISH, permit(PUBLISH))
    assert isinstance(answer, Response)
    assert answer.body == {"id": "1"}
    method, path, headers, body = platform.got[0]
    assert (method, path) == ("POST", "/base/api/nova%2Bkey/posts")
    assert body == '{"a":1,"text":"hé"}'.encode()
    assert headers["authorization"] == "Bearer the-token"
    assert headers["content-type"] == "application/json"


def test_file_is_sent_as_checked(door: TransportSetup, platform: RecordingServer) -> None:
    door.send(STAGE, permit(STAGE))
    assert platform.got[0][3] == DATA
    assert platform.got[0][2]["content-type"] == "image/png"


def test_changed_file_is_not_sent(door: TransportSetup, platform: RecordingServer) -> None:
    door.objects[TENANT, sha(DATA)] = b"another picture"
    with pytest.raises(EgressForbidden, match="file_changed"):
        door.send(STAGE, permit(STAGE))
    del door.objects[TENANT, sha(DATA)]
    with pytest.raises(NotFound):
        door.send(STAGE, permit(STAGE))
    assert (platform.got, door.revealed) == ([], [])


def test_replacement_picture_needs_no_tenant_file(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.send(REPLACE, permit(REPLACE))
    assert replacement_picture.replacement_png() in platform.got[0][3]


OURS = FileRef(replacement_picture.replacement_medium().sha256, "image/png", "0.png")
REPLACE = WireStep(
    "replace", StepKind.MUTATE, "POST", "/posts/p1", {"caption": "removed"}, files={"m0": OURS}
)

BREACHES: dict[str, tuple[WireStep, Callable[[], Any], str]] = {
    "no authority": (PUBLISH, lambda: CONTROL, "wrong_authority"),
    "an order for a post": (PUBLISH, lambda: REMOVAL, "wrong_authority"),
    "a permit for a removal": (DELETE, lambda: permit(DELETE), "wrong_authority"),
    "a permit for a look-up": (LOOK, lambda: permit(LOOK), "wrong_authority"),
    "an auth order for a post": (PUBLISH, lambda: AuthOrder(TENANT, CHANNEL), "wrong_authority"),
    "a notice for a post": (PUBLISH, lambda: NoticeOrder(TENANT, uuid7()), "wrong_authority"),
    "an order of another action": (
        DELETE,
        lambda: RemovalOrder(TENANT, CHANNEL, "hide", uuid7()),
        "wrong_authority",
    ),
    "an unlisted action": (
        replace(DELETE, action="edit"),
        lambda: RemovalOrder(TENANT, CHANNEL, "edit", uuid7()),
        "wrong_authority",
    ),
    "an unlisted control action": (
        replace(LOOK, action="post"),
        lambda: ControlOrder(TENANT, CHANNEL, "post"),
        "wrong_authority",
    ),
    "an order for a replacement": (REPLACE, lambda: REMOVAL, "wrong_authority"),
    "a replacement with another picture": (
        replace(REPLACE, files={"m0": FileRef(sha(DATA), "image/png")}),
        lambda: permit(REPLACE),
        "not_these_bytes",
    ),
    "a replacement without its mark": (
        REPLACE,
        lambda: permit(REPLACE, flags=("x=true",)),
        "mark_missing",
    ),
    "another gate's key": (
        PUBLISH,
        lambda: permit(PUBLISH, Ed25519PrivateKey.generate()),
        "forged",
    ),
    "a changed permit": (PUBLISH, lambda: replace(permit(PUBLISH), unit_digest="1" * 64), "forged"),
    "no signature": (PUBLISH, lambda: replace(permit(PUBLISH), signature=""), "forged"),
    "different bytes": (
        replace(PUBLISH, json={"text": "other"}),
        lambda: permit(PUBLISH),
        "not_these_bytes",
    ),
    "another path": (
        replace(PUBLISH, path="/api/other/posts"),
        lambda: permit(PUBLISH),
        "not_these_bytes",
    ),
    "another header": (
        replace(PUBLISH, headers={"x-to": "all"}),
        lambda: permit(PUBLISH),
        "not_these_bytes",
    ),
    "another step": (
        replace(PUBLISH, name="publish:2"),
        lambda: permit(PUBLISH),
        "not_these_bytes",
    ),
    "another account": (PUBLISH, lambda: permit(PUBLISH, account="mia"), "not_these_bytes"),
    "another channel": (PUBLISH, lambda: permit(PUBLISH, channel_id=uuid7()), "other_account"),
    "another tenant": (PUBLISH, lambda: permit(PUBLISH, tenant_id=uuid7()), "other_account"),
    "an order for another tenant": (
        DELETE,
        lambda: replace(REMOVAL, tenant_id=uuid7()),
        "other_account",
    ),
    "a notice of another tenant": (
        WireStep("notice", StepKind.NOTICE, "POST", "/n"),
        lambda: NoticeOrder(uuid7(), uuid7()),
        "other_account",
    ),
    "free text in a removal": (
        replace(DELETE, json={"caption": "sold out, sorry"}),
        lambda: REMOVAL,
        "carries_content",
    ),
    "a file in a removal": (
        replace(DELETE, file=FileRef(sha(DATA), "image/png")),
        lambda: REMOVAL,
        "carries_content",
    ),
    "free text in an order": (
        replace(LOOK, json={"q": ["a text"]}),
        lambda: CONTROL,
        "carries_content",
    ),
    "free text in an order's path": (
        replace(LOOK, path="/posts?q=a%20text"),
        lambda: CONTROL,
        "carries_content",
    ),
    "free text in an order's header": (
        replace(LOOK, headers={"x": "a text"}),
        lambda: CONTROL,
        "carries_content",
    ),
    "a file in a token request": (
        replace(AUTH, json=None, file=FileRef(sha(DATA), "image/png")),
        lambda: AuthOrder(TENANT, CHANNEL),
        "carries_content",
    ),
    "a credential of the step's own": (
        replace(LOOK, headers={"Authorization": "Bearer-x"}),
        lambda: CONTROL,
        "malformed",
    ),
    "another host": (replace(LOOK, path="//evil.example/x"), lambda: CONTROL, "malformed"),
    "another host by user": (replace(LOOK, path="@evil.example/x"), lambda: CONTROL, "malformed"),
    "a path with parent segments": (
        replace(LOOK, path="/posts/../admin"),
        lambda: CONTROL,
        "malformed",
    ),
}


@pytest.mark.parametrize("name", BREACHES)
def test_breach_is_stopped_before_the_first_byte(
    door: TransportSetup, platform: RecordingServer, name: str
) -> None:
    step, authority, code = BREACHES[name]
    with pytest.raises(EgressForbidden, match=code):
        door.send(step, authority())
    assert (platform.got, door.revealed) == ([], [])


def test_permit_is_valid_for_one_request(door: TransportSetup, platform: RecordingServer) -> None:
    once = permit(PUBLISH)
    door.send(PUBLISH, once)
    with pytest.raises(EgressForbidden, match="replayed"):
        door.send(PUBLISH, once)
    assert len(platform.got) == 1


def test_parallel_replays_send_once(door: TransportSetup, platform: RecordingServer) -> None:
    once, refused = permit(PUBLISH), []

    def attempt() -> None:
        try:
            door.send(PUBLISH, once)
        except EgressForbidden as error:
            refused.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(platform.got), len(refused)) == (1, 19)


def test_orders_are_sent_with_their_step_kind(
    door: TransportSetup, platform: RecordingServer
) -> None:
    checkout = WireStep(
        "c", StepKind.CONTROL, "POST", "/c/q_1", {"ok": True, "amount": 5}, action="checkout_yes"
    )
    door.send(DELETE, REMOVAL)
    door.send(LOOK, CONTROL)
    door.send(checkout, ControlOrder(TENANT, CHANNEL, "checkout_yes"))
    notice = WireStep("notice", StepKind.NOTICE, "POST", "/n", {"text": "Two things wait for you."})
    door.send(notice, NoticeOrder(TENANT, uuid7()))
    assert [entry[0] for entry in platform.got] == ["DELETE", "GET", "POST", "POST"]


def test_secrets_of_a_response_are_sealed(door: TransportSetup, platform: RecordingServer) -> None:
    platform.answer = (
        200,
        {"set-cookie": "s=1"},
        b'{"access":"AAA","more":{"b":"BBB"},"expires":60}',
    )
    answer = door.send(AUTH, AuthOrder(TENANT, CHANNEL))
    assert answer.body == {"expires": 60}
    assert {name: sealed.box for name, sealed in answer.sealed.items()} == {
        "access": b"sealed:AAA",
        "more": b'sealed:{"b": "BBB"}',
    }
    assert "AAA" not in repr(answer)
    assert "set-cookie" not in answer.headers
    assert "authorization" not in platform.got[0][2]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000, b"null", b"<html>"]
)
def test_unreadable_success_is_no_success(
    door: TransportSetup, platform: RecordingServer, body: bytes
) -> None:
    platform.answer = (201, {}, body)
    answer = door.send(PUBLISH, permit(PUBLISH))
    assert (answer.status, answer.body, answer.is_success) == (201, None, False)


def test_redirect_is_not_followed(door: TransportSetup, platform: RecordingServer) -> None:
    platform.answer = (307, {"location": f"{platform.url}/elsewhere"}, b"{}")
    answer = door.send(PUBLISH, permit(PUBLISH))
    assert (answer.status, len(platform.got)) == (307, 1)


def test_refused_connection_is_not_sent_and_silence_is_lost(door: TransportSetup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        door.account = replace(door.account, base_url=url)
        assert isinstance(door.send(replace(LOOK, deadline=0.2), CONTROL), StepAnswerLost)
    assert isinstance(door.send(LOOK, CONTROL), StepNotSent)


def test_request_without_credential_is_refused(
    door: TransportSetup, platform: RecordingServer
) -> None:
    door.account = replace(door.account, token=None)
    with pytest.raises(EgressForbidden, match="no_credential"):
        door.send(LOOK, CONTROL)
    assert platform.got == []


def test_manual_task_needs_its_permit_and_opens_no_socket(
    hands: tuple[TransportSetup, list[str]], platform: RecordingServer
) -> None:
    open_door, got = hands
    allowed = permit(HAND)
    assert open_door.send(HAND, allowed).body == {"task": "t1"}
    assert open_door.send(ASK, REMOVAL).is_success
    for step, authority in (
        (HAND, allowed),  # already used
        (HAND, permit(HAND, Ed25519PrivateKey.generate())),
        (replace(HAND, json={"caption": "other"}), permit(HAND)),
        (
            HAND,
            permit(replace(HAND, to="network")),
        ),  # a permit for the network is not valid for a manual task
        (HAND, REMOVAL),
        (ASK, CONTROL),
        (replace(ASK, json={"text": "see https://x"}), REMOVAL),
        (replace(LOOK, to="person"), CONTROL),
    ):
        with pytest.raises(EgressForbidden):
            open_door.send(step, authority)
    open_door.objects[TENANT, sha(DATA)] = b"other bytes"
    with pytest.raises(EgressForbidden, match=r"egress\.file_changed"):
        open_door.send(HAND, permit(HAND))
    assert got == ["hand_over", "take_back"]
    assert platform.got == []


def test_manual_task_without_a_receiver_is_refused(
    door: TransportSetup, platform: RecordingServer
) -> None:
    with pytest.raises(EgressForbidden):
        door.send(HAND, permit(HAND))
    assert platform.got == []


FETCHED = WireStep(
    *("stage", StepKind.STAGE, "POST", "/api/{account}/posts", {"text": "hé"}),
    fetched={"image_url": FileRef(sha(DATA), "image/png")},
)


def test_fetched_file_is_sent_as_temporary_url_of_its_permit(
    door: TransportSetup, platform: RecordingServer
) -> None:
    allowed = permit(FETCHED)
    door.outside.append("https://house.example/lent")
    door.send(FETCHED, allowed)
    address = f"https://house.example/lent/{allowed.jti}/{sha(DATA)}"
    assert json.loads(platform.got[0][3]) == {"text": "hé", "image_url": address}


OTHER = FileRef("0" * 64, "image/png")


@pytest.mark.parametrize(
    "fetched", [{}, {"image_url": OTHER}, {"cover": FileRef(sha(DATA), "image/png")}]
)
def test_permit_covers_the_exact_fetched_file(
    door: TransportSetup, platform: RecordingServer, fetched: dict[str, FileRef]
) -> None:
    door.outside.append("https://house.example/lent")
    with pytest.raises(EgressForbidden, match="not_these_bytes"):
        door.send(replace(FETCHED, fetched=fetched), permit(FETCHED))
    unknown = replace(FETCHED, fetched={"image_url": OTHER})
    with pytest.raises(NotFound):
        door.send(unknown, permit(unknown))
    for bare, order in ((LOOK, CONTROL), (DELETE, REMOVAL), (AUTH, AuthOrder(TENANT, CHANNEL))):
        with pytest.raises(EgressForbidden, match="carries_content"):
            door.send(replace(bare, fetched=FETCHED.fetched), order)
    assert platform.got == []


def test_fetched_file_without_public_url_is_not_sent(
    door: TransportSetup, platform: RecordingServer
) -> None:
    assert door.send(FETCHED, permit(FETCHED)) == StepNotSent("stage", "no_public_address")
    assert platform.got == []


def test_unjudged_reference_is_refused_and_judged_one_is_sent(
    door: TransportSetup, platform: RecordingServer
) -> None:
    quoting = replace(PUBLISH, json={**(PUBLISH.json or {}), "quote": "p7"})
    for step, judged, why in (
        (quoting, (), "remote_reference"),
        (quoting, ("p8",), "remote_reference"),
        (replace(PUBLISH, json={"publishAt": "x"}), ("x",), "native_scheduling"),
        (replace(PUBLISH, json={"publishAt": "x"}), (), "native_scheduling"),
        (replace(PUBLISH, headers={"x-copy": "https://a.test/b"}), (), "remote_reference"),
    ):
        with pytest.raises(EgressForbidden, match=why):
            door.send(step, permit(step, points_at=judged))
    assert platform.got == []
    door.send(quoting, permit(quoting, points_at=("p7",)))
    assert len(platform.got) == 1
