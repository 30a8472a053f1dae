"""What a benchmark prints: one line per claim, also kept in results.json."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Claim:
    """One measured claim.

    Attributes:
        name: What was measured.
        ours: Our figure with its unit.
        theirs: The figure it is held against; empty where the target is absolute.
        ratio: Median of ours against theirs, or the absolute figure.
        target: The target in words.
        passed: Whether it was met.
    """

    name: str
    ours: str
    theirs: str
    ratio: float
    target: str
    passed: bool

    @classmethod
    def at_most(
        cls, name: str, figure: float, unit: str, limit: float, detail: str = ""
    ) -> "Claim":
        """Returns a claim that an absolute figure stays within a limit."""
        ours = f"{figure:.3g} {unit}{f' ({detail})' if detail else ''}"
        return cls(name, ours, "", figure, f"<= {limit:g} {unit}", figure <= limit)

    def line(self) -> str:
        """Returns the claim as one line for people."""
        against = f" against {self.theirs}" if self.theirs else ""
        verdict = "pass" if self.passed else "FAIL"
        return (
            f"{self.name}: {self.ours}{against}, {self.ratio:.3g} (target {self.target}) {verdict}"
        )


def record(claim: Claim) -> None:
    """Puts a claim into results.json by its name, so that single runs keep the others' lines."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known[claim.name] = asdict(claim)
    RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def percentile(values: Sequence[float], percent: int) -> float:
    """Returns a percentile of at least two values, interpolated as `statistics.quantiles` does."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
