"""`greenroom channels connect`: the account setup of the Channels page, at the terminal."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from channels.accounts import oauth_clients, queries
from channels.connections import account_setup
from channels.connections.account_setup import AccountSetup
from channels.connections.oauth_flow import OAUTH_RETURN_PATH, REDIRECT_FIELD
from channels.connections.states import AccountSetupState
from connectors.contract.account_setup import (
    CLIENT_FIELDS,
    CLIENT_ID,
    CLIENT_SECRET,
    ConnectForm,
    FormField,
    OAuthVisit,
    SupportsAccountSetup,
    field_choice_label,
    field_label,
)
from connectors.contract.connector import Send
from connectors.registry import loader
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.sealed import Sealed
from tenants import audit
from tenants.agencies.queries import Creator, Member, list_creators
from tenants.vault import envelope, sealed_intake
from workers.terminal.lookup import TERMINAL_ACTOR, find_member
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.wiring import Services

PLATFORM_WAIT_SECONDS = 90.0
"""Seconds to wait for the platform's responses."""
CONSENT_WAIT_SECONDS = 16 * 60.0
"""Seconds to wait for the member's authorization on the platform."""

PromptField = Callable[[str, FormField], str]
"""Prompts for a field under a label and returns the input."""


@dataclass(frozen=True)
class _Desk:
    """The account to set up: the member who connects it, the creator, and the platform."""

    services: Services
    tenant_id: UUID
    member: Member
    creator: Creator
    platform: str
    connector: SupportsAccountSetup


def connect_from_terminal(
    platform: str, *, creator: str, email: str, dry: bool, ask: PromptField
) -> Iterator[tuple[str, bool]]:
    """Connect an account of this installation. Yields and raises as `account_setup_lines`; raises
    Unavailable if Greenroom does not run."""
    with connect_installation("channels") as services:
        who = find_member(services, email)
        yield from account_setup_lines(
            services, platform, who, creator=creator, dry=dry, ask=ask, wait=lambda: sleep(0.5)
        )


def account_setup_lines(
    services: Services,
    platform: str,
    who: tuple[UUID, Member],
    *,
    creator: str,
    dry: bool,
    ask: PromptField,
    wait: Callable[[], None],
) -> Iterator[tuple[str, bool]]:
    """Set up an account and yield lines to print, each with False if the setup failed; with `dry`
    show the first request and send nothing.

    `who` is the tenant and the member who connects it; `wait` is called between two checks of the
    progress. Raises NotFound, BadInput.
    """
    able = loader.connectable_platforms(services.connectors)
    if platform not in able:
        raise NotFound("cli.connectors.unknown", known=", ".join(able))
    desk = _build_desk(services, platform, who, creator)
    yield translate(Message(f"connect.{platform}.help")), True
    yield from _preview_request(desk, ask) if dry else _submit_setup(desk, ask, wait)


def _build_desk(services: Services, platform: str, who: tuple[UUID, Member], slug: str) -> _Desk:
    tenant_id, member = who
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        creators = [one for one in list_creators(scope) if slug in ("", one.slug)]
    if len(creators) != 1:
        raise BadInput("cli.connect.which", creators=", ".join(one.slug for one in creators) or "–")
    connector = loader.connectable_platforms(services.connectors)[platform]
    return _Desk(services, tenant_id, member, creators[0], platform, connector)


def _submit_setup(
    desk: _Desk, ask: PromptField, wait: Callable[[], None]
) -> Iterator[tuple[str, bool]]:
    typed = _prompt_fields(desk, ask)
    key = sealed_intake.derive_public_key(
        envelope.parse_master_key(desk.services.settings.tenants.master_key.get_secret_value())
    )
    letter = sealed_intake.seal_form(key, desk.tenant_id, typed)
    with desk.services.tenant(desk.tenant_id, f"member:{desk.member.id}") as scope:
        wish = account_setup.request_setup(
            scope, creator_id=desk.creator.id, platform=desk.platform, letter=letter
        )
        audit.record(scope, "channel.enrol_at_terminal", f"enrolment:{wish}")
    yield from _follow_setup(desk, wish, wait)


def _follow_setup(desk: _Desk, wish: UUID, wait: Callable[[], None]) -> Iterator[tuple[str, bool]]:
    """Yield the progress of a setup until it ends or the wait is over."""
    shown = False
    until = monotonic() + PLATFORM_WAIT_SECONDS
    while monotonic() < until:
        found = _get_setup(desk, wish)
        if found.state is AccountSetupState.VISITING and not shown:
            shown = True
            until = monotonic() + CONSENT_WAIT_SECONDS
            said = {"address": found.visit, "email": desk.member.email}
            yield translate(Message("cli.connect.visit", said)), True
        elif found.state is AccountSetupState.CONNECTED and found.channel_id is not None:
            with desk.services.tenant(desk.tenant_id, TERMINAL_ACTOR) as scope:
                name = queries.get_channel(scope, found.channel_id).name
            yield (
                translate(
                    Message("cli.connect.done", {"account": name, "creator": desk.creator.name})
                ),
                True,
            )
            return
        elif found.state is AccountSetupState.REFUSED:
            yield translate(found.reason or Message("enrolment.unclear")), False
            return
        wait()
    yield translate(Message("cli.connect.waits")), False


def _get_setup(desk: _Desk, wish: UUID) -> AccountSetup:
    with desk.services.tenant(desk.tenant_id, TERMINAL_ACTOR) as scope:
        return account_setup.get_setup(scope, wish)


def _preview_request(desk: _Desk, ask: PromptField) -> Iterator[tuple[str, bool]]:
    """Yield the first request that the input would cause, and send nothing."""
    typed = _prompt_fields(desk, ask)
    form = desk.connector.form
    secret = {field.name for field in form.all_fields if field.secret}
    filled: dict[str, str | Sealed] = {
        name: Sealed(b"") if value and name in secret else value for name, value in typed.items()
    }
    turn = desk.connector.connect(
        {**filled, **_load_oauth_client(desk, form), REDIRECT_FIELD: _build_return_url(desk)}, ()
    )
    match turn:
        case Send(step=step):
            said = Message("cli.connect.would_ask", {"request": f"{step.method} {step.path}"})
        case OAuthVisit(page=page):
            said = Message(
                "cli.connect.would_visit",
                {"page": _build_page_url(desk, page), "back": _build_return_url(desk)},
            )
        case _:
            said = getattr(turn, "reason", None) or Message("enrolment.unclear")
    yield translate(said), isinstance(turn, Send | OAuthVisit)


def _load_oauth_client(desk: _Desk, form: ConnectForm) -> Mapping[str, str | Sealed]:
    """Return the agency's application on the platform, or an empty mapping if it has none."""
    if not form.registered:
        return {}
    with desk.services.tenant(desk.tenant_id, TERMINAL_ACTOR) as scope:
        client = oauth_clients.latest_oauth_clients(scope).get(desk.platform)
    return (
        {CLIENT_ID: client.client_id, CLIENT_SECRET: client.secret or ""}
        if client is not None
        else {}
    )


def _build_page_url(desk: _Desk, page: str) -> str:
    addresses = loader.base_addresses(
        desk.services.connectors, desk.services.settings.connectors.base_urls
    )
    home = addresses.get(f"{desk.platform}_pages") or addresses.get(f"{desk.platform}_auth", "")
    return home.rstrip("/") + page if page.startswith("/") else page


def _build_return_url(desk: _Desk) -> str:
    return desk.services.settings.dashboard.public_url.rstrip("/") + OAUTH_RETURN_PATH


def _prompt_fields(desk: _Desk, ask: PromptField) -> dict[str, str]:
    """Prompt for each field and return the input; a known application is not prompted for.

    Raises BadInput for an empty required field.
    """
    form = desk.connector.form
    known = bool(_load_oauth_client(desk, form))
    typed = dict.fromkeys((field.name for field in form.all_fields), "")
    for field in form.all_fields:
        if field in CLIENT_FIELDS and (known or not form.needs_oauth(typed)):
            continue
        name = translate(Message(field_label(desk.platform, field)))
        means = {
            one: translate(Message(field_choice_label(desk.platform, field, one)))
            for one in field.choices
        }
        typed[field.name] = ask(
            "\n".join([name, *(f"  {one}: {words}" for one, words in means.items())]), field
        ).strip()
        if not typed[field.name] and not field.optional:
            raise BadInput("cli.connect.missing", field=name)
    return typed
