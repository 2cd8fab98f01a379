"""The hooks and monitored sessions of TensorFlow 1 over `tf.compat.v1.train`, typed and checked.

A name that `tf.train` has too stands for TensorFlow's, with its arguments in their order. Three
ways to use them:

    import tfhooks             # the names below, as tfhooks.X
    import tfhooks.v1 as tf    # all of tf.compat.v1, with these names as tf.train.X
    python -m tfhooks train.py # a program for TensorFlow 1 as it is

`import tfhooks` changes nothing in the process, and imports nothing but this file: each name below
brings in its room, and TensorFlow, when it is first asked for. So `import tfhooks.v1 as tf` can
still choose how TensorFlow is imported.
"""

import typing as _typing

# A literal, which setup.cfg reads without an import.
__version__ = '0.1.0'

if _typing.TYPE_CHECKING:
    from tfhooks.creators import ChiefSessionCreator as ChiefSessionCreator
    from tfhooks.creators import Scaffold as Scaffold
    from tfhooks.creators import SessionCreator as SessionCreator
    from tfhooks.creators import WorkerSessionCreator as WorkerSessionCreator
    from tfhooks.errors import CheckpointSaveError as CheckpointSaveError
    from tfhooks.errors import ConflictError as ConflictError
    from tfhooks.errors import NotAHookError as NotAHookError
    from tfhooks.errors import RequestError as RequestError
    from tfhooks.errors import SessionClosedError as SessionClosedError
    from tfhooks.errors import UnfedPlaceholderError as UnfedPlaceholderError
    from tfhooks.functional import after_run as after_run
    from tfhooks.functional import hook as hook
    from tfhooks.hook_types import NextDue as NextDue
    from tfhooks.hook_types import SessionRunArgs as SessionRunArgs
    from tfhooks.hook_types import SessionRunContext as SessionRunContext
    from tfhooks.hook_types import SessionRunHook as SessionRunHook
    from tfhooks.hook_types import SessionRunValues as SessionRunValues
    from tfhooks.hook_types import SupportsNextDue as SupportsNextDue
    from tfhooks.hooks.best import BestCheckpoints as BestCheckpoints
    from tfhooks.hooks.checkpoint import CheckpointSaverHook as CheckpointSaverHook
    from tfhooks.hooks.checkpoint import CheckpointSaverListener as CheckpointSaverListener
    from tfhooks.hooks.costs import HookCost as HookCost
    from tfhooks.hooks.costs import HookCostHook as HookCostHook
    from tfhooks.hooks.costs import HookCosts as HookCosts
    from tfhooks.hooks.costs import hook_costs as hook_costs
    from tfhooks.hooks.early_stopping import EarlyStoppingHook as EarlyStoppingHook
    from tfhooks.hooks.evaluation import EvalHook as EvalHook
    from tfhooks.hooks.feed_fn import FeedFnHook as FeedFnHook
    from tfhooks.hooks.final_ops import FinalOpsHook as FinalOpsHook
    from tfhooks.hooks.logging import LoggingTensorHook as LoggingTensorHook
    from tfhooks.hooks.metrics_files import CsvWriter as CsvWriter
    from tfhooks.hooks.metrics_files import JsonLinesWriter as JsonLinesWriter
    from tfhooks.hooks.metrics_files import MetricsWriter as MetricsWriter
    from tfhooks.hooks.metrics_files import TensorBoardWriter as TensorBoardWriter
    from tfhooks.hooks.metrics_writer import MetricsWriterHook as MetricsWriterHook
    from tfhooks.hooks.nan import NanLossDuringTrainingError as NanLossDuringTrainingError
    from tfhooks.hooks.nan import NanTensorHook as NanTensorHook
    from tfhooks.hooks.profiler import ProfilerHook as ProfilerHook
    from tfhooks.hooks.progress import ProgressHook as ProgressHook
    from tfhooks.hooks.restore import RestoreHook as RestoreHook
    from tfhooks.hooks.step_counter import StepCounterHook as StepCounterHook
    from tfhooks.hooks.stop import StopAtStepHook as StopAtStepHook
    from tfhooks.hooks.summary import SummarySaverHook as SummarySaverHook
    from tfhooks.hooks.time_limit import TimeLimitHook as TimeLimitHook
    from tfhooks.hooks.waiter import GlobalStepWaiterHook as GlobalStepWaiterHook
    from tfhooks.hooks.watchdog import StallWatchdogHook as StallWatchdogHook
    from tfhooks.patching import patch as patch
    from tfhooks.patching import patched as patched
    from tfhooks.plan_cache import run_plans as run_plans
    from tfhooks.reasons import StopReason as StopReason
    from tfhooks.reasons import StopRequestedError as StopRequestedError
    from tfhooks.recovery import RecoveryPolicy as RecoveryPolicy
    from tfhooks.recovery import is_recovery as is_recovery
    from tfhooks.roles import Role as Role
    from tfhooks.roles import role as role
    from tfhooks.session import MonitoredSession as MonitoredSession
    from tfhooks.session import SingularMonitoredSession as SingularMonitoredSession
    from tfhooks.training import MonitoredTrainingSession as MonitoredTrainingSession
    from tfhooks.triggers import SecondOrStepTimer as SecondOrStepTimer
    from tfhooks.wrappers import chief_only as chief_only
    from tfhooks.wrappers import every as every
    from tfhooks.wrappers import only_if as only_if

# A literal, since type checkers read it. tests/test_surface.py holds the three lists together.
__all__ = [
    'BestCheckpoints',
    'CheckpointSaveError',
    'CheckpointSaverHook',
    'CheckpointSaverListener',
    'ChiefSessionCreator',
    'ConflictError',
    'CsvWriter',
    'EarlyStoppingHook',
    'EvalHook',
    'FeedFnHook',
    'FinalOpsHook',
    'GlobalStepWaiterHook',
    'HookCost',
    'HookCostHook',
    'HookCosts',
    'JsonLinesWriter',
    'LoggingTensorHook',
    'MetricsWriter',
    'MetricsWriterHook',
    'MonitoredSession',
    'MonitoredTrainingSession',
    'NanLossDuringTrainingError',
    'NanTensorHook',
    'NextDue',
    'NotAHookError',
    'ProfilerHook',
    'ProgressHook',
    'RecoveryPolicy',
    'RequestError',
    'RestoreHook',
    'Role',
    'Scaffold',
    'SecondOrStepTimer',
    'SessionClosedError',
    'SessionCreator',
    'SessionRunArgs',
    'SessionRunContext',
    'SessionRunHook',
    'SessionRunValues',
    'SingularMonitoredSession',
    'StallWatchdogHook',
    'StepCounterHook',
    'StopAtStepHook',
    'StopReason',
    'StopRequestedError',
    'SummarySaverHook',
    'SupportsNextDue',
    'TensorBoardWriter',
    'TimeLimitHook',
    'UnfedPlaceholderError',
    'WorkerSessionCreator',
    'after_run',
    'chief_only',
    'every',
    'hook',
    'hook_costs',
    'is_recovery',
    'only_if',
    'patch',
    'patched',
    'role',
    'run_plans',
]

_ROOMS = {
    'BestCheckpoints': 'tfhooks.hooks.best',
    'CheckpointSaveError': 'tfhooks.errors',
    'CheckpointSaverHook': 'tfhooks.hooks.checkpoint',
    'CheckpointSaverListener': 'tfhooks.hooks.checkpoint',
    'ChiefSessionCreator': 'tfhooks.creators',
    'ConflictError': 'tfhooks.errors',
    'CsvWriter': 'tfhooks.hooks.metrics_files',
    'EarlyStoppingHook': 'tfhooks.hooks.early_stopping',
    'EvalHook': 'tfhooks.hooks.evaluation',
    'FeedFnHook': 'tfhooks.hooks.feed_fn',
    'FinalOpsHook': 'tfhooks.hooks.final_ops',
    'GlobalStepWaiterHook': 'tfhooks.hooks.waiter',
    'HookCost': 'tfhooks.hooks.costs',
    'HookCostHook': 'tfhooks.hooks.costs',
    'HookCosts': 'tfhooks.hooks.costs',
    'JsonLinesWriter': 'tfhooks.hooks.metrics_files',
    'LoggingTensorHook': 'tfhooks.hooks.logging',
    'MetricsWriter': 'tfhooks.hooks.metrics_files',
    'MetricsWriterHook': 'tfhooks.hooks.metrics_writer',
    'MonitoredSession': 'tfhooks.session',
    'MonitoredTrainingSession': 'tfhooks.training',
    'NanLossDuringTrainingError': 'tfhooks.hooks.nan',
    'NanTensorHook': 'tfhooks.hooks.nan',
    'NextDue': 'tfhooks.hook_types',
    'NotAHookError': 'tfhooks.errors',
    'ProfilerHook': 'tfhooks.hooks.profiler',
    'ProgressHook': 'tfhooks.hooks.progress',
    'RecoveryPolicy': 'tfhooks.recovery',
    'RequestError': 'tfhooks.errors',
    'RestoreHook': 'tfhooks.hooks.restore',
    'Role': 'tfhooks.roles',
    'Scaffold': 'tfhooks.creators',
    'SecondOrStepTimer': 'tfhooks.triggers',
    'SessionClosedError': 'tfhooks.errors',
    'SessionCreator': 'tfhooks.creators',
    'SessionRunArgs': 'tfhooks.hook_types',
    'SessionRunContext': 'tfhooks.hook_types',
    'SessionRunHook': 'tfhooks.hook_types',
    'SessionRunValues': 'tfhooks.hook_types',
    'SingularMonitoredSession': 'tfhooks.session',
    'StallWatchdogHook': 'tfhooks.hooks.watchdog',
    'StepCounterHook': 'tfhooks.hooks.step_counter',
    'StopAtStepHook': 'tfhooks.hooks.stop',
    'StopReason': 'tfhooks.reasons',
    'StopRequestedError': 'tfhooks.reasons',
    'SummarySaverHook': 'tfhooks.hooks.summary',
    'SupportsNextDue': 'tfhooks.hook_types',
    'TensorBoardWriter': 'tfhooks.hooks.metrics_files',
    'TimeLimitHook': 'tfhooks.hooks.time_limit',
    'UnfedPlaceholderError': 'tfhooks.errors',
    'WorkerSessionCreator': 'tfhooks.creators',
    'after_run': 'tfhooks.functional',
    'chief_only': 'tfhooks.wrappers',
    'every': 'tfhooks.wrappers',
    'hook': 'tfhooks.functional',
    'hook_costs': 'tfhooks.hooks.costs',
    'is_recovery': 'tfhooks.recovery',
    'only_if': 'tfhooks.wrappers',
    'patch': 'tfhooks.patching',
    'patched': 'tfhooks.patching',
    'role': 'tfhooks.roles',
    'run_plans': 'tfhooks.plan_cache',
}

if not _typing.TYPE_CHECKING:

    def __getattr__(name):
        """Brings in the room that holds a public name, and keeps the name here."""
        if name not in _ROOMS:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        import importlib

        # setdefault: two threads that ask at once get the same object.
        return globals().setdefault(name, getattr(importlib.import_module(_ROOMS[name]), name))


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith('__'))})
