"""Instagram. Requests shared with Facebook and Threads are in `meta`."""
