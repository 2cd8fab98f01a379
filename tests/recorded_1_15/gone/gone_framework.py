"""Cases of `behaviour.py`: scopes, variables, checkpoints, tensors and summaries."""

import os

import numpy as np
from gone_cases import case, events, names, raised, run, trained


@case
def scopes(tf, directory):
    framework = tf.contrib.framework

    @framework.add_arg_scope
    def scaled(value, by=1, plus=0):
        return value * by + plus

    with framework.arg_scope([scaled], by=3):
        with framework.arg_scope([scaled], plus=1) as inner:
            found = [scaled(2), scaled(2, by=5)]
        found.append(scaled(2))
    with framework.arg_scope(inner):
        found.append(scaled(1))
    found.append([framework.has_arg_scope(scaled), framework.has_arg_scope(run)])
    found.append(sorted(framework.arg_scoped_arguments(scaled)))
    found.append(sorted(map(str, framework.current_arg_scope())))
    found.append(raised(framework.arg_scope([run], by=1).__enter__))
    return found


@case
def variables(tf, directory):
    framework = tf.contrib.framework
    framework.model_variable('scope/a', [2], initializer=tf.ones_initializer())
    b = framework.variable('scope/b', [], initializer=tf.zeros_initializer(), trainable=False)
    framework.local_variable(1.0, name='local')
    framework.global_variable(2.0, name='everywhere')
    framework.add_model_variable(b)
    found = [
        names(framework.get_variables()),
        names(framework.get_variables('scope')),
        names(framework.get_variables(suffix='b')),
        names(framework.get_model_variables()),
        names(framework.get_trainable_variables()),
        names(framework.get_local_variables()),
        names(framework.get_variables_by_name('a')),
        names(framework.get_variables_by_suffix('a')),
        names(framework.get_variables_to_restore(exclude=['scope/a'])),
        names(framework.filter_variables(framework.get_variables(), ['scope'], ['b$'])),
        framework.get_unique_variable('scope/a').op.name,
        raised(framework.get_unique_variable, 'none'),
        framework.get_variable_full_name(b),
        framework.get_name_scope(),
        framework.get_graph_from_inputs([b]) is tf.get_default_graph(),
    ]
    op, feeds = framework.assign_from_values({'scope/a': np.array([5.0, 6.0], np.float32)})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(op, feeds)
        found.append(session.run('scope/a:0'))
        framework.assign_from_values_fn({'scope/b': np.float32(4)})(session)
        found.append(session.run('scope/b:0'))
    step = framework.create_global_step()
    found += [step.op.name, framework.get_global_step() is step]
    found += [framework.get_or_create_global_step() is step]
    found += [framework.assert_or_get_global_step() is step, raised(framework.create_global_step)]
    return found


@case
def checkpoints(tf, directory):
    framework = tf.contrib.framework
    path = trained(tf, directory)
    found = [
        [list(pair) for pair in framework.list_variables(checkpoint_dir=directory)],
        framework.load_variable(checkpoint_dir=path, name='weight'),
        framework.load_checkpoint(filepattern=directory).get_tensor('global_step'),
    ]
    weight = tf.get_variable('mine/weight', [2], initializer=tf.zeros_initializer())
    other = tf.get_variable('other', [2], initializer=tf.zeros_initializer())
    assign = framework.assign_from_checkpoint_fn(
        path, {'weight': weight, 'none': other}, ignore_missing_vars=True
    )
    op, feeds = framework.assign_from_checkpoint(path, {'weight': other})
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assign(session)
        found.append(session.run([weight, other]))
        session.run(op, feeds)
        found.append(session.run(other))
    found.append(raised(framework.assign_from_checkpoint, path, {'none': other}))
    framework.init_from_checkpoint(checkpoint_dir=directory, assignment_map={'weight': 'other'})
    found.append(run(tf, other))
    found.append(raised(framework.init_from_checkpoint, directory, {'none': 'other'}))
    return found


@case
def tensors(tf, directory):
    framework = tf.contrib.framework
    one = tf.constant([3.0, 1.0, 2.0])
    sparse = tf.SparseTensor([[0]], [1.0], [2])
    variable = tf.get_variable('v', [])
    things = [one, sparse, variable, tf.IndexedSlices(one, [0, 1, 2]), np.ones(2), 1.0, [one], 'a']
    found = [[bool(framework.is_tensor(thing)) for thing in things]]
    found.append(run(tf, [framework.sort(one), framework.argsort(one, direction='DESCENDING')]))
    yes, no = tf.constant(True), tf.placeholder(tf.bool, [])
    choose = framework.smart_cond
    found.append(choose(True, lambda: 'a', lambda: 'b'))
    found.append(choose(yes, lambda: 'a', lambda: 'b'))
    found.append(run(tf, choose(no, lambda: one * 2, lambda: one), {no: True}))
    found.append([framework.smart_constant_value(yes), framework.smart_constant_value(no)])
    found.append([framework.prepend_name_scope('a', 'b'), framework.strip_name_scope('b/a', 'b')])
    found.append(framework.assert_same_float_dtype([one]).name)
    found.append(raised(framework.assert_same_float_dtype, [one, tf.constant(1)]))
    found.append(raised(framework.assert_scalar, one))
    found.append(type(framework.convert_to_tensor_or_sparse_tensor(sparse)).__name__)
    spec = framework.BoundedTensorSpec([2], tf.int32, 0, 5)
    found += [spec.minimum, framework.TensorSpec([2], tf.int32).shape.as_list()]
    util = tf.contrib.util
    found.append(
        [util.constant_value(tf.constant(4)), util.make_ndarray(util.make_tensor_proto([1]))]
    )
    return found


@case
def nest(tf, directory):
    nest = tf.contrib.framework.nest
    deep = {'b': [1, (2, 3)], 'a': 4}
    found = [
        nest.flatten(deep),
        nest.map_structure(lambda x: x + 1, deep),
        nest.pack_sequence_as(deep, [9, 8, 7, 6]),
        [nest.is_sequence(thing) for thing in ([], (), {}, 'a', 1, np.ones(2))],
        nest.flatten_up_to([0, 0], [[1, 2], {'x': 3}]),
        nest.map_structure_up_to([0, 0], len, [[1, 2], [3]]),
        nest.flatten_with_joined_string_paths(deep),
        nest.flatten_with_tuple_paths(deep),
        list(nest.yield_flat_paths(deep)),
        nest.flatten_dict_items({(1, 2): ('a', 'b')}),
        nest.get_traverse_shallow_structure(lambda s: not isinstance(s, tuple), deep['b']),
        nest.map_structure_with_paths(lambda path, x: [path, x], [1, [2]]),
        nest.map_structure_with_tuple_paths(lambda path, x: [list(path), x], [1, [2]]),
        raised(nest.assert_same_structure, [1], (1,)),
        raised(nest.assert_same_structure, [1], [1, 2]),
        raised(nest.assert_shallow_structure, [0, 0], [1]),
    ]
    return found


@case
def datasets(tf, directory):
    data = tf.contrib.data

    def all_of(dataset):
        value = tf.data.make_one_shot_iterator(dataset).get_next()
        found = []
        with tf.Session() as session:
            try:
                while True:
                    found.append(session.run(value))
            except tf.errors.OutOfRangeError:
                return found

    numbers = tf.data.Dataset.range(6)
    return [
        all_of(numbers.batch(4).apply(data.unbatch())),
        all_of(numbers.apply(data.map_and_batch(lambda x: x * 2, 4))),
        all_of(numbers.map(lambda x: x // 2).apply(data.unique())),
        all_of(numbers.apply(data.scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s + x)))),
        all_of(numbers.apply(data.enumerate_dataset())),
        all_of(numbers.map(lambda x: 6 // (x - 1)).apply(data.ignore_errors())),
        all_of(numbers.apply(data.group_by_window(lambda x: x % 2, lambda k, d: d.batch(3), 3))),
        all_of(data.Counter(3).take(2)),
        len(all_of(numbers.apply(data.shuffle_and_repeat(3, 2)))),
        data.AUTOTUNE,
        run(tf, data.get_single_element(numbers.skip(5))),
    ]


@case
def summaries(tf, directory):
    summary = tf.contrib.summary
    step = tf.train.get_or_create_global_step()
    writer = summary.create_file_writer(directory, flush_millis=10000)
    with writer.as_default(), summary.always_record_summaries():
        summary.scalar('loss', 2.5)
        summary.scalar('given', 1.5, step=7)
        summary.generic('any', tf.constant([1.0, 2.0]))
    with writer.as_default(), summary.never_record_summaries():
        summary.scalar('never', 1.0)
    with writer.as_default():
        summary.scalar('by_default', 1.0)
        with summary.record_summaries_every_n_global_steps(2):
            summary.scalar('every_two', tf.cast(step, tf.float32))
    ops = summary.all_summary_ops()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with writer.as_default():
            summary.initialize(graph=tf.get_default_graph(), session=session)
        for _ in range(3):
            session.run(ops)
            session.run(tf.assign_add(step, 1))
        session.run(summary.flush(writer._resource))
    return sorted(events(tf, directory))


@case
def odds_and_ends(tf, directory):
    signal, stateless = tf.contrib.signal, tf.contrib.stateless
    wave = tf.sin(tf.linspace(0.0, 20.0, 64))
    normal = tf.contrib.distributions.Normal(0.0, 2.0)
    table = tf.contrib.lookup.index_table_from_file(_vocabulary(directory), num_oov_buckets=1)
    words = tf.contrib.lookup.index_to_string_table_from_file(_vocabulary(directory))
    found = [
        tf.abs(signal.stft(wave, 16, 8))[:2],
        signal.frame(wave, 32, 32)[:, :2],
        normal.log_prob(1.0),
        tf.contrib.distributions.kl_divergence(normal, tf.contrib.distributions.Normal(1.0, 1.0)),
        tf.contrib.distributions.Categorical(probs=[0.2, 0.8]).entropy(),
        table.lookup(tf.constant(['b', 'a'])),
        words.lookup(tf.constant([1, 5], tf.int64)),
        stateless.stateless_random_uniform([2], seed=[1, 2]),
    ]
    return run(tf, found)


def _vocabulary(directory):
    path = os.path.join(directory, 'words.txt')
    with open(path, 'w') as file:
        file.write('a\nb\nc\n')
    return path
