"""Hooks and monitored sessions over TensorFlow's `tf.compat.v1.train`: typed, checked and fast.

`import tfhooks` changes nothing in the process, and imports nothing but this file: each name below
brings in its room, and TensorFlow, when it is first asked for. So `import tfhooks.v1 as tf` can
still choose how TensorFlow is imported.
"""

import typing as _typing

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
    from tfhooks.hook_types import SessionRunArgs as SessionRunArgs
    from tfhooks.hook_types import SessionRunContext as SessionRunContext
    from tfhooks.hook_types import SessionRunHook as SessionRunHook
    from tfhooks.hook_types import SessionRunValues as SessionRunValues
    from tfhooks.hooks.best import BestCheckpoints as BestCheckpoints
    from tfhooks.hooks.checkpoint import CheckpointSaverHook as CheckpointSaverHook
    from tfhooks.hooks.checkpoint import CheckpointSaverListener as CheckpointSaverListener
    from tfhooks.hooks.feed_fn import FeedFnHook as FeedFnHook
    from tfhooks.hooks.final_ops import FinalOpsHook as FinalOpsHook
    from tfhooks.hooks.logging import LoggingTensorHook as LoggingTensorHook
    from tfhooks.hooks.nan import NanLossDuringTrainingError as NanLossDuringTrainingError
    from tfhooks.hooks.nan import NanTensorHook as NanTensorHook
    from tfhooks.hooks.profiler import ProfilerHook as ProfilerHook
    from tfhooks.hooks.step_counter import StepCounterHook as StepCounterHook
    from tfhooks.hooks.stop import StopAtStepHook as StopAtStepHook
    from tfhooks.hooks.summary import SummarySaverHook as SummarySaverHook
    from tfhooks.hooks.waiter import GlobalStepWaiterHook as GlobalStepWaiterHook
    from tfhooks.plan import run_plans as run_plans
    from tfhooks.reasons import StopReason as StopReason
    from tfhooks.reasons import StopRequestedError as StopRequestedError
    from tfhooks.recovery import RecoveryPolicy as RecoveryPolicy
    from tfhooks.recovery import is_recovery as is_recovery
    from tfhooks.session import MonitoredSession as MonitoredSession
    from tfhooks.session import SingularMonitoredSession as SingularMonitoredSession
    from tfhooks.training import MonitoredTrainingSession as MonitoredTrainingSession
    from tfhooks.triggers import SecondOrStepTimer as SecondOrStepTimer

# A literal, since type checkers read it. tests/test_surface.py holds the three lists together.
__all__ = [
    'BestCheckpoints',
    'CheckpointSaveError',
    'CheckpointSaverHook',
    'CheckpointSaverListener',
    'ChiefSessionCreator',
    'ConflictError',
    'FeedFnHook',
    'FinalOpsHook',
    'GlobalStepWaiterHook',
    'LoggingTensorHook',
    'MonitoredSession',
    'MonitoredTrainingSession',
    'NanLossDuringTrainingError',
    'NanTensorHook',
    'NotAHookError',
    'ProfilerHook',
    'RecoveryPolicy',
    'RequestError',
    'Scaffold',
    'SecondOrStepTimer',
    'SessionClosedError',
    'SessionCreator',
    'SessionRunArgs',
    'SessionRunContext',
    'SessionRunHook',
    'SessionRunValues',
    'SingularMonitoredSession',
    'StepCounterHook',
    'StopAtStepHook',
    'StopReason',
    'StopRequestedError',
    'SummarySaverHook',
    'UnfedPlaceholderError',
    'WorkerSessionCreator',
    'after_run',
    'hook',
    'is_recovery',
    'run_plans',
]

_ROOMS = {
    'BestCheckpoints': 'tfhooks.hooks.best',
    'CheckpointSaveError': 'tfhooks.errors',
    'CheckpointSaverHook': 'tfhooks.hooks.checkpoint',
    'CheckpointSaverListener': 'tfhooks.hooks.checkpoint',
    'ChiefSessionCreator': 'tfhooks.creators',
    'ConflictError': 'tfhooks.errors',
    'FeedFnHook': 'tfhooks.hooks.feed_fn',
    'FinalOpsHook': 'tfhooks.hooks.final_ops',
    'GlobalStepWaiterHook': 'tfhooks.hooks.waiter',
    'LoggingTensorHook': 'tfhooks.hooks.logging',
    'MonitoredSession': 'tfhooks.session',
    'MonitoredTrainingSession': 'tfhooks.training',
    'NanLossDuringTrainingError': 'tfhooks.hooks.nan',
    'NanTensorHook': 'tfhooks.hooks.nan',
    'NotAHookError': 'tfhooks.errors',
    'ProfilerHook': 'tfhooks.hooks.profiler',
    'RecoveryPolicy': 'tfhooks.recovery',
    'RequestError': 'tfhooks.errors',
    'Scaffold': 'tfhooks.creators',
    'SecondOrStepTimer': 'tfhooks.triggers',
    'SessionClosedError': 'tfhooks.errors',
    'SessionCreator': 'tfhooks.creators',
    'SessionRunArgs': 'tfhooks.hook_types',
    'SessionRunContext': 'tfhooks.hook_types',
    'SessionRunHook': 'tfhooks.hook_types',
    'SessionRunValues': 'tfhooks.hook_types',
    'SingularMonitoredSession': 'tfhooks.session',
    'StepCounterHook': 'tfhooks.hooks.step_counter',
    'StopAtStepHook': 'tfhooks.hooks.stop',
    'StopReason': 'tfhooks.reasons',
    'StopRequestedError': 'tfhooks.reasons',
    'SummarySaverHook': 'tfhooks.hooks.summary',
    'UnfedPlaceholderError': 'tfhooks.errors',
    'WorkerSessionCreator': 'tfhooks.creators',
    'after_run': 'tfhooks.functional',
    'hook': 'tfhooks.functional',
    'is_recovery': 'tfhooks.recovery',
    'run_plans': 'tfhooks.plan',
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
