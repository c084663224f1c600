import time

import pytest

from stance.text import split_sentences

DOCUMENTS = {
    "paragraphs": "First one. Second one.\n\nThird.",
    "emoji and umlauts": "Zażółć 😀 gęślą. „Nein“, sagte er. And on.",
    "windows line ends": "One here.\r\n\r\nTwo there.\r\nThree.",
    "right to left": "قال الوزير إنه مستعد. Then he left.",
    "lone surrogate": "Broken \ud800 char. Next one.",
    "control characters": "A\x00b.\x0b\x0cNext\u2028line. End.",
    "only blanks": " \n\t \n ",
    "empty": "",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_sentence_stands_at_its_offsets_and_nothing_but_blanks_is_left_out(text: str) -> None:
    sentences = split_sentences(text)
    covered = 0
    for sentence in sentences:
        assert text[sentence.start : sentence.end] == sentence.text == sentence.text.strip()
        assert not text[covered : sentence.start].strip()
        covered = sentence.end
    assert not text[covered:].strip()


def test_abbreviations_and_quotes_do_not_end_a_sentence() -> None:
    text = "Mr. Smith of the U.S. State Dept. arrived on Jan. 5. “We are here,” he said."
    assert [s.text for s in split_sentences(text)] == [
        "Mr. Smith of the U.S. State Dept. arrived on Jan. 5.",
        "“We are here,” he said.",
    ]


def test_a_line_break_ends_a_headline() -> None:
    assert [s.text for s in split_sentences("Talks to resume\nThe minister spoke.")] == [
        "Talks to resume",
        "The minister spoke.",
    ]


def test_hard_wrapped_lines_are_one_sentence() -> None:
    text = (
        "The delegation arrived in the capital on Tuesday evening and went to the\n"
        "residence of the governor, where it stayed for two nights without meeting\n"
        "anybody.\n\nIt left on Thursday."
    )
    assert len(split_sentences(text)) == 2


def test_lines_longer_than_a_wrapped_one_are_paragraphs() -> None:
    long = (
        "The delegation arrived in the capital on Tuesday evening and went to the residence of the governor "
        "without a word"
    )
    assert [s.text for s in split_sentences(f"{long}\n{long}\n{long}")] == [long] * 3


def test_a_list_of_headlines_with_a_long_one_is_no_wrapped_text() -> None:
    headlines = ["The minister of foreign affairs met the delegation again", "Talks", "Rain", "Floods"]
    assert [s.text for s in split_sentences("\n".join(headlines))] == headlines


def test_a_huge_text_without_punctuation_is_split_without_harm() -> None:
    text = "word " * 40_000
    pieces = split_sentences(text)
    assert [len(piece.text) for piece in pieces] == [9_999] * 20
    assert all(text[piece.start : piece.end] == piece.text for piece in pieces)


@pytest.mark.parametrize(
    "text",
    [
        "Vitamin B\u00a0. It rained.",
        "“And I\u00a0.\u00a0.\u00a0. I left,” he said.",
        "B\u2028.",
        "A\u3000. B.",
        "C\x85.",
    ],
)
def test_spaces_of_other_kinds_do_no_harm(text: str) -> None:
    sentences = split_sentences(text)
    assert sentences
    assert all(text[one.start : one.end] == one.text for one in sentences)
    assert "".join("".join(one.text for one in sentences).split()) == "".join(text.split())


def test_quotes_that_are_never_closed_take_no_hour() -> None:
    start = time.perf_counter()
    assert "".join(one.text for one in split_sentences("“" * 100_000)) == "“" * 100_000
    assert time.perf_counter() - start < 60  # two seconds; all at once they took eight, and those of a million an hour


def test_a_long_text_is_cut_where_its_sentences_end() -> None:
    text = "Officials said on Monday that they would go. " * 1_000
    assert {one.text for one in split_sentences(text)} == {"Officials said on Monday that they would go."}
