"""When something is due: the global step, the clock, and time that does not count."""
