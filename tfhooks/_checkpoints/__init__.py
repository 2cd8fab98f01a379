"""Writes checkpoints as a whole, finds the newest, and keeps processes from each other's files."""
