"""What every layer stands on: errors, the types of hooks, arguments, files, the log."""
