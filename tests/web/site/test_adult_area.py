"""The entrance of the adult area for visitors without an age check; tests/browser covers the
complete path."""

import pytest

from foundation.ids import uuid7
from gate.contract.units import Rating
from tests.web.builders import CreatorPage, create_page, new_picture

OWN = {"sec-fetch-site": "same-origin"}


def with_provider(mia: CreatorPage) -> None:
    with mia.scope() as scope:
        scope.run(
            "INSERT INTO age_providers (tenant_id, id, provider, account, base_url, state, letter)"
            " VALUES (:tenant, :id, 'yoti', 'x', '', 'connected', '')",
            tenant=mia.tenant_id,
            id=uuid7(),
        )


def test_session_cookie_is_bound_to_the_host_and_hidden_from_scripts(mia: CreatorPage) -> None:
    with_provider(mia)
    answer = mia.room.client.post(f"/{mia.slug}/18/prove", headers=OWN)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-reader=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=2592000"):
        assert part in cookie
    assert "domain" not in cookie.lower()
    session = cookie.partition("=")[2].partition(";")[0]
    with mia.scope() as scope:
        rows = scope.run(
            "SELECT user_id, source FROM age_checks WHERE tenant_id = :t", t=mia.tenant_id
        ).all()
    assert len(rows) == 1
    assert session not in f"{rows[0].user_id}{rows[0].source}"


def test_without_age_provider_no_session_is_created(mia: CreatorPage) -> None:
    shown = mia.get("18/")
    assert "La vérification d’âge n’est pas disponible ici" in shown.text
    assert "<form" not in shown.text
    assert "set-cookie" not in mia.room.client.post(f"/{mia.slug}/18/prove", headers=OWN).headers


def test_adult_area_needs_a_separate_credential(mia: CreatorPage) -> None:
    data = new_picture()
    sha256 = mia.stage(data, Rating.N)
    assert mia.put(media=[sha256]).status_code == 403
    body = b'{"text": "hello"}'
    path = f"/house/{mia.slug}.18/items/gr0123456789abcdef"
    for token in (mia.token, "x"):
        refused = mia.room.client.put(
            path, content=body, headers={"authorization": f"Bearer {token}"}
        )
        assert refused.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "18/p/unknown-item",
        "18/files/x.png",
        f"18/files/{'0' * 64}.png",
        "18/p/%00",
        "18/files/%00.png",
    ],
)
def test_unknown_content_looks_like_restricted_content(mia: CreatorPage, path: str) -> None:
    answer = mia.get(path)
    assert answer.status_code in {303, 404}
    assert answer.headers["cache-control"] == "private, no-store"
    nobody = mia.room.client.get(f"/nobody-here/{path}")
    assert nobody.status_code == 404
    assert mia.get("18").status_code == 200


def test_entrance_uses_the_language_of_the_page(mia: CreatorPage) -> None:
    english = create_page(mia.room, language="en", title="Mia")
    with_provider(english)
    assert "Verify your age once" in english.get("18/").text
    for cookie in ("reader=x", "__Host-reader=%00%C3", "__Host-reader=" + "A" * 43):
        assert english.get("18/", cookie=cookie).status_code == 200
