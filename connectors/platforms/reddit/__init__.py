"""The connector for Reddit: posts in one community, comments and messages.

Reddit's approval of an application is described in `account.py`.
"""
