"""Join requests, bans and unbans of channel members, and messages of bots to users who requested to
join."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.fakes.telegram.chats import Chat, Refusal, Told

SAY = timedelta(minutes=5)
"""Period after a join request in which a bot may write to a user who never wrote to it, unless the
request was answered."""


def bad(why: str) -> Refusal:
    return Refusal(400, f"Bad Request: {why}")


def request_to_join(world: Any, bot: Any, channel: Chat, name: str) -> Told:
    """Request to join a channel as a user, by a link that requires approval. The bot receives the
    request if it may decide."""
    with world.lock:
        person = world.person(name)
        assert person.id not in channel.members | channel.banned, (
            "members and banned users cannot request to join"
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
    """Return True if a bot may start the chat: the user wrote to it, or has a recent unanswered
    join request."""
    if not chat.knocked:
        return True
    ((place, since),) = chat.knocked.items()
    waits = chat.id in world.channels[place].requests
    return waits and world.clock() - since <= SAY


class JoinRequestMethods:
    """The methods of join requests. Source:
    https://core.telegram.org/bots/api#approvechatjoinrequest and the following sections."""

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
        """Unban a user. Without `only_if_banned`, this removes a current member."""
        chat, user = self._ruled(bot, asked)
        if not asked.get("only_if_banned"):
            chat.members.discard(user)
        if user in chat.banned:
            chat.moves.append(("o", user))
        chat.banned.discard(user)
        return True

    def _ruled(self, bot: Any, asked: Told) -> tuple[Chat, int]:
        """Return a chat in which the bot may ban members, and a known user."""
        # `_chat` is a method of the class that includes this mixin.
        chat = self._chat(bot, asked["chat_id"])  # type: ignore[attr-defined]  # see above
        if bot.id not in chat.doors:
            raise bad("not enough rights")
        user = asked["user_id"]
        if user not in {one.id for one in self.world.people.values()}:
            raise bad("PARTICIPANT_ID_INVALID")
        return chat, user

    def _door(self, bot: Any, asked: Told) -> tuple[Chat, int]:
        """Return a chat in which the bot may decide, and a user with a pending request."""
        chat, user = self._ruled(bot, asked)
        if user in chat.members:
            raise bad("USER_ALREADY_PARTICIPANT")
        if user not in chat.requests:
            raise bad("HIDE_REQUESTER_MISSING")
        return chat, user
