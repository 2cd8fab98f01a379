"""Monitored sessions: creation, runs, recovery, stopping and closing."""
