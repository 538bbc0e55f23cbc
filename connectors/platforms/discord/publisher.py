"""The Discord connector: a bot that posts to a text channel and answers direct messages.

A message and its files are one request with a nonce. Discord refuses to create a second message for
a repeat within about two minutes. Later, the channel's history shows the nonce, the file names or
the text. The gateway connection is in `workers/listeners/discord`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField
from connectors.contract.capabilities import Capabilities, PostOption
from connectors.contract.chats import ChatUpdate
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    Response,
    Send,
    StepKind,
    StepResult,
    WireStep,
)
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Published,
    Rejected,
    Uncertain,
    Unknown,
)
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    path_segments,
)
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.contract.reader_roles import ADULT_ROLE_FIELD
from connectors.platforms.discord import (
    account,
    crossposts,
    edits,
    invites,
    roles,
)
from connectors.platforms.discord import (
    destination as discord_places,
)
from connectors.platforms.discord.errors import (
    CHANNEL_GONE_CODES,
    UNKNOWN_MESSAGE,
    error_code,
    is_unknown_message,
    outcome_of_failure,
)
from connectors.platforms.discord.ids import (
    attachment_name,
    is_id,
    message_nonce,
    parse_account,
    published_copy,
    snowflake_time,
)
from connectors.platforms.discord.lookup import LOOKUP_ACTION, look_up
from connectors.platforms.discord.requests import bot_request
from connectors.shared import options, unit_checks
from connectors.shared.feed_layouts import DISCORD_LAYOUT
from connectors.shared.http_responses import quote_segment, success_body
from foundation.i18n.translation import Message
from foundation.sealed import Sealed
from gate.contract.units import REPOST_KIND, Button, Medium, Unit

PUBLISH = "publish"
OPEN = "open"
MAX_ALT = 1024
MAX_REQUEST_BYTES = 24 * 1024 * 1024
"""Maximum size of all files of a message; a whole request may have 25 MiB."""

SPOILER_MARK = "spoiler=true"
"""The flag that blurs attachments."""

SILENT = 1 << 12
"""The SUPPRESS_NOTIFICATIONS flag:
https://docs.discord.com/developers/resources/message#message-object-message-flags"""

NONCE_SECONDS = 120
"""Seconds in which a repeat is safe. Discord compares an enforced nonce with the "past few
minutes": https://docs.discord.com/developers/resources/message#create-message"""

BUTTON_PREFIX = "press:"
COMMAND_PREFIX = "command:"
"""The prefix of an update's key for a chosen command; `BUTTON_PREFIX` is that of a pressed button.
The ID of the interaction follows."""

REMOVED_PREFIX = "removed-"
"""The prefix of a native ID for a message that was deleted before its answer was read."""

_SEEN: Mapping[str, Mapping[str, Any]] = {
    BUTTON_PREFIX: {"type": 6},
    COMMAND_PREFIX: {"type": 5, "data": {"flags": 1 << 6}},
}

MAX_LABEL = 80
_ROW = 1
_BUTTON = 2
_GREY = 2
_PER_ROW = 5


class Discord:
    """The connector for channel posts and direct messages."""

    capabilities = Capabilities(
        platform="discord",
        surfaces=("guild_channel", "dm"),
        max_text=2000,
        max_media=10,
        mimes=(
            "image/jpeg",
            "image/png",
            "image/webp",
            "video/mp4",
            "audio/ogg",
            "audio/mp4",
            "application/zip",
        ),
        max_bytes=10 * 1024 * 1024,
        look="listing",
        resend_is_look=False,
        repeat_seconds=NONCE_SECONDS,
        can_delete=True,
        edits=True,
        can_chat=True,
        can_sell=False,
        stages=False,
        threads=25,
        shows={"": DISCORD_LAYOUT},
        passes_on=crossposts.CROSSPOST_OPTION,
        passes_to=crossposts.FOLLOWERS_SURFACE,
        options=(
            PostOption("silent", "flag", default=options.OPTION_FALSE),
            PostOption(crossposts.CROSSPOST_OPTION, "flag", default=options.OPTION_FALSE),
        ),
    )
    numbers_prove = True
    form = ConnectForm(
        fields=(
            FormField("token", secret=True),
            FormField(
                "channel",
                example="https://discord.com/channels/123456789012345678/234567890123456789",
            ),
            FormField(ADULT_ROLE_FIELD, optional=True, example="18+"),
        ),
        credential="token",
        minutes=3,
    )

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length with the title as first line, and the limit."""
        return len(_message_text(unit)), self.capabilities.max_text

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Create the message in one request.

        A direct message first requests the recipient's channel. A message to be crossposted first
        checks that its channel is an announcement channel. The crosspost itself is a separate unit.
        """
        if unit.comment == REPOST_KIND:
            return crossposts.next_step(unit, answers)
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        last = answers[-1] if answers else None
        if last is not None and last.step == PUBLISH:
            return _publish_outcome(last, unit)
        if not unit.viewer:
            look = (
                crossposts.check_announcement_channel(unit, last)
                if options.unit_options(unit).get_flag(crossposts.CROSSPOST_OPTION)
                else None
            )
            return look or Send(_build_publish_step(unit, parse_account(unit.account).channel))
        if last is None:
            return Send(open_chat_step(unit.viewer, StepKind.STAGE))
        channel = opened_channel(last)
        return (
            Send(_build_publish_step(unit, channel))
            if channel
            else outcome_of_failure(last, creates=False, reader=True)
        )

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Search the channel's history from a minute before the attempt. A crosspost is checked on
        its message."""
        if sought.passed_on:
            return crossposts.look_up(sought, answers)
        if sought.chat and not answers:
            return Send(open_chat_step(sought.chat, StepKind.CONTROL))
        channel = (
            opened_channel(answers[0]) if sought.chat else parse_account(sought.account).channel
        )
        if not channel:
            return Unknown(Message("connectors.lookup_failed"))
        return look_up(sought, channel, answers[1:] if sought.chat else answers)

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the channel."""
        return parse_account(account).url("").rstrip("/")

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the message of a URL, which names the server and the channel. The bot must be its
        author."""
        path = path_segments(address.url, "discord.com", "discordapp.com")
        own = parse_account(address.account)
        if len(path) != 4 or path[0] != "channels" or not is_id(path[3]):
            return NO_POST_THERE
        if path[1:3] != (own.guild, own.channel):
            return OTHER_ACCOUNTS_POST
        if not answers:
            return Send(
                _build_read_step(
                    LOOKUP_ACTION,
                    f"/channels/{quote_segment(own.channel)}/messages/{quote_segment(path[3])}",
                )
            )
        last = answers[-1]
        if is_unknown_message(last):
            return Absent()
        body = (
            last.body
            if isinstance(last, Response) and last.is_success and isinstance(last.body, dict)
            else {}
        )
        if body.get("id") != path[3]:
            return ADDRESS_UNREADABLE
        author = body.get("author")
        mine = isinstance(author, dict) and author.get("id") == own.bot
        return (
            Found(path[3], own.url(path[3]), snowflake_time(path[3]))
            if mine
            else OTHER_ACCOUNTS_POST
        )

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Delete the message. A missing one counts as deleted."""
        channel, message = _parse_native_id(copy)
        if message.startswith(REMOVED_PREFIX):
            return Published(copy.native_id)
        if not answers:
            path = f"/channels/{quote_segment(channel)}/messages/{quote_segment(message)}"
            return Send(bot_request("delete", StepKind.RESTRICT, "DELETE", path, action="delete"))
        last = answers[-1]
        absent = (
            isinstance(last, Response)
            and last.status == 404
            and error_code(last) in {UNKNOWN_MESSAGE, *CHANNEL_GONE_CODES}
        )
        if isinstance(last, Response) and (200 <= last.status < 300 or absent):
            return Published(copy.native_id)
        return outcome_of_failure(last, creates=False)

    def edit(self, unit: Unit, native_id: str, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Replace the text of a message. Its attachments are listed, so that they remain."""
        unfit = _unit_problem(unit, self.capabilities)
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        channel, message = _parse_native_id(PlatformCopy(native_id, unit.account))
        path = f"/channels/{quote_segment(channel)}/messages/{quote_segment(message)}"
        return edits.edit_message(
            path, _message_text(unit), native_id, answers, files=bool(unit.media)
        )

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the number of reactions as likes. Discord gives bots no other metrics."""
        channel, message = _parse_native_id(copy)
        if (
            copy.chat
            or message.startswith(REMOVED_PREFIX)
            or copy.native_id.startswith(crossposts.CROSSPOST_PREFIX)
        ):
            return None
        if not answers:
            return Send(
                _build_read_step(
                    "metrics",
                    f"/channels/{quote_segment(channel)}/messages/{quote_segment(message)}",
                )
            )
        last = answers[-1]
        if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
            return None
        counts = [
            each.get("count") for each in last.body.get("reactions") or () if isinstance(each, dict)
        ]
        return {"likes": sum(count for count in counts if isinstance(count, int))}

    def check_presence(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | PostPresence | None:
        """Check that the channel still has the message. A deleted or inaccessible channel gives no
        result."""
        channel, message = _parse_native_id(copy)
        if message.startswith(REMOVED_PREFIX):
            return MissingPost()  # Discord reported it as unknown during publication
        if not answers:
            return Send(
                _build_read_step(
                    LOOKUP_ACTION,
                    f"/channels/{quote_segment(channel)}/messages/{quote_segment(message)}",
                )
            )
        if success_body(answers[-1]).get("id") == message:
            return PresenceReport()
        return MissingPost() if is_unknown_message(answers[-1]) else None

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Return the next request, the account, or the reason for a failure."""
        return account.connect(form, answers)

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Request the channel to check the token and the bot's access."""
        if not answers:
            return Send(
                _build_read_step(
                    LOOKUP_ACTION, f"/channels/{quote_segment(parse_account(account).channel)}"
                )
            )
        last = answers[-1]
        return (
            None
            if isinstance(last, Response) and last.is_success
            else outcome_of_failure(last, creates=False)
        )

    def count_followers(
        self, account: str, destination: str, answers: tuple[StepResult, ...]
    ) -> Send | int | None:
        """Return the next request, or the number of members of the server."""
        return discord_places.count_followers(account, answers)

    def list_invites(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return the next request, or the uses of the server's invites by code."""
        return invites.list_invites(account, answers)

    def find_join_time(
        self, account: str, fan: str, answers: tuple[StepResult, ...]
    ) -> Send | datetime | None:
        """Return the next request, or the time at which a user joined the server."""
        return invites.find_join_time(account, fan, answers)

    def inspect_destination(
        self, place: Destination, answers: tuple[StepResult, ...]
    ) -> Send | DestinationReport | Outcome:
        """Check that the channel is age-restricted. The restriction of its server alone does not
        count."""
        return discord_places.inspect_destination(place, answers)

    def set_role(
        self, account: str, fan: str, role: str, give: bool, answers: tuple[StepResult, ...]
    ) -> Send | Outcome:
        """Assign a role to a member of the account's server, or remove it."""
        return roles.set_role(account, fan, role, give, answers)

    def inbox_id(self, account: str) -> str:
        """Return the bot of the account. All channels of a bot share one inbox of direct
        messages."""
        return parse_account(account).bot

    def acknowledge(self, update: ChatUpdate) -> WireStep | None:
        """Confirm a button or a command, which Discord requires within three seconds.

        The interaction's token, valid for 15 minutes, replaces the bot token. The response to a
        command follows later and is visible only to the user who chose it.
        """
        told = next((how for begins, how in _SEEN.items() if update.key.startswith(begins)), None)
        if told is None:
            return None
        path = f"/interactions/{quote_segment(update.key.partition(':')[2])}/{{token}}/callback"
        return bot_request(
            "ack", StepKind.CONTROL, "POST", path, told, token="path", action="ack", deadline=2.0
        )


def _unit_problem(unit: Unit, can: Capabilities) -> Message | None:
    """Return the reason why a message cannot be sent, or None. Texts are never truncated."""
    if unit.invoice is not None:
        return Message("discord.no_payments")
    if wrong := unit_checks.unit_problem(unit, can, length=len(_message_text(unit))):
        return wrong
    if any(len(button.label) > MAX_LABEL for button in unit.buttons):
        return Message(
            "connectors.text_too_long",
            {"length": max(map(_label_length, unit.buttons)), "most": MAX_LABEL},
        )
    size = sum(medium.size for medium in unit.media)
    if size > MAX_REQUEST_BYTES:
        return Message("discord.too_large", {"size": size, "most": MAX_REQUEST_BYTES})
    if any(len(medium.alt) > MAX_ALT for medium in unit.media):
        return Message("discord.alt_too_long", {"most": MAX_ALT})
    return None


def _label_length(button: Button) -> int:
    return len(button.label)


def _message_text(unit: Unit) -> str:
    return edits.joined_text(unit.text_of("title"), unit.text_of("body"))


def _build_read_step(name: str, path: str) -> WireStep:
    """Return a read request whose action is its name."""
    return bot_request(name, StepKind.CONTROL, "GET", path, action=name)


def open_chat_step(viewer: str, kind: StepKind) -> WireStep:
    """Request the channel of direct messages with a user. A repeat returns the same channel."""
    action = LOOKUP_ACTION if kind is StepKind.CONTROL else ""
    body = {"recipient_id": viewer}
    return bot_request(
        OPEN, kind, "POST", "/users/@me/channels", body, action=action, deadline=10.0
    )


def opened_channel(answer: StepResult) -> str:
    """Return the ID of the opened channel, or ""."""
    told = (
        answer.body.get("id")
        if isinstance(answer, Response) and answer.is_success and isinstance(answer.body, dict)
        else ""
    )
    return told if isinstance(told, str) and is_id(told) else ""


def _build_publish_step(unit: Unit, channel: str) -> WireStep:
    hidden = SPOILER_MARK in unit.flags
    names = [
        attachment_name(unit.native_key, number, medium, hidden=hidden)
        for number, medium in enumerate(unit.media)
    ]
    # `allowed_mentions` prevents that a text notifies everyone, a role or a user.
    said: dict[str, Any] = {
        "content": _message_text(unit),
        "nonce": message_nonce(unit.native_key),
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    if options.unit_options(unit).get_flag("silent"):
        said["flags"] = SILENT
    if unit.buttons:
        said["components"] = _build_button_rows(unit.buttons)
    if unit.parent_id:  # refused if the parent is deleted
        said["message_reference"] = {
            "message_id": unit.parent_id.rpartition("/")[2],
            "fail_if_not_exists": True,
        }
    path = f"/channels/{quote_segment(channel)}/messages"
    if not unit.media:
        return bot_request(PUBLISH, StepKind.PUBLISH, "POST", path, said)
    said["attachments"] = [
        _build_attachment(*each) for each in zip(range(len(names)), names, unit.media, strict=True)
    ]
    files = {
        f"files[{number}]": FileRef(medium.sha256, medium.mime, names[number])
        for number, medium in enumerate(unit.media)
    }
    return bot_request(PUBLISH, StepKind.PUBLISH, "POST", path, {"payload_json": said}, files=files)


def _build_attachment(number: int, name: str, medium: Medium) -> dict[str, str]:
    return {"id": str(number), "filename": name} | (
        {"description": medium.alt} if medium.alt else {}
    )


def _build_button_rows(buttons: Sequence[Button]) -> list[dict[str, Any]]:
    """Return rows of at most five buttons. A pressed button returns its action and reference."""
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


def _publish_outcome(answer: StepResult, unit: Unit) -> Outcome:
    if isinstance(answer, Response) and answer.is_success:
        body = answer.body if isinstance(answer.body, dict) else {}
        message = body.get("id")
        channel = body.get("channel_id")
        if (
            isinstance(message, str)
            and is_id(message)
            and isinstance(channel, str)
            and is_id(channel)
        ):
            return published_copy(parse_account(unit.account), channel, message, unit.viewer)
        return Uncertain(Message("connectors.unclear_answer", {"status": answer.status}))
    if is_unknown_message(answer):
        return Published(
            f"{REMOVED_PREFIX}{message_nonce(unit.native_key)}"
        )  # the nonce was used and its message deleted since
    return outcome_of_failure(answer, creates=True, reader=bool(unit.viewer))


def _parse_native_id(copy: PlatformCopy) -> tuple[str, str]:
    channel, _, message = copy.native_id.removeprefix(crossposts.CROSSPOST_PREFIX).rpartition("/")
    return channel or parse_account(copy.account).channel, message
