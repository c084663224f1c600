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


def test_a_huge_text_without_punctuation_is_split_without_harm() -> None:
    assert [len(s.text) for s in split_sentences("word " * 40_000)] == [199_999]
