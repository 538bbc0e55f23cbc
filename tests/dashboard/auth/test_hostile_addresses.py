"""No address, of a stranger or a member, causes a server error in the dashboard."""

import re
from itertools import product

import pytest
from starlette.routing import Route

from dashboard.auth import (
    email_notifications,
    oauth_callback,
    passkey_confirmations,
    passkeys,
    password_login,
    second_factor,
    sign_in_links,
)
from dashboard.media import library_files, voice_samples
from dashboard.phone import pairing_codes, photo_upload, task_download, tasks
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door

MODULES = (
    email_notifications,
    library_files,
    oauth_callback,
    pairing_codes,
    passkey_confirmations,
    passkeys,
    password_login,
    photo_upload,
    second_factor,
    sign_in_links,
    task_download,
    tasks,
    voice_samples,
)
ROUTES = [route for module in MODULES for route in module.ROUTES if isinstance(route, Route)]
HOSTILE = (
    "%00",
    "%ED%A0%80",
    "%0d%0aset-cookie:%20x=1",
    "..%2f..%2fetc%2fpasswd",
    "x" * 3000,
    "0198c0de-0000-7000-8000-000000000001",
)
QUERY = ("state", "code", "error", "to", "told", "name", "batch", "card", "token", "act", "id")


@pytest.mark.heavy
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_hostile_addresses_break_no_route(
    door: Door, lumiere: Agency, route: Route, signed_in: bool
) -> None:
    cookie = {"cookie": door.cookie(lumiere)} if signed_in else {}
    with door.client() as visitor:
        for value, method in product(HOSTILE, sorted((route.methods or set()) - {"HEAD"})):
            path = re.sub(r"\{\w+(:\w+)?\}", value, route.path)
            query = "&".join(f"{name}={value}" for name in QUERY)
            answer = visitor.request(method, f"{path}?{query}", headers=cookie)
            assert answer.status_code < 500, (method, path[:80], answer.text[:200])
            assert "set-cookie" not in answer.headers or "x=1" not in answer.headers["set-cookie"]
            if method == "POST" and path.startswith("/auth/leave"):
                return
