"""Roles on servers of the fake Discord: assignment rules and representation."""

from tests.fakes.discord.state import (
    ADMINISTRATOR,
    MANAGE_ROLES,
    Bot,
    DiscordState,
    Guild,
    Json,
    Refusal,
)


def shown(guild: Guild, role: str) -> Json:
    """Return a role as the API does."""
    name = "@everyone" if role == guild.id else guild.names.get(role, role)
    colors = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
    return {
        "id": role,
        "name": name,
        "permissions": str(guild.roles[role]),
        "position": guild.positions.get(role, 0),
        "color": 0,
        "colors": colors,
        "hoist": False,
        "managed": role in guild.managed,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def change(
    world: DiscordState, bot: Bot, guild: Guild, member: str, role: str, *, give: bool
) -> None:
    """Assign or remove a role. Repeating it has no effect. Raise Refusal."""
    if member not in world.people and member not in guild.members:
        raise Refusal(404, 10013, "Unknown User")
    if member not in guild.members:
        raise Refusal(404, 10007, "Unknown Member")
    if role not in guild.roles:
        raise Refusal(404, 10011, "Unknown Role")
    may = guild.owner == bot.id or guild.allowed(bot.id) & (ADMINISTRATOR | MANAGE_ROLES)
    highest = max((guild.height(one) for one in guild.members[bot.id]), default=(0, 0))
    below = guild.owner == bot.id or guild.height(role) < highest
    if not may or not below or role == guild.id or role in guild.managed:
        raise Refusal(403, 50013, "Missing Permissions")
    borne = guild.members[member]
    if give == (role in borne):
        return
    guild.given.append(("+" if give else "-", member, role))
    guild.members[member] = [*borne, role] if give else [one for one in borne if one != role]
