"""What there is on this machine that a GPU needs."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import subprocess
import sys
from typing import Any

from tfhooks.smoke.reasons import Probes, libraries


def probe(tensorflow: Any) -> Probes:
    """Looks at this machine.

    Args:
      tensorflow: The module.
    """
    build: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # A build that does not tell how it was built.
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
    """Whether a library can be loaded: from where the loader looks, or from NVIDIA's packages."""
    if _load(name)[0] is not None:
        return True
    # TensorFlow looks there by itself, the loader does not.
    return any(
        glob.glob(os.path.join(glob.escape(folder), 'nvidia', '*', 'lib', name))
        for folder in sys.path
    )


def _ask(driver: ctypes.CDLL | None) -> tuple[int | None, tuple[int, int] | None]:
    """What the driver says when it is initialised, and the newest CUDA that it serves."""
    if driver is None:
        return None, None
    version = ctypes.c_int(0)
    try:
        status = int(driver.cuInit(0))
        known = driver.cuDriverGetVersion(ctypes.byref(version)) == 0
    except AttributeError:  # Another library of that name.
        return None, None
    return status, (version.value // 1000, version.value % 1000 // 10) if known else None


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
