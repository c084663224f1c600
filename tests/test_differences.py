from stance.differences import differences


def test_each_value_that_differs_is_told_by_its_way() -> None:
    assert differences({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"b": 1, "c": [2]}}) == [
        "a.c: [1] there, [2] now",
        "d: 2 there, None now",
    ]


def test_of_a_long_list_what_differs_is_told_and_not_the_list() -> None:
    there = [{"name": f"{n}.txt", "fingerprint": "0"} for n in range(10_000)]
    one = [*there[:7000], {"name": "7000.txt", "fingerprint": "1"}, *there[7001:]]
    assert differences({"inputs": there}, {"inputs": one}) == [f"inputs: {there[7000]} there, {one[7000]} now"]
    assert differences(there, there[1:], "inputs") == ["inputs: 10,000 there, 9,999 now"]
    told = differences(there, there[::-1], "inputs")
    assert len(told) == 6
    assert told[-1] == "inputs: 9,995 more differ"
