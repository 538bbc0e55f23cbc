"""Connectors with one fault each in renewing tokens and in reading calls; the suite must find every
one."""

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
    """Takes any bad day of a renewal for the end of the account."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        turn = super().refresh(grant, answers)
        return Reauthorize(turn.reason) if isinstance(turn, Retry | Uncertain) else turn


class ReusesRefreshToken(Fanvue):
    """Shows a token that works once again, where nobody knows whether it was used up."""

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
    """Believes that a renewal gave what it showed."""

    def refresh(
        self, grant: RefreshGrant, answers: tuple[StepResult, ...]
    ) -> Send | RenewedTokens | Outcome:
        turn = super().refresh(grant, answers)
        return replace(turn, token=grant.refresh) if isinstance(turn, RenewedTokens) else turn


class LeaksWebhookSecret(Telegram):
    """Writes the secret into the address that is called."""

    def set_webhook(self, address: str, secret: Sealed) -> WireStep:
        step = super().set_webhook(address, secret)
        return replace(step, json={**(step.json or {}), "url": f"{address}?{secret.box.decode()}"})


class SkipsUnsubscribe(Telegram):
    """Says that nobody is called any more without asking for it."""

    def delete_webhook(self) -> WireStep:
        return replace(super().delete_webhook(), path="/bot{token}/getMe")


class NumbersUpdatesItself(Telegram):
    """Numbers updates as they come, so one that comes again is heard twice."""

    def parse_webhook(self, body: object) -> tuple[ChatUpdate, ...] | None:
        told = super().parse_webhook(body)
        return tuple(replace(one, key=secrets.token_hex(4)) for one in told) if told else told


class DropsWebhookAccount(Fanvue):
    """Forgets whom a call is about."""

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        turn = super().parse_app_webhook(body)
        return replace(turn, account="") if turn is not None else None


class SharesWebhookId(Fanvue):
    """Takes all calls of a kind for the same one."""

    def parse_app_webhook(self, body: bytes) -> AppWebhookEvent | None:
        turn = super().parse_app_webhook(body)
        return replace(turn, key="message") if turn is not None else None


class AcceptsAnySignature(Fanvue):
    """Reads a signature out of anything."""

    def read_signature(self, header: str) -> WebhookSignature | None:
        return super().read_signature(header) or WebhookSignature("0", (header,))
