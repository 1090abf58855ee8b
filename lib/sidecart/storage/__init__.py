"""The only package that knows Delta: the session, the tables and their releases."""
