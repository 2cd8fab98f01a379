"""The commands that install what is missing, as errors, `check` and the smoke test print them."""

from __future__ import annotations

from collections.abc import Iterable


def pip_command(extras: Iterable[str]) -> str:
    """The command that installs some extras, and leaves the TensorFlow that is installed.

    Args:
      extras: Their names; one may be several, joined by commas.
    """
    names = sorted({name for extra in extras for name in extra.split(',')})
    return pip_install(f'tfhooks[{",".join(names)}]')


def pip_install(requirement: str) -> str:
    """The command that installs a package, and leaves the TensorFlow that is installed.

    Without the pin pip may upgrade TensorFlow: each tf_keras needs the TensorFlow of its number.

    Args:
      requirement: What pip is to install, such as `tfhooks[legacy]`.
    """
    version = _tensorflow_version()
    if version is None:
        return f'pip install "{requirement}"'
    if requirement.startswith('tensorflow['):
        return f'pip install "{requirement}=={version}"'
    return f'pip install "{requirement}" "tensorflow=={version}"'


def _tensorflow_version() -> str | None:
    """The release that is installed, in whichever package; None where there is none."""
    import importlib.metadata  # It loads the parsers of mail, and only errors need it.

    for package in ('tensorflow', 'tensorflow-cpu'):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        # `==2.18.1` also holds for a build of one's own, such as 2.18.1+local.
        return version.partition('+')[0]
    return None
