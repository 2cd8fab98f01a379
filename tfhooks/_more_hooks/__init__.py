"""Hooks that TensorFlow does not have, and what makes hooks of functions and of other hooks."""
