"""Connectors with one fault each in renewing tokens and reading webhook calls; the suite must
detect each."""

import secrets
from dataclasses import replace
from datetime import timedelta

from connectors.contract.app_webhooks import AppWebhookEvent, WebhookSignature
from connectors.contract.chats import ChatUpdate
from connectors.contract.connector import RefreshGrant, RenewedTokens, Send, StepResult, WireStep
from connectors.contract.outcomes import Outcome, Reauthorize, Retry, Uncertain
from connectors.platforms.fanvue.publisher import Fanvue
from connectors.platforms.telegram.publisher import Telegram
from foundation.sealed import Sealed


class NeverRetriesRenewal(Fanvue):
    """Requires reconnection after any failed renewal."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        turn = super().refresh(grant, answers)
        return Reauthorize(turn.reason) if isinstance(turn, Retry | Uncertain) else turn


class ReusesRefreshToken(Fanvue):
    """Sends a single-use refresh token again although the first use may have succeeded."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        turn = super().refresh(grant, answers)
        return (
            Retry(timedelta(seconds=1), "account", turn.reason)
            if isinstance(turn, Uncertain)
            else turn
        )


class KeepsOldToken(Fanvue):
    """Returns the old token as the renewed one."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        turn = super().refresh(grant, answers)
        return replace(turn, token=grant.refresh) if isinstance(turn, RenewedTokens) else turn


class LeaksWebhookSecret(Telegram):
    """Includes the secret in the webhook URL."""

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        step = super().set_webhook(address, secret)
        return replace(step, json={**(step.json or {}), "url": f"{address}?{secret.box.decode()}"})


class SkipsUnsubscribe(Telegram):
    """Sends another request instead of the webhook removal."""

    def delete_webhook(self) -> WireStep:
        return replace(super().delete_webhook(), path="/bot{token}/getMe")


class NumbersUpdatesItself(Telegram):
    """Numbers updates in order of arrival, so a repeated update is received twice."""

    def parse_webhook(self, body: object) -> tuple[ChatUpdate, ...] | None:
        told = super().parse_webhook(body)
        return tuple(replace(one, key=secrets.token_hex(4)) for one in told) if told else told


class DropsWebhookAccount(Fanvue):
    """Omits the account of a webhook call."""

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        turn = super().parse_app_webhook(body)
        return replace(turn, account="") if turn is not None else None


class SharesWebhookId(Fanvue):
    """Gives all calls of one type the same ID."""

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        turn = super().parse_app_webhook(body)
        return replace(turn, key="message") if turn is not None else None


class AcceptsAnySignature(Fanvue):
    """Accepts any signature header."""

    def read_signature(self, header: str) -> WebhookSignature | None:
        return super().read_signature(header) or WebhookSignature("0", (header,))
