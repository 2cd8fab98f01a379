"""Cases of `behaviour.py`: sessions, hooks and hyperparameters."""

import os

from gone_cases import case, events, model, raised, run, trained


@case
def train_op(tf, directory):
    training = tf.contrib.training
    _, weight, loss = model(tf)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    op = training.create_train_op(
        loss, optimizer, transform_grads_fn=training.clip_gradient_norms_fn(1.0)
    )
    return run(tf, [op, weight, tf.train.get_global_step()])


@case
def gradients(tf, directory):
    training = tf.contrib.training
    _, weight, loss = model(tf)
    pairs = tf.train.GradientDescentOptimizer(0.1).compute_gradients(loss)
    scaled = training.multiply_gradients(pairs, {weight: 3.0})
    clipped = training.clip_gradient_norms(scaled, 2.0)
    training.add_gradients_summaries(clipped)
    summaries = sorted(op.name for op in tf.get_collection(tf.GraphKeys.SUMMARIES))
    return [*run(tf, [scaled[0][0], clipped[0][0]]), summaries]


@case
def training_loop(tf, directory):
    training = tf.contrib.training
    _, _, loss = model(tf)
    op = training.create_train_op(loss, tf.train.GradientDescentOptimizer(0.1))
    last = training.train(
        op, directory, hooks=[tf.train.StopAtStepHook(last_step=4)], save_summaries_steps=None
    )
    path = tf.train.latest_checkpoint(directory)
    return [last, os.path.basename(path), tf.train.load_checkpoint(path).get_tensor('weight')]


@case
def evaluation(tf, directory):
    training = tf.contrib.training
    path = trained(tf, directory)
    results = []
    for form in (lambda op: op, lambda op: [op], lambda op: {'op': op}, lambda op: None):
        with tf.Graph().as_default():
            step, weight, _ = model(tf)
            total = tf.get_local_variable('total', initializer=0.0)
            tf.summary.scalar('total', total)
            update = tf.assign_add(total, tf.reduce_sum(weight))
            logs = os.path.join(directory, f'logs{len(results)}')
            values = training.evaluate_once(
                path,
                eval_ops=form(update),
                final_ops={
                    'total': total,
                    'step': step,
                    'count': training.get_or_create_eval_step(),
                },
                hooks=[training.StopAfterNEvalsHook(3), training.SummaryAtEndHook(logs)][
                    form(0) is None :
                ],
            )
            results.append([values, events(tf, logs)])
    return results


@case
def repeated_evaluation(tf, directory):
    training = tf.contrib.training
    trained(tf, directory)
    _, weight, _ = model(tf)
    update = tf.identity(weight)
    count = training.get_or_create_eval_step()
    values = training.evaluate_repeatedly(
        directory,
        eval_ops=update,
        final_ops=[weight, count],
        hooks=[training.StopAfterNEvalsHook(2)],
        max_number_of_evaluations=1,
        eval_interval_secs=0,
    )
    ended = training.evaluate_repeatedly(
        directory + '/none', eval_ops=update, final_ops=count, timeout=0, timeout_fn=lambda: True
    )
    return [values, ended]


@case
def eval_step(tf, directory):
    step = tf.contrib.training.get_or_create_eval_step()
    again = tf.contrib.training.get_or_create_eval_step()
    graph = tf.get_default_graph()
    inside = [key for key in graph.get_all_collection_keys() if graph.get_collection(key)]
    tf.add_to_collection(tf.GraphKeys.EVAL_STEP, step)
    return [
        step is again,
        step.op.name,
        step.dtype.base_dtype.name,
        sorted(str(key) for key in inside),
        raised(tf.contrib.training.get_or_create_eval_step),
        raised(tf.contrib.training.SummaryAtEndHook),
    ]


@case
def waiting(tf, directory):
    wait = tf.contrib.training.wait_for_new_checkpoint
    before = wait(directory, timeout=0)
    path = trained(tf, directory)
    known = wait(directory, path, timeout=0)
    listed = list(tf.contrib.training.checkpoints_iterator(directory, timeout=0))
    return [before, wait(directory) == path, known, listed == [path]]


@case
def hparams(tf, directory):
    HParams, parse = tf.contrib.training.HParams, tf.contrib.training.parse_values
    params = HParams(rate=0.1, units=100, name='x', flag=False, sizes=[1, 2], nothing=None)
    found = [str(params), repr(params), params.rate, 'rate' in params, 'other' in params]
    params.parse('rate=2,units=3,name=b_1,flag=true,sizes=[4, 5,6]')
    found += [
        params.values(),
        params.to_json(sort_keys=True),
        params.get('units'),
        params.get('q', 7),
    ]
    params.parse_json('{"units": 8, "sizes": [9]}').override_from_dict({'rate': 1})
    params.set_hparam('nothing', 'something')
    params.add_hparam('more', 'text')
    params.del_hparam('name')
    params.del_hparam('never')
    found += [params.values(), type(params.rate).__name__, hasattr(params, 'name')]
    params.set_model_structure('s')
    found.append(params.get_model_structure())
    for text in ('units=1.5', 'units=', 'who=1', 'units=[1]', 'sizes=1', 'sizes[0]=1', 'flag=maybe',
                 'units=1,units=2', 'flag=1', 'rate', 'sizes[1]=[2]', 'name=b', ''):  # fmt: skip
        found.append([text, raised(params.parse, text)])
    for name, value in (('units', 1.5), ('flag', 1), ('rate', True), ('rate', 3), ('units', 'a'),
                        ('more', 1), ('sizes', (1,)), ('sizes', [1.5]), ('who', 1)):  # fmt: skip
        found.append([name, raised(params.set_hparam, name, value)])
    found.append([raised(params.add_hparam, name, 1) for name in ('units', 'parse', 'new')])
    found.append([raised(params.get, 'units', default) for default in ('a', 1, [1], None)])
    found.append(raised(params.add_hparam, 'empty', []))
    kinds = {'a': int, 'b': float, 'c': str, 'd': bool, 'e': int}
    found.append(parse('a=1, b=2.5,c=x,d=0,e=[1,2]', kinds))
    found.append(parse('e[1]=3,e[0]=4', kinds))
    found.append(parse('z=9,a=2', kinds, ignore_unknown=True))
    for text in ('e[1]=3,e[1]=4', 'e=[1],e[0]=2', 'e[0]=[1]', 'a=1 b=2', '=1', 'e=[x]', 'c=[p q]'):
        found.append([text, raised(parse, text, kinds)])
    return found


@case
def estimator(tf, directory):
    estimator, keys = tf.estimator, tf.estimator.ModeKeys
    _, weight, loss = model(tf)
    op = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    spec = estimator.EstimatorSpec(keys.TRAIN, {'w': weight * 1}, tf.reshape(loss, [1]), op)
    hook = estimator.SessionRunHook()
    more = spec._replace(training_hooks=[hook])
    make = estimator.EstimatorSpec
    with tf.Graph().as_default():
        foreign = tf.constant(1.0)
    return [
        [keys.TRAIN, keys.EVAL, keys.PREDICT],
        list(spec._fields),
        [spec.mode, spec.loss.shape.rank, spec.train_op is op, sorted(spec.predictions)],
        [spec.eval_metric_ops, list(spec.training_hooks), list(spec.evaluation_hooks)],
        [type(spec.scaffold).__name__, more.training_hooks == (hook,), type(more) is type(spec)],
        raised(spec._replace, mode=keys.EVAL),
        raised(make, keys.TRAIN, loss=loss),
        raised(make, keys.TRAIN, train_op=op),
        raised(make, keys.EVAL),
        raised(make, keys.PREDICT),
        raised(make, keys.EVAL, loss=1.0),
        raised(make, keys.EVAL, loss=weight * 1),
        raised(make, keys.EVAL, loss=foreign),
        raised(make, keys.TRAIN, loss=loss, train_op='op'),
        raised(make, keys.EVAL, loss=loss, eval_metric_ops=[1]),
        raised(make, keys.EVAL, loss=loss, eval_metric_ops={'a': 1}),
        raised(make, keys.EVAL, loss=loss, training_hooks=[1]),
        raised(make, keys.EVAL, loss=loss, scaffold=1),
        raised(make, keys.EVAL, loss=loss, predictions='a'),
        make(keys.EVAL, loss=loss, eval_metric_ops={'a': (loss, op)}).eval_metric_ops.keys()
        == {'a'},
    ]
