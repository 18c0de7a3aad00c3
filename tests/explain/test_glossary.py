"""The table of words: whole sentences in the order of the alphabet, none of a page missing."""

from __future__ import annotations

import pytest

from yolo_core.assignment import ObjectStatus
from yolo_core.compare.differences import PARTS
from yolo_core.explain.glossary import GLOSSARY, meaning
from yolo_core.losses.families import all_families


def test_the_words_are_sorted_and_explained_in_sentences() -> None:
    assert list(GLOSSARY) == sorted(GLOSSARY, key=str.lower)
    for word, told in GLOSSARY.items():
        assert told.endswith("."), word
        assert len(told) > 20, word


@pytest.mark.parametrize("word", [*PARTS, "slot", "term", "lambda", "ledger", "head", "snapshot"])
def test_the_words_of_every_page_are_there(word: str) -> None:
    assert word in GLOSSARY


def test_every_status_of_a_trained_or_lost_object_is_named() -> None:
    for status in ObjectStatus:
        if status is not ObjectStatus.PADDING:
            assert status.word in GLOSSARY or status.word in GLOSSARY["status"]


def test_the_terms_that_most_losses_have_are_there() -> None:
    names = [set(family.loss_class().term_names) for family in all_families()]
    assert set.intersection(*names[:3]) <= set(GLOSSARY)


def test_a_label_is_about_the_word_in_it() -> None:
    assert meaning("λ × xy") == meaning("xy") == GLOSSARY["xy"]
    assert meaning("objects") == GLOSSARY["object"]
    assert meaning("term, unweighted") == GLOSSARY["term"]
    assert meaning("file") is None
