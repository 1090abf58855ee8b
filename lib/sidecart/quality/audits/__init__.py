"""Audits: how one sees that each component of the lists works, as numbers with bounds."""
