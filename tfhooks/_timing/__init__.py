"""Timing: the global step, timers, cadences, and time that is not training time."""
