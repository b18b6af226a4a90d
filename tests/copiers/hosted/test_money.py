from pathlib import Path

import pytest

from simulacra.copiers.hosted import Budget, Settings
from simulacra.copiers.hosted.budget import shared_budget
from simulacra.copiers.hosted.copier import PROMPT
from simulacra.copiers.hosted.prices import PRICES, Usage, price, prices
from simulacra.copiers.hosted.settings import BUDGET_USD, CALL_SECONDS, CALLS_PER_MINUTE
from simulacra.errors import UserError

DOCS = Path(__file__).parents[3] / "docs" / "hosted.md"


def test_cost_is_tokens_times_prices() -> None:
    known = price("gpt-image-1.5")
    assert known is not None
    # 50 x 5 + 194 x 8 + 1056 x 32 = 35,594 millionths of a dollar
    assert known.cost(Usage(text_in=50, image_in=194, image_out=1056)) == pytest.approx(0.035594, abs=1e-12)


@pytest.mark.parametrize(
    ("model", "quality", "published"),
    [
        ("gpt-image-1", "low", 0.011),
        ("gpt-image-1", "medium", 0.042),
        ("gpt-image-1", "high", 0.167),
        ("gpt-image-1.5", "low", 0.009),
        ("gpt-image-1.5", "medium", 0.034),
        ("gpt-image-1.5", "high", 0.133),
        ("gpt-image-2", "low", 0.006),
        ("gpt-image-2", "medium", 0.053),
        ("gpt-image-2", "high", 0.211),
        ("gemini-2.5-flash-image", "1K", 0.039),
        ("gemini-3.1-flash-image", "1K", 0.067),
        ("gemini-3.1-flash-image", "2K", 0.101),
        ("gemini-3.1-flash-image", "4K", 0.151),
        ("gemini-3-pro-image", "1K", 0.134),
        ("gemini-3-pro-image", "4K", 0.24),
    ],
)
def test_a_picture_costs_what_its_service_says_a_picture_costs(model: str, quality: str, published: float) -> None:
    known = price(model)
    assert known is not None
    # Published prices of a picture are rounded to a tenth of a cent, up or down.
    assert known.cost(Usage(image_out=known.made[quality])) == pytest.approx(published, abs=0.001)


def test_snapshots_cost_what_their_model_costs() -> None:
    assert price("gpt-image-1.5-2025-12-16") == price("gpt-image-1.5")
    assert price("gemini-3-pro-image-preview") == price("gemini-3-pro-image")
    assert price("gpt-image-1.75") is None


def test_a_kind_that_is_not_listed_is_expected_to_be_the_dearest() -> None:
    known = price("gpt-image-2")
    assert known is not None
    assert known.expected("max", "low", letters=7, area=2.0) == Usage(text_in=3, image_in=4354, image_out=2 * 7034)


def test_the_users_own_prices_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'read = 2027-01-02\n[[model]]\nname = "mine"\ntext_in = 0\nimage_in = 0\ntext_out = 0\nimage_out = 1\n'
        'made = { any = 1000000 }\nsent = { any = 0 }\nsource = "my own server"\n'
    )
    monkeypatch.setenv(PRICES, str(own))
    known = price("mine")
    assert known is not None
    assert known.cost(known.expected("low", "low", letters=50)) == 1.0
    assert known.read.isoformat() == "2027-01-02"
    assert price("gpt-image-1") is not None


@pytest.mark.parametrize("text", ["", "read = 2027-01-02\n[[model]]\nname = 'mine'\n", "not toml"])
def test_refuses_a_file_that_is_no_table_of_prices(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    monkeypatch.setenv(PRICES, str(own))
    with pytest.raises(UserError, match=f"^{PRICES} names .*own.toml, which is no table of prices"):
        price("mine")
    monkeypatch.setenv(PRICES, str(tmp_path / "none.toml"))
    with pytest.raises(UserError, match="cannot be read: No such file"):
        price("mine")


def test_a_purse_counts_what_is_under_way() -> None:
    budget = Budget(1.0)
    assert budget.reserve(0.4) and budget.reserve(0.4)
    assert not budget.reserve(0.4)
    budget.settle(0.4, 0.1)
    assert budget.reserve(0.4)
    budget.settle(0.4, 0.5)
    budget.settle(0.4, 0.4)
    assert budget.spent_usd == pytest.approx(1.0)
    assert not budget.reserve(0.01)


def test_a_purse_is_emptied_to_the_last_cent() -> None:
    budget = Budget(0.3)
    for _ in range(3):
        assert budget.reserve(0.1)  # in floats three tenths are more than 0.3
        budget.settle(0.1, 0.1)
    assert not budget.reserve(0.1)


def test_no_limit_is_no_limit() -> None:
    budget = Budget()
    assert budget.reserve(1e9)


def test_all_copiers_share_the_purse_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared_budget().limit_usd is None
    monkeypatch.setenv(BUDGET_USD, "2.5")
    assert shared_budget().limit_usd == 2.5
    assert shared_budget() is shared_budget()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment() == Settings()
    monkeypatch.setenv(CALL_SECONDS, "12.5")
    monkeypatch.setenv(CALLS_PER_MINUTE, "20")
    assert Settings.from_environment() == Settings(timeout_seconds=12.5, calls_per_minute=20.0)


@pytest.mark.parametrize("variable", [CALL_SECONDS, CALLS_PER_MINUTE, BUDGET_USD])
@pytest.mark.parametrize("text", ["0", "-1", "much", "inf", "nan"])
def test_refuses_settings_that_are_no_positive_numbers(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(UserError, match=f"^{variable} is '{text}'; it must be a number above 0; type: export"):
        Settings.from_environment()
        shared_budget()


def test_the_guide_says_what_the_table_says() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for known in prices().values():
        assert f"Prices read on {known.read.isoformat()}" in text
        for quality in known.made:
            one = known.cost(Usage(image_out=known.made[quality]))
            whole = known.cost(known.expected(quality, "low", letters=len(PROMPT)))
            row = f"| `{known.name}` | {quality} | ${one:.3f} | ${101 * one:.2f} | ${101 * whole:.2f} |"
            assert row in text, row
