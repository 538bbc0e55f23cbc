"""Orders: charges, fulfilment, entitlements, recalls and refunds."""
