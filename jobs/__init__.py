"""The scheduled tasks, one file each; `run_chain` runs them in order."""
