"""Webhooks: endpoints of agencies and the calls queued for them. It does not send the calls (see
`channels.notifications`) and does not receive webhooks of platforms (see `channels.listening`)."""
