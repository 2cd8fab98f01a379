"""NanTensorHook: stops a training that has diverged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfhooks._base.hook_types import SessionRunArgs, SessionRunContext, SessionRunValues
from tfhooks._run.stock_hooks import FastWay, StockHook
from tfhooks._tensorflow import originals, tf


class NanLossDuringTrainingError(tf.train.NanLossDuringTrainingError):
    """The loss is not a number, or, if the hook was asked to look for it, infinite.

    Stands for `tf.compat.v1.train.NanLossDuringTrainingError`.

    Attributes:
      tensor: The name of the tensor, or None.
      step: The global step after the run, or None where there is none.
      index: The index in the tensor, a tuple of ints, `()` in a scalar; None if not known.
      value: The value there: `nan`, `inf` or `-inf`; None if not known.

    Example:
      ```python
      diverged = tf.log(-loss)  # Not a number.
      try:
          with tfhooks.MonitoredSession(hooks=[tfhooks.NanTensorHook(diverged)]) as session:
              session.run(train_op)
      except tfhooks.NanLossDuringTrainingError as error:
          print(error.step, error.value)  # 1 nan
      ```
    """

    __module__ = 'tfhooks'

    def __init__(
        self,
        tensor: str | None = None,
        step: int | None = None,
        index: tuple[int, ...] | None = None,
        value: float | None = None,
    ) -> None:
        super().__init__(tensor, step, index, value)
        self.tensor = tensor
        self.step = step
        self.index = index
        self.value = value

    def __str__(self) -> str:
        text: str = super().__str__()
        if self.tensor is not None:
            place = f' at index {list(self.index)}' if self.index else ''
            text += f' {self.tensor} is {self.value}{place}'
            text += '.' if self.step is None else f' at global step {self.step}.'
        return text


class NanTensorHook(StockHook, tf.train.NanTensorHook):
    """Stops training, with an error or without, when a loss is not a number.

    Stands for `tf.compat.v1.train.NanTensorHook`.

    Example:
      ```python
      guard = tfhooks.NanTensorHook(loss, fail_on_nan_loss=False)  # Stops without an error.
      with tfhooks.MonitoredSession(hooks=[guard]) as session:
          session.run(train_op)
          print(session.should_stop())  # False
      ```
    """

    def __init__(
        self, loss_tensor: Any, fail_on_nan_loss: bool = True, *, check_inf: bool = False
    ) -> None:
        """Makes the hook.

        Args:
          loss_tensor: The tensor to look at, or its name: any shape, any float type.
          fail_on_nan_loss: Whether to raise NanLossDuringTrainingError; else a stop is requested.
          check_inf: Whether an infinite value counts too.

        Raises:
          TypeError: `loss_tensor` is neither a tensor of numbers nor the name of a tensor.
        """
        if isinstance(loss_tensor, tf.SparseTensor | tf.IndexedSlices | tf.RaggedTensor):
            raise TypeError(
                'NanTensorHook: loss_tensor must be one dense tensor, such as the values of this '
                f'one; loss_tensor={loss_tensor!r}'
            )
        dtype = getattr(loss_tensor, 'dtype', None)
        if not isinstance(loss_tensor, str) and (dtype is None or not _is_numeric(dtype)):
            raise TypeError(
                'NanTensorHook: loss_tensor must be a tensor of numbers or its name; '
                f'loss_tensor={loss_tensor!r}'
            )
        if type(self) is NanTensorHook and isinstance(loss_tensor, str) and ':' not in loss_tensor:
            raise TypeError(
                'NanTensorHook: loss_tensor must be the name of a tensor, and a name without :0 is '
                'that of an operation, which has no value; '
                f'loss_tensor={loss_tensor!r}. Give {loss_tensor + ":0"!r}, or the tensor.'
            )
        super().__init__(loss_tensor, fail_on_nan_loss)
        _NanTensor(self, check_inf)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        """Checks the loss.

        Raises:
          NanLossDuringTrainingError: It has a NaN, and `fail_on_nan_loss` is true.
        """
        try:
            super().after_run(run_context, run_values)
        except NanLossDuringTrainingError:
            raise
        except originals.NanLossDuringTrainingError:
            # The type that a program for tfhooks.v1 catches.
            raise NanLossDuringTrainingError from None


class _NanTensor(FastWay):
    decides_after_run = False

    def __init__(self, hook: NanTensorHook, check_inf: bool) -> None:
        super().__init__(hook, NanTensorHook, extended=check_inf)
        self._check_inf = check_inf
        self.standing_request = SessionRunArgs(hook._loss_tensor)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[Any]:
        request: SessionRunArgs[Any] = self.standing_request
        return request

    def is_bad(self, loss: Any) -> Any:
        """Marks the elements of an array of numbers for which training is to stop."""
        values = np.asarray(loss)
        if values.dtype.kind not in 'biufc':  # bfloat16 and its like, which are not numpy's own.
            values = values.astype(np.float64)
        return ~np.isfinite(values) if self._check_inf else np.isnan(values)

    def has_nothing_to_do(self, results: Any) -> bool:
        return isinstance(results, np.floating) and math.isfinite(results)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues[Any]) -> None:
        loss = run_values.results
        bad = self.is_bad(loss)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            self._diverged(run_context, index, np.asarray(loss)[index])

    def _diverged(self, run_context: SessionRunContext, index: tuple[int, ...], value: Any) -> None:
        message = f'Model diverged with loss = {"NaN" if np.isnan(value) else "Inf"}.'
        if not self.hook._fail_on_nan_loss:
            tf.logging.warning(message)
            run_context.request_stop()
            return
        tf.logging.error(message)
        tensor = self.hook._loss_tensor
        raise NanLossDuringTrainingError(
            getattr(tensor, 'name', tensor),
            _step_now(run_context),
            index,
            value if np.iscomplexobj(value) else float(value),
        )


def _is_numeric(dtype: Any) -> bool:
    dtype = tf.as_dtype(dtype)
    return bool(dtype.is_floating or dtype.is_complex or dtype.is_integer or dtype.is_bool)


def _step_now(run_context: SessionRunContext) -> int | None:
    """The global step, read from the variable itself since the graph is finalized."""
    session: Any = run_context.session
    try:
        variable = tf.train.get_global_step(session.graph)
        return None if variable is None else int(session.run(variable))
    except Exception:  # The error to report is that of the loss.
        return None
