"""Explains why TensorFlow sees no GPU, or no kernels of one: asks driver and libraries."""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tfhooks._base.extras import installed_tensorflow, pip_install
from tfhooks._tensorflow import tf

# The libraries that TensorFlow loads for each major version of CUDA, cuDNN aside.
_LIBRARIES = {
    12: 'cudart.so.12 cublas.so.12 cublasLt.so.12 cufft.so.11 cusparse.so.12 cusolver.so.11',
    13: 'cudart.so.13 cublas.so.13 cublasLt.so.13 cufft.so.12 cusparse.so.12 cusolver.so.12',
}
# What errors of the driver's cuInit mean.
_DRIVER_ERRORS = {
    35: 'the driver is too old for this libcuda',
    100: 'the driver finds no GPU; in a container, was it started with the GPUs (--gpus all)?',
    101: 'CUDA_VISIBLE_DEVICES names a GPU that is not there',
    802: 'the GPUs are not ready yet; on a machine with NVSwitch, does the fabric manager run?',
    803: 'the driver library and the kernel module are of different versions; reboot, or mount '
    "the host's libcuda into the container",
    804: 'the compatibility package of CUDA serves no GPU of this kind',
    999: 'the driver gives no reason; a reboot, or loading the module nvidia_uvm, often helps',
}
# What to do about errors of CUPTI.
_CUPTI_ERRORS = {
    'CUPTI_ERROR_INSUFFICIENT_PRIVILEGES': ': run as root, in a container with '
    "--cap-add=SYS_ADMIN, or set the driver module's NVreg_RestrictProfilingToAdminUsers=0",
    'CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED': ': another profiler is on in this process',
}
# Values of CUDA_VISIBLE_DEVICES that stand for no GPU, beside '' and negative numbers.
_NONE = ('none', 'void', 'nodevfiles')


def why_no_gpu() -> list[str]:
    """Returns the reasons why TensorFlow sees no GPU, a line each, in the order to fix them."""
    if not (tf.test.is_built_with_cuda() or tf.test.is_built_with_rocm()):
        return [
            f'this TensorFlow {tf.VERSION} is built for CPUs alone (tensorflow-cpu?): {_install()}'
        ]
    smi = _nvidia_smi()
    reasons = list(_reasons(smi))
    if not reasons:
        seen = f'; nvidia-smi says: {smi}' if smi else ''
        reasons.append(
            'driver and libraries can be loaded, so the cause is another one: run with '
            f'TF_CPP_MIN_LOG_LEVEL=0 and read what TensorFlow says of gpu_device{seen}'
        )
    return reasons


def _reasons(smi: str | None) -> Iterator[str]:
    build = tf.sysconfig.get_build_info()
    cuda = build.get('cuda_version', '')
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    first = None if visible is None else visible.split(',')[0].strip().lower()
    hidden = first is not None and (first[:1] in ('', '-') or first in _NONE)
    if hidden:
        yield f'CUDA_VISIBLE_DEVICES={visible!r} hides all GPUs: unset it'

    driver, problem = _load('libcuda.so.1')
    status, newest = 0, ctypes.c_int(0)
    with contextlib.suppress(AttributeError):  # There is none, or another library of that name.
        status = driver.cuInit(0)
        driver.cuDriverGetVersion(ctypes.byref(newest))
    if driver is None and tf.test.is_built_with_cuda():
        said = 'and there is no nvidia-smi'
        if smi is not None:
            said = f'though nvidia-smi says: {smi}; is its folder in LD_LIBRARY_PATH?'
        yield f'no NVIDIA driver: libcuda.so.1 cannot be loaded ({problem}), {said}'
    elif status and not (hidden and status in (100, 101)):
        said = _DRIVER_ERRORS.get(status, 'see the CUDA driver API for its meaning')
        yield f'the driver fails: cuInit returned {status}: {said}'
    # Within a major version of CUDA an older driver supports newer libraries.
    served = newest.value // 1000, newest.value % 1000 // 10
    if 0 < served[0] < _major(cuda):
        yield (
            f'the driver is too old: it serves CUDA {served[0]}.{served[1]} at most, and this '
            f'TensorFlow {tf.VERSION} is built for CUDA {cuda}'
        )
    needed = [f'lib{name}' for name in _LIBRARIES.get(_major(cuda), '').split()]
    if cudnn := _major(build.get('cudnn_version')):
        needed.append(f'libcudnn.so.{cudnn}')
    missing = [name for name in needed if _load(name)[0] is None and not _packaged(name)]
    if missing:
        yield (
            f'libraries of CUDA {cuda} cannot be loaded: {", ".join(missing)}: '
            f'{_install()}, or name their folder in LD_LIBRARY_PATH'
        )


def why_no_kernels() -> str:
    """Returns why TensorFlow cannot trace a GPU, as far as NVIDIA's library CUPTI tells.

    Returns:
      The reason, or '' if CUPTI can be loaded and lets itself be used.
    """
    name = f'libcupti.so.{_major(tf.sysconfig.get_build_info().get("cuda_version", ""))}'
    found = [_load(path) for path in (name, *_packaged(name))]
    cupti = next((library for library, _ in found if library is not None), None)
    if cupti is None:
        return (
            f'CUPTI is missing ({found[-1][1]}): is its folder in LD_LIBRARY_PATH, like '
            '/usr/local/cuda/extras/CUPTI/lib64?'
        )
    subscriber, said = ctypes.c_void_p(), ctypes.c_char_p()
    status = cupti.cuptiSubscribe(ctypes.byref(subscriber), _ignored, None)
    if status == 0:
        cupti.cuptiUnsubscribe(subscriber)
        return ''
    cupti.cuptiGetResultString(status, ctypes.byref(said))
    text = (said.value or b'an error without a name').decode()
    return f'CUPTI fails with {text} ({status}){_CUPTI_ERRORS.get(text, "")}'


# The callback for events of CUPTI, of which none are subscribed to.
_ignored = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.c_void_p)(
    lambda *arguments: None
)


def _load(name: str) -> tuple[Any, str | None]:
    """Loads a library; returns it, or the reason why it cannot be loaded."""
    try:
        return ctypes.CDLL(name), None
    except OSError as error:
        return None, str(error)


def _packaged(name: str) -> list[str]:
    """The paths of a library in NVIDIA's packages: TensorFlow looks there, the loader does not."""
    patterns = [os.path.join(glob.escape(path), 'nvidia', '*', 'lib', name) for path in sys.path]
    return [found for pattern in patterns for found in glob.glob(pattern)]


def _nvidia_smi() -> str | None:
    """The first line that `nvidia-smi -L` writes; None if there is no nvidia-smi."""
    command, output = ['nvidia-smi', '-L'], subprocess.PIPE
    try:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=30)
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        return f'{type(error).__name__}: {error}'
    lines = done.stdout.decode(errors='replace').strip().splitlines()
    return lines[0].strip() if lines else f'nothing (exit status {done.returncode})'


def _install() -> str:
    """The command that installs TensorFlow with the libraries for GPUs."""
    return pip_install(installed_tensorflow('[and-cuda]'))


def _major(version: Any) -> int:
    first = str(version).split('.')[0]
    return int(first) if first.isdigit() else 0
