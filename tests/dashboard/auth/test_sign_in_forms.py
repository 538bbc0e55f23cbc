"""Before sign-in, request bodies are read only up to a limit, on every route of the dashboard."""

import re
import socket
from urllib.parse import urlsplit

import pytest

from dashboard.auth import owner_setup, passkeys, password_login, second_factor, sign_in_links
from dashboard.auth.access_control import PUBLIC_PATHS
from dashboard.phone import pairing_codes
from foundation.http.request_bodies import MAX_FORM_BYTES
from tests.dashboard.conftest import Door

CHUNKS = 2 * MAX_FORM_BYTES // 16_384
SECONDS = 20.0

PATHS = sorted(
    path
    for module in (
        owner_setup,
        passkeys,
        password_login,
        second_factor,
        sign_in_links,
        pairing_codes,
    )
    for route in module.ROUTES
    for path in [re.sub(r"\{\w+\}", "x" * 43, route.path)]
    if "POST" in (route.methods or ()) and PUBLIC_PATHS.fullmatch(path)
)


def test_public_forms_are_found() -> None:
    assert {"/auth/login", "/auth/second", "/auth/passkey/ask"} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_endless_body_is_answered_early(door: Door, path: str) -> None:
    """A chunked body declares no length."""
    place = urlsplit(door.url)
    head = f"POST {path} HTTP/1.1\r\nhost: {place.netloc}\r\ntransfer-encoding: chunked\r\n"
    head += "content-type: application/x-www-form-urlencoded\r\n\r\n"
    chunk = b"4000\r\na=" + b"b" * 16_381 + b"&\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=SECONDS) as line:
        line.sendall(head.encode() + chunk * CHUNKS)
        assert re.match(rb"HTTP/1\.1 [234]\d\d ", line.recv(4096))
