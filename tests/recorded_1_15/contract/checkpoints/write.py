"""Writes checkpoints with TensorFlow 1, for tests that restore them with tfhooks.

    python write.py TARGET

It was run with TensorFlow 1.4.1 on Python 3.6 and with 1.15.5 on Python 3.7. Training saves into
/home/someone/model, so that the state files name paths of a machine that nobody has. What it left
there, less the graphs and event files, goes to TARGET/<version>/<kind>, with the values of the
variables in values.json.
"""

import json
import os
import re
import shutil
import sys

import model
import tensorflow as tf

HERE = '/home/someone/model'
KINDS = {
    'v2': {},
    'v1': {'write_version': tf.train.SaverDef.V1},
    'v1_sharded': {'write_version': tf.train.SaverDef.V1, 'sharded': True},
    'relative': {'save_relative_paths': True},
}


def train(**saver):
    """Trains ten steps and saves after every fifth. Returns the values at the end."""
    with tf.Graph().as_default() as graph:
        op = model.build(tf)
        scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=2, **saver))
        hook = tf.train.CheckpointSaverHook(HERE, save_steps=5, scaffold=scaffold)
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=HERE,
            scaffold=scaffold,
            save_checkpoint_secs=None,
            save_summaries_steps=None,
            save_summaries_secs=None,
            hooks=[hook, tf.train.StopAtStepHook(last_step=10)],
        ) as session:
            while not session.should_stop():
                session.run(op)
        with tf.Session(graph=graph) as session:
            scaffold.saver.restore(session, tf.train.latest_checkpoint(HERE))
            return model.values(tf, session, graph)


def main(target):
    for kind, saver in KINDS.items():
        shutil.rmtree(HERE, ignore_errors=True)
        values = train(**saver)
        folder = os.path.join(target, tf.__version__, kind)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for name in os.listdir(HERE):
            if not re.search(r'\.meta$|graph\.pbtxt$|events\.', name):
                shutil.copy(os.path.join(HERE, name), folder)
        with open(os.path.join(folder, 'values.json'), 'w') as file:
            json.dump(values, file, indent=1, sort_keys=True)
            file.write('\n')
    shutil.rmtree(HERE)


if __name__ == '__main__':
    main(*sys.argv[1:])
