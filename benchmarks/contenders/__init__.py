"""Everybody who is measured, each in a file of its own."""
