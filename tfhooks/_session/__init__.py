"""Monitored sessions: made, run, lost, made again, closed."""
