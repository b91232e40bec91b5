"""The contest: in each round everyone runs once, so that whatever slows the machine slows all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from subprocess import TimeoutExpired

from benchmarks.peers.contenders import OURS, Contender
from benchmarks.peers.ground import Ground
from benchmarks.peers.oracle import WrongOutput
from benchmarks.peers.programs import NotInstalled
from benchmarks.peers.result import Result
from benchmarks.report import Row, progress

REASONS: dict[type[BaseException], str] = {
    NotInstalled: "not installed",
    WrongOutput: "wrong output",
    TimeoutExpired: "not done in time",
    SystemExit: "failed",
}


@dataclass
class Contest:
    """Every round's checked results, by contender, and why some have none."""

    ground: Ground
    entrants: Sequence[Contender]
    results: dict[str, list[Result]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def rates(self, name: str) -> list[float]:
        """Return samples per second, round by round."""
        return [result.records / result.seconds for result in self.results.get(name, [])]

    def cpu_us(self, name: str) -> float:
        """Return the client's CPU time in µs a sample."""
        return median(result.cpu_seconds / result.records * 1e6 for result in self.results[name])

    def ratios(self, name: str, base: str) -> list[float]:
        """Return how many times as fast ``name`` is as ``base``, round by round."""
        return [ours / theirs for ours, theirs in zip(self.rates(name), self.rates(base), strict=True)]

    def has(self, *names: str) -> bool:
        """Whether all of them have run."""
        return all(self.results.get(name) for name in names)


def compete(ground: Ground, entrants: Sequence[Contender], rounds: int) -> Contest:
    """Let everyone run once a round; a peer that fails is left out, a failure of ours ends it all."""
    contest = Contest(ground, entrants, {entrant.name: [] for entrant in entrants})
    for number in range(1, rounds + 1):
        for entrant in entrants:
            if entrant.name in contest.left_out:
                continue
            try:
                result = _run(entrant, ground)
            except tuple(REASONS) as failure:
                if entrant.kind == OURS:
                    raise
                _leave_out(contest, entrant.name, failure)
                continue
            contest.results[entrant.name].append(result)
            rate = result.records / result.seconds
            progress(f"{ground.shape.name}, round {number}/{rounds}: {entrant.name}: {rate:,.0f}/s")
    return contest


def _leave_out(contest: Contest, name: str, failure: BaseException) -> None:
    """Note why, and forget what it has done so far."""
    reason = next(words for kind, words in REASONS.items() if isinstance(failure, kind))
    progress(f"{name}: {reason}: {failure}")
    contest.left_out[name] = reason
    contest.results[name].clear()


def _run(entrant: Contender, ground: Ground) -> Result:
    count = min(ground.count, entrant.limit)
    result = entrant.run(ground.bootstrap, ground.samples, count)
    entrant.check(result, count)
    return result


def table(contest: Contest, base: str) -> Iterable[Row]:
    """Yield a row for each contender, the slowest first: how many times as fast ``base`` is comes first."""
    names = [entrant.name for entrant in contest.entrants]
    for name in sorted(names, key=lambda name: median(contest.rates(name) or [0.0])):
        if not contest.has(name):
            yield [name, contest.left_out[name], "", "", ""]
            continue
        rates = contest.rates(name)
        yield [
            name,
            spread(contest.ratios(base, name)) if contest.has(base) and name != base else "",
            f"{median(rates) / 1000:,.1f}",
            f"{min(rates) / 1000:,.1f}–{max(rates) / 1000:,.1f}",
            f"{contest.cpu_us(name):.1f}",
        ]


HEAD = ["contender", "ratio", "1,000 samples/s", "lowest–highest", "CPU, µs a sample"]


def spread(figures: Sequence[float]) -> str:
    """Return the median with the lowest and the highest."""
    return f"{digits(median(figures))} ({digits(min(figures))}–{digits(max(figures))})"


def digits(figure: float) -> str:
    """Return a figure with three digits, or more where it is large."""
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"
