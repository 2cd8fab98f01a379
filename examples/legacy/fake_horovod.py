"""As much of a distributed-training library as one process needs, by the names that scripts use.

There is one worker, or, with the environment's FAKE_RANK and FAKE_SIZE, one of several that never
talk to each other: what is broadcast comes back as it went, and averages are those of one worker.
"""

import os

import tensorflow as tf

_started = False


def init():
    global _started
    _started = True


def _checked(value):
    if not _started:
        raise ValueError('call init() first')
    return int(value)


def rank():
    return _checked(os.environ.get('FAKE_RANK', 0))


def local_rank():
    return rank()


def size():
    return _checked(os.environ.get('FAKE_SIZE', 1))


def allreduce(tensor, name=None):
    return tf.identity(tensor, name=name)


def broadcast(tensor, root_rank, name=None):
    return tf.identity(tensor, name=name)


def broadcast_global_variables(root_rank):
    return tf.group(*[tf.assign(v, broadcast(v, root_rank)) for v in tf.global_variables()])


class BroadcastGlobalVariablesHook(tf.train.SessionRunHook):
    """Gives all workers the first one's variables, once the session has been made."""

    def __init__(self, root_rank, device=''):
        super(BroadcastGlobalVariablesHook, self).__init__()
        self.root_rank = root_rank
        self.device = device
        self.bcast_op = None

    def begin(self):
        # One hook may serve several graphs, one after the other.
        if not self.bcast_op or self.bcast_op.graph != tf.get_default_graph():
            with tf.device(self.device):
                self.bcast_op = broadcast_global_variables(self.root_rank)

    def after_create_session(self, session, coord):
        session.run(self.bcast_op)


class DistributedOptimizer(tf.train.Optimizer):
    """Averages the gradients of another optimizer over the workers before it applies them."""

    def __init__(self, optimizer, name=None, use_locking=False):
        if name is None:
            name = 'Distributed' + type(optimizer).__name__
        super(DistributedOptimizer, self).__init__(name=name, use_locking=use_locking)
        self._optimizer = optimizer

    def compute_gradients(self, *args, **kwargs):
        gradients = self._optimizer.compute_gradients(*args, **kwargs)
        if size() == 1:
            return gradients
        return [(None if g is None else allreduce(g), v) for g, v in gradients]

    def apply_gradients(self, *args, **kwargs):
        return self._optimizer.apply_gradients(*args, **kwargs)

    def get_slot(self, *args, **kwargs):
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        return self._optimizer.get_slot_names(*args, **kwargs)

    def variables(self, *args, **kwargs):
        return self._optimizer.variables(*args, **kwargs)
