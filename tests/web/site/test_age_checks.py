"""The page of an age check: what the visitor sees and may press, and that no cache stores it."""

from uuid import UUID

import pytest

from channels.age_verification import age_checks
from channels.age_verification.states import AgeCheckState
from foundation.ids import uuid7
from tests.web.builders import PUBLIC, CreatorPage


def invited(mia: CreatorPage) -> tuple[str, UUID]:
    """Connect an age provider, create a check link, and return its token and the check ID."""
    with mia.room.tenant(mia.tenant_id, "system:test") as scope:
        scope.run(
            "INSERT INTO age_providers (tenant_id, id, provider, account, base_url, state, letter)"
            " VALUES (:tenant, :id, 'yoti', 'x', '', 'connected', '') ON CONFLICT DO NOTHING",
            tenant=mia.tenant_id,
            id=uuid7(),
        )
        token = age_checks.create_check_link(
            scope, "telegram", "fan", channel_id=None, language="en"
        )
    assert token is not None
    found = age_checks.find_check(mia.room.pages, token)
    assert found is not None
    return token, found[1]


def stand(mia: CreatorPage, check_id: UUID, state: AgeCheckState, address: str = "") -> None:
    with mia.room.tenant(mia.tenant_id, "system:test") as scope:
        scope.run(
            "UPDATE age_checks SET state = :state, address = :address WHERE id = :id",
            state=str(state),
            address=address,
            id=check_id,
        )


def begun(mia: CreatorPage) -> list[str]:
    with mia.room.tenant(mia.tenant_id, "system:test") as scope:
        rows = scope.run(
            "SELECT args FROM outbox WHERE tenant_id = :tenant AND kind = 'age.begin'",
            tenant=mia.tenant_id,
        )
        return [row.args["page"] for row in rows]


def test_link_starts_a_check_once(mia: CreatorPage) -> None:
    token, check_id = invited(mia)
    client = mia.room.client
    shown = client.get(f"/age/{token}")
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert begun(mia) == []  # a link preview starts nothing
    for _ in range(2):
        assert client.post(f"/age/{token}").status_code == 303
    assert begun(mia) == [f"{PUBLIC}/age/{token}"]
    assert client.get(f"/age/{token}").headers["refresh"] == "1"
    stand(mia, check_id, AgeCheckState.OPEN, "https://age.example?sessionId=1&sdkId=2")
    assert 'href="https://age.example?sessionId=1&amp;sdkId=2"' in client.get(f"/age/{token}").text


@pytest.mark.parametrize("state", list(AgeCheckState))
def test_every_state_is_shown_and_only_retryable_ones_start(
    mia: CreatorPage, state: AgeCheckState
) -> None:
    token, check_id = invited(mia)
    stand(mia, check_id, state)
    shown = mia.room.client.get(f"/age/{token}")
    assert shown.status_code == 200
    assert ("<form" in shown.text) == (state in age_checks.RETRYABLE_CHECK_STATES)
    assert shown.headers["cache-control"] == "private, no-store"
    assert "telegram" not in shown.text
    mia.room.client.post(f"/age/{token}")
    assert bool(begun(mia)) == (state in age_checks.RETRYABLE_CHECK_STATES)


def test_expired_link_and_foreign_form_start_nothing(mia: CreatorPage) -> None:
    token, check_id = invited(mia)
    client = mia.room.client
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://elsewhere.test"},
        {"origin": "http://["},
    ):
        assert client.post(f"/age/{token}", headers=headers).status_code == 303
    assert begun(mia) == []
    with mia.room.tenant(mia.tenant_id, "system:test") as scope:
        scope.run(
            "UPDATE age_checks SET created_at = house_now() - interval '2 days' WHERE id = :id",
            id=check_id,
        )
    assert "<form" not in client.get(f"/age/{token}").text
    client.post(f"/age/{token}")
    assert begun(mia) == []


def test_unknown_link_is_not_found(mia: CreatorPage) -> None:
    for token in ("x", "A" * 32, "A" * 500, "%00" * 32):
        assert mia.room.client.get(f"/age/{token}").status_code == 404
        assert mia.room.client.post(f"/age/{token}").status_code == 404
