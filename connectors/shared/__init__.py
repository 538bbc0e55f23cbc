"""Code that several connectors share: options, prices, text counting, rate limits, OAuth, previews,
SDKs as codecs.

Code of a single platform is in `connectors/platforms`; the protocols are in `connectors/contract`.
"""
