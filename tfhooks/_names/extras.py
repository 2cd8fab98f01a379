"""How the extras of tfhooks are installed."""

from __future__ import annotations

from collections.abc import Iterable


def pip_command(extras: Iterable[str]) -> str:
    """The command that installs some extras, and leaves the TensorFlow that is installed.

    Args:
      extras: Their names; one may be several, joined by commas.
    """
    names = sorted({name for extra in extras for name in extra.split(',')})
    release = _tensorflow_release()
    # A tf_keras of another release would bring its own TensorFlow along.
    pins = f' "tf_keras=={release}.*"' if release and 'legacy' in names else ''
    return f'pip install "tfhooks[{",".join(names)}]"{pins}'


def _tensorflow_release() -> str | None:
    import importlib.metadata  # It loads the parsers of mail, and only errors need it.

    for package in ('tensorflow', 'tensorflow-cpu'):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        return '.'.join(version.split('.')[:2])
    return None
