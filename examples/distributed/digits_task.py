"""One task of a cluster that trains ../train_digits.py's classifier; TF_CONFIG says which one.

Between-graph replication, as TensorFlow 1 had it: each worker builds the same graph, the variables
lie on the parameter servers, the chief initialises, saves and restores. Asynchronous, or with
--sync by a SyncReplicasOptimizer.

    TF_CONFIG='{"cluster": {"ps": ["host:2222"], "chief": ["host:2223"], "worker": ["host:2224"]},
                "task": {"type": "worker", "index": 0}}' python digits_task.py --train_dir=/shared
"""

import json
import os
import sys

from absl import app, flags

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))

import train_digits as digits
from train_digits import tf

import tfhooks

FLAGS = flags.FLAGS
flags.DEFINE_boolean('sync', False, 'Whether the workers make each step together.')


def session_config(task_type, task_index):
    config = digits.session_config()
    # A worker talks to the parameter servers and itself: no other worker's death concerns it.
    config.device_filters.extend(['/job:ps', f'/job:{task_type}/task:{task_index}'])
    return config


def train(server, cluster, task_type, task_index, images, labels):
    """Trains until the global step is --steps, from the newest checkpoint if there is one."""
    is_chief = task_type == 'chief'
    workers = [*cluster.get('chief', []), *cluster.get('worker', [])]
    seed = digits.SEED + (0 if is_chief else 1 + task_index)
    setter = tf.train.replica_device_setter(
        worker_device=f'/job:{task_type}/task:{task_index}', cluster=cluster
    )
    with tf.Graph().as_default(), tf.device(setter):
        tf.set_random_seed(seed)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels))
        dataset = dataset.shuffle(len(images), seed=seed).repeat().batch(FLAGS.batch_size)
        batch_images, batch_labels = tf.data.make_one_shot_iterator(dataset).get_next()

        global_step = tf.train.get_or_create_global_step()
        logits = digits.model(batch_images, training=True)
        loss = tf.losses.sparse_softmax_cross_entropy(batch_labels, logits)
        optimizer = tf.train.AdamOptimizer(FLAGS.learning_rate)
        if FLAGS.sync:
            optimizer = tf.train.SyncReplicasOptimizer(
                optimizer, replicas_to_aggregate=len(workers), total_num_replicas=len(workers)
            )
        train_op = optimizer.minimize(loss, global_step=global_step)

        hooks = [
            tfhooks.StopAtStepHook(last_step=FLAGS.steps),
            tf.train.NanTensorHook(loss),
            tf.train.LoggingTensorHook({'loss': loss}, every_n_iter=FLAGS.log_steps),
        ]
        if FLAGS.sync:
            hooks.append(optimizer.make_session_run_hook(is_chief))
        with tf.train.MonitoredTrainingSession(
            master=server.target,
            is_chief=is_chief,
            checkpoint_dir=FLAGS.train_dir,
            hooks=hooks,
            save_checkpoint_steps=FLAGS.save_steps,
            save_summaries_steps=None,
            log_step_count_steps=FLAGS.log_steps,
            config=session_config(task_type, task_index),
            # SyncReplicasOptimizer's thread ends only with the session.
            stop_grace_period_secs=2,
            recovery=tfhooks.RecoveryPolicy(tries=1000, max_wait_secs=5, give_up_secs=600),
        ) as session:
            while not session.should_stop():
                session.run(train_op)
        print(f'{task_type} {task_index} has ended: {session.stop_reason}', flush=True)


def main(_):
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.get_logger().propagate = False
    tf.get_logger().addFilter(lambda record: 'deprecated' not in record.getMessage())
    config = json.loads(os.environ['TF_CONFIG'])
    cluster, task = config['cluster'], config['task']
    task_type, task_index = task['type'], int(task['index'])
    server = tf.distribute.Server(
        cluster,
        job_name=task_type,
        task_index=task_index,
        config=None if task_type == 'ps' else session_config(task_type, task_index),
    )
    if task_type == 'ps':
        server.join()  # Until it is killed.
    train_images, train_labels, test_images, test_labels = digits.load_data()
    train(server, cluster, task_type, task_index, train_images, train_labels)
    if task_type == 'chief':
        step, accuracy = digits.evaluate(test_images, test_labels)
        print(f'test accuracy at step {step}: {accuracy:.2%} of {len(test_labels)} images')
    sys.stdout.flush()


if __name__ == '__main__':
    app.run(main, flags_parser=digits.parse_flags)
