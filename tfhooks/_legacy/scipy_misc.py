"""The image functions of the `scipy.misc` of 2016 to 2019, by Pillow, for files that import it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np


def __getattr__(name: str) -> Any:
    if name in ('comb', 'factorial', 'factorial2', 'factorialk', 'logsumexp'):
        return getattr(importlib.import_module('scipy.special'), name)
    raise AttributeError(f'scipy.misc.{name} is gone, and `python -m tfhooks` does not have it')


def _pillow() -> Any:
    try:
        return importlib.import_module('PIL.Image')
    except ModuleNotFoundError as error:
        from tfhooks._base import extras

        raise ModuleNotFoundError(
            'scipy.misc of an earlier SciPy reads and writes images by Pillow, which is not '
            f'installed: {extras.pip_install("pillow")}',
            name=error.name,
        ) from error


def _method(interp: str) -> Any:
    return getattr(_pillow().Resampling, {'cubic': 'BICUBIC'}.get(interp, interp.upper()))


def imread(name: Any, flatten: bool = False, mode: str | None = None) -> Any:
    """Reads an image file as an array, `[height, width]` or `[height, width, channels]`, uint8."""
    return fromimage(_pillow().open(name), flatten, mode)


def fromimage(im: Any, flatten: bool = False, mode: str | None = None) -> Any:
    """Converts an image of Pillow's to an array; float32 and of one channel if flattened."""
    if mode is not None and mode != im.mode:
        im = im.convert(mode)
    elif im.mode == 'P':
        im = im.convert('RGBA' if 'transparency' in im.info else 'RGB')
    elif im.mode == '1':
        im = im.convert('L')
    return np.array(im.convert('F') if flatten else im)


def bytescale(data: Any, cmin: Any = None, cmax: Any = None, high: int = 255, low: int = 0) -> Any:
    """Scales an array from `cmin` to `cmax`, by default its own range, to bytes.

    Raises:
      ValueError: `cmax` is less than `cmin`, or `low` and `high` are no range of bytes.
    """
    if not 0 <= low <= high <= 255:
        raise ValueError(f'bytescale: 0 <= low <= high <= 255; low={low}, high={high}')
    if data.dtype == np.uint8:
        return data
    cmin = data.min() if cmin is None else cmin
    cmax = data.max() if cmax is None else cmax
    if cmax < cmin:
        raise ValueError(f'bytescale: cmax must not be less than cmin; cmin={cmin}, cmax={cmax}')
    scaled = (data - cmin) * ((high - low) / ((cmax - cmin) or 1)) + low
    return (scaled.clip(low, high) + 0.5).astype(np.uint8)


def toimage(arr: Any, **kwargs: Any) -> Any:
    """Converts an array to an image of Pillow's.

    Args:
      arr: The array, `[height, width]`, `[height, width, 3 or 4]` or channels first; all dtypes but
        uint8 are scaled.
      **kwargs: Of `bytescale`.

    Raises:
      ValueError: It has another shape.
    """
    data = np.asarray(arr)
    if data.ndim == 3 and data.shape[2] not in (3, 4) and data.shape[0] in (3, 4):
        data = data.transpose(1, 2, 0)
    if data.ndim != 2 and (data.ndim != 3 or data.shape[2] not in (3, 4)):
        raise ValueError(f"'arr' does not have a suitable array shape for any mode: {data.shape}")
    return _pillow().fromarray(bytescale(data, **kwargs))


def imsave(name: Any, arr: Any, format: str | None = None) -> None:
    """Writes an array as an image file."""
    toimage(arr).save(name, format)


def imresize(arr: Any, size: Any, interp: str = 'bilinear', mode: str | None = None) -> Any:
    """Resizes an image.

    Args:
      arr: The image as an array.
      size: `(height, width)`; as an integer, per cent; as a float, a factor.
      interp: 'nearest', 'lanczos', 'bilinear', 'bicubic' or 'cubic'.
      mode: The mode of Pillow's to convert it to before.
    """
    image = toimage(arr) if mode is None else toimage(arr).convert(mode)
    if isinstance(size, (int, np.integer)):
        size = size / 100.0
    if isinstance(size, (float, np.floating)):
        new = tuple(int(length * size) for length in image.size)
    else:
        new = (size[1], size[0])
    return fromimage(image.resize(new, _method(interp)))


def imrotate(arr: Any, angle: float, interp: str = 'bilinear') -> Any:
    """Turns an image by degrees, counter-clockwise, within its frame."""
    return fromimage(toimage(arr).rotate(angle, _method(interp)))
