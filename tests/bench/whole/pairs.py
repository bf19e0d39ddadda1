"""Runs in pairs, the yardstick's and ours, that take turns: what they say together."""
import statistics


class Pairs:
    def __init__(self, runs):
        self.runs = runs  # (the yardstick's figures, ours)

    def middle(self, which, figure):
        """Of the yardstick (0) or of ours (1)."""
        return statistics.median(run[which][figure] for run in self.runs)

    def ratio(self):
        return statistics.median(ours["rate"] / limit["rate"] for limit, ours in self.runs)

    def figures(self):
        return {"ratio": self.ratio(), "runs": self.runs}


def over_each_transport(servers, backlog, rounds, yardstick, ours):
    runs = {transport: [] for transport in ("tcp", "unix")}
    for _ in range(rounds):
        for transport, pairs in runs.items():
            pairs.append((yardstick(servers, backlog, transport), ours(servers, backlog, transport)))
    return {transport: Pairs(pairs) for transport, pairs in runs.items()}
