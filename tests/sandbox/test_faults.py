"""Every fault over a real socket, and its effect on the post."""

import json
import socket
import sqlite3
import struct
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from foundation.http.http_client import HttpResponse, ResponseLost
from foundation.ops.clock import monotonic
from foundation.ops.fault_injection import FaultBook
from tests.fakes.sandbox import RunningSandbox

POST = {"text": "hello"}


def publish(sandbox: RunningSandbox, account: str, deadline: float = 0.4) -> object:
    return sandbox.call(
        "POST", f"/api/{account}/posts", POST, token=sandbox.tokens[account], deadline=deadline
    )


@pytest.mark.parametrize(
    ("mode", "taken"),
    [
        ("hang", 0),
        ("reset_before", 0),
        ("accept_then_hang", 1),
        ("reset_after", 1),
        ("drip", 1),
    ],
)
def test_response_is_lost(sandbox: RunningSandbox, account: str, mode: str, taken: int) -> None:
    sandbox.fault(mode, account=account, on="posts", seconds=5)
    assert isinstance(publish(sandbox, account), ResponseLost)
    assert len(sandbox.truth(account)["posts"]) == taken
    assert isinstance(publish(sandbox, account, 5.0), HttpResponse)
    assert len(sandbox.truth(account)["posts"]) == taken + 1


@pytest.mark.parametrize(
    ("mode", "status", "taken"),
    [
        ("status:503", 503, 0),
        ("status:503_after", 503, 1),
        ("refuse", 403, 0),
        ("status:429", 429, 0),
    ],
)
def test_response_has_the_status_of_the_fault(
    sandbox: RunningSandbox, account: str, mode: str, status: int, taken: int
) -> None:
    sandbox.fault(mode, account=account, on="posts", retry_after=7)
    reply = publish(sandbox, account)
    assert isinstance(reply, HttpResponse)
    assert reply.status == status
    assert reply.headers.get("retry-after") == (
        None if mode in {"refuse", "status:503_after"} else "7"
    )
    assert len(sandbox.truth(account)["posts"]) == taken


def test_incomplete_request_is_not_recorded(sandbox: RunningSandbox, account: str) -> None:
    """Found by a chaos test: a sender killed during an upload counted as one that had sent an empty
    file."""
    place = urlsplit(sandbox.url)
    head = (
        f"PUT /api/{account}/files/{'0' * 64} HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: "
        "image/png\r\n"
    )
    head += f"authorization: Bearer {sandbox.tokens[account]}\r\ncontent-length: 100\r\n\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0)) as line:
        line.sendall(head.encode() + b"half")
    assert isinstance(publish(sandbox, account, 5.0), HttpResponse)
    kinds = [
        entry["kind"]
        for entry in sandbox.json("GET", f"/control/record?account={account}")[1]["record"]
    ]
    assert kinds == ["posts"]


def test_response_body_is_truncated(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fault("garbage", account=account, on="posts")
    reply = publish(sandbox, account)
    assert isinstance(reply, HttpResponse)
    assert reply.status == 201
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(reply.body)
    assert len(sandbox.truth(account)["posts"]) == 1


@pytest.mark.parametrize("mode", ["reset_before", "reset_after"])
def test_reset_fault_sends_a_tcp_reset(sandbox: RunningSandbox, account: str, mode: str) -> None:
    """The kernel receives RST, not FIN: the read fails instead of returning an end of file."""
    sandbox.fault(mode, account=account, on="posts")
    body = json.dumps(POST)
    address = urlsplit(sandbox.url)
    with socket.create_connection(
        (str(address.hostname), address.port or 0), timeout=2
    ) as connection:
        head = (
            f"POST /api/{account}/posts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        )
        head += (
            f"Authorization: Bearer {sandbox.tokens[account]}\r\nContent-Length: "
            f"{len(body)}\r\n\r\n"
        )
        connection.sendall((head + body).encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        (linger,) = struct.unpack("i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR, 4))
        assert linger == 0


def test_hang_ends_when_the_client_disconnects(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fault("hang", account=account, on="posts", seconds=600)
    begun = monotonic()
    assert isinstance(publish(sandbox, account, 0.3), ResponseLost)
    assert monotonic() - begun < 2
    assert sandbox.api("GET", account, "posts")[0] == 200


def test_lagging_lookup_finds_the_post_later(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fault("lag", account=account, lookup_lag=20)
    sandbox.api("POST", account, "posts", POST)
    assert sandbox.api("GET", account, "posts")[1]["posts"] == []
    sandbox.clock.advance(21)
    assert len(sandbox.api("GET", account, "posts")[1]["posts"]) == 1


def test_fault_applies_to_an_account_and_kind_and_is_used_up(
    sandbox: RunningSandbox, account: str
) -> None:
    sandbox.fault("status:500", account=account, on="posts", times=2)
    other = sandbox.account(f"{account}-other")
    assert [
        sandbox.api("POST", other, "posts", POST)[0],
        sandbox.api("GET", account, "posts")[0],
    ] == [201, 200]
    assert [sandbox.api("POST", account, "posts", POST)[0] for _ in range(3)] == [500, 500, 201]
    assert sandbox.json("POST", "/control/faults", {"mode": "explode"})[0] == 422


def test_fault_can_match_one_request_body(sandbox: RunningSandbox, account: str) -> None:
    """The fault matches by a part of the body, since the intended request may arrive late or never."""
    sandbox.fault("status:500", account=account, on="posts", match="gr-this-very-one")
    assert sandbox.api("POST", account, "posts", POST)[0] == 201
    assert sandbox.api("POST", account, "posts", {**POST, "key": "gr-this-very-one"})[0] == 500
    assert sandbox.api("POST", account, "posts", {**POST, "key": "gr-this-very-one"})[0] == 201


def test_faults_of_an_older_file_still_apply(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "old.sqlite")
    old.execute(
        "CREATE TABLE faults (id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind "
        "TEXT NOT NULL,"
        " mode TEXT NOT NULL, times INTEGER NOT NULL, seconds REAL NOT NULL, retry_after REAL,"
        " lookup_lag REAL NOT NULL)"
    )
    old.execute(
        "INSERT INTO faults (account, kind, mode, times, seconds, lookup_lag) VALUES "
        "('*','*','refuse',1,1,0)"
    )
    old.commit()
    old.close()
    book = FaultBook(tmp_path / "old.sqlite")
    assert book.take_fault("any", "posts", b"{}").mode == "refuse"
    book.close()


def test_record_lists_the_requests(sandbox: RunningSandbox, account: str) -> None:
    sandbox.fault("status:503", account=account, on="posts")
    for _ in range(2):
        sandbox.api("POST", account, "posts", POST)
    entries = sandbox.json("GET", f"/control/record?account={account}")[1]["record"]
    told = [
        (entry["method"], entry["kind"], entry["accepted"], entry["status"]) for entry in entries
    ]
    assert told == [("POST", "posts", 0, 503), ("POST", "posts", 1, 201)]
    assert len({entry["digest"] for entry in entries}) == 1
