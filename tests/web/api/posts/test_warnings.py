"""Responses to scheduling requests warn at once of everything that will hold the post."""

import pytest

from channels.accounts import lifecycle
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from studio.library import assets
from tests.gate.answers import rate_and_answer
from tests.web.api_client import ApiClient, error_code
from tests.web.example_agency import add_library_picture


def codes(answer: dict[str, object]) -> set[str]:
    warned = answer["warnings"]
    assert isinstance(warned, list)
    return {one["code"] for one in warned}


def test_missing_approval_is_warned_until_approved(api: ApiClient) -> None:
    post = api.write("hello")
    assert post["warnings"]
    assert {one["channel_id"] for one in post["warnings"]} == {str(api.channels["mia"])}
    assert {one["delivery_id"] for one in post["warnings"]} == {
        one["id"] for one in post["deliveries"]
    }
    done = api.ask("POST", f"/posts/{post['id']}/approve", {}, key=api.secrets["owner"], version=1)
    assert codes(done.json()) < codes(post)
    assert codes(api.get(f"/posts/{post['id']}")) == codes(done.json())


def test_missing_rating_is_warned_until_rated(api: ApiClient) -> None:
    media = add_library_picture(api, "mia")
    post = api.write("hello", media=[str(media)])
    assert "gate.RATING_MISSING" in codes(post)
    asked = {"media_id": str(media), "rating": "G"}
    incomplete = api.ask("POST", "/ratings", asked)
    assert (incomplete.status_code, error_code(incomplete)) == (422, "rating.shown_missing")
    asked["shown"] = "no_people"
    assert api.ask("POST", "/ratings", asked).status_code == 202
    with api.scope() as scope:  # as the workers do
        rate_and_answer(scope, assets.get_asset(scope, media).sha256, Rating.G, source="rule:test")
    again = api.ask("PATCH", f"/posts/{post['id']}", {"body": "hello again"}, version=1)
    assert "gate.RATING_MISSING" not in codes(again.json())


def test_account_to_reconnect_is_warned(api: ApiClient) -> None:
    with api.scope() as scope:
        lifecycle.require_reauthorization(
            scope, api.channels["mia"], reason=Message("channel.token_refused")
        )
    assert codes(api.write("hello")) - {"approval.missing"}


@pytest.mark.parametrize("rating", ["G", "S", "N"])
def test_rating_is_never_lowered(api: ApiClient, rating: str) -> None:
    media = add_library_picture(api, "mia")
    with api.scope() as scope:
        rate_and_answer(scope, assets.get_asset(scope, media).sha256, Rating.E, source="rule:test")
    answer = api.ask("POST", "/ratings", {"media_id": str(media), "rating": rating})
    assert (answer.status_code, error_code(answer)) == (403, "gate.RATING_LOWERING_INVALID")


def test_rating_needs_a_key_for_the_creator(api: ApiClient) -> None:
    media = add_library_picture(api, "mia")
    said = {"media_id": str(media), "rating": "S"}
    assert api.ask("POST", "/ratings", said, key=api.key(creators=["zoe"])).status_code == 404
    assert error_code(api.ask("POST", "/ratings", {**said, "rating": "X"})) == "api.unfit"
