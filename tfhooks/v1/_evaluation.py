"""What of the evaluations of `tf.contrib.training` TensorFlow still has, in tfhooks' sessions."""

from __future__ import annotations

from tfhooks.v1 import _originals

_module = _originals.copy_of('tensorflow.python.training.evaluation')

StopAfterNEvalsHook = _module._StopAfterNEvalsHook
evaluate_once = _module._evaluate_once
get_or_create_eval_step = _module._get_or_create_eval_step
