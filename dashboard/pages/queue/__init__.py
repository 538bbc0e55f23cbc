"""The posting schedule of an account: slots, queue, quiet periods, holidays, best times, bulk moves
and failover. Scheduling rules themselves are in `schedules`."""
