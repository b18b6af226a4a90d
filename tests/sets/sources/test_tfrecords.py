"""TFRecords against bytes that the protobuf package has written."""

import pickle
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from simulacra.errors import UserError
from simulacra.sets import PictureSet, Rules, build, source_of
from simulacra.sets.sources.example import read_example
from simulacra.sets.sources.tfrecords import TFRecords


@pytest.fixture(scope="session")
def example_type() -> Any:
    """`tf.train.Example`, from a description of its fields."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")
    kind = descriptor_pb2.FieldDescriptorProto

    def message(name: str, *fields: tuple[str, int, int, bool, str]) -> descriptor_pb2.DescriptorProto:
        made = file.message_type.add(name=name)
        for field, number, type_, repeated, of in fields:
            label = kind.LABEL_REPEATED if repeated else kind.LABEL_OPTIONAL
            made.field.add(name=field, number=number, type=type_, label=label, type_name=of or None)
        return made

    message("BytesList", ("value", 1, kind.TYPE_BYTES, True, ""))
    message("FloatList", ("value", 1, kind.TYPE_FLOAT, True, ""))
    message("Int64List", ("value", 1, kind.TYPE_INT64, True, ""))
    lists = (("bytes_list", 1, "BytesList"), ("float_list", 2, "FloatList"), ("int64_list", 3, "Int64List"))
    message("Feature", *((name, n, kind.TYPE_MESSAGE, False, f".t.{of}") for name, n, of in lists))
    features = message("Features", ("feature", 1, kind.TYPE_MESSAGE, True, ".t.Features.FeatureEntry"))
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=kind.TYPE_MESSAGE, label=kind.LABEL_OPTIONAL, type_name=".t.Feature")
    message("Example", ("features", 1, kind.TYPE_MESSAGE, False, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


def masked(data: bytes) -> int:
    """The checksum of a record, bit by bit."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0x82F63B78 * (register & 1)
    register ^= 0xFFFFFFFF
    return ((register >> 15 | register << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def encoded(example_type: Any, picture: np.ndarray) -> bytes:
    example = example_type()
    example.features.feature["shape"].int64_list.value.extend(picture.shape)
    example.features.feature["data"].bytes_list.value.append(picture.tobytes())
    example.features.feature["unused"].float_list.value.append(1.5)
    return example.SerializeToString()


def framed(records: list[bytes]) -> bytes:
    whole = b""
    for data in records:
        length = pack("<Q", len(data))
        whole += length + pack("<I", masked(length)) + data + pack("<I", masked(data))
    return whole


def pictures(count: int, side: int, channels: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(side)
    return [rng.integers(0, 256, (channels, side, side), dtype=np.uint8) for _ in range(count)]


@pytest.fixture
def folder(tmp_path: Path, example_type: Any) -> Path:
    """Five pictures in 8 and in 16 px, with labels, as the official tool writes them."""
    root = tmp_path / "tiny"
    root.mkdir()
    for power in (3, 4):
        records = [encoded(example_type, picture) for picture in pictures(5, 2**power)]
        (root / f"tiny-r{power:02d}.tfrecords").write_bytes(framed(records))
    with (root / "tiny-rxx.labels").open("wb") as file:
        np.save(file, np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0]])
    return root


def test_a_message_is_read_by_name(example_type: Any) -> None:
    example = example_type()
    example.features.feature["many"].int64_list.value.extend([0, 1, 127, 128, 2**40])
    example.features.feature["text"].bytes_list.value.append("ü".encode())
    assert read_example(example.SerializeToString()) == {"many": [0, 1, 127, 128, 2**40], "text": "ü".encode()}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x0a", "a number has no end"),
        (b"\x0a\xff", "a number has no end"),
        (b"\xff" * 11, "a number has no end"),
        (b"\x0a\x05\x0a", "a field reaches beyond its message"),
        (b"\x0b", "wire type 3"),
        (b"\x0a\x02\x0a\x00", "field 1 is missing"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_example(data)


@pytest.mark.parametrize(("resolution", "side"), [(8, 8), (16, 16), (None, 16), (64, 16)])
def test_the_file_of_the_resolution_is_built(folder: Path, tmp_path: Path, resolution: int | None, side: int) -> None:
    build(source_of(folder, resolution=resolution), tmp_path / "set.zip")
    opened = PictureSet(tmp_path / "set.zip")
    assert np.array_equal(opened.pictures(range(5)), np.stack(pictures(5, side)))
    assert opened.labels is not None
    assert opened.labels.argmax(axis=1).tolist() == [0, 2, 1, 1, 0]


def test_one_file_can_be_named_and_a_source_can_be_pickled(folder: Path) -> None:
    source = pickle.loads(pickle.dumps(source_of(folder / "tiny-r03.tfrecords")))
    assert np.array_equal(source.read(4, alpha=False).pixels, pictures(5, 8)[4].transpose(1, 2, 0))
    assert source.read(4, alpha=True).pixels.shape == (8, 8, 4)


def test_grey_records_are_read(tmp_path: Path, example_type: Any) -> None:
    (tmp_path / "g.tfrecords").write_bytes(framed([encoded(example_type, pictures(1, 8, channels=1)[0])]))
    pixels = TFRecords(tmp_path / "g.tfrecords").read(0, alpha=False).pixels
    assert np.array_equal(pixels, pictures(1, 8, channels=1)[0][0][..., None].repeat(3, axis=-1))


def test_a_flipped_byte_is_told_by_record(folder: Path, tmp_path: Path) -> None:
    file = folder / "tiny-r04.tfrecords"
    data = bytearray(file.read_bytes())
    data[len(data) * 5 // 10] ^= 4
    file.write_bytes(data)
    with pytest.raises(UserError, match=r"1 of 5 pictures cannot be used: tiny-r04\.tfrecords record 2 is damaged"):
        build(source_of(file), tmp_path / "set.zip")
    assert build(source_of(file), tmp_path / "set.zip", Rules(skip_corrupt=True)).count == 4
    opened = PictureSet(tmp_path / "set.zip")
    assert opened.labels is not None
    assert opened.labels.argmax(axis=1).tolist() == [0, 2, 1, 0]


@pytest.mark.parametrize("cut", [1, 5, 700])
def test_a_file_that_is_cut_off_is_told(folder: Path, cut: int) -> None:
    file = folder / "tiny-r04.tfrecords"
    file.write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(UserError, match=r"tiny-r04\.tfrecords is damaged or cut off: it ends within a record"):
        source_of(file)


def test_what_is_no_such_file_is_told(tmp_path: Path, example_type: Any) -> None:
    file = tmp_path / "x.tfrecords"
    with pytest.raises(UserError, match="does not exist"):
        source_of(file)
    file.write_bytes(b"")
    with pytest.raises(UserError, match="is empty"):
        source_of(file)
    file.write_bytes(b"no record at all")
    with pytest.raises(UserError, match="at byte 0 there is no record"):
        source_of(file)
    file.write_bytes(framed([example_type().SerializeToString()]))
    with pytest.raises(UserError, match="it is no picture of the official layout"):
        source_of(file).read(0, alpha=False)


def test_labels_that_miss_pictures_are_told(folder: Path) -> None:
    with (folder / "tiny-rxx.labels").open("wb") as file:
        np.save(file, np.zeros((4, 3)))
    with pytest.raises(UserError, match=r"tiny-rxx\.labels holds 4 labels and tiny-r04\.tfrecords 5 pictures"):
        source_of(folder)
    (folder / "tiny-rxx.labels").write_bytes(b"nothing")
    with pytest.raises(UserError, match="it is not a NumPy file of numbers"):
        source_of(folder)
