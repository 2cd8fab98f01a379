"""Explains why TensorFlow sees no GPU: pure functions over the results of probing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tfhooks._base.extras import installed_tensorflow, pip_install

# The libraries that TensorFlow loads for each major version of CUDA, cuDNN aside.
_LIBRARIES = {
    12: 'cudart.so.12 cublas.so.12 cublasLt.so.12 cufft.so.11 cusparse.so.12 cusolver.so.11',
    13: 'cudart.so.13 cublas.so.13 cublasLt.so.13 cufft.so.12 cusparse.so.12 cusolver.so.12',
}

# Texts for errors of the driver's cuInit.
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


# Values of CUDA_VISIBLE_DEVICES that stand for no GPU, beside '' and negative numbers.
_NONE = ('none', 'void', 'nodevfiles')


@dataclasses.dataclass(frozen=True)
class Probes:
    """The results of probing a machine.

    Attributes:
      tensorflow: TensorFlow's version.
      built_for_gpus: Whether this TensorFlow can use GPUs at all.
      cuda: The version of CUDA it was built with, such as '12.5.1'; '' if unknown.
      cudnn: The version of cuDNN it was built with, such as '9'; '' if unknown.
      visible_devices: The environment variable CUDA_VISIBLE_DEVICES; None if it is not set.
      driver_problem: The reason why libcuda.so.1 could not be loaded; None if it could.
      driver_status: The result of the driver's cuInit, 0 for success; None if it was not called.
      driver_cuda: The newest version of CUDA that the driver supports; None if unknown.
      missing: Those of `libraries(cuda, cudnn)` that could not be loaded.
      nvidia_smi: The first line that `nvidia-smi -L` wrote; None if there is no nvidia-smi.
    """

    tensorflow: str
    built_for_gpus: bool = True
    cuda: str = ''
    cudnn: str = ''
    visible_devices: str | None = None
    driver_problem: str | None = None
    driver_status: int | None = None
    driver_cuda: tuple[int, int] | None = None
    missing: tuple[str, ...] = ()
    nvidia_smi: str | None = None


def libraries(cuda: str, cudnn: str) -> list[str]:
    """Lists the files that TensorFlow loads to use a GPU.

    Args:
      cuda: The version of CUDA it was built with, such as '12.5.1'; '' if unknown.
      cudnn: The version of cuDNN, such as '9' or '8.9.7'; '' if unknown.
    """
    names = _LIBRARIES.get(_major(cuda), '').split()
    names += [f'cudnn.so.{_major(cudnn)}'] if _major(cudnn) else []
    return [f'lib{name}' for name in names]


def why_no_gpu(found: Probes) -> list[str]:
    """Returns the reasons why TensorFlow sees no GPU, a line each, in the order to fix them."""
    if not found.built_for_gpus:
        return [
            f'this TensorFlow {found.tensorflow} is built for CPUs alone '
            f'(tensorflow-cpu?): {_install()}'
        ]
    reasons = list(_reasons(found))
    if reasons:
        return reasons
    seen = f'; nvidia-smi says: {found.nvidia_smi}' if found.nvidia_smi else ''
    return [
        'driver and libraries can be loaded, so the cause is another one: run with '
        f'TF_CPP_MIN_LOG_LEVEL=0 and read what TensorFlow says of gpu_device{seen}'
    ]


def _reasons(found: Probes) -> Iterator[str]:
    value, status = found.visible_devices, found.driver_status
    first = None if value is None else value.split(',')[0].strip().lower()
    hidden = first is not None and (first[:1] in ('', '-') or first in _NONE)
    if hidden:
        yield f'CUDA_VISIBLE_DEVICES={value!r} hides all GPUs: unset it'
    if found.driver_problem is not None:
        smi = 'and there is no nvidia-smi'
        if found.nvidia_smi is not None:
            smi = f'though nvidia-smi says: {found.nvidia_smi}; is its folder in LD_LIBRARY_PATH?'
        yield f'no NVIDIA driver: libcuda.so.1 cannot be loaded ({found.driver_problem}), {smi}'
    elif status and not (hidden and status in (100, 101)):
        said = _DRIVER_ERRORS.get(status, 'see the CUDA driver API for its meaning')
        yield f'the driver fails: cuInit returned {status}: {said}'
    # Within a major version of CUDA an older driver supports newer libraries.
    if found.driver_cuda is not None and found.driver_cuda[0] < _major(found.cuda):
        yield (
            f'the driver is too old: it serves CUDA {".".join(map(str, found.driver_cuda))} at '
            f'most, and this TensorFlow {found.tensorflow} is built for CUDA {found.cuda}'
        )
    if found.missing:
        yield (
            f'libraries of CUDA {found.cuda} cannot be loaded: {", ".join(found.missing)}: '
            f'{_install()}, or name their folder in LD_LIBRARY_PATH'
        )


def _install() -> str:
    """The command that installs TensorFlow with the libraries for GPUs."""
    return pip_install(installed_tensorflow('[and-cuda]'))


def _major(version: str) -> int:
    first = version.split('.')[0]
    return int(first) if first.isdigit() else 0
