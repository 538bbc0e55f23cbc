"""Reactions to messages of a channel, which are reported as anonymous counts."""

from typing import Any

from tests.fakes.telegram.chats import Chat, Told

KIND = "message_reaction_count"


def react(
    world: Any, bot: Any, channel: Chat, number: int, *, paid: int = 0, **many: int
) -> Told | None:
    """Set the reactions of a message (`fire=3`, `heart=1`). The bot receives them only if it
    administers the channel and requested this kind of update explicitly."""
    with world.lock:
        emoji = {"fire": "🔥", "heart": "❤", "like": "👍"}
        told = [
            {"type": {"type": "emoji", "emoji": emoji[name]}, "total_count": n}
            for name, n in many.items()
            if n
        ]
        told += [{"type": {"type": "paid"}, "total_count": paid}] if paid else []
        body = {
            "chat": channel.told(),
            "message_id": number,
            "date": world.seconds(),
            "reactions": told,
        }
        if channel.rights.get(bot.id) not in ("post", "silent") or KIND not in bot.allowed:
            return None
        return dict(world.tell(bot, KIND, body))
