"""Timelines of single runs."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from tfhooks import _arguments, steps
from tfhooks._locks import Lock
from tfhooks._tensorflow import tf
from tfhooks.hook_types import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from tfhooks.hooks import _xspace
from tfhooks.hooks._subclasses import replaces_runs
from tfhooks.hooks._writers import event_writer
from tfhooks.triggers import SecondOrStepTimer


class _Turn:
    """Whose run is traced. TensorFlow fails the second of two traced runs in one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._run: weakref.ref[SessionRunContext] | None = None

    def take(self, run_context: SessionRunContext) -> bool:
        """Takes the turn, unless a run of another thread has it."""
        thread = threading.get_ident()
        with self._lock:
            # A run that failed gives nothing back: it is over when its thread makes another one, or
            # when its context is gone.
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


class ProfilerHook(tf.train.ProfilerHook, SessionRunHook[list[Any]]):
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
    """

    def __init__(
        self,
        save_steps: int | None = None,
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
          save_steps: The period in global steps, at least 1. Exactly one of the two periods must be
            given.
          save_secs: The period in seconds, greater than 0.
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
        self._start_step = _arguments.whole(name, 'start_step', start_step, least=0) or 0
        self._end_step = _arguments.whole(name, 'end_step', end_step, least=0)
        self._max_traces = _arguments.whole(name, 'max_traces', max_traces)
        self._max_bytes = _arguments.whole(name, 'max_bytes', max_bytes)
        if self._end_step is not None and self._end_step < self._start_step:
            raise ValueError(
                f'{name}: end_step must not be before start_step; '
                f'start_step={start_step}, end_step={end_step}'
            )
        # Before TensorFlow's, which makes the directory.
        timer = SecondOrStepTimer.of_hook(name, save_secs=save_secs, save_steps=save_steps)
        super().__init__(save_steps, save_secs, output_dir, show_dataflow, show_memory)
        # `begin` takes it from the cache again; without it the hook can be copied and pickled.
        self._file_writer: Any = None
        self._timer = timer
        self._output_dir = output_dir
        self._lock = Lock()
        self._reset()

    def _reset(self) -> None:
        self._timer.reset()
        self._traces = 0
        self._bytes = 0
        self._finished = False

    def begin(self) -> None:
        """Begins anew.

        Raises:
          RuntimeError: The graph has no global step.
        """
        self._file_writer = event_writer(self._output_dir)
        super().begin()
        self._reset()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Takes up the cadence where a recovered session has gone back to an older step."""
        super().after_create_session(session, coord)
        if self._timer.last_triggered_step() is not None:
            self._timer.rewind(int(session.run(self._global_step_tensor)))

    def next_due(self) -> steps.NextDue:
        """When a trace may be due; see `tfhooks.steps.NextDue`."""
        if self._finished:
            return steps.NEVER
        wake = self._timer.next_due()
        if wake is steps.ALWAYS:
            return steps.ALWAYS
        if wake.step == steps.NEVER.step:
            return wake
        return steps.NextDue(step=max(wake.step, self._start_step))

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs[list[Any]] | None:
        """Asks for a full trace if one may be due."""
        if replaces_runs(self, ProfilerHook):
            return super().before_run(run_context)
        if self._finished:
            return None
        reach = steps.max_step_after(run_context, self._global_step_tensor)
        if self._end_step is not None and (
            steps.before(run_context, self._global_step_tensor) >= self._end_step
        ):
            self._finished = True
            return None
        if (
            self._timer.last_triggered_step() is None
            or not self._timer.is_due(reach)
            or reach < self._start_step
        ):
            return None
        if not _turn.take(run_context):
            return None
        level = tf.RunOptions.FULL_TRACE
        if _is_profiling(run_context, self._global_step_tensor):
            # A full trace would fail the run.
            level = tf.RunOptions.SOFTWARE_TRACE
        # The empty list of results tells after_run that this run was traced.
        return SessionRunArgs([], options=tf.RunOptions(trace_level=level))

    def after_run(
        self, run_context: SessionRunContext, run_values: SessionRunValues[list[Any]]
    ) -> None:
        """Writes the trace if it was due."""
        if replaces_runs(self, ProfilerHook):
            super().after_run(run_context, run_values)
            return
        _turn.give_back(run_context)
        if self._finished:
            return
        if self._timer.last_triggered_step() is None:
            # The first run only starts the clock: a run that builds its executors tells little.
            self._timer.update_last_triggered_step(
                steps.before(run_context, self._global_step_tensor)
            )
        if run_values.results is None:
            return
        step = steps.after(run_context, self._global_step_tensor)
        with self._lock:
            if self._finished or not self._timer.is_due(step) or step < self._start_step:
                return
            if self._end_step is not None and step > self._end_step:
                self._finished = True
                return
            self._timer.update_last_triggered_step(step)
            self._write(step, run_values.run_metadata)
            self._traces += 1
            self._finished = self._finished or self._traces == self._max_traces

    def _write(self, step: int, run_metadata: Any) -> None:
        path = os.path.join(self._output_dir, f'timeline-{step}.json')
        self._save(step, path, run_metadata.step_stats)
        profiles = _xspace.encode(run_metadata.step_stats, step)
        self._bytes += tf.gfile.Stat(path).length + run_metadata.ByteSize()
        self._bytes += sum(len(profile) for profile in profiles.values())
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            tf.gfile.Remove(path)
            tf.logging.warning(
                'ProfilerHook: the trace of step %d is dropped and no more are made, since all '
                'would take %d bytes; max_bytes=%d.',
                step,
                self._bytes,
                self._max_bytes,
            )
            self._finished = True
            return
        self._add_profiles(step, profiles)
        self._add_run_metadata(step, run_metadata)

    def _add_profiles(self, step: int, profiles: dict[str, bytes]) -> None:
        """Writes what the plugin reads, into a folder that has none of these hosts yet.

        The plugin keeps what it has computed from a file in the folder, so that another trace
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
                self._file_writer.add_run_metadata(run_metadata, tag)
                return
            except ValueError:  # An earlier session has traced a run that ended at this step.
                continue

    def end(self, session: Any) -> None:
        """Flushes the event file."""
        super().end(session)
        self._file_writer.flush()


def _names(step: int) -> Iterator[str]:
    """Names for a trace: the first one, and those for sessions that traced the same step again."""
    yield f'step_{step}'
    for number in itertools.count(2):
        yield f'step_{step}_{number}'


def _is_profiling(run_context: SessionRunContext, tensor: Any) -> bool:
    """Whether a profiler is on in this process, which only a traced run can tell."""
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    try:
        run_context.session.run(tensor, options=options, run_metadata=tf.RunMetadata())
    except tf.errors.AlreadyExistsError:
        return True
    return False
