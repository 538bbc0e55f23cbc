"""The library of the Studio: search, labels, collections, copies, variations and clips."""
