"""Age checks of viewers by external providers.

The result is stored by `gate/viewers`, the providers' APIs are in `connectors/age_verification`.
"""
