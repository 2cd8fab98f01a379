"""Finds code that will not work in a program by reading it; `check.py` has the command."""
