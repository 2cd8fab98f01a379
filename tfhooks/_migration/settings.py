"""The options of the runner, and their installation in its process or in a child."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tfhooks._migration import first_try, imports, quiet


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options of the runner.

    Attributes:
      packages: Installed packages that count as the program's own.
      save_on_error: Whether each session saves when its loop ends by an exception.
      save_on_preemption: Whether each session saves and ends on SIGTERM or SIGINT.
      hook_costs: Whether each session has a HookCostHook.
      run_plans: Whether runs are served by run plans.
      children: Whether processes that multiprocessing spawns get the settings, too.
      removed_names: Whether the program's files have names that Python and NumPy removed.
      quiet: Whether TensorFlow's banner, deprecations and doubled lines are left out.
      seed: The seed of all generators and graphs, or None.
      deterministic: Whether operations give the same results each time.
      stop_after_runs: The number of runs after which each session stops, or None.
      trace: The file to write the trace to, or None.
      trace_runs: The most runs of each session in the trace.
    """

    packages: Sequence[str] = ()
    save_on_error: bool = False
    save_on_preemption: bool = False
    hook_costs: bool = False
    run_plans: bool = True
    children: bool = False
    removed_names: bool = True
    quiet: bool = False
    seed: int | None = None
    deterministic: bool = False
    stop_after_runs: int | None = None
    trace: str | None = None
    trace_runs: int = 1000


def install(settings: Settings) -> imports.Program:
    """Installs the settings; those that need TensorFlow wait until it is imported."""
    if not settings.run_plans:
        os.environ['TFHOOKS_RUN_PLANS'] = '0'
    program = imports.Program(settings.packages, settings.removed_names)
    if settings.quiet:
        quiet.install()
    # Deterministic operations need seeds.
    seed = 0 if settings.deterministic and settings.seed is None else settings.seed
    if seed is not None:
        first_try.seed_python(seed)
    recorder = None
    if settings.trace is not None:
        from tfhooks._migration import trace_recorder

        # Before the program, which may change the directory.
        recorder = trace_recorder.Recorder(settings.trace, settings.trace_runs)

    def when_ready() -> None:
        import tfhooks
        from tfhooks._session import process_defaults

        tfhooks.patch()
        process_defaults.save_on_error = settings.save_on_error
        process_defaults.save_on_preemption = settings.save_on_preemption
        if settings.hook_costs:
            process_defaults.hooks.append(tfhooks.HookCostHook)
        if settings.stop_after_runs is not None:
            process_defaults.hooks.append(first_try.stop_after(settings.stop_after_runs))
        if settings.quiet:
            quiet.leave_out_doubles()
        if settings.deterministic:
            first_try.make_deterministic()
        if seed is not None:
            first_try.seed_graphs(seed)
        if recorder is not None:
            recorder.watch(sys.modules[imports.OURS])

    around = quiet.without_banner if settings.quiet else contextlib.nullcontext
    imports.install(program, when_ready, around)
    if settings.children:
        _follow_children(settings)
    return program


class _InChild:
    """An object that installs the settings when a spawned process unpickles it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __reduce__(self) -> tuple[Callable[[Settings], object], tuple[Settings]]:
        return install, (self._settings,)


def _follow_children(settings: Settings) -> None:
    # A child's trace would overwrite the program's.
    settings = dataclasses.replace(settings, trace=None)
    from multiprocessing import forkserver, spawn

    prepare: Callable[[str], dict[str, Any]] = spawn.get_preparation_data

    def get_preparation_data(name: str) -> dict[str, Any]:
        # A child unpickles all of it first, and ignores keys that it does not know.
        return {**prepare(name), 'tfhooks': _InChild(settings)}

    setattr(spawn, 'get_preparation_data', get_preparation_data)  # noqa: B010
    # The server would import the program before the settings are installed.
    forkserver.set_forkserver_preload([])
