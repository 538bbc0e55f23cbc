"""Ratings of media by classifiers and members, inspections, and seals on prohibited content.

Ratings of text are in `gate/text`; requests to lower a rating are in `gate/reviews`.
"""
