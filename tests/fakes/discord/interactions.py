"""Interactions of the fake Discord (buttons and slash commands, each with a token) and the commands
of applications.

It reproduces behaviour of the real platform that clients often get wrong: a first response after
three seconds is too late, a second one is rejected, follow-ups require the first response, and the
token expires after fifteen minutes; command names are in lower case, and new commands are limited
per day.
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.state import (
    DM,
    Bot,
    Channel,
    DiscordState,
    Json,
    Message,
    Person,
    Refusal,
    user,
)

FIRST, LIVES = timedelta(seconds=3), timedelta(minutes=15)
MOST_COMMANDS, MOST_NEW = 100, 200
PRIVATE = 1 << 6
BUTTON, SLASH = 3, 2
NAME = re.compile(r"[-_'\w]{1,32}")


@dataclass
class Interaction:
    """A button press or a command. `shown` is the displayed response, or None if there is none yet."""

    bot: Bot
    channel: Channel
    token: str
    at: datetime
    private: bool = False
    shown: str | None = None


@dataclass
class Interactions:
    """All interactions, and the commands of every application."""

    world: DiscordState
    gateway: Gateway
    asked: dict[str, Interaction] = field(default_factory=dict)
    acks: dict[str, Json] = field(default_factory=dict)
    """First responses by interaction ID."""
    told: dict[str, Json] = field(default_factory=dict)
    """Gateway events of interactions by ID."""
    menus: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Commands by application and name."""
    written: list[str] = field(default_factory=list)
    """Changes of commands in order, such as "POST stop" or "DELETE shop"."""
    _new: dict[tuple[str, date], int] = field(default_factory=dict)

    # Users

    def press(self, bot: Bot, person: Person, custom_id: str, *, locale: str) -> str:
        """Press a button of a direct message. Return the interaction ID."""
        channel = self.world.direct(bot, person)
        above = self.world.post(channel, user(bot.id, bot.name, bot=True), {"content": "…"})
        told = {
            "type": BUTTON,
            "data": {"component_type": 2, "custom_id": custom_id},
            "locale": locale,
        }
        return self._tell(bot, person, channel, {**told, "message": self.world.shown(above)})

    def choose(self, bot: Bot, person: Person, channel: Channel, data: Json, *, locale: str) -> str:
        """Use a slash command in a direct message or on a server. Return the interaction ID."""
        told = {"type": SLASH, "data": {"id": "1", "type": 1, **data}, "locale": locale}
        return self._tell(bot, person, channel, told)

    def _tell(self, bot: Bot, person: Person, channel: Channel, what: Json) -> str:
        made, token = self.world.snowflake(), secrets.token_urlsafe(64)
        self.asked[made] = Interaction(bot, channel, token, self.world.clock())
        told = {
            "id": made,
            "application_id": bot.id,
            "channel_id": channel.id,
            "token": token,
            "version": 1,
            "app_permissions": "0",
            "entitlements": [],
            "attachment_size_limit": 10 * 2**20,
            "authorizing_integration_owners": {},
            **_where(channel, person),
            **what,
        }
        self.told[made] = told
        self.gateway.tell(bot, "INTERACTION_CREATE", told)
        return made

    # Responses of applications

    def answer(self, method: str, parts: list[str], said: Any) -> tuple[int, Any]:
        """Answer a request with an interaction token. Raise Refusal."""
        match parts:
            case ["interactions", made, word, "callback"]:
                return self.first(made, word, said)
            case ["webhooks", application, word, "messages", "@original"]:
                return self.original(method, application, word, said)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def first(self, interaction: str, token: str, said: Json) -> tuple[int, Any]:
        """Handle the first response. Raise Refusal."""
        found = self.asked.get(interaction)
        if found is None or found.token != token or self.world.clock() - found.at > FIRST:
            raise Refusal(404, 10062, "Unknown interaction")
        if interaction in self.acks:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        self.acks[interaction] = said
        found.private = bool((said.get("data") or {}).get("flags", 0) & PRIVATE)
        if said["type"] == 5:
            self._show(found, "…")
        return 204, None

    def original(self, method: str, application: str, token: str, said: Any) -> tuple[int, Any]:
        """Edit or delete the first response. Raise Refusal."""
        found = next(
            (one for one in self.asked.values() if (one.bot.id, one.token) == (application, token)),
            None,
        )
        if found is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        if self.world.clock() - found.at > LIVES:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        if not any(self.asked[each] is found for each in self.acks):
            raise Refusal(404, 10015, "Unknown Webhook")
        if found.shown is None:
            raise Refusal(404, 10008, "Unknown Message")
        if method == "DELETE":
            found.shown = None
            return 204, None
        return 200, self.world.shown(self._show(found, said["content"]))

    def _show(self, one: Interaction, text: str) -> Message:
        """Show a response to the user alone or to the whole channel."""
        author, one.shown = user(one.bot.id, one.bot.name, bot=True), text
        if not one.private:
            return self.world.post(one.channel, author, {"content": text})
        return Message(
            self.world.snowflake(),
            one.channel.id,
            author,
            text,
            {"content": text},
            "",
            self.world.clock(),
        )

    # Commands

    def menu(self, bot: Bot, application: str) -> dict[str, Json]:
        """Return the commands of the bot's application. Raise Refusal for another application."""
        if application != bot.id:
            raise Refusal(
                403, 20012, "You are not authorized to perform this action on this application"
            )
        return self.menus.setdefault(bot.id, {})

    def manage(
        self, bot: Bot, application: str, method: str, one: list[str], said: Any
    ) -> tuple[int, Any]:
        """Answer a request about commands. Raise Refusal."""
        match method, one:
            case "GET", []:
                return 200, list(self.menu(bot, application).values())
            case "POST", []:
                return self.write(bot, application, said)
            case "DELETE", [command]:
                return self.erase(bot, application, command)
            case _:
                raise Refusal(404, 0, "404: Not Found")

    def write(self, bot: Bot, application: str, said: Json) -> tuple[int, Json]:
        """Create a command, or overwrite the one with the same name. Raise Refusal."""
        menu, today = self.menu(bot, application), self.world.clock().date()
        _check(said)
        known, new = menu.get(said["name"]), self._new.get((bot.id, today), 0)
        if known is None and len(menu) >= MOST_COMMANDS:
            raise Refusal(400, 30032, "Maximum number of application commands reached (100).")
        if known is None and new >= MOST_NEW:
            raise Refusal(
                400, 30034, "Max number of daily application command creates has been reached (200)"
            )
        self._new[bot.id, today] = new + (known is None)
        made = known["id"] if known else self.world.snowflake()
        self.written.append(f"POST {said['name']}")
        menu[said["name"]] = _kept(said, made, bot.id, self.world.snowflake())
        return (200 if known else 201), menu[said["name"]]

    def erase(self, bot: Bot, application: str, command: str) -> tuple[int, None]:
        """Delete a command. Raise Refusal."""
        menu = self.menu(bot, application)
        name = next((each for each, one in menu.items() if one["id"] == command), None)
        if name is None:
            raise Refusal(404, 10063, "Unknown application command")
        del menu[name]
        self.written.append(f"DELETE {name}")
        return 204, None


def _where(channel: Channel, person: Person) -> Json:
    """Return the fields for the user and the context: a direct message has a user, a server has a
    member."""
    who = user(person.id, person.name)
    if channel.type == DM:
        return {
            "context": 1,
            "user": who,
            "channel": {"id": channel.id, "type": DM, "recipients": [who]},
        }
    member = {
        "user": who,
        "roles": [],
        "joined_at": "2026-01-01T00:00:00+00:00",
        "deaf": False,
        "mute": False,
    }
    member |= {"flags": 0, "permissions": "0"}
    place = {
        "id": channel.id,
        "type": channel.type,
        "guild_id": channel.guild,
        "name": channel.name,
        "position": 0,
    }
    guild = {"id": channel.guild, "locale": "en-US", "features": []}
    return {
        "context": 0,
        "member": member,
        "guild_id": channel.guild,
        "guild": guild,
        "channel": place,
    }


def _check(said: Json) -> None:
    options = said.get("options") or []
    named = [said["name"], *(option["name"] for option in options)]
    short = all(0 < len(one.get("description") or "") <= 100 for one in (said, *options))
    if not short or not all(NAME.fullmatch(name) and name == name.lower() for name in named):
        raise Refusal(
            400,
            50035,
            "Invalid Form Body",
            errors={"name": {"_errors": [{"code": "STRING_TYPE_REGEX"}]}},
        )


def _kept(said: Json, made: str, application: str, version: str) -> Json:
    """Return a command as the API does, with default fields and without empty ones."""
    told = {name: value for name, value in said.items() if value not in ([], None)}
    for option in told.get("options", ()):
        option.setdefault("required", False)
    told |= {"id": made, "application_id": application, "version": version, "nsfw": False}
    return {
        **told,
        "type": said.get("type") or 1,
        "default_member_permissions": said.get("default_member_permissions"),
    }
