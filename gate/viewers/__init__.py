"""Age assurance of viewers, per platform.

The flow with a provider is in `channels/age_verification`; age proofs of depicted persons are in
`gate/people`.
"""
