"""The Channels page: account setup, API costs, webhooks, age verification and links. Connectors are
in `connectors`, the state of accounts in `channels`."""
