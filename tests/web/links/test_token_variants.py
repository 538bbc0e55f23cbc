"""A secret URL works exactly as issued, and no similar URL works."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.web.api_client import ApiClient
from tests.web.builders import CreatorPage
from tests.web.links.test_calendar_subscriptions import address
from tests.web.links.test_client_links import House, house
from tests.web.links.test_short_links import PERSON, short

__all__ = ["house"]


def variants(secret: str) -> Iterator[str]:
    """Yield similar secrets, such as a guesser, mail client or base64 decoder might produce."""
    yield secret[:-1]
    yield secret[1:]
    yield secret + "A"
    yield secret + "="
    yield secret.swapcase()
    yield secret[:-1] + ("B" if secret[-1] != "B" else "C")
    for odd in ("%00", "%20", "%0A", ".", "%E2%80%8B", "%F0%9F%92%A9"):
        yield secret + odd
        yield odd + secret
    yield quote(secret).replace("-", "+").replace("_", "/") + "x"
    yield "*"
    yield "%25"


def check(page: ApiClient | CreatorPage | House, path: str, *, ends: str = "") -> None:
    client = page.client if isinstance(page, ApiClient) else page.room.client
    headers = {"user-agent": PERSON}
    opened = client.get(path, headers=headers, follow_redirects=False)
    assert opened.status_code in {200, 302}
    folder, _, secret = path.removesuffix(ends).rpartition("/")
    for variant in variants(secret):
        answer = client.get(f"{folder}/{variant}{ends}", headers=headers, follow_redirects=False)
        assert answer.status_code in {404, 429}, variant
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers


def test_calendar_opens_only_at_its_exact_address(api: ApiClient) -> None:
    check(api, address(api), ends=".ics")


def test_short_link_opens_only_with_its_exact_slug(mia: CreatorPage) -> None:
    check(mia, short(mia)[0])


def test_approval_opens_only_with_its_exact_link(house: House) -> None:
    house.write("to approve")
    check(house, house.link())


def test_secrets_are_long_and_not_stored(api: ApiClient, house: House) -> None:
    house.write("to approve")
    for path, table in ((address(api), "calendar_addresses"), (house.link(), "approval_links")):
        secret = path.rpartition("/")[2].removesuffix(".ics")
        assert len(secret) >= 43
        page = api if table == "calendar_addresses" else house
        with page.scope() as scope:
            rows = scope.run(f"SELECT * FROM {table} WHERE tenant_id = :t", t=page.tenant_id).all()
        assert rows
        assert not any(secret in str(row) for row in rows)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_http_methods_are_refused(api: ApiClient, mia: CreatorPage, method: str) -> None:
    for client, path in ((api.client, address(api)), (mia.room.client, short(mia)[0])):
        assert client.request(method, path).status_code in {404, 405}
