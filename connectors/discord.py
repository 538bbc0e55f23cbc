"""Discord: a bot that posts to a text channel and answers direct messages. Pure; the gateway is in `workers`.

A message and its files are one request with a nonce. Inside some two minutes Discord itself keeps a repeat from
becoming a second message; whatever the age, the channel's history shows the nonce, the names of the files or the text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors import (
    discord_connecting,
    discord_passing,
    discord_places,
    discord_roles,
    discord_words,
    fitting,
    options,
    showing,
)
from connectors.answers import segment, told_by
from connectors.capabilities import Capabilities, Option
from connectors.contract import Answer, Copy, FileRef, Response, Send, Sought, StepKind, Update, WireStep
from connectors.discord_asking import step
from connectors.discord_history import LOOK, in_history
from connectors.discord_ids import copy_at, file_name, is_id, moment, nonce, place
from connectors.discord_meaning import GONE, UNKNOWN_MESSAGE, code, is_no_message, said
from connectors.enrolment import Connected, ConnectForm, Field
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, path_of
from connectors.outcomes import Absent, Found, Outcome, Published, Rejected, Sighting, Uncertain, Unknown
from connectors.places import Destination, Seen
from connectors.roles import ADULT
from connectors.standing import Missing, Stand, Standing
from foundation.sealed import Sealed
from foundation.words import Message
from gate.units import PASSED_ON, Button, Medium, Unit

PUBLISH, OPEN = "publish", "open"
MOST_ALT = 1024
MOST_REQUEST = 24 * 1024 * 1024
"""Bytes of all files of one message; the whole request may have 25 MiB."""

HIDING = "spoiler=true"
"""The flag that blurs what is attached."""

SILENT = 1 << 12
"""SUPPRESS_NOTIFICATIONS: https://docs.discord.com/developers/resources/message#message-object-message-flags"""

PRESSED, CHOSEN = "press:", "command:"
"""What the key of a pressed button, and of a command from the menu, begins with; its id follows."""

REMOVED = "removed-"
"""In place of a native id: it was posted and deleted before its answer was read."""

_SEEN: Mapping[str, Mapping[str, Any]] = {PRESSED: {"type": 6}, CHOSEN: {"type": 5, "data": {"flags": 1 << 6}}}

MOST_LABEL = 80
_ROW, _BUTTON, _GREY, _PER_ROW = 1, 2, 2, 5


class Discord:
    """Posts to a channel and messages to one reader."""

    capabilities = Capabilities(
        platform="discord",
        surfaces=("guild_channel", "dm"),
        max_text=2000,
        max_media=10,
        mimes=("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/ogg", "audio/mp4", "application/zip"),
        max_bytes=10 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        can_delete=True,
        edits=True,
        can_chat=True,
        can_sell=False,
        stages=False,
        threads=25,
        shows={"": showing.DISCORD},
        passes_on=discord_passing.OPTION,
        passes_to=discord_passing.FOLLOWERS,
        options=(
            Option("silent", "flag", default=options.NO),
            Option(discord_passing.OPTION, "flag", default=options.NO),
        ),
    )
    numbers_prove = True
    form = ConnectForm(
        fields=(
            Field("token", secret=True),
            Field("channel", example="https://discord.com/channels/123456789012345678/234567890123456789"),
            Field(ADULT, optional=True, example="18+"),
        ),
        credential="token",
        minutes=3,
    )

    def count(self, unit: Unit) -> tuple[int, int]:
        """A title is the first line."""
        return len(_words(unit)), self.capabilities.max_text

    def next(self, unit: Unit, answers: tuple[Answer, ...]) -> Send | Outcome:
        """One request makes the message; a reader's channel is asked for before, and whether servers may follow it
        where that is chosen. One more passes it on to them."""
        if unit.comment == PASSED_ON:
            return discord_passing.next_turn(unit, answers)
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _published(last, unit)
        if not unit.viewer:
            look = discord_passing.followed(unit, last) if options.said(unit).flag(discord_passing.OPTION) else None
            return look or Send(_create(unit, place(unit.account).channel))
        if last is None:
            return Send(open_chat(unit.viewer, StepKind.STAGE))
        channel = opened(last)
        return Send(_create(unit, channel)) if channel else said(last, creates=False, reader=True)

    def find(self, sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
        """Read the channel's history from a minute before the attempt on; of a message that was passed on, itself."""
        if sought.passed_on:
            return discord_passing.find(sought, answers)
        if sought.chat and not answers:
            return Send(open_chat(sought.chat, StepKind.CONTROL))
        channel = opened(answers[0]) if sought.chat else place(sought.account).channel
        if not channel:
            return Unknown(Message("connectors.lookup_failed"))
        return in_history(sought, channel, answers[1:] if sought.chat else answers)

    def home(self, account: str, destination: str, base_url: str) -> str:
        """The channel."""
        return place(account).url("").rstrip("/")

    def named(self, address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
        """The message of an address, which names its server and its channel too, and who wrote it."""
        path, own = path_of(address.url, "discord.com", "discordapp.com"), place(address.account)
        if len(path) != 4 or path[0] != "channels" or not is_id(path[3]):
            return NO_POST
        if path[1:3] != (own.guild, own.channel):
            return OTHERS
        if not answers:
            return Send(_asked(LOOK, f"/channels/{segment(own.channel)}/messages/{segment(path[3])}"))
        last = answers[-1]
        if is_no_message(last):
            return Absent()
        body = last.body if isinstance(last, Response) and last.ok and isinstance(last.body, dict) else {}
        if body.get("id") != path[3]:
            return UNREAD
        author = body.get("author")
        mine = isinstance(author, dict) and author.get("id") == own.bot
        return Found(path[3], own.url(path[3]), moment(path[3])) if mine else OTHERS

    def remove(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Delete the message; gone already is gone."""
        channel, message = _whereabouts(copy)
        if message.startswith(REMOVED):
            return Published(copy.native_id)
        if not answers:
            path = f"/channels/{segment(channel)}/messages/{segment(message)}"
            return Send(step("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        absent = isinstance(last, Response) and last.status == 404 and code(last) in {UNKNOWN_MESSAGE, *GONE}
        if isinstance(last, Response) and (200 <= last.status < 300 or absent):
            return Published(copy.native_id)
        return said(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Other words in the place of those of a message; its files are named, so that they stay."""
        unfit = _unfit(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        channel, message = _whereabouts(Copy(native_id, unit.account))
        path = f"/channels/{segment(channel)}/messages/{segment(message)}"
        return discord_words.edit(path, _words(unit), native_id, answers, files=bool(unit.media))

    def read(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Mapping[str, int] | None:
        """Reactions of a post, counted as likes; Discord tells a bot nothing else."""
        channel, message = _whereabouts(copy)
        if copy.chat or message.startswith(REMOVED) or copy.native_id.startswith(discord_passing.PASSED):
            return None
        if not answers:
            return Send(_asked("metrics", f"/channels/{segment(channel)}/messages/{segment(message)}"))
        last = answers[-1]
        if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
            return None
        counts = [each.get("count") for each in last.body.get("reactions") or () if isinstance(each, dict)]
        return {"likes": sum(count for count in counts if isinstance(count, int))}

    def still(self, copy: Copy, answers: tuple[Answer, ...]) -> Send | Stand | None:
        """Whether the channel still has the message: a channel that is gone, or shut to the bot, says nothing of it."""
        channel, message = _whereabouts(copy)
        if message.startswith(REMOVED):
            return Missing()  # Discord said so while it was posted
        if not answers:
            return Send(_asked(LOOK, f"/channels/{segment(channel)}/messages/{segment(message)}"))
        if told_by(answers[-1]).get("id") == message:
            return Standing()
        return Missing() if is_no_message(answers[-1]) else None

    def connect(self, form: Mapping[str, str | Sealed], answers: tuple[Answer, ...]) -> Send | Connected | Outcome:
        """The next sign-in request, the account, or why not."""
        return discord_connecting.connect(form, answers)

    def check(self, account: str, answers: tuple[Answer, ...]) -> Send | Outcome | None:
        """Ask for the channel: the token opens it, and the bot is still there."""
        if not answers:
            return Send(_asked(LOOK, f"/channels/{segment(place(account).channel)}"))
        last = answers[-1]
        return None if isinstance(last, Response) and last.ok else said(last, creates=False)

    def followers(self, account: str, destination: str, answers: tuple[Answer, ...]) -> Send | int | None:
        """How many are on the server that is posted to."""
        return discord_places.followers(account, answers)

    def see(self, place: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
        """Whether the channel is age-restricted now; its server's own restriction says nothing of it."""
        return discord_places.see(place, answers)

    def role(self, account: str, fan: str, role: str, give: bool, answers: tuple[Answer, ...]) -> Send | Outcome:
        """Give a member of the account's server a role, or take it."""
        return discord_roles.turn(account, fan, role, give, answers)

    def hears(self, account: str) -> str:
        """Whose direct messages the account hears: a bot has one inbox, however many channels it posts to."""
        return place(account).bot

    def ack(self, update: Update) -> WireStep | None:
        """Tell Discord within three seconds that a press or a command arrived: it is shown under its own word, which
        lives 15 minutes and stands in place of the token.

        A command is answered later, and before one person alone.
        """
        told = next((how for begins, how in _SEEN.items() if update.key.startswith(begins)), None)
        if told is None:
            return None
        path = f"/interactions/{segment(update.key.partition(':')[2])}/{{token}}/callback"
        return step("ack", StepKind.CONTROL, "POST", path, told, token="path", action="ack", deadline=2.0)  # noqa: S106  how it is shown


def _unfit(unit: Unit, can: Capabilities) -> Message | None:
    """Why the message cannot go out as it is; nothing is ever cut."""
    if unit.invoice is not None:
        return Message("discord.no_payments")
    if wrong := fitting.unfit(unit, can, length=len(_words(unit))):
        return wrong
    if any(len(button.label) > MOST_LABEL for button in unit.buttons):
        return Message("connectors.text_too_long", {"length": max(map(_label, unit.buttons)), "most": MOST_LABEL})
    size = sum(medium.size for medium in unit.media)
    if size > MOST_REQUEST:
        return Message("discord.too_large", {"size": size, "most": MOST_REQUEST})
    if any(len(medium.alt) > MOST_ALT for medium in unit.media):
        return Message("discord.alt_too_long", {"most": MOST_ALT})
    return None


def _label(button: Button) -> int:
    return len(button.label)


def _words(unit: Unit) -> str:
    return discord_words.joined(unit.text("title"), unit.text("body"))


def _asked(name: str, path: str) -> WireStep:
    """A harmless request for what stands somewhere; its action is its name."""
    return step(name, StepKind.CONTROL, "GET", path, action=name)


def open_chat(viewer: str, kind: StepKind) -> WireStep:
    """Ask for the channel of direct messages with somebody; asked again it is the same one."""
    action = LOOK if kind is StepKind.CONTROL else ""
    body = {"recipient_id": viewer}
    return step(OPEN, kind, "POST", "/users/@me/channels", body, action=action, deadline=10.0)


def opened(answer: Answer) -> str:
    """The channel that was asked for; "" when none was told."""
    told = answer.body.get("id") if isinstance(answer, Response) and answer.ok and isinstance(answer.body, dict) else ""
    return told if isinstance(told, str) and is_id(told) else ""


def _create(unit: Unit, channel: str) -> WireStep:
    hidden = HIDING in unit.flags
    names = [file_name(unit.native_key, number, medium, hidden=hidden) for number, medium in enumerate(unit.media)]
    said: dict[str, Any] = {
        "content": _words(unit),
        "nonce": nonce(unit.native_key),
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    if options.said(unit).flag("silent"):
        said["flags"] = SILENT
    if unit.buttons:
        said["components"] = _buttons(unit.buttons)
    if unit.under:  # refused where what it answers is gone
        said["message_reference"] = {"message_id": unit.under.rpartition("/")[2], "fail_if_not_exists": True}
    path = f"/channels/{segment(channel)}/messages"
    if not unit.media:
        return step(PUBLISH, StepKind.PUBLISH, "POST", path, said)
    said["attachments"] = [_attachment(*each) for each in zip(range(len(names)), names, unit.media, strict=True)]
    files = {
        f"files[{number}]": FileRef(medium.sha256, medium.mime, names[number])
        for number, medium in enumerate(unit.media)
    }
    return step(PUBLISH, StepKind.PUBLISH, "POST", path, {"payload_json": said}, files=files)


def _attachment(number: int, name: str, medium: Medium) -> dict[str, str]:
    return {"id": str(number), "filename": name} | ({"description": medium.alt} if medium.alt else {})


def _buttons(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Rows of at most five; what comes back when one is pressed is its action and its id of ours."""
    drawn = [
        {
            "type": _BUTTON,
            "style": _GREY,
            "label": button.label,
            "custom_id": f"{button.action}:{button.ref}",
        }
        for button in buttons
    ]
    rows = range(0, len(drawn), _PER_ROW)
    return [{"type": _ROW, "components": drawn[start : start + _PER_ROW]} for start in rows]


def _published(answer: Answer, unit: Unit) -> Outcome:
    if isinstance(answer, Response) and answer.ok:
        body = answer.body if isinstance(answer.body, dict) else {}
        message, channel = body.get("id"), body.get("channel_id")
        if isinstance(message, str) and is_id(message) and isinstance(channel, str) and is_id(channel):
            return copy_at(place(unit.account), channel, message, unit.viewer)
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if is_no_message(answer):
        return Published(f"{REMOVED}{nonce(unit.native_key)}")  # the nonce was used, and its message deleted since
    return said(answer, creates=True, reader=bool(unit.viewer))


def _whereabouts(copy: Copy) -> tuple[str, str]:
    channel, _, message = copy.native_id.removeprefix(discord_passing.PASSED).rpartition("/")
    return channel or place(copy.account).channel, message
