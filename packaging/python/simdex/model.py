"""What simdex answers. ``raw`` is the JSON, with all that has no field of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """A page that showed a picture, and what it says of it."""

    url: str
    title: str
    alt: str
    caption: str

    @classmethod
    def of(cls, json: Json) -> Page:
        texts = (str(json.get(key) or "") for key in ("url", "title", "alt", "caption"))
        return cls(*texts)


@dataclass(frozen=True)
class Copy:
    """A near-copy that a result stands for."""

    id: str
    place: str
    paths: tuple[str, ...]

    @classmethod
    def of(cls, json: Json) -> Copy:
        return cls(json["id"], json["place"], tuple(json.get("paths", ())))


@dataclass(frozen=True)
class Result:
    """A picture that is like the one asked for."""

    rank: int
    score: float
    id: str
    urls: tuple[str, ...]
    pages: tuple[Page, ...]
    paths: tuple[str, ...]
    width: int
    height: int
    cosine: float
    #: Why it is a result, in words.
    words: str | None
    #: What speaks for and against it, in log-odds; of the fused head.
    evidence: Mapping[str, float]
    copies: tuple[Copy, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> Result:
        return cls(
            rank=json["rank"],
            score=json["score"],
            id=json["id"],
            urls=tuple(json["urls"]),
            pages=tuple(Page.of(page) for page in json["pages"]),
            paths=tuple(json["paths"]),
            width=json["width"],
            height=json["height"],
            cosine=json["cosine"],
            words=(json.get("explanation") or {}).get("words"),
            evidence=json.get("evidence") or {},
            copies=tuple(Copy.of(copy) for copy in json.get("copies", ())),
            raw=json,
        )

    @property
    def place(self) -> str:
        """Where it is: its first URL, or its path."""
        places = self.urls or self.paths
        return places[0] if places else self.id


@dataclass(frozen=True)
class Answer:
    """A ranked list; it can be walked, counted and indexed like one."""

    query: str
    results: tuple[Result, ...]
    #: Milliseconds, by what they went into.
    timing_ms: Mapping[str, float]
    #: Ids of stored pictures that belong to the answer and cannot be read.
    unread: tuple[str, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> Answer:
        return cls(
            query=json["query"],
            results=tuple(Result.of(result) for result in json["results"]),
            timing_ms=json.get("timing_ms", {}),
            unread=tuple(json.get("unread", ())),
            raw=json,
        )

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, place: int) -> Result:
        return self.results[place]

    def to_pandas(self) -> pandas.DataFrame:
        """A row a result. pandas must be installed."""
        return to_pandas(self)


@dataclass(frozen=True)
class Comparison:
    """Two pictures, compared."""

    score: float
    #: The share of equal pairs at which the score is a probability; of the fused head.
    base_rate: float | None
    cosine: float
    words: str | None
    layers: Mapping[str, float]
    evidence: Mapping[str, float]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> Comparison:
        return cls(
            score=json["score"],
            base_rate=json.get("base_rate"),
            cosine=json["cosine"],
            words=(json.get("explanation") or {}).get("words"),
            layers=json["layers"],
            evidence=json.get("evidence") or {},
            raw=json,
        )


@dataclass(frozen=True)
class Belief:
    """How much speaks for a class, and how much does not speak against it."""

    name: str
    belief: float
    plausibility: float


@dataclass(frozen=True)
class Classification:
    """Of which class a picture is. ``name`` is None where more is unknown than known."""

    query: str
    name: str | None
    unknown: float
    classes: tuple[Belief, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> Classification:
        beliefs = (
            Belief(one["class"], one["belief"], one["plausibility"]) for one in json["classes"]
        )
        return cls(json["query"], json["class"], json["unknown"], tuple(beliefs), json)


@dataclass(frozen=True)
class Added:
    """What came of a picture that was sent to be stored: its id, or why it has none."""

    name: str
    id: str | None
    is_new: bool
    reason: str | None
    message: str | None

    @classmethod
    def of(cls, json: Json) -> Added:
        reason, message = json.get("reason"), json.get("message")
        return cls(json["name"], json["id"], json["is_new"], reason, message)


@dataclass(frozen=True)
class Status:
    """What is stored, counted."""

    images: int
    pages: int
    waiting: int
    store_bytes: int
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, json: Json) -> Status:
        return cls(json["images"], json["pages"], json["waiting"], json["store_bytes"], json)


def rows(answers: Answer | Iterable[Answer]) -> Iterator[dict[str, Any]]:
    """A dict a result, with the columns that ``simdex export --format csv`` has."""
    for answer in [answers] if isinstance(answers, Answer) else answers:
        for result in answer:
            yield {
                "query": answer.query,
                "rank": result.rank,
                "score": result.score,
                "cosine": result.cosine,
                "id": result.id,
                "url": result.urls[0] if result.urls else None,
                "page": result.pages[0].url if result.pages else None,
                "path": result.paths[0] if result.paths else None,
                "width": result.width,
                "height": result.height,
                "page_title": (result.pages[0].title or None) if result.pages else None,
                "words": _words(result),
                "why": result.words,
                "copies": len(result.copies),
            }


def _words(result: Result) -> str | None:
    """What the first page says of the picture, best first: caption, title, alternative text."""
    page: Json = next(iter(result.raw["pages"]), {})
    texts = (page.get(key) for key in ("caption", "picture_title", "alt"))
    return next((str(text) for text in texts if text), None)


def to_pandas(answers: Answer | Iterable[Answer]) -> pandas.DataFrame:
    """A row a result, of one answer or of many. pandas must be installed."""
    import pandas

    columns = (
        "query rank score cosine id url page path width height page_title words why copies".split()
    )
    frame: pandas.DataFrame = pandas.DataFrame(list(rows(answers)), columns=columns)
    return frame
