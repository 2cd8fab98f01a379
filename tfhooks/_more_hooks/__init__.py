"""Hooks that TensorFlow does not have, hooks made of functions, and wrappers around hooks."""
