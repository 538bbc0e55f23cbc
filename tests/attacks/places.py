"""Attacks on destinations and platforms' handling of posts: the real system against faulty fakes of
Telegram, Discord and Bluesky."""

from collections.abc import Callable
from uuid import UUID

from schedules.posts.states import DeliveryState
from tests.attacks.harness import Result
from tests.journeys.connected_creator import ConnectedCreator

Placed = Callable[[ConnectedCreator, bool], Result]
PLACED: dict[str, Placed] = {}


def register_place_attack(name: str) -> Callable[[Placed], Placed]:
    """Register a scenario under an ID of the corpus."""

    def register(scenario: Placed) -> Placed:
        PLACED[name] = scenario
        return scenario

    return register


def delivery_result(mia: ConnectedCreator, delivery_id: UUID, standing: int) -> Result:
    """Return the decision about a delivery, or the reason of its recall, and the number of its live
    posts."""
    verdict, reasons = mia.judged(delivery_id)
    recalled = mia.recall(delivery_id).removeprefix("gate.")
    if recalled:
        assert recalled.isupper(), recalled
        return Result("B", frozenset({recalled}), standing)
    if verdict not in "AF":
        assert mia.desk.state(delivery_id) is DeliveryState.HELD
    return Result(verdict, reasons, standing)


@register_place_attack("V-04")
def private_channel_turned_public(mia: ConnectedCreator, harm: bool) -> Result:
    bot, chat = mia.telegram()
    sent = mia.post("telegram", after=60)
    mia.desk.live(seconds=50)
    if harm:
        chat.username = f"public{bot.id}"
    mia.desk.live(seconds=30)
    return delivery_result(mia, sent, len(set(chat.messages) - chat.deleted))


@register_place_attack("V-05")
def thread_under_a_parent_for_everybody(mia: ConnectedCreator, harm: bool) -> Result:
    thread = mia.discord(nsfw=not harm, thread=True)
    sent = mia.post("discord")
    mia.desk.live(seconds=30)
    return delivery_result(mia, sent, len(mia.outside.discord.sent(thread)))


@register_place_attack("V-07")
def open_invite_link(mia: ConnectedCreator, harm: bool) -> Result:
    """Let a stranger join by an administrator's invite link. Bots receive no event about such
    links, only about the members who join."""
    bot, chat = mia.telegram()
    if harm:
        telegram = mia.outside.telegram.world
        telegram.join(chat, f"anybody{bot.id}", telegram.open_link(chat))
    sent = mia.post("telegram")
    mia.desk.live(seconds=30)
    return delivery_result(mia, sent, len(set(chat.messages) - chat.deleted))


@register_place_attack("P-12")
def platform_that_forgets_the_label(mia: ConnectedCreator, harm: bool) -> Result:
    repo = mia.bluesky()
    repo.drops_labels = harm
    sent = mia.post("bluesky")
    mia.desk.live(seconds=60)
    assert len(repo.taken) == 1, "one request"
    if harm:
        assert "copy.unmarked" in mia.desk.notices().values(), "members are notified at once"
    return delivery_result(mia, sent, len(repo.records))
