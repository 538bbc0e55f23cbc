"""Facebook Pages. Requests shared with Instagram and Threads are in `meta`."""
