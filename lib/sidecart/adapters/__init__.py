"""Adapters: known data sets written as landing folders that follow the input contracts."""
