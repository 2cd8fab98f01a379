"""What subclasses in programs rely on: the stock hooks' fields and requests as in TensorFlow."""

from __future__ import annotations

from typing import Any

from tfhooks import roster


def replaces_runs(hook: Any, kind: type) -> bool:
    """Whether a hook has another `before_run` or `after_run` than `kind`, the stock hook's class.

    The one half then goes by what TensorFlow's other half does: what it asks for, and in which
    fields it keeps what is due. A subclass that says when it wakes knows tfhooks' hook.

    Args:
      hook: An instance of `kind`.
      kind: The class of tfhooks that the question is about.
    """
    own, theirs, fields = type(hook), vars(kind), vars(hook)
    return any(
        getattr(own, name) is not theirs[name] or name in fields
        for name in ('before_run', 'after_run')
    ) and not roster.sleeps(hook)
