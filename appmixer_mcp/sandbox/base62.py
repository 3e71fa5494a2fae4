"""Text as letters and digits alone: how a subflow's correlation id names the URL to answer to."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_BASE = len(_DIGITS)


def encode(text: str) -> str:
    """Return a text in base 62; what `decode` gives back. The alphabet is ours."""
    # The leading 1 keeps zero bytes at the beginning.
    number = int.from_bytes(b"\x01" + text.encode(), "big")
    digits: list[str] = []
    while number:
        number, value = divmod(number, _BASE)
        digits.append(_DIGITS[value])
    return "".join(reversed(digits))


def decode(encoded: str) -> str:
    """Return the text that `encode` was given.

    Raises:
        ValueError: It is nothing that `encode` returns.
    """
    number = 0
    for digit in encoded:
        value = _VALUES.get(digit)
        if value is None:
            raise ValueError(f"{digit!r} is no digit of base 62")
        number = number * _BASE + value
    content = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if content[:1] != b"\x01":
        raise ValueError("these digits are no text in base 62")
    return content[1:].decode()
