"""Share links of Analytics: pages for people without an account. They show sums, never fans."""
