"""ProfilerHook: writes timelines of single runs."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from tfhooks._base import arguments
from tfhooks._base.hook_types import (
    ALWAYS,
    NEVER,
    NextDue,
    SessionRunArgs,
    SessionRunContext,
    SessionRunValues,
)
from tfhooks._hooks import xspace
from tfhooks._hooks.next_step_way import NextStepWay
from tfhooks._hooks.writers import event_writer
from tfhooks._run.stock_hooks import StockHook
from tfhooks._tensorflow import tf
from tfhooks._timing import global_steps
from tfhooks._timing.timer import SecondOrStepTimer


class _Turn:
    """Lets one run be traced at a time: TensorFlow fails the second of two in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._run: weakref.ref[SessionRunContext] | None = None

    def take(self, run_context: SessionRunContext) -> bool:
        """Takes the turn; returns False if a run of another thread has it."""
        thread = threading.get_ident()
        with self._lock:
            # A run that failed does not give it back, but is over when its thread makes another run
            # or when its context is gone.
            if self._run is not None and self._thread != thread and self._run() is not None:
                return False
            self._thread, self._run = thread, weakref.ref(run_context)
            return True

    def give_back(self, run_context: SessionRunContext) -> None:
        """Ends the turn of a run."""
        with self._lock:
            if self._run is not None and self._run() is run_context:
                self._run = None


_turn = _Turn()


class ProfilerHook(StockHook, tf.train.ProfilerHook):
    """Traces a run every so often, beginning one period after the first run.

    Stands for `tf.compat.v1.train.ProfilerHook`. Each trace is

    - a file `timeline-<global step>.json` in Chrome's trace format, which Perfetto and
      chrome://tracing open;
    - the files `plugins/profile/step_<global step>/<host>.xplane.pb`, which TensorBoard's profile
      plugin opens;
    - the run's metadata in the event file, which TensorBoard shows beside the graph.

    One run is traced at a time: a run that falls due while a trace is made in another thread is
    not. A profiler that the program itself has started, or TensorBoard's "capture profile", goes
    on; what a GPU does is then in its profile and left out of the trace.

    Example:
      ```python
      profiler = tfhooks.ProfilerHook(save_steps=10, output_dir=directory, max_traces=1)
      with tfhooks.MonitoredSession(hooks=[profiler, tfhooks.StopAtStepHook(20)]) as session:
          while not session.should_stop():
              session.run(train_op)
      print(*tf.io.gfile.glob(f'{directory}/timeline-*.json'))  # .../timeline-10.json
      ```
    """

    def __init__(
        self,
        save_steps: float | None = None,
        save_secs: float | None = None,
        output_dir: Any = '',
        show_dataflow: bool = True,
        show_memory: bool = False,
        *,
        start_step: int | None = None,
        end_step: int | None = None,
        max_traces: int | None = None,
        max_bytes: int | None = None,
    ) -> None:
        """Makes the hook.

        Args:
          save_steps: The period in global steps; 0 for every run. Exactly one of the two periods
            must be given.
          save_secs: The period in seconds; 0 for every run.
          output_dir: The directory of the files; by default the current one.
          show_dataflow: Whether the trace connects producers and consumers of tensors.
          show_memory: Whether the trace shows sizes and lifetimes of tensors.
          start_step: No run that ends before this global step is traced.
          end_step: No run that ends after this global step is traced.
          max_traces: The most traces to make in a session.
          max_bytes: The most bytes to write in a session, all files together. The trace that would
            go beyond it is dropped, and it is the last.

        Raises:
          TypeError: An argument is of the wrong kind.
          ValueError: Not exactly one period is given, or a value is out of range.
        """
        name = 'ProfilerHook'
        # Before TensorFlow's, which makes the directory.
        timer = SecondOrStepTimer.of_hook(name, save_secs=save_secs, save_steps=save_steps)
        window = _Window(name, start_step, end_step, max_traces, max_bytes)
        super().__init__(save_steps, save_secs, output_dir, show_dataflow, show_memory)
        # `begin` takes it from the cache again; without it the hook can be copied and pickled.
        self._file_writer: Any = None
        self._timer = timer
        _Profiler(self, output_dir, window)

    def begin(self) -> None:
        """Opens the event file, and begins a new session.

        Raises:
          RuntimeError: The graph has no global step.
        """
        if self._file_writer is None:
            vars(self)['_file_writer'] = event_writer(os.path.dirname(self._output_file))
        super().begin()

    def end(self, session: Any) -> None:
        """Flushes the event file."""
        super().end(session)
        self._file_writer.flush()


class _Window:
    """Limits which runs may be traced, and how many bytes may be written."""

    def __init__(
        self, owner: str, start_step: Any, end_step: Any, max_traces: Any, max_bytes: Any
    ) -> None:
        self.start_step = arguments.whole(owner, 'start_step', start_step, least=0) or 0
        self.end_step = arguments.whole(owner, 'end_step', end_step, least=0)
        self.max_traces = arguments.whole(owner, 'max_traces', max_traces)
        self.max_bytes = arguments.whole(owner, 'max_bytes', max_bytes)
        self.is_given = any(
            value is not None for value in (start_step, end_step, max_traces, max_bytes)
        )
        if self.end_step is not None and self.end_step < self.start_step:
            raise ValueError(
                f'{owner}: end_step must not be before start_step; '
                f'start_step={start_step}, end_step={end_step}'
            )


class _Profiler(NextStepWay):
    def __init__(self, hook: ProfilerHook, output_dir: Any, window: _Window) -> None:
        super().__init__(hook, ProfilerHook, extended=window.is_given)
        self._output_dir = output_dir
        self._window = window
        self._traces = self._bytes = 0
        self._is_finished = False

    def begin(self) -> None:
        vars(self.hook)['_file_writer'] = event_writer(self._output_dir)
        super().begin()
        self._traces = self._bytes = 0
        self._is_finished = False

    def next_due(self) -> NextDue:
        self.is_requested = False
        if self._is_finished:
            return NEVER
        due: NextDue = self.timer.next_due()
        if due == ALWAYS or due.step == NEVER.step:
            return due
        return NextDue(step=max(due.step, self._window.start_step))

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[list[Any]] | None:
        self.is_requested = False
        if self._is_finished:
            return None
        tensor, window = self.hook._global_step_tensor, self._window
        last = global_steps.max_step_after(run_context, tensor)
        if (
            window.end_step is not None
            and global_steps.before(run_context, tensor) >= window.end_step
        ):
            self._is_finished = True
            return None
        if (
            self.timer.last_triggered_step() is None
            or not self.timer.is_due(last)
            or last < window.start_step
        ):
            return None
        if not _turn.take(run_context):
            return None
        self.is_requested = True
        level = tf.RunOptions.FULL_TRACE
        if _is_profiling(run_context, tensor):
            # A full trace would fail the run.
            level = tf.RunOptions.SOFTWARE_TRACE
        # The empty list of results tells after_run that this run was traced.
        return SessionRunArgs([], options=tf.RunOptions(trace_level=level))

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[list[Any]]
    ) -> None:
        _turn.give_back(run_context)
        if self._is_finished:
            return
        tensor, window = self.hook._global_step_tensor, self._window
        if self.timer.last_triggered_step() is None:
            # The first run only starts the clock, since it builds its executors and is not typical.
            self.trigger(global_steps.before(run_context, tensor))
            self.next_step = global_steps.before(run_context, tensor) + 2
        if run_values.results is None:
            return
        step = global_steps.after(run_context, tensor)
        with self.lock:
            if self._is_finished or not self.timer.is_due(step) or step < window.start_step:
                return
            if window.end_step is not None and step > window.end_step:
                self._is_finished = True
                return
            self.trigger(step)
            self.next_step = step + 1
            self._write(step, run_values.run_metadata)
            self._traces += 1
            self._is_finished = self._is_finished or self._traces == window.max_traces

    def _write(self, step: int, run_metadata: Any) -> None:
        path = os.path.join(self._output_dir, f'timeline-{step}.json')
        self.hook._save(step, path, run_metadata.step_stats)
        profiles = xspace.encode(run_metadata.step_stats, step)
        self._bytes += tf.gfile.Stat(path).length + run_metadata.ByteSize()
        self._bytes += sum(len(profile) for profile in profiles.values())
        if self._window.max_bytes is not None and self._bytes > self._window.max_bytes:
            tf.gfile.Remove(path)
            tf.logging.warning(
                'ProfilerHook: the trace of step %d is dropped and no more are made, since all '
                'would take %d bytes; max_bytes=%d.',
                step,
                self._bytes,
                self._window.max_bytes,
            )
            self._is_finished = True
            return
        if profiles:
            self._add_profiles(step, profiles)
        self._add_run_metadata(step, run_metadata)

    def _add_profiles(self, step: int, profiles: dict[str, bytes]) -> None:
        """Writes the files of the plugin, into a folder that has none of these hosts yet.

        The plugin caches in the folder what it has computed from a file, so that another trace
        needs another one. Workers that write into one directory share it.
        """
        profile_dir = os.path.join(self._output_dir, 'plugins', 'profile')
        for name in _names(step):
            folder = os.path.join(profile_dir, name)
            paths = {host: os.path.join(folder, f'{host}.xplane.pb') for host in profiles}
            if any(tf.gfile.Exists(path) for path in paths.values()):
                continue
            tf.gfile.MakeDirs(folder)
            for host, path in paths.items():
                with tf.gfile.GFile(path, 'wb') as file:
                    file.write(profiles[host])
            return

    def _add_run_metadata(self, step: int, run_metadata: Any) -> None:
        """Writes the metadata under a tag that the shared writer has not used yet."""
        for tag in _names(step):
            try:
                self.hook._file_writer.add_run_metadata(run_metadata, tag)
                return
            except ValueError:  # An earlier session has traced a run of this step.
                continue


def _names(step: int) -> Iterator[str]:
    """Yields names for a trace: the usual one, then others for the same step traced again."""
    yield f'step_{step}'
    for number in itertools.count(2):
        yield f'step_{step}_{number}'


def _is_profiling(run_context: SessionRunContext, tensor: Any) -> bool:
    """True if a profiler is on in this process, which only a traced run can tell."""
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    try:
        run_context.session.run(tensor, options=options, run_metadata=tf.RunMetadata())
    except tf.errors.AlreadyExistsError:
        return True
    return False
