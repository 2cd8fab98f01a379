"""What of a program will not work, found by reading it; `tfhooks.cli.check` is the command."""
