"""The lowest layer: errors, types of hooks, checks of arguments, files, locks, the log."""
