"""`tf.contrib.training.HParams`: named hyperparameters that keep their types.

Neither TensorFlow nor tf_slim has it now, and programs that use it use it everywhere.
"""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

_CLAUSE = re.compile(
    r'(?P<name>[a-zA-Z][\w.]*)'
    r'(?:\[\s*(?P<index>\d+)\s*\])?'
    r'\s*=\s*'
    r'(?:\[(?P<items>[^\]]*)\]|(?P<item>[^,\[]*))'
    r'(?:$|,\s*)'
)
_BOOLS = {'true': True, 'True': True, 'false': False, 'False': False}


def parse_values(
    values: str, type_map: Mapping[str, Any], ignore_unknown: bool = False
) -> dict[str, Any]:
    """Parses a text such as `'rate=0.1,layers=[64,32],names[1]=b'`.

    Stands for `tf.contrib.training.parse_values`.

    Args:
      values: Clauses `name=value`, `name=[value,...]` or `name[index]=value`, with commas between.
      type_map: The type of each name: int, float, str or bool, or any function of a string. For a
        list, the type of what is in it.
      ignore_unknown: Whether names that are not in `type_map` are left out.

    Returns:
      The value by the name: a value, a list, or a dict by index where indices are given.

    Raises:
      ValueError: The text is of another form, has an unknown name, gives a name two values, or has
        a value that is not of its type.
    """
    found: dict[str, Any] = {}
    position = 0
    while position < len(values):
        clause = _CLAUSE.match(values, position)
        if clause is None:
            raise ValueError(f'Malformed hyperparameter value: {values[position:]}')
        position = clause.end()
        name, index, items, item = clause.group('name', 'index', 'items', 'item')
        if name not in type_map:
            if ignore_unknown:
                continue
            raise ValueError(f'Unknown hyperparameter type for {name}')
        kind = type_map[name]
        if index is None:
            if name in found:
                _assigned_twice(name, values)
            if items is None:
                found[name] = _parse(name, kind, item, values)
            else:
                texts = [text for text in re.split('[ ,]', items) if text]
                found[name] = [_parse(name, kind, text, values) for text in texts]
            continue
        if items is not None:
            raise ValueError(f'Assignment of a list to a list index: {name}[{index}] in {values}')
        by_index = found.setdefault(name, {})
        if not isinstance(by_index, dict):
            _assigned_twice(name, values)
        if int(index) in by_index:
            _assigned_twice(f'{name}[{index}]', values)
        by_index[int(index)] = _parse(name, kind, item, values)
    return found


def _assigned_twice(name: str, values: str) -> NoReturn:
    raise ValueError(f'Multiple assignments to variable {name!r} in {values}')


def _parse(name: str, kind: Callable[[str], Any], text: str, values: str) -> Any:
    try:
        if kind is bool:
            return _BOOLS[text] if text in _BOOLS else bool(int(text))
        return kind(text)
    except ValueError as error:
        of_type = getattr(kind, '__name__', kind)
        raise ValueError(
            f'Could not parse hparam {name!r} of type {of_type!r} with value {text!r} in {values}'
        ) from error


def _cast(name: str, kind: Any, value: Any) -> Any:
    """Converts a value to a hyperparameter's type, if nothing is lost by it."""
    if type(value) is kind or kind is type(None):
        return value

    def is_kind_of(*bases: type) -> bool:
        return issubclass(kind, bases)

    is_text = isinstance(value, (str, bytes))
    wrong = (
        (is_kind_of(str, bytes) and not is_text)
        or is_kind_of(bool) != isinstance(value, bool)
        or (is_kind_of(numbers.Integral) and not isinstance(value, numbers.Integral))
        or (is_kind_of(numbers.Number) and not isinstance(value, numbers.Number))
    )
    if wrong:
        raise ValueError(f'Could not cast hparam {name!r} of type {kind!r} from value {value!r}')
    return kind(value)


class HParams:
    """Hyperparameters as attributes, each of the type of its first value.

    Stands for `tf.contrib.training.HParams`, without its protocol buffer.
    """

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        """Makes the object.

        Args:
          hparam_def: Must be None: the protocol buffer went with `tf.contrib`.
          model_structure: Kept for `get_model_structure`.
          **kwargs: The hyperparameters: numbers, strings, bools, None, or lists of them.

        Raises:
          ValueError: A name is that of a method, or a list is empty.
          NotImplementedError: `hparam_def` is given.
        """
        if hparam_def:
            raise NotImplementedError(
                'HParams: hparam_def was a protocol buffer of tf.contrib, which is gone; give the '
                'values by name, or use HParams.parse_json with what to_json wrote'
            )
        self._hparam_types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Adds a hyperparameter.

        Raises:
          ValueError: There is one, or a method, of that name; or the list is empty.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f'Hyperparameter name is reserved: {name}')
        is_list = isinstance(value, (list, tuple))
        if is_list and not value:
            raise ValueError(f'Multi-valued hyperparameters cannot be empty: {name}')
        self._hparam_types[name] = (type(value[0] if is_list else value), is_list)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Changes a hyperparameter.

        Raises:
          KeyError: There is none of that name.
          ValueError: The value is of another type.
        """
        kind, is_list = self._hparam_types[name]
        if isinstance(value, list) != is_list:
            if is_list:
                raise ValueError(f'Must pass a list for multi-valued parameter: {name}.')
            raise ValueError(f'Must not pass a list for single-valued parameter: {name}')
        new = [_cast(name, kind, item) for item in value] if is_list else _cast(name, kind, value)
        setattr(self, name, new)

    def del_hparam(self, name: str) -> None:
        """Removes a hyperparameter, if it is there."""
        if name in self._hparam_types:
            delattr(self, name)
            del self._hparam_types[name]

    def parse(self, values: str) -> HParams:
        """Changes hyperparameters by a text, such as a flag's; see `parse_values`.

        Raises:
          ValueError: As `parse_values` and `set_hparam` raise it.
        """
        kinds = {name: kind for name, (kind, _) in self._hparam_types.items()}
        return self.override_from_dict(parse_values(values, kinds))

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> HParams:
        """Changes hyperparameters by a dict; see `set_hparam`."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_from_map(self, values_map: Mapping[str, Any]) -> HParams:
        """The old name of `override_from_dict`."""
        return self.override_from_dict(values_map)

    def set_model_structure(self, model_structure: Any) -> None:
        """Keeps an object of the program's."""
        self._model_structure = model_structure

    def get_model_structure(self) -> Any:
        """The object that `set_model_structure` keeps."""
        return self._model_structure

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """The hyperparameters as a JSON object; the arguments are those of `json.dumps`."""
        return json.dumps(self.values(), indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> HParams:
        """Changes hyperparameters by a JSON object; see `set_hparam`."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return {name: getattr(self, name) for name in self._hparam_types}

    def get(self, key: str, default: Any = None) -> Any:
        """A hyperparameter, or `default` where there is none of that name.

        Raises:
          ValueError: There is one, of another type than `default`.
        """
        if key not in self._hparam_types:
            return default
        kind, is_list = self._hparam_types[key]
        if default is not None:
            if isinstance(default, list) != is_list:
                raise ValueError(
                    f'Hparam {key!r} of type {kind!r} is incompatible with default={default!r}'
                )
            for value in default if is_list else [default]:
                _cast(key, kind, value)
        return getattr(self, key)

    def to_proto(self, export_scope: Any = None) -> NoReturn:
        """Raises: the protocol buffer was removed with `tf.contrib`.

        Raises:
          NotImplementedError: Always.
        """
        raise NotImplementedError(
            'HParams.to_proto: the protocol buffer was of tf.contrib, which is gone; use to_json'
        )

    def __contains__(self, key: str) -> bool:
        return key in self._hparam_types

    def __str__(self) -> str:
        return ','.join(f'{name}={value}' for name, value in self.values().items())

    def __repr__(self) -> str:
        return f'{type(self).__name__}({sorted(self.values().items())})'

    def __getattr__(self, name: str) -> Any:
        # For type checkers: hyperparameters are attributes.
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
