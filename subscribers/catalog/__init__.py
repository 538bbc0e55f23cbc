"""The catalog: prices of packs by rail, and the offers made to fans.

Packs are in `studio.packs`; orders for them are in `subscribers.orders`.
"""
