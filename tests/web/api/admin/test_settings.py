"""Settings of the agency over the API: read and changed by keys of the owner only."""

from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import expect_success


def test_owner_changes_the_settings_of_the_agency(api: ApiClient) -> None:
    owner = api.secrets["owner"]
    body = {
        "agency": {"currency": "chf", "legal_name": "Lumière SARL", "languages": ["en", "fr"]},
        "creator_defaults": {"rating_ceiling": "S"},
        "approvals": {"minutes": 240},
    }
    changed = expect_success(api.ask("PATCH", "/settings", body, key=owner))
    assert changed["agency"]["currency"] == "CHF"
    assert changed["agency"]["languages"] == ["fr", "en"]
    assert changed["creator_defaults"]["rating_ceiling"] == "S"
    assert changed["approvals"] == {"minutes": 240}
    assert expect_success(api.ask("GET", "/settings", key=owner)) == changed


def test_invalid_or_forbidden_change_changes_nothing(api: ApiClient) -> None:
    owner = api.secrets["owner"]
    before = expect_success(api.ask("GET", "/settings", key=owner))
    wrong = {"agency": {"legal_name": "New", "vat_number": "!"}}
    refused = api.ask("PATCH", "/settings", wrong, key=owner)
    assert (refused.status_code, error_code(refused)) == (422, "agency.vat_number")
    assert api.ask("GET", "/settings").status_code == 403  # the manager
    assert expect_success(api.ask("GET", "/settings", key=owner)) == before
