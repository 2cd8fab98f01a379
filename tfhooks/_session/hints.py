"""Notes in tracebacks that say what to do about errors of TensorFlow's.

The error stays the object that was raised, and its text what programs may search it for. Hints are
looked for where an error ends a session, so that a run without one costs nothing.
"""

from __future__ import annotations

import contextlib
import difflib
import linecache
import os
import re
import traceback
from collections.abc import Callable
from typing import Any

from tfhooks import _tensorflow as tf_private
from tfhooks._base.errors import add_note
from tfhooks._tensorflow import Graph, tf

Hint = Callable[[re.Match[str], BaseException, Graph], str | None]

_PACKAGES = tuple(
    os.path.join(folder, '')
    for folder in (os.path.dirname(os.path.abspath(tf_private.__file__)), tf.sysconfig.get_lib())
)
# Graphs of more operations are not searched for names like a misspelt one.
_MOST_NAMES = 50_000


def hint(error: BaseException, graph: Graph | None = None) -> None:
    """Adds a note to an error that says what to do, where that is known and its text does not.

    Args:
      error: What was raised. A note is added, once.
      graph: The graph that the session runs; by default the default graph.
    """
    with contextlib.suppress(Exception):  # The error is what must be reported.
        text = str(error)
        built_in = tf.get_default_graph() if graph is None else graph
        for kinds, pattern, advice in _HINTS:
            match = pattern.search(text) if isinstance(error, kinds) else None
            if match is None:
                continue
            note = advice if isinstance(advice, str) else advice(match, error, built_in)
            if note is not None and note not in getattr(error, '__notes__', ()):
                add_note(error, note)


def _finalized(match: re.Match[str], error: BaseException, graph: Graph) -> str:
    own = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not os.path.abspath(frame.f_code.co_filename).startswith(_PACKAGES)
    ]
    built = 'Something'
    if own:
        file, line = own[-1]
        source = linecache.getline(file, line).strip()
        built = f'{file}, line {line}' + (f' (`{source}`)' if source else '')
    return (
        f'{built} adds to the graph, which is finalized while a session is open. Build it before '
        'the session, in a hook in begin(). Arithmetic and comparisons of tensors build '
        'operations, too: to compute with a value, fetch it, as value = session.run(tensor).'
    )


def _misspelt(match: re.Match[str], error: BaseException, graph: Graph) -> str | None:
    name = match[1].partition(':')[0]
    operations = {op.name: op for op in graph.get_operations()}
    if len(operations) > _MOST_NAMES:
        return None
    found = (
        [name] if name in operations else [one for one in operations if one.endswith(f'/{name}')]
    )
    found = found or difflib.get_close_matches(name, operations, cutoff=0.7)
    # A name that is fetched is meant for a value.
    shown = [repr(f'{one}:0' if operations[one].outputs else one) for one in found[:3]]
    return f'Did you mean {" or ".join(shown)}?' if shown else None


def _uninitialized(match: re.Match[str], error: BaseException, graph: Graph) -> str | None:
    name = match[1] or match[2]
    keys = tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.LOCAL_VARIABLES
    known = {variable.op.name for key in keys for variable in graph.get_collection(key)}
    if name in known:
        return (
            f'Variable {name} is initialised by no op of the session: a Scaffold that is given '
            'init_op or local_init_op runs that one alone. Add the initializer of the variable.'
        )
    return (
        f'Variable {name} is neither a global nor a local variable of this graph (collections=), '
        'so the session does not initialise it. Leave collections= out, or use '
        'collections=[tf.GraphKeys.LOCAL_VARIABLES] for what is not to be saved.'
    )


_NO_STEP = (
    'Call tf.train.get_or_create_global_step() where the model is built, before the session, and '
    'have it counted: optimizer.minimize(loss, global_step=tf.train.get_global_step()).'
)
EAGER = (
    'Eager execution is on, and monitored sessions run graphs: `import tfhooks.v1 as tf` before '
    'anything of TensorFlow runs, or build the model and make the session in '
    '`with tf.Graph().as_default():`.'
)
# The class of an error, a pattern in its text, and the hint.
_TABLE: list[tuple[Any, str, Hint | str]] = [
    (RuntimeError, 'Graph is finalized and cannot be modified', _finalized),
    (
        (KeyError, TypeError, ValueError),
        "The name '([^']+)' (?:refers to|looks like) an?",
        _misspelt,
    ),
    (
        (TypeError, ValueError),
        'is not an element of this graph',
        'It was built in another tf.Graph than the one of this session: build the whole model '
        'and make the session in one `with tf.Graph().as_default():`, or without any.',
    ),
    (
        ValueError,
        'No default session is registered',
        'A monitored session is no default session: session.run(tensor), or '
        'tensor.eval(session=session), run with the hooks; within `with '
        'session.raw_session().as_default():` tensor.eval() runs without them.',
    ),
    (
        TypeError,
        "'sess' must be a Session",
        'A monitored session is none of these: give session.raw_session(), which is the '
        'tf.Session in it. A CheckpointSaverHook saves by itself.',
    ),
    (
        tf.errors.FailedPreconditionError,
        r'Attempting to use uninitialized value (\S+)|Could not find variable (\S+?)\. ',
        _uninitialized,
    ),
    (
        tf.errors.FailedPreconditionError,
        'iterator has not been initialized',
        'Have the session initialise it each time it is made: '
        'tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer), before the '
        'session.',
    ),
    (
        tf.errors.InvalidArgumentError,
        r'tensor_name = (\S+); expected dtype (\w+) does not equal original dtype (\w+)',
        lambda match, error, graph: (
            f'The variable {match[1]} is {match[2]} in the model and {match[3]} in the '
            'checkpoint. Make it as it was saved, or leave it out of the var_list of the Saver '
            'that restores. (A global step of tf.train.get_or_create_global_step() is int64, '
            'one of tf.Variable(0) is int32.)'
        ),
    ),
    (
        TypeError,  # OperatorNotAllowedInGraphError.
        r'(?:Using a symbolic `tf\.Tensor` as a Python `bool`|Iterating over a symbolic)',
        'A tensor of a graph has no value: fetch it first, as in `if session.run(loss) < 3:`.',
    ),
    (RuntimeError, 'Global step should be created to use', _NO_STEP),
    (
        RuntimeError,
        'Init operations did not make model ready',
        'No op initialises these variables: the init_op of a Scaffold must initialise all global '
        'variables, its local_init_op all local ones and the tables. Leave these arguments out, '
        'or group tf.global_variables_initializer() into them.',
    ),
    (
        ValueError,
        '"global_step" already exists',
        'tf.train.get_or_create_global_step() takes the one that is there. Where a whole model is '
        'built again, as by a cell of a notebook, call tf.reset_default_graph() before.',
    ),
    (
        ValueError,
        'already exists, disallowed',
        'The model is built twice in one graph, as where a cell of a notebook is run again: '
        'call tf.reset_default_graph() before, or build each model in '
        '`with tf.Graph().as_default():`. To share the variables: '
        "tf.variable_scope('', reuse=tf.AUTO_REUSE).",
    ),
    (
        (RuntimeError, AttributeError),
        'hen eager execution is enabled|not compatible with eager execution',
        EAGER,
    ),
]
_HINTS = [(kinds, re.compile(pattern), advice) for kinds, pattern, advice in _TABLE]


def hint_of_making(error: BaseException, creator: Any) -> None:
    """Adds a note to an error of a session creator that says what the program has to change.

    Args:
      error: What was raised. A note is added.
      creator: The session creator that raised it.
    """
    with contextlib.suppress(Exception):
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        scaffold = getattr(creator, '_scaffold', None)
        init_fn = getattr(scaffold, 'init_fn', None)
        if isinstance(error, TypeError) and frames[-1].f_code is getattr(init_fn, '__code__', None):
            add_note(
                error,
                'Scaffold(init_fn=) is called with two arguments: '
                'def init_fn(scaffold, session), or lambda scaffold, session: ...',
            )
        match = re.search("must feed a value for placeholder tensor '([^']+)'", str(error))
        if isinstance(error, tf.errors.InvalidArgumentError) and match:
            add_note(
                error,
                f'An initializer depends on placeholder {match[1]}, and the session runs the '
                'initializers when it is made. Give its value to them: '
                'scaffold=tf.train.Scaffold(init_feed_dict={...}), or local_init_feed_dict= where '
                'it is of a local variable, a table or an iterator.',
            )
