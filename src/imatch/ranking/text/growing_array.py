"""An append-only array; views taken earlier stay valid and unchanged."""

from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray


class GrowingArray:
    """Appends in amortised constant time. `array` is a view of the filled part."""

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._buffer: NDArray[Any] = np.zeros((16, *shape), dtype)
        self._size = 0

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """A growing array that starts with these values, without copying them."""
        grown = cls(values.dtype, values.shape[1:])
        grown._buffer, grown._size = values, len(values)
        return grown

    def __len__(self) -> int:
        return self._size

    @property
    def array(self) -> NDArray[Any]:
        return self._buffer[: self._size]

    def extend(self, values: NDArray[Any]) -> None:
        self._reserve(len(values))
        self._buffer[self._size : self._size + len(values)] = values
        self._size += len(values)

    def _reserve(self, extra: int) -> None:
        needed = self._size + extra
        if needed <= len(self._buffer):
            return
        # Readers keep the old buffer, which is never written again.
        larger = np.zeros(
            (max(needed, len(self._buffer) * 3 // 2), *self._buffer.shape[1:]), self._buffer.dtype
        )
        larger[: self._size] = self._buffer[: self._size]
        self._buffer = larger
