"""The posting schedule: slots, quiet periods, holidays, best times, bulk moves and failover."""
