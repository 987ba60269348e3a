import itertools

from consumer.llm.claim_tokens import ClaimTokens


def tokens() -> ClaimTokens:
    numbers = itertools.count()
    return ClaimTokens(lambda: f"token{next(numbers)}")


def test_every_claim_has_a_token_of_its_own() -> None:
    issued = tokens()
    assert len({issued.take("one"), issued.take("one"), issued.take("two")}) == 3


def test_an_unanswered_claim_is_repeated_with_its_token_once() -> None:
    issued = tokens()
    token = issued.take("one")
    issued.unanswered("one", token)
    assert issued.take("one") == token
    assert issued.take("one") != token, "two claims under way must not share one"


def test_what_was_never_answered_takes_bounded_memory() -> None:
    issued = tokens()
    for number in range(20_000):
        issued.unanswered(str(number), "lost")
    assert len(issued._unanswered) == 10_000
    assert issued.take("0") != "lost"
    assert issued.take("19999") == "lost"
