"""The home page: items that need attention, recent activity, and the emergency stop."""
