"""Answers of a creator's team over the API."""

from tests.web.api_client import ApiClient, error_code

ANSWER = {"topic": "delivery", "language": "en", "text": "Right here, at once."}


def test_answer_is_replaced_and_restored(api: ApiClient) -> None:
    path = f"/creators/{api.creators['mia']}/answers"
    before = api.ask("GET", path)
    assert all(one["is_default"] for one in before.json()["answers"])
    body = {"answers": [ANSWER], "by_first_name": True}
    saved = api.ask("PUT", path, body, if_match=before.headers["etag"])
    assert saved.status_code == 200, saved.text
    assert {**ANSWER, "is_default": False} in saved.json()["answers"]
    assert api.get(path)["by_first_name"] is True
    stale = api.ask("PUT", path, body, if_match=before.headers["etag"])
    assert (stale.status_code, error_code(stale)) == (412, "api.other_version")
    empty = {"answers": [{**ANSWER, "text": ""}], "by_first_name": False}
    restored = api.ask("PUT", path, empty, if_match=saved.headers["etag"])
    assert restored.json() == before.json()


def test_answer_that_poses_as_the_creator_is_refused(api: ApiClient) -> None:
    path = f"/creators/{api.creators['mia']}/answers"
    tag = api.ask("GET", path).headers["etag"]
    body = {"answers": [{**ANSWER, "text": "I am a real person"}], "by_first_name": False}
    answer = api.ask("PUT", path, body, if_match=tag)
    assert (answer.status_code, error_code(answer)) == (403, "chat.poses_as_creator")
    assert api.get(path)["answers"][0]["is_default"]
