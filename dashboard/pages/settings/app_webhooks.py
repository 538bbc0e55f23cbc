"""Webhooks of platforms: those of an agency's app, whose secret is sealed immediately, and those of
the installation, whose secrets are in its settings."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from channels.accounts import account_connectors
from channels.accounts.queries import Channel
from channels.listening import app_webhooks, webhook_subscriptions
from channels.listening.app_webhooks import CALL_SECRET_FIELD, CalledApp
from channels.listening.webhook_subscriptions import WebhookSubscription
from connectors.contract.app_webhooks import SupportsAppWebhooks, SupportsWebhookSubscription
from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops import settings
from tenants.agencies.rights import Right
from tenants.vault import sealed_intake

MIN_SECRET_LENGTH = 16
"""Minimum length of a secret in characters. A shorter value was probably copied from the wrong
field."""


def render_app_webhooks(page: PageContext, channels: Sequence[Channel]) -> None:
    """Render the section on webhooks. Render nothing if no platform of the agency supports them."""
    able = {
        name: one
        for name, one in platform_connectors().items()
        if isinstance(one, SupportsAppWebhooks)
    }
    found = [one for one in page.read(app_webhooks.list_applications) if one.platform in able]
    theirs = [
        one
        for one in channels
        if isinstance(
            account_connectors.connector_for(platform_connectors(), one),
            SupportsWebhookSubscription,
        )
    ]
    if not found and not theirs:
        return
    st.subheader(page.text("calls.title"), anchor="calls")
    st.write(page.text("calls.explained"))
    base = settings.load_settings().public_url.rstrip("/")
    if not base.startswith("https://"):
        st.info(page.text("calls.no_address"))
        return
    for one in found:
        with st.container(border=True):
            _render_app(page, one, base)
    if theirs:
        with st.container(border=True):
            _render_installation_webhooks(page, theirs, base)


def _render_installation_webhooks(
    page: PageContext, channels: Sequence[Channel], base: str
) -> None:
    """Render the webhook URL for Meta, the settings that its operator configures, and the
    subscription status of each account."""
    stands = page.read(
        lambda scope: webhook_subscriptions.subscriptions_of(scope, [one.id for one in channels])
    )
    st.markdown(f"**{page.text('calls.meta')}**")
    st.code(f"{base}/hooks/meta", language=None)
    with st.expander(page.text("calls.meta_setup")):
        st.caption(page.text("calls.meta_explained"))
    for one in channels:
        account = page.markdown(
            "calls.account", platform=page.text(f"platform.{one.platform}"), account=one.name
        )
        st.markdown(f"**{account}**")
        st.write(_subscription_status_text(page, stands.get(one.id)))


def _subscription_status_text(page: PageContext, found: WebhookSubscription | None) -> str:
    if found is None or found.state == "off":
        return page.text("calls.meta_off")
    if found.state == "refused":
        return page.localizer.message_text(found.reason or Message("calls.meta_off"))
    if found.called_at is None:
        return page.text("calls.meta_waiting")
    return page.text(
        "calls.heard",
        at=page.localizer.format_moment(found.called_at, page.read(lambda scope: scope.now)),
    )


def _render_app(page: PageContext, one: CalledApp, base: str) -> None:
    platform = page.text(f"platform.{one.platform}")
    st.markdown(
        f"**{page.markdown('calls.application', platform=platform, client=one.client_id)}**"
    )
    st.caption(page.text(f"connect.{one.platform}.calls"))
    st.code(f"{base}/hooks/{one.platform}/{page.viewer.tenant_id}/{one.id}", language=None)
    st.write(_app_status_text(page, one))
    box = f"calls:{one.id}:{one.letter is not None}"
    with forms.open_fields(page, box):
        st.text_input(
            page.text("calls.secret"), type="password", max_chars=500, autocomplete="off", key=box
        )
        forms.show_field_error("secret")
        with st.container(horizontal=True, gap="small"):
            code = "calls.take" if one.letter is None else "calls.replace"
            actions.action_button(
                page,
                code,
                partial(_save_app_secret, one.id, box),
                right=Right.RUN,
                key=f"{box}:take",
            )
            if one.letter is not None:
                actions.action_button(
                    page,
                    "calls.end",
                    partial(_disable_webhooks, one.id),
                    right=Right.RUN,
                    key=f"{box}:end",
                )


def _app_status_text(page: PageContext, one: CalledApp) -> str:
    if one.letter is None:
        return page.text("calls.off")
    if one.called_at is None:
        return page.text("calls.waiting")
    return page.text(
        "calls.heard",
        at=page.localizer.format_moment(one.called_at, page.read(lambda scope: scope.now)),
    )


def _save_app_secret(application: UUID, box: str, scope: Scope, _: UUID) -> Message:
    typed = str(actions.typed_value(box) or "").strip()
    if (
        len(typed) < MIN_SECRET_LENGTH
        or not typed.isascii()
        or not typed.isprintable()
        or " " in typed
    ):
        raise BadInput("calls.bad_secret", least=MIN_SECRET_LENGTH).about("secret")
    letter: Mapping[str, str] = {CALL_SECRET_FIELD: typed}
    app_webhooks.enable_app_webhooks(
        scope,
        application,
        sealed_intake.seal_form(session.sealed_intake_key(), scope.tenant_id, letter),
    )
    return Message("calls.taken")


def _disable_webhooks(application: UUID, scope: Scope, _: UUID) -> Message:
    app_webhooks.disable_app_webhooks(scope, application)
    return Message("calls.ended")
