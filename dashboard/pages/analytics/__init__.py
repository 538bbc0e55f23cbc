"""The Analytics page: sales, posts, followers and reports of a creator. The metrics themselves are
in `insights`."""
