"""Event handlers that combine several packages and therefore belong to none of them.

Handlers of a single package are in that package; the routes of all events are in
`workers/event_routes`.
"""
