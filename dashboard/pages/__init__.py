"""The pages of the dashboard, one folder per address. `posts` holds what several of them share."""
