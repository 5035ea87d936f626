"""The price of being shown: who is shown more than their share moves down a little for a while."""

from collections.abc import Iterator, Mapping

STEP = 0.01  # of the order's score, for each time somebody was shown
MOST = 0.05  # however often: exposure never outweighs more than five points of fit


class Exposure(Mapping[int, float]):
    """price_j = .01 · (shown_j - shown by everybody · capacity_j / Σ capacity), within ±.05.

    "Shown by everybody" is k · requests, counted as it happened: lists differ in length. Whoever
    has room for more people has a larger share.
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
        """Forget a provider; an unknown id is no fault."""
        self._total_shown -= self._shown.pop(provider_id, 0)
        self._total_capacity -= self._capacity.pop(provider_id, 0)

    def count(self, provider_id: int) -> None:
        """One more showing; of somebody unknown here, nothing."""
        if provider_id in self._shown:
            self._shown[provider_id] += 1
            self._total_shown += 1

    def __getitem__(self, provider_id: int) -> float:
        share = self._capacity[provider_id] / max(self._total_capacity, 1)
        price = STEP * (self._shown[provider_id] - self._total_shown * share)
        return min(max(price, -MOST), MOST)

    def __iter__(self) -> Iterator[int]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)
