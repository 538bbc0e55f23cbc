"""The page Notifications and the bell of all pages: a member's items, and how they are notified."""
