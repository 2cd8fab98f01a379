"""The pip commands that errors, `check` and the smoke test print for missing packages."""

from __future__ import annotations

from collections.abc import Iterable


def pip_command(extras: Iterable[str]) -> str:
    """Returns the command that installs some extras and keeps the installed TensorFlow.

    Without its pin pip may upgrade TensorFlow: each tf_keras needs the TensorFlow of its number.

    Args:
      extras: Their names; one may be several, joined by commas.
    """
    names = sorted({name for extra in extras for name in extra.split(',')})
    pins = [installed_tensorflow()] if _tensorflow_version() else []
    return pip_install(f'tfhooks[{",".join(names)}]', *pins)


def pip_install(*requirements: str) -> str:
    """Returns the command that installs some packages, quoted for any shell."""
    quoted = (name if name.isidentifier() else f'"{name}"' for name in requirements)
    return f'pip install {" ".join(quoted)}'


def installed_tensorflow(extra: str = '') -> str:
    """Returns the requirement of the installed TensorFlow, or of any version without one.

    Args:
      extra: An extra of TensorFlow's in its brackets, or nothing.
    """
    version = _tensorflow_version()
    return f'tensorflow{extra}=={version}' if version else f'tensorflow{extra}'


def _tensorflow_version() -> str | None:
    """The release of the installed TensorFlow, in any of its packages; None if there is none."""
    import importlib.metadata  # Slow to import, and only errors need it.

    for package in ('tensorflow', 'tensorflow-cpu'):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        # `==2.18.1` also holds for a build of one's own, such as 2.18.1+local.
        return version.partition('+')[0]
    return None
