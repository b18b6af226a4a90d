import pytest

from simulacra.copiers import families, make
from simulacra.errors import UserError
from simulacra.specification import split


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("jpeg", {"quality": 75, "subsampling": "4:2:0"}),
        ("jpeg:quality=60", {"quality": 60}),
        (" jpeg:quality = 60 , subsampling=4:4:4", {"quality": 60, "subsampling": "4:4:4"}),
        ("resize:scale=0.9765625,filter=lanczos", {"scale": 0.9765625, "filter": "lanczos"}),
        ("realesrgan:model=animevideov3,scale=3", {"model": "animevideov3", "scale": 3}),
    ],
)
def test_text_becomes_a_copier(text: str, parameters: dict[str, object]) -> None:
    copier = make(text)
    assert copier.family == text.strip().partition(":")[0]
    assert parameters.items() <= copier.parameters.model_dump().items()


@pytest.mark.parametrize("family", list(families()))
def test_defaults_have_the_shortest_specification(family: str) -> None:
    assert make(family).specification == family


@pytest.mark.parametrize("text", ["jpeg:quality=60", "resize:filter=lanczos,scale=0.9765625", "waifu2x:noise=3"])
def test_a_specification_makes_itself_again(text: str) -> None:
    assert make(text).specification == text


def test_dash_and_underscore_are_one_in_a_key() -> None:
    assert split("thing", "x", "a-b=1,c_d=2") == {"a_b": "1", "c_d": "2"}


def test_a_path_may_hold_commas_and_equals_signs() -> None:
    copier = make("taesd:encoder=/a, b/e=1.pth,decoder=/a, b/d.pth")
    assert str(copier.parameters.encoder) == "/a, b/e=1.pth"
    assert str(copier.parameters.decoder) == "/a, b/d.pth"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jpg", r"copier 'jpg' is unknown; did you mean jpeg or jpegxl or jpeg2000\?"),
        ("", r"copier '' is unknown; there is autoencoder, .*webp"),
        ("jpeg:qualty=3", r"parameter of copier jpeg 'qualty' is unknown; did you mean quality\?"),
        ("identity:x=1", r"copier identity has no parameters, but is given x; type it alone: identity"),
        (
            "jpeg:quality=400",
            r"^quality of copier jpeg is 400; it must be less than or equal to 100; type simulacra copiers",
        ),
        ("jpeg:quality=high", r"^quality of copier jpeg is high; it must be a valid integer; type"),
        ("jpeg:quality=7.5", r"^quality of copier jpeg is 7\.5; it must be a valid integer; type"),
        (
            "jpeg:subsampling=4:1:1",
            r"^subsampling of copier jpeg is 4:1:1; it must be '4:4:4', '4:2:2' or '4:2:0'; type",
        ),
        ("ffdnet:sigma=nan", r"^sigma of copier ffdnet is nan; it must be "),
        ("jpeg:quality", r"'quality' in copier jpeg is no parameter; write copier jpeg:key=value,key=value"),
        ("jpeg:quality=", r"'quality=' in copier jpeg is no parameter"),
        ("jpeg:quality=5,quality=6", r"copier jpeg is given quality twice; give it once"),
        ("resize:factor=2,scale=0.5", r"^copier resize: factor and scale exclude each other; give one of them; type"),
        ("realesrgan:scale=2", r"^copier realesrgan: scale is 2; the network x4plus has 4; type"),
        ("waifu2x:noise=-1", r"^copier waifu2x: noise is -1; the network cunet has 0, 1, 2 or 3; type"),
        ("taesd:encoder=a.pth", r"^copier taesd: encoder and decoder go together; give both; type"),
        ("taesd:folder=a,decoder=b", r"^copier taesd: folder and encoder, decoder exclude each other"),
    ],
)
def test_mistakes_are_told_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        make(text)
    assert "\n" not in str(caught.value)
