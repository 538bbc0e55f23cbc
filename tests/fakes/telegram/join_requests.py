"""Who is let into a channel and put out of it, and what a bot may write to somebody who only asked
to come in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.fakes.telegram.chats import Chat, Refusal, Told

SAY = timedelta(minutes=5)
"""So long after a request a bot may write to whoever never wrote to it, while nobody answered the
request."""


def bad(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")


def request_to_join(world: Any, bot: Any, channel: Chat, name: str) -> Told:
    """Somebody asks to be let in, by a link that asks for it; the bot is told, as it may decide."""
    with world.lock:
        person = world.person(name)
        assert person.id not in channel.members | channel.banned, (
            "nobody who is in, or banned, can ask"
        )
        channel.requests[person.id] = world.clock()
        if person.id not in bot.chats:
            chat = world.chat(bot, name)
            chat.knocked = {channel.id: world.clock()}
        elif bot.chats[person.id].knocked:
            bot.chats[person.id].knocked = {channel.id: world.clock()}
        asked = {
            "chat": channel.told(),
            "from": person.told(),
            "user_chat_id": person.id,
            "date": world.seconds(),
        }
        return dict(world.tell(bot, "chat_join_request", asked)) if bot.id in channel.doors else {}


def may_write(world: Any, chat: Chat) -> bool:
    """Whether a bot may begin a chat: somebody wrote to it, or asks to be let in, lately and
    without an answer."""
    if not chat.knocked:
        return True
    ((place, since),) = chat.knocked.items()
    waits = chat.id in world.channels[place].requests
    return waits and world.clock() - since <= SAY


class JoinRequestMethods:
    """The methods. Source: https://core.telegram.org/bots/api#approvechatjoinrequest and what
    follows it there."""

    world: Any

    def do_approveChatJoinRequest(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        chat, user = self._door(bot, asked)
        del chat.requests[user]
        chat.members.add(user)
        chat.moves.append(("+", user))
        return True

    def do_declineChatJoinRequest(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        chat, user = self._door(bot, asked)
        del chat.requests[user]
        chat.moves.append(("-", user))
        return True

    def do_banChatMember(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        chat, user = self._ruled(bot, asked)
        if user == self.world.person("Owner").id:
            raise bad("can't remove chat owner")
        if user in chat.rights:
            raise bad("user is an administrator of the chat")
        chat.members.discard(user)
        chat.banned.add(user)
        chat.moves.append(("x", user))
        return True

    def do_unbanChatMember(self, bot: Any, asked: Told, files: Mapping[str, bytes]) -> Any:
        """Of whoever is in, without `only_if_banned`: puts them out."""
        chat, user = self._ruled(bot, asked)
        if not asked.get("only_if_banned"):
            chat.members.discard(user)
        if user in chat.banned:
            chat.moves.append(("o", user))
        chat.banned.discard(user)
        return True

    def _ruled(self, bot: Any, asked: Told) -> tuple[Chat, int]:
        """A place in which the bot decides who is there, and somebody known."""
        # of the methods this is mixed into
        chat = self._chat(bot, asked["chat_id"])  # type: ignore[attr-defined]  # see above
        if bot.id not in chat.doors:
            raise bad("not enough rights")
        user = asked["user_id"]
        if user not in {one.id for one in self.world.people.values()}:
            raise bad("PARTICIPANT_ID_INVALID")
        return chat, user

    def _door(self, bot: Any, asked: Told) -> tuple[Chat, int]:
        """Such a place, and somebody who asks to be let in."""
        chat, user = self._ruled(bot, asked)
        if user in chat.members:
            raise bad("USER_ALREADY_PARTICIPANT")
        if user not in chat.requests:
            raise bad("HIDE_REQUESTER_MISSING")
        return chat, user
