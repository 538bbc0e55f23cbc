"""The page Creators: profiles, limits and states of the creators, and the form for a new one."""
