"""Finds what of a program will not work by reading it; `check.py` beside this is the command."""
