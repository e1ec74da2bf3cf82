"""Pickles as inert data: nothing is imported, called or constructed, whatever the stream asks for.

A pickle is a program for a stack machine. This machine knows only the instructions that the writers of the old files
use, and where the real one would look up a class it keeps the name, and where it would call it keeps the name and the
arguments (`Record`). Which names may occur, and what they mean, is the caller's knowledge. The format is that of
CPython's Lib/pickletools.py, whose argument readers serve here too.
"""

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from models.errors import LegacyError

__all__ = ["Global", "Machine", "Record"]

MAX_INSTRUCTIONS: Final = 200_000
"""A state dict of 3 layers has about 600, a scaler 150."""

Hook = Callable[["Record"], None]


@dataclass(frozen=True, eq=False, slots=True)
class Global:
    """A name that stood where a class or function belongs."""

    name: str


@dataclass(eq=False, slots=True)
class Record:
    """A call that did not take place."""

    name: str
    args: tuple[object, ...]
    state: object = None
    """What the object would have been given after its making."""


class Machine:
    """Runs one pickle.

    Args:
        stream: where the pickle begins; left behind its last byte.
        allowed: `module.name` of every global that may occur.
        source: the file and what it should hold, the beginning of every message.
        built: called with a record once it has its state, the stream standing right behind that instruction.
        persistent: turns a persistent id into a value; without it there may be none.
    """

    def __init__(
        self,
        stream: BinaryIO,
        allowed: frozenset[str],
        source: str,
        built: Hook = lambda record: None,
        persistent: Callable[[object], object] | None = None,
    ) -> None:
        self._stream, self._allowed, self._source = stream, allowed, source
        self._built, self._persistent = built, persistent
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> object:
        """Return the pickled value, calls as records; raises LegacyError for everything else."""
        try:
            return self._run()
        except LegacyError:
            raise
        except (ValueError, TypeError, LookupError, OverflowError, struct.error) as e:
            raise LegacyError(f"{self._source}: truncated or damaged pickle ({type(e).__name__}: {e})") from e

    def _run(self) -> object:
        for _ in range(MAX_INSTRUCTIONS):
            code = self._stream.read(1)
            if not code:
                raise ValueError("it ends early")
            if code == _STOP:
                return self._stack.pop()
            argument = self._argument(code)
            _STEPS[code](self, argument)
        raise LegacyError(f"{self._source}: more than {MAX_INSTRUCTIONS:,} pickle instructions; refused")

    def _argument(self, code: bytes) -> Any:
        if code not in _STEPS:
            known = _OPCODES.get(code)
            raise LegacyError(
                f"{self._source}: pickle instruction {known.name if known else code!r} has no place here; "
                "nothing was executed"
            )
        if code == _GLOBAL:
            return _two_lines(self._stream)
        reader = _OPCODES[code].arg
        return reader.reader(self._stream) if reader is not None else None

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def mark(self, _: object) -> None:
        """Begin a run of items."""
        self._below.append(self._stack)
        self._stack = []

    def items(self) -> list[Any]:
        """Take the items since the last mark."""
        taken, self._stack = self._stack, self._below.pop()
        return taken

    def take(self, count: int) -> list[Any]:
        """Take `count` items; IndexError if there are fewer."""
        return [self._stack.pop() for _ in range(count)][::-1]

    def memoize(self, index: int | None) -> None:
        """Remember the top of the stack, by default under the next number."""
        self._memo[len(self._memo) if index is None else index] = self._stack[-1]

    def recall(self, index: int) -> None:
        """Put a remembered value on the stack."""
        self.push(self._memo[index])

    def name(self, module: object, name: object) -> None:
        """Put a global's name on the stack, if it is an allowed one."""
        full = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else "?"
        if full not in self._allowed:
            raise LegacyError(f"{self._source}: it refers to {full[:120]!r}; refused, nothing was executed")
        self.push(Global(full))

    def call(self) -> None:
        """Record a call of a global with a tuple of arguments; an OrderedDict, which has none, is a dict."""
        function, args = self.take(2)
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise ValueError("a call of something that is no global")
        plain = function.name == "collections.OrderedDict" and not args
        self.push({} if plain else Record(function.name, args))

    def build(self) -> None:
        """Give a record its state. A dict's attributes, as torch's `_metadata`, say nothing about its content."""
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, Record):
            target.state = state
            self._built(target)
        elif not isinstance(target, dict):
            raise ValueError("a state for something that has none")

    def persist(self) -> None:
        """Put the value of a persistent id on the stack."""
        if self._persistent is None:
            raise ValueError("a persistent id")
        self.push(self._persistent(self._stack.pop()))

    def set_items(self, flat: list[Any]) -> None:
        """Fill the dict on top. Only short keys: others could be made expensive to hash."""
        target, keys = self._stack[-1], flat[0::2]
        if not isinstance(target, dict) or not all(type(k) in (str, int) for k in keys):
            raise ValueError("items for what is no dict, or keys that are no names")
        target.update(zip(keys, flat[1::2], strict=True))

    def append(self, items: list[Any]) -> None:
        """Extend the list on top."""
        if not isinstance(self._stack[-1], list):
            raise ValueError("items for what is no list")
        self._stack[-1].extend(items)


def _two_lines(stream: BinaryIO) -> tuple[str, str]:
    """GLOBAL's module and name; pickletools would also undo escapes, and warn of those that it does not know."""
    lines = stream.readline(), stream.readline()
    if not all(line.endswith(b"\n") for line in lines):
        raise ValueError("a global without a name")
    return lines[0][:-1].decode(), lines[1][:-1].decode()


_OPCODES: Final = {op.code.encode("latin-1"): op for op in pickletools.opcodes}
_CODES: Final = {op.name: code for code, op in _OPCODES.items()}


_STOP: Final = _CODES["STOP"]
_GLOBAL: Final = _CODES["GLOBAL"]
_VALUES: Final = (
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
)
"""Instructions that push their argument."""

_BY_NAME: Final[dict[str, Callable[[Machine, Any], None]]] = {
    **dict.fromkeys(_VALUES, Machine.push),
    "PROTO": lambda m, version: None,
    "FRAME": lambda m, size: None,
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "MARK": Machine.mark,
    "TUPLE": lambda m, _: m.push(tuple(m.items())),
    "TUPLE1": lambda m, _: m.push(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.take(3))),
    "APPEND": lambda m, _: m.append(m.take(1)),
    "APPENDS": lambda m, _: m.append(m.items()),
    "SETITEM": lambda m, _: m.set_items(m.take(2)),
    "SETITEMS": lambda m, _: m.set_items(m.items()),
    "BINPUT": Machine.memoize,
    "LONG_BINPUT": Machine.memoize,
    "MEMOIZE": Machine.memoize,
    "BINGET": Machine.recall,
    "LONG_BINGET": Machine.recall,
    "GLOBAL": lambda m, both: m.name(*both),
    "STACK_GLOBAL": lambda m, _: m.name(*m.take(2)),
    "REDUCE": lambda m, _: m.call(),
    "NEWOBJ": lambda m, _: m.call(),
    "BUILD": lambda m, _: m.build(),
    "BINPERSID": lambda m, _: m.persist(),
}

_STEPS: Final = {_CODES[name]: step for name, step in _BY_NAME.items()}
