"""The command `greenroom worker`: a machine of an agency that generates pictures for an
installation.

The protocol is in `generators/remote_protocol`; the installation's side is in
`studio/remote_workers`.
"""
