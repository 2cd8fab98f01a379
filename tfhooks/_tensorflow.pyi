"""What TensorFlow's objects are, said once: TensorFlow ships no types."""

from typing import Any

tf: Any

class Tensor:
    name: str
    dtype: Any
    shape: Any
    op: Operation
    graph: Any
    def get_shape(self) -> Any: ...

class Operation:
    name: str
    type: str
    graph: Any
    inputs: Any
    control_inputs: Any

def global_step_read(graph: Any = ...) -> Any: ...
def unfinalize(graph: Any) -> None: ...
