"""Packs of pictures for sale. Prices and orders are in `subscribers`."""
