"""Messages that a fan edits in the Telegram app, from the update to the inbox and the replies, by
polling and by webhook."""

from foundation.http.http_client import HttpClient
from foundation.ops.clock import sleep
from subscribers.conversations.states import OwnerState
from tests.conftest import wait_until
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.edits import KIND, edit, touch

# fixtures
from tests.journeys.telegram.test_bot import called, lea, sandbox, services, telegram  # noqa: F401  see above
from tests.journeys.telegram_creator import TelegramCreator
from tests.subscribers.builders import build_model_reply

LINES = (
    "SELECT kind, body FROM messages WHERE tenant_id = :tenant AND direction = 'in' ORDER BY seq"
)
SIGNALS = "SELECT kind FROM safety_events WHERE tenant_id = :tenant"
OWNERS = "SELECT owner, safety_hold FROM conversations WHERE tenant_id = :tenant"


def lines(lea: TelegramCreator) -> list[tuple[str, str]]:  # noqa: F811  fixture
    return [(row.kind, row.body) for row in lea.rows(LINES)]


def test_minor_age_added_by_an_edit_ends_the_chat(lea: TelegramCreator) -> None:  # noqa: F811  fixture
    lea.connected()
    lea.writer.says = [build_model_reply("Bonjour à toi !"), build_model_reply("Une de trop")]
    said = lea.world.say(lea.bot, "leo", "salut")["message"]["message_id"]
    lea.waits(lambda seen: len(seen) >= 2, seconds=120)
    wait_until(lambda: KIND in lea.bot.allowed)
    edit(lea.world, lea.bot, "leo", said, "salut toi")
    told = touch(lea.world, lea.bot, "leo", said)
    wait_until(lambda: len(lines(lea)) == 2)
    edit(lea.world, lea.bot, "leo", said, "j'ai 15 ans")
    lea.waits(lambda seen: "réservée aux adultes" in seen[-1]["text"])
    lea.world.again(lea.bot, told, *lea.world.log[-1:])
    sleep(2.0)
    assert lines(lea) == [("text", "salut"), ("edited", "salut toi"), ("edited", "j'ai 15 ans")]
    assert len(lea.texts()) == 3, "the notice, one reply and one automated message"
    assert [row.kind for row in lea.rows(SIGNALS)] == ["minor"]
    assert [tuple(row) for row in lea.rows(OWNERS)] == [(OwnerState.PENDING_HUMAN, True)]


# fixture
def test_crisis_added_by_an_edit_is_received_by_webhook(
    called: tuple[TelegramCreator, str],  # noqa: F811  a fixture
) -> None:
    lea, at = called  # noqa: F811  fixture
    http = HttpClient()
    assert KIND in lea.bot.allowed
    said = lea.world.say(lea.bot, "leo", "salut")["message"]["message_id"]
    edit(lea.world, lea.bot, "leo", said, "je veux mourir")
    assert fake.call(lea.world, lea.bot, http, at=at) == [200, 200]
    lea.waits(lambda seen: any("3114" in one["text"] for one in seen))
    lea.world.again(lea.bot, lea.world.log[-1])
    assert fake.call(lea.world, lea.bot, http, at=at) == [200]
    assert lines(lea) == [("text", "salut"), ("edited", "je veux mourir")]
    assert [row.kind for row in lea.rows(SIGNALS)] == ["crisis"]
