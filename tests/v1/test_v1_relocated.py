"""Names that moved within `tensorflow.python`: the old places lead to the new ones."""

from __future__ import annotations

import importlib
import sys

import pytest
from v1_processes import checked_in, main, prepares, raised

from tfhooks._legacy.old_names import relocated


@prepares('program')
def _():
    import tfhooks.v1 as tf

    assert tf is sys.modules['tfhooks.v1']


@checked_in('program')
def test_each_name_is_found_in_its_old_place():
    for place, names in relocated.NAMES.items():
        for name in names:
            scope: dict = {}
            exec(f'from tensorflow.python.{place} import {name}', scope)
            assert scope[name] is not None, (place, name)


@checked_in('program')
def test_what_is_found_is_what_is_public():
    from tensorflow.python import pywrap_tensorflow
    from tensorflow.python.framework import ops
    from tensorflow.python.ops import variables

    import tfhooks.v1 as tf

    assert ops.Tensor is tf.Tensor
    assert tf.pywrap_tensorflow is pywrap_tensorflow
    assert pywrap_tensorflow.NewCheckpointReader is tf.train.NewCheckpointReader
    with tf.Graph().as_default():
        assert isinstance(tf.Variable(0.0, use_resource=False), variables.RefVariable)
        assert isinstance(tf.constant(0.0), ops.Tensor)


@checked_in('program')
def test_an_optimizer_of_a_program_uses_the_old_kernels():
    import tensorflow.python.training.training_ops as imported
    from tensorflow.python.training import training_ops

    import tfhooks.v1 as tf

    assert imported is training_ops
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.get_variable('w', [], initializer=tf.ones_initializer(), use_resource=False)
        session.run(weight.initializer)
        session.run(training_ops.apply_gradient_descent(weight, 0.5, 1.0))
        assert session.run(weight) == 0.5


@checked_in('program')
def test_other_names_are_as_missing_as_before():
    assert raised(
        AttributeError,
        'from tensorflow.python.ops import control_flow_ops; control_flow_ops.no_such_name',
    ) == ("module 'tensorflow.python.ops.control_flow_ops' has no attribute 'no_such_name'")
    assert 'no_such_module' in raised(
        ModuleNotFoundError, 'import tensorflow.python.training.no_such_module'
    )
    assert not hasattr(importlib.import_module('tensorflow.python.training'), 'no_such_name')


@checked_in('program')
def test_what_a_release_moved_again_is_missing():
    from tensorflow.python.framework import ops

    names = relocated.NAMES['framework.ops']
    names.update(Tensor='tf.no_such_name', IndexedSlices='tensorflow.python.no_such_module.x')
    try:
        assert not hasattr(ops, 'Tensor')
        assert not hasattr(ops, 'IndexedSlices')
    finally:
        names.update(Tensor='tf.Tensor', IndexedSlices='tf.IndexedSlices')


@checked_in('program')
def test_the_packages_beside_the_public_names_are_there():
    import tfhooks.v1 as tf

    assert tf.core.framework.summary_pb2.Summary is tf.Summary
    assert tf.python.client.session.Session is tf.Session
    assert tf.tools.__name__ == 'tensorflow.tools'
    assert tf.compiler.__name__ == 'tensorflow.compiler'


@pytest.mark.parametrize(
    ('dotted', 'place'),
    [
        ('python.framework.ops.Tensor', 'tf.Tensor'),
        ('python.framework.ops.Tensor.get_shape', 'tf.Tensor'),
        ('python.training.training_ops.apply_adam', 'tensorflow.python.ops.gen_training_ops'),
        ('python.framework.ops', None),
        ('core.framework.ops.Tensor', None),
    ],
)
def test_where_a_name_is(dotted, place):
    assert relocated.target(dotted) == place


if __name__ == '__main__':
    main(*sys.argv[1:])
