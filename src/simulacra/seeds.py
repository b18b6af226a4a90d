"""Seeds as a function of position: a draw depends on its purpose and place, never on what was drawn before."""

from hashlib import sha256


def derive_seed(seed: int, purpose: str, *position: int) -> int:
    """A seed for one draw, from a cryptographic hash of the run's seed, the purpose and the position.

    Args:
        seed: the run's own seed, any integer.
        purpose: what is drawn, such as "copy"; two purposes never share a stream.
        position: replicate, generation, step, index: whatever places the draw.

    Returns:
        An integer in [0, 2**63), fit for `torch.Generator.manual_seed`.
    """
    text = "/".join([str(seed), purpose, *map(str, position)])
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1
