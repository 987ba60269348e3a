from benchmarks.prompts import prompt


def test_prompts_are_of_one_length_all_different_and_the_same_in_every_run() -> None:
    prompts = [prompt(number) for number in range(200)]
    assert {len(text) for text in prompts} == {600}
    assert len(set(prompts)) == 200
    assert prompts[17] == prompt(17)
    assert prompts[17].startswith("[17] ")
