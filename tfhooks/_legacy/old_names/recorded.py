"""The names of `tf.contrib` and `tf.estimator` in TensorFlow 1.15, and those that files restore.

`tests/recorded_1_15/gone/record_names.py` wrote names_1_15.txt there.
"""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

_KERNELS = 'its kernels were in a library of tf.contrib, which Python files do not bring'

# Names, and modules with all their names, that do not work with the files either.
_NAMES = (
    'bigtable boosted_trees cloud ffmpeg fused_conv hadoop ignite input_pipeline kafka kinesis '
    'libsvm memory_stats nearest_neighbor periodic_resample reduce_slice_ops remote_fused_graph '
    'resampler rpc stat_summarizer tensor_forest tensorrt factorization.WALSModel '
    'factorization.WALSMatrixFactorization framework.zero_initializer image.adjust_hsv_in_yiq '
    'image.bipartite_match image.connected_components image.random_hsv_in_yiq '
    'image.single_image_random_dot_stereograms layers.crossed_column '
    'layers.scattered_embedding_column text.skip_gram_sample '
    'text.skip_gram_sample_with_text_vocab'
)
_OTHERS = (
    'autograph compiler.xla.model_fn_lib distribute.MultiWorkerAllReduce '
    'distribute.get_loss_reduction distributions.bijectors.AbsoluteValue '
    'learn.head.model_fn.core_export_lib learn.io.graph_io.input_pipeline_ops '
    'learn.monitors.core_estimator learn.utils.saved_model_export_utils.core_export '
    'quantization.BesselI0e quantization.BesselI1e quantization.CompareAndBitpack '
    'quantization.bessel_i0e quantization.bessel_i0e_eager_fallback quantization.bessel_i1e '
    'quantization.bessel_i1e_eager_fallback quantization.compare_and_bitpack '
    'quantization.compare_and_bitpack_eager_fallback slim.gen_sparse_feature_cross_op '
    'tpu.profiler'
)
LOST = {
    'contrib.estimator': 'tfhooks has of it what it has without them',
    'contrib.keras': 'tfhooks has it without them',
    **{f'contrib.{name}': _KERNELS for name in _NAMES.split()},
    **{
        f'contrib.{name}': 'what it was made of is not in this TensorFlow'
        for name in _OTHERS.split()
    },
}


@functools.cache
def recorded() -> dict[str, list[str]]:
    """Returns the names by module."""
    text = (Path(__file__).parent / 'names_1_15.txt').read_text()
    lines = (line.partition(': ') for line in text.splitlines())
    return {place: names.split() for place, _, names in lines}


def comes_back(dotted: str) -> bool:
    """True if a name works where the files of `tf.contrib` are installed."""
    parts = dotted.split('.')
    if parts[0] != 'contrib':
        return False
    if any('.'.join(parts[:depth]) in LOST for depth in range(1, len(parts) + 1)):
        return False
    if len(parts) > 2 and 'python' in parts:  # A file that was not public.
        return '.'.join(parts[:2]) in recorded()
    place, _, name = dotted.rpartition('.')
    return dotted in recorded() or name in recorded().get(place, ())


def meant(dotted: str) -> str | None:
    """Returns the name of TensorFlow 1.15's that an unknown one is a misspelling of, or None."""
    place, _, name = dotted.rpartition('.')
    names = recorded().get(place, [])
    if name in names or dotted in recorded():
        return None
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.85)
    return f'{place}.{found[0]}' if found else None
