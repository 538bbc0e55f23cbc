"""Notices to members, shown in the dashboard and sent by email. It does not send the emails; see
`channels.notifications`."""
