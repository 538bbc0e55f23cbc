"""The home page: items that need attention, recent activity, today's posts and sales, and the
emergency stop. Notices themselves are in `tenants.notices`; demo scenes are played by `demo`."""
