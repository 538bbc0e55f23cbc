"""Platform accounts of creators: their states, credentials and OAuth clients.

The flows that connect and disconnect them are in `channels/connections`.
"""
