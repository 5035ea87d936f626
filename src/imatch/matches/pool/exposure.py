"""The exposure price: a provider shown more than their share moves down a little."""

from collections.abc import Iterator, Mapping

PRICE_STEP = 0.01  # of the order score, for each time shown above the share
MAX_PRICE = 0.05  # so exposure never outweighs more than five points of fit


class Exposure(Mapping[int, float]):
    """Exposure price by provider id.

    price_j = .01 · (shown_j - Σ shown · capacity_j / Σ capacity), clipped to ±.05. A provider's
    share is proportional to their capacity.
    """

    def __init__(self) -> None:
        self._shown: dict[int, int] = {}
        self._capacity: dict[int, int] = {}
        self._total_shown = 0
        self._total_capacity = 0

    def put(self, provider_id: int, *, shown: int, capacity: int) -> None:
        self.drop(provider_id)
        self._shown[provider_id] = shown
        self._capacity[provider_id] = capacity
        self._total_shown += shown
        self._total_capacity += capacity

    def drop(self, provider_id: int) -> None:
        """Remove a provider. An unknown id is ignored."""
        self._total_shown -= self._shown.pop(provider_id, 0)
        self._total_capacity -= self._capacity.pop(provider_id, 0)

    def count(self, provider_id: int) -> None:
        """Add one showing. An unknown id is ignored."""
        if provider_id in self._shown:
            self._shown[provider_id] += 1
            self._total_shown += 1

    def __getitem__(self, provider_id: int) -> float:
        share = self._capacity[provider_id] / max(self._total_capacity, 1)
        price = PRICE_STEP * (self._shown[provider_id] - self._total_shown * share)
        return min(max(price, -MAX_PRICE), MAX_PRICE)

    def __iter__(self) -> Iterator[int]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)
