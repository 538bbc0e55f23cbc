"""Views of Analytics about posting: best times, the expected results of posts, and experiments."""
