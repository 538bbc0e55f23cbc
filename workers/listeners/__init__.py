"""Listeners: receive updates of accounts by polling, gateway or webhook."""
