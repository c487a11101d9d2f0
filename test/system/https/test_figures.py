"""What a message costs in memory."""

from __future__ import annotations

from https_case import HttpsCase
from support.marks import measures
from support.runs import Surroundings
from support.wire import MIB, stream


@measures
class Memory(HttpsCase):
    def peak_of(self, octets: int) -> int:
        """KiB, of a process that has sent everything."""
        api = self.api()
        self.configure_chain(api)
        result = self.deliver("out", message=stream(octets), around=Surroundings(self.queue, measure_rss=True))
        request = self.assert_taken(result, api)
        self.assertGreater(len(request.content), octets * 0.95)
        return result.peak_rss

    def test_peak_rss_does_not_grow_with_the_message(self) -> None:
        small, large = self.peak_of(1 * MIB), self.peak_of(25 * MIB)
        print(f"peak RSS: {small} KiB for a message of 1 MiB by HTTPS, {large} KiB for one of 25 MiB", flush=True)
        self.assertLess(large - small, 8 * 1024)
