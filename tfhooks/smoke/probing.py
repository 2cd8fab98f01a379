"""Probes this machine for the driver and the libraries that a GPU needs."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tfhooks.smoke.reasons import Probes, libraries

_EXTRAS = '/usr/local/cuda/extras/CUPTI/lib64'

# Remedies for errors of CUPTI.
_CUPTI_ERRORS = {
    'CUPTI_ERROR_INSUFFICIENT_PRIVILEGES': 'run as root, in a container with '
    "--cap-add=SYS_ADMIN, or set the driver module's NVreg_RestrictProfilingToAdminUsers=0",
    'CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED': 'another profiler is on in this process',
}


def probe(tensorflow: Any) -> Probes:
    """Probes this machine.

    Args:
      tensorflow: The module.
    """
    build: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # Some builds have no build info.
        build = dict(tensorflow.sysconfig.get_build_info())
    is_cuda, cuda = tensorflow.test.is_built_with_cuda(), str(build.get('cuda_version', ''))
    cudnn = str(build.get('cudnn_version', ''))
    driver, problem = _load('libcuda.so.1')
    status, newest = _ask(driver)
    return Probes(
        tensorflow=tensorflow.__version__,
        built_for_gpus=bool(is_cuda or tensorflow.test.is_built_with_rocm()),
        cuda=cuda,
        cudnn=cudnn,
        visible_devices=os.environ.get('CUDA_VISIBLE_DEVICES'),
        driver_problem=problem if is_cuda else None,
        driver_status=status,
        driver_cuda=newest,
        missing=tuple(name for name in libraries(cuda, cudnn) if not _is_there(name)),
        nvidia_smi=_nvidia_smi(),
    )


def _load(name: str) -> tuple[ctypes.CDLL | None, str | None]:
    try:
        return ctypes.CDLL(name), None
    except OSError as error:
        return None, str(error)


def _is_there(name: str) -> bool:
    """True if a library can be loaded, by the loader or from NVIDIA's packages."""
    return _load(name)[0] is not None or bool(_packaged(name))


def _packaged(name: str) -> list[str]:
    """The paths of a library in NVIDIA's packages: TensorFlow looks there, the loader does not."""
    patterns = [os.path.join(glob.escape(path), 'nvidia', '*', 'lib', name) for path in sys.path]
    return [found for pattern in patterns for found in glob.glob(pattern)]


def _ask(driver: ctypes.CDLL | None) -> tuple[int | None, tuple[int, int] | None]:
    """Returns the driver's status when it is initialised, and the newest CUDA that it supports."""
    if driver is None:
        return None, None
    version = ctypes.c_int(0)
    try:
        status = int(driver.cuInit(0))
        known = driver.cuDriverGetVersion(ctypes.byref(version)) == 0
    except AttributeError:  # Another library of that name.
        return None, None
    return status, (version.value // 1000, version.value % 1000 // 10) if known else None


def why_no_kernels(build: Mapping[str, Any]) -> str | None:
    """Returns why TensorFlow cannot trace a GPU, as far as NVIDIA's library CUPTI tells.

    Args:
      build: The result of `tf.sysconfig.get_build_info`.

    Returns:
      The reason, or None if CUPTI can be loaded and lets itself be used.
    """
    version = str(build.get('cuda_version', ''))
    name = f'libcupti.so.{version.split(".")[0]}'
    library, problem = _load(name)
    for path in [] if library else _packaged(name):
        library, problem = _load(path)
        if library is not None:
            break
    if library is None:
        return f'CUPTI is missing ({problem}): is its folder in LD_LIBRARY_PATH, like {_EXTRAS}?'
    subscriber, said = ctypes.c_void_p(), ctypes.c_char_p()
    status = int(library.cuptiSubscribe(ctypes.byref(subscriber), _ignored, None))
    if status == 0:
        library.cuptiUnsubscribe(subscriber)
        return None
    library.cuptiGetResultString(status, ctypes.byref(said))
    text = (said.value or b'an error without a name').decode()
    hint = f': {_CUPTI_ERRORS[text]}' if text in _CUPTI_ERRORS else ''
    return f'CUPTI fails with {text} ({status}){hint}'


# The callback for events of CUPTI, of which none are subscribed to.
_ignored = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)(
    lambda *arguments: None
)


def _nvidia_smi() -> str | None:
    try:
        done = subprocess.run(
            ['nvidia-smi', '-L'], capture_output=True, text=True, timeout=30, check=False
        )
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        return f'{type(error).__name__}: {error}'
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else f'nothing (exit status {done.returncode})'
