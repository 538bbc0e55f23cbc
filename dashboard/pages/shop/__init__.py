"""The Shop page: packs, subscriptions, orders, reconciliation and accounting. Orders, payments, the
ledger and statement files themselves are in `subscribers`."""
