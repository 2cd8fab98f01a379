"""Lists the parameters of the old names that are kept; run with TensorFlow 1.15 or with tfhooks.

    cd tests/recorded_1_15/gone
    python record_signatures.py tensorflow NAMES > signatures_1_15.txt

The first argument is the package to look into. NAMES is a file with a dotted name in each line,
without the leading `tf.`; the names in signatures_1_15.txt itself will do. Each line of the output
is a name and its parameters, `name=default` for those that may be left out. What is not called is
left out, and what cannot be found has `!` and the error.
"""

import importlib
import inspect
import sys

PLAIN = (bool, int, float, str, type(None), tuple)


def parameters(function):
    """The parameters as text, or None for what has none to speak of."""
    if inspect.isclass(function):
        function = function.__init__ if '__init__' in vars(function) else function.__new__
    function = inspect.unwrap(function)
    while hasattr(function, '_tf_decorator'):
        function = function._tf_decorator.decorated_target
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    texts = []
    for parameter in found:
        text = {parameter.VAR_POSITIONAL: '*', parameter.VAR_KEYWORD: '**'}.get(parameter.kind, '')
        text += parameter.name
        if parameter.default is not parameter.empty:
            plain = isinstance(parameter.default, PLAIN)
            text += '=' + (repr(parameter.default).replace(' ', '') if plain else '...')
        texts.append(text)
    return ' '.join(text for text in texts if text not in ('self', 'cls', '_cls'))


def find(root, dotted):
    """The object, by attributes where they are and else by imports."""
    value, path = importlib.import_module(root), root
    for part in dotted.split('.'):
        path += '.' + part
        value = getattr(value, part) if hasattr(value, part) else importlib.import_module(path)
    return value


def main(root, names):
    for dotted in names:
        try:
            value = find(root, dotted)
        except Exception as error:
            sys.stdout.write(f'{dotted}: ! {error}\n')
            continue
        text = parameters(value) if callable(value) else None
        if text is not None:
            sys.stdout.write(f'{dotted}: {text}\n')


if __name__ == '__main__':
    with open(sys.argv[2]) as file:
        main(sys.argv[1], [line.partition(':')[0].strip() for line in file])
