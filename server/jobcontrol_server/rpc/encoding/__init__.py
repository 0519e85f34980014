"""Encoding: the core's values as messages of the contract."""
