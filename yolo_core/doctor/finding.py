"""What the doctor looks for, and what it found: values, from which the sentences are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

Of = Literal["loss", "data", "run"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


class NotTried(ValueError):  # noqa: N818, nothing is wrong
    """A check cannot say anything here, and why."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a check saw that should not be.

    Attributes:
        evidence: {name: plain value}, what the sentences of the check are filled with.
        subject: What of several it is about, such as a term; "" where there is one.
        cause: Which of the check's causes is likely, where it knows several.
        step: Since which step; None for what was so before the first.
        link: {"page": title, query parameter: value} of the view that shows it.
    """

    evidence: Mapping[str, Any]
    subject: str = ""
    cause: str = ""
    step: int | None = None
    link: Mapping[str, str] = dataclasses.field(default_factory=_nothing)


@dataclasses.dataclass(frozen=True, eq=False)
class Check:
    """One thing that the doctor looks for.

    Attributes:
        id: Its name on the command line and in files.
        title: Its name for reading.
        of: What it is a check of.
        means: What it means when it is found, in a sentence.
        what: What was found, to be filled with the evidence.
        causes: {name: what the likely cause is}, filled likewise; "" is the usual one.
        tries: What to try.
        look: Looks, and gives what it saw. Raises `NotTried` where it cannot look.
        bugs: Numbers of the silent bugs of detectors that it finds (README).
        of_total: Whether a loss can be asked that says its total alone, as a plain function does.
        follows: Ids of checks whose findings may be the reason for what this one finds.
    """

    id: str
    title: str
    of: Of
    means: str
    what: str
    causes: Mapping[str, str]
    tries: str
    look: Callable[[Any], Iterable[Seen]]
    bugs: tuple[int, ...] = ()
    of_total: bool = False
    follows: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is wrong, with what is known of it.

    Attributes:
        check: What was looked for.
        seen: What was seen.
        because: Title of another finding that may be the reason for it; "" where there is none.
    """

    check: Check
    seen: Seen
    because: str = ""

    @property
    def key(self) -> str:
        """What it is dismissed by: the check, and what it is about."""
        return f"{self.check.id}:{self.seen.subject}" if self.seen.subject else self.check.id

    @property
    def what(self) -> str:
        """What was found."""
        return self._filled(self.check.what)

    @property
    def cause(self) -> str:
        """What the likely cause is."""
        if self.because:
            # Of its own causes none needs to be true then.
            return f'Perhaps it follows from "{self.because}": mend that first, and look again.'
        causes = self.check.causes
        return self._filled(causes.get(self.seen.cause) or causes.get("", ""))

    @property
    def tries(self) -> str:
        """What to try."""
        return self._filled(self.check.tries)

    def _filled(self, sentence: str) -> str:
        return sentence.format(**self.seen.evidence)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the sentences."""
        return {
            "check": self.check.id,
            "key": self.key,
            "of": self.check.of,
            "title": self.check.title,
            "what": self.what,
            "means": self.check.means,
            "likely_cause": self.cause,
            "try": self.tries,
            "since_step": self.seen.step,
            "subject": self.seen.subject,
            "cause": self.seen.cause,
            "evidence": dict(self.seen.evidence),
            "link": dict(self.seen.link),
            "silent_bugs": list(self.check.bugs),
        }


@dataclasses.dataclass(frozen=True)
class Examination:
    """What came of looking for several things.

    Attributes:
        findings: What is wrong.
        passed: Ids of the checks that found nothing.
        not_tried: {id: why} of those that could not look.
    """

    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_tried: Mapping[str, str] = dataclasses.field(default_factory=_nothing)

    def __add__(self, other: Examination) -> Examination:
        return Examination(
            self.findings + other.findings,
            self.passed + other.passed,
            {**self.not_tried, **other.not_tried},
        )


def examine(checks: Iterable[Check], patient: Any) -> Examination:
    """Looks for each thing in turn.

    Args:
        checks: What is looked for.
        patient: What their `look` takes.
    """
    findings: list[Finding] = []
    passed: list[str] = []
    not_tried: dict[str, str] = {}
    for check in checks:
        try:
            seen = list(check.look(patient))
        except ValueError as error:
            not_tried[check.id] = str(error)
            continue
        findings += [Finding(check, each) for each in seen]
        if not seen:
            passed.append(check.id)
    titles = {each.check.id: each.check.title for each in findings}
    findings = [
        dataclasses.replace(
            each, because=next((titles[one] for one in each.check.follows if one in titles), "")
        )
        for each in findings
    ]
    return Examination(tuple(findings), tuple(passed), not_tried)
