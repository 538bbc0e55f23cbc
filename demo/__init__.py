"""The demo agencies, the scene on Home and the guided tour, for demo and test installations.

No other package imports it; the command line loads it by name. The scripted day is in
`workers.creator_day`.
"""
