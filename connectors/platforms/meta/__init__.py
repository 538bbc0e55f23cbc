"""Code shared by the connectors for Facebook, Instagram and Threads.

It is not a platform; each network has its own package.
"""
