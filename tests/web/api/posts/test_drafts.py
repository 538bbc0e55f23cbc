"""Drafts over the API."""

from tests.web.api_client import ApiClient


def test_draft_is_deleted_and_scheduled_post_is_not(api: ApiClient) -> None:
    planned, only = api.write(), api.write(channels=[], at=None)
    answer = api.ask("DELETE", f"/posts/{planned['id']}", version=planned["version"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "aside.goes_somewhere")
    assert api.ask("DELETE", f"/posts/{only['id']}", version=only["version"] + 1).status_code == 412
    assert (
        api.ask("DELETE", f"/posts/{only['id']}", version=only["version"]).json()["id"]
        == only["id"]
    )
    assert api.ask("DELETE", f"/posts/{only['id']}", version=only["version"]).status_code == 404
