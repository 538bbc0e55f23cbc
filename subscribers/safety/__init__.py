"""Safety of conversations: age checks, escalation of crises and minors, join requests and reader
roles.

Signals in texts are in `subscribers.conversations.text_signals`; proofs of age are stored by
`gate`.
"""
