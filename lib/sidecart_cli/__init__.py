"""The command line: `sidecart COMMAND`."""
