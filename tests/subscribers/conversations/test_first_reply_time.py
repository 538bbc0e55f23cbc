"""Time to first reply, as exported to Prometheus."""

from prometheus_client import REGISTRY

from tests.subscribers.builders import Studio


def answered(by: str) -> float:
    return REGISTRY.get_sample_value("greenroom_chat_first_answer_seconds_count", {"by": by}) or 0.0


def test_first_reply_is_timed_once_and_notices_are_not(studio: Studio) -> None:
    before = answered("bot"), answered("system")
    studio.say("leo", "bonjour")
    assert len(studio.texts("leo")) == 2, "the notice and the reply"
    assert (answered("bot"), answered("system")) == (before[0] + 1, before[1])
