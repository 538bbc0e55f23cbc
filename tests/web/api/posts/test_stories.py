"""Stories over the API: the limits of the format, and the time at which a post expires."""

from datetime import UTC, datetime

from connectors.platforms.instagram.publisher import Instagram
from tests.web.api_client import ApiClient, parse_instant
from web.api.channels.schemas import LimitsOut


def test_story_is_listed_as_a_format_with_limits() -> None:
    (story,) = LimitsOut.of(Instagram().capabilities, "instagram.post").formats
    assert story.model_dump() == {
        "name": "story",
        "max_text": 0,
        "max_media": 1,
        "max_bytes": 100_000_000,
        "film_seconds": (3, 60),
        "hours": 24,
    }


def test_expiring_post_shows_its_end(api: ApiClient) -> None:
    (place,) = api.approved()["deliveries"]
    with api.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = 'published', native_id = 'p1', lasts_hours = 24, "
            "settled_at = :at"
            " WHERE tenant_id = :t",
            t=api.tenant_id,
            at=datetime(2031, 7, 1, 8, tzinfo=UTC),
        )
    told = api.get(f"/deliveries/{place['id']}")
    assert parse_instant(told["ends_at"]) == datetime(2031, 7, 2, 8, tzinfo=UTC)
    assert told["next"]["code"] == "calendar.next.ends"
    assert "2031" in told["next"]["text"]
