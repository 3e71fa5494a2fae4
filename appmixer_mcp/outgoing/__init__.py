"""Calls to addresses that a stranger chose: which ones are public, and connections held to them."""
