# Keras has no type hints, and what a type checker makes of its bodies is wrong: every function of
# keras.ops might return None. So a checker is told that it knows nothing of Keras.
from typing import Any

def __getattr__(name: str) -> Any: ...
