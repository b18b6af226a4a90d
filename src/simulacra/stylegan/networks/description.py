"""What a pair of networks is: one frozen description from which generator and discriminator follow, weights aside."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulacra.errors import UserError, unknown

Family = Literal["stylegan1", "stylegan2"]
"""stylegan1: styles after instance normalisation, can grow. stylegan2: styles in demodulated weights, with skips."""

Group = Literal["coarse", "middle", "fine"]

GROUPS: Mapping[Group, tuple[int, int]] = {"coarse": (4, 8), "middle": (16, 32), "fine": (64, 1024)}
"""First and last resolution of the layers that the paper's figure 3 calls coarse, middle and fine."""

CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "A": {"blur": False, "styles": False, "constant": False, "noise": False, "mixing": 0.0, "mapping_depth": 0},
    "B": {"blur": True, "styles": False, "constant": False, "noise": False, "mixing": 0.0, "mapping_depth": 0},
    "C": {"blur": True, "styles": True, "constant": False, "noise": False, "mixing": 0.0, "mapping_depth": 8},
    "D": {"blur": True, "styles": True, "constant": True, "noise": False, "mixing": 0.0, "mapping_depth": 8},
    "E": {"blur": True, "styles": True, "constant": True, "noise": True, "mixing": 0.0, "mapping_depth": 8},
    "F": {"blur": True, "styles": True, "constant": True, "noise": True, "mixing": 0.9, "mapping_depth": 8},
}
"""The rows of the paper's table 1: progressive GAN, then one change more in each."""


class Layer(NamedTuple):
    """One place of the generator where a style enters, a row of `ws`."""

    row: int
    name: str  # such as "8x8/up"
    resolution: int  # px
    group: Group
    noisy: bool  # whether a noise image enters too


class Description(BaseModel):
    """Everything that decides the shapes and the function of a generator and its discriminator, but the weights.

    Make one with `stylegan1`, `stylegan2` or `from_json`, whose messages are sentences. Feature maps at resolution r:
    min(channel_base / r, channel_max), 1 at least.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    family: Family = Field("stylegan1", description="stylegan1 or stylegan2")
    resolution: int = Field(1024, description="side of the pictures in pixels: 8, 16, ... 1024")
    colours: int = Field(3, ge=3, le=4, description="channels of a picture: 3 for RGB, 4 for RGBA")
    labels: int = Field(0, ge=0, le=100_000, description="numbers in a label, such as classes; 0 for none")
    z_dim: int = Field(512, ge=1, le=8192, description="numbers of the normal input z")
    w_dim: int = Field(512, ge=1, le=16384, description="numbers of the intermediate latent w")
    mapping_depth: int = Field(8, ge=0, le=64, description="dense layers from z to w; 0: w is the normalised z")
    mapping_rate: float = Field(0.01, gt=0, le=1, description="learning rate of the mapping over that of the rest")
    channel_base: int = Field(16384, ge=1, le=1 << 24, description="feature maps times resolution, below the limit")
    channel_max: int = Field(512, ge=1, le=8192, description="limit of the feature maps")
    progressive: bool = Field(True, description="can grow: an RGB layer at every resolution")
    blur: bool = Field(True, description="config B: resample bilinearly, that is blur after up and before down")
    styles: bool = Field(True, description="config C: w styles every layer")
    constant: bool = Field(True, description="config D: start from a learned constant, not from the latent")
    noise: bool = Field(True, description="config E: a noise image enters every layer")
    mixing: Annotated[float, Field(ge=0, le=1, description="config F: share of pictures trained with two latents")] = (
        0.9
    )

    @classmethod
    def stylegan1(cls, config: str = "F", **changes: Any) -> "Description":
        """The networks of a row of table 1, with what is changed in them.

        Args:
            config: A to F.
            changes: fields and their values, such as `resolution=256`. With a changed `z_dim`, or with labels and no
                mapping, `w_dim` follows where it must.

        Raises:
            UserError: no config has this letter, no field this name, or a value breaks its rule.

        Source: Karras, Laine and Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial
        Networks", table 1.
        """
        if config not in CONFIGS:
            raise unknown("config", config, CONFIGS)
        return cls.from_json(_with_w({**CONFIGS[config], "family": "stylegan1", **changes}))

    @classmethod
    def stylegan2(cls, **changes: Any) -> "Description":
        """Config F of StyleGAN2, with what is changed in it.

        Raises:
            UserError: no field has this name, or a value breaks its rule.

        Source: Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN".
        """
        return cls.from_json(
            _with_w({"family": "stylegan2", "progressive": False, "channel_base": 32768, **changes}),
        )

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Description":
        """The description with these fields; those left out have their defaults. The inverse of `to_json`.

        Raises:
            UserError: no field has this name, or a value breaks its rule.
        """
        for name in fields:
            if name not in cls.model_fields:
                raise unknown("field of a description", name, cls.model_fields)
        try:
            made = cls(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            rule = cls.model_fields[name].description
            raise UserError(f"{name} is {first['input']!r}: {first['msg'].lower()} ({rule})") from error
        made._check()
        return made

    def to_json(self) -> dict[str, Any]:
        """Every field by name, fit for canonical JSON and for a file's metadata."""
        return self.model_dump(mode="json")

    def changed(self, **changes: Any) -> "Description":
        """This description with other values in some fields.

        Raises:
            UserError: no field has this name, or a value breaks its rule.
        """
        return self.from_json({**self.to_json(), **changes})

    @cached_property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of the feature maps in pixels, from 4 up."""
        return tuple(1 << power for power in range(2, self.resolution.bit_length()))

    def channels(self, resolution: int) -> int:
        """Feature maps at a resolution."""
        return max(1, min(self.channel_base // resolution, self.channel_max))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Where styles enter, in the order of the rows of `ws`: 2 log2(resolution) - 2 of them."""
        return tuple(
            Layer(row, f"{side}x{side}/{part}", side, _group(side), self.noise and part != "rgb")
            for row, (side, part) in enumerate(self._places())
        )

    @cached_property
    def noise_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """Shape (1, r, r) of the noise image of each noisy layer, in the order of the layers."""
        return tuple((1, layer.resolution, layer.resolution) for layer in self.layers if layer.noisy)

    def group(self, name: str) -> range:
        """The rows of a group of layers; empty where the pictures are too small to have it.

        Raises:
            UserError: the name is not coarse, middle or fine.
        """
        if name not in GROUPS:
            raise unknown("group of layers", name, GROUPS)
        rows = [layer.row for layer in self.layers if layer.group == name]
        return range(rows[0], rows[-1] + 1) if rows else range(0)

    def _places(self) -> list[tuple[int, str]]:
        if self.family == "stylegan1":
            names = {side: ("start", "conv") if side == 4 else ("up", "conv") for side in self.resolutions}
            return [(side, part) for side in self.resolutions for part in names[side]]
        # In stylegan2 the constant has no style, and the last row styles only the way to RGB.
        places = [(side, part) for side in self.resolutions for part in (("conv",) if side == 4 else ("up", "conv"))]
        return [*places, (self.resolution, "rgb")]

    def _check(self) -> None:
        if self.resolution not in {1 << power for power in range(3, 11)}:
            raise UserError(f"resolution is {self.resolution}; it must be 8, 16, 32, 64, 128, 256, 512 or 1024")
        if self.family == "stylegan2":
            for name, needed in {"progressive": False, "blur": True, "styles": True, "constant": True}.items():
                if getattr(self, name) is not needed:
                    raise UserError(f"{name} is {not needed}; stylegan2 needs {needed}: leave it, or take stylegan1")
        elif self.constant and not self.styles:
            raise UserError("constant is True and styles is False, so no picture would depend on z; change one of them")
        if self.mixing and not self.styles:
            raise UserError(f"mixing is {self.mixing} and styles is False; without styles there is nothing to mix: 0")
        if self.mapping_depth == 0 and self.w_dim != _unmapped(self.z_dim, self.labels):
            raise UserError(
                f"w_dim is {self.w_dim}; with mapping_depth 0 w is the normalised input, so it must be "
                f"{_unmapped(self.z_dim, self.labels)}"
            )


def _with_w(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with `w_dim`, where it is not given: as long as z, and what z and label are together unmapped."""
    z_dim = fields.get("z_dim", Description.model_fields["z_dim"].default)
    unmapped = fields.get("mapping_depth") == 0
    return {"w_dim": _unmapped(z_dim, fields.get("labels", 0)) if unmapped else z_dim, **fields}


def _unmapped(z_dim: int, labels: int) -> int:
    """Length of z with the embedding of the label, which is as long, behind it."""
    return 2 * z_dim if labels else z_dim


def _group(resolution: int) -> Group:
    return next(name for name, (first, last) in GROUPS.items() if first <= resolution <= last)
