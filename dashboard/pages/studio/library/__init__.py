"""The library of the studio: search, tags, collections, copies and clips."""
