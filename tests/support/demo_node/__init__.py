"""A stand-in for a Pexip Infinity conferencing node, for tests and for the quickstart."""
