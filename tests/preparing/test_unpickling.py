"""Pickles: what they may hold, and that nothing they ask for is ever called."""

from __future__ import annotations

import base64
import builtins
import io
import os
import pickle
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drawsim.common.errors import UserError
from drawsim.preparing.unpickling import read_array, read_pickle

PANDAS_1 = {
    "table": (
        "c-n1KL2uJA6mHU%0h?e<Dr^^Si0+bZw;hlWTZIG>MH&|_ljS6C9hNx3akN!p5*$`G>D_qSnKOTbf5IPuXSaoR!jk"
        "Qm#NYS6_x$B^`|5qO;RZY?xk`8y#Dx~YQ1e_M-05?}U%L1kZhyfu>_Us>BaQHQ@p!6?(28eOkaNXHLRScD`&khmz"
        "nMN093IXPEK8&69|Yk(t5uoC$C+S}#n{6es?N*tl$}DM(->iu4Rw)6^>FAIyVvVe?TuLtjrMFuXgfUZi5ZtxJ^1M"
        "!US52~L+pl4@SfpdFnIl&hFijh!6@`Xe}dp0prK=MJF3&nq>3cAt1OKzP3VWs(6cO|Z&$erodv0RO#rSnr_^gqi?"
        "~pg(RFMHD%W9!8sI(>QR5sBya=a)JYuEPas&LgOEN#*kolZsULMgk_{k1J=S3D#5@}e!{&n^J=MOD3+a=|vy<{i&"
        "P>v8*#=YHX<b9;6Q4oW?*S+3sED!HSFHv^F<~hnO^S9Uu+RU5FH=l@8Q3VmN$S-%95-04HeP;{ahxR;n&Pm8kD4)"
        "ouws^TcFTF(%Jy%q-P7{Py$&Dnfie~BbLQ7c>4(f?*c^|g^CqZ*HvKkKUzK~bG8_@k3t_?LET9qkEs>cR`0?%;@y"
        "O6cXEaZBtbN&agTo~?zACV2XG34ztgj;Nw@sSH3@hmG&DwfnGnS>j`G9C#s_C-}k!5_5bMq&"
    ),
    "indexed": (
        "c-m!BO-md>5Ov2LV?u~XFcAVduY}CHH$8<I5zLYe<Q|&pnRa_(Pw&tl=t6|#pi$_X<=u1sM*d0uh*tM%jMxK3^>n"
        "@0uU_?!?uF0h(hAEh=n8C6PK+q_3^W46<85%Tlk#(1`-w-`3tiTX4TjhMm)F_}qe0oC0S#keEQY6BYEtfhn(YZ5U"
        "fdv<s=2*`U|3>aw{^L%1mh7Ci&wO7+UbnF@ygX;3`~iY8BtEOb;g%27UroC!z1EOCFeMtJH`(kj=%5=_J$q$vJ;d"
        "`A+OxDjh%$-^9G)s&d%pU=R1x@qmNg#QW(B-$j`n~uZxHMYQ6Z@j){NTAEZpsVOZq8CQ+Ky=T_CFNY}=@BIz)T@f"
        "ah;>V2OoaVTuT!IHaAm=*_YH~u5Id=v89Jo#La_b8vq<=BsW{;wO_ydrg>+k%q_QBGIK5smx_)yTK9Pk1?a2+eMw"
        "y^vMw<nepO$xZ3lw*Px^`RBJ0h7D4Kax={Py28XLVxYN`d-NottlQ_o8sQ-6Bt1DeM}t4Yu)y{dj8pm&l$sn^R{5"
        "4}0w<UPE@<kf*7M>TPa6Kk"
    ),
    "series": (
        "c-nnZO=}cE5Y28fn>8w8Fhnnc2W4`Z-31Tcf*%(hT)~`|re>y{9_{HJ`om<wfF7a=^hHv+d-iYmPy8cV-9sQ=>_b"
        "yjzgO>7Rew${z7N;p@!K7!3QSfmHO~y!4L9gV2YqmkdtdMvQ@_F5TBE;z72GJxwE}6f78KN66LI^XQMKgH<g)zmy"
        "3h7S(gpgv|FSE7#7$O!;pn%R;)m>I$Pr##_sL}()hn=oen+{sTlMtTN!x(dutI->X<jasvD%fEC_afm^qV9XA?KK"
        "{o#699f#2{gruiTro}k$ANo7|Z50v4XCwO++zpneiC!Ejcul~@9SH5qtI9rgFVKpTqPh~-p!m=0c_r;H2KQ-5EhM"
        "YitLqSUot-Gc|_m%3w0>vG%8w`khSLGkXg5#q}HO=04HQ8NFW-$td0_~=_MeU2*|KW>=;!%K$RP6O~$F#m_HhY}S"
        "`q=?Z8O4?#6=5j`7co8h2-1azi67Hy8NJc^#)WHWu8P9M$fo3Ra``YH1Yrlx#1<J%jZ`jw%Qe<=3voweIt8DAwe%"
        "Z;6ZTF*9m8Faa(QT2<vOYimNN+jmj+LbAe$Xnfv(8@0*r$P+5"
    ),
}
"""Written by pandas 1.5.3 and numpy 1.26.4: a table (protocol 5), the same indexed by uid (4), its
column `path` (5); bytes in zlib in base 85."""
IDS = ["d0", "Albrecht_Du╠êrer_1"]
PATHS = ["x/d0.jpg", "y/1.jpg"]


def saved(tmp_path: Path, data: bytes, name: str = "x.pkl") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_tables_of_older_pandas(tmp_path: Path) -> None:
    table, indexed, series = (
        read_pickle(saved(tmp_path, zlib.decompress(base64.b85decode(text))))
        for text in PANDAS_1.values()
    )
    assert table.to_dict("list") == {"uid": IDS, "path": PATHS, "n": [3, 5], "p": ["q", "r"]}
    assert table["n"].dtype == np.int64
    assert indexed.index.name == "uid"
    assert indexed["path"].to_dict() == dict(zip(IDS, PATHS, strict=True))
    assert isinstance(series, pd.Series)
    assert series.to_dict() == dict(zip(IDS, PATHS, strict=True))


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_dict_of_texts(tmp_path: Path, protocol: int) -> None:
    value = dict(zip(IDS, PATHS, strict=True))
    assert read_pickle(saved(tmp_path, pickle.dumps(value, protocol))) == value


ARRAYS: list[np.ndarray] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    np.arange(3, dtype=">i2"),
    np.array(["a", "Du╠êrer"]),
    np.array([True, False]),
    np.array(2.5, dtype=np.float16),
    np.empty((0, 4), np.float32),
    np.array([["a", None], ["b", 1.5]], dtype=object),
    np.asfortranarray(np.array([["a", "b"], ["c", "d"]], dtype=object)),
]


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_arrays(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    read = read_pickle(saved(tmp_path, pickle.dumps(array, protocol)))
    np.testing.assert_array_equal(read, array, strict=True)


def test_an_array_of_ids_and_vectors_as_numpy_saves_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    array = np.empty((5, 2), dtype=object)
    for i in range(5):
        array[i] = [np.str_(f"d{i}") if i % 2 else f"d{i}", rng.normal(size=7).astype(np.float32)]
    for version, name in (((1, 0), "one.npy"), ((2, 0), "two.npy")):
        with (tmp_path / name).open("wb") as file:
            np.lib.format.write_array(file, array, version)
        read = read_array(tmp_path / name)
        assert read.shape == (5, 2)
        assert list(read[:, 0]) == [f"d{i}" for i in range(5)]
        for mine, theirs in zip(read[:, 1], array[:, 1], strict=True):
            np.testing.assert_array_equal(mine, theirs, strict=True)


def test_an_array_without_objects(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ARRAYS[0])
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy"), ARRAYS[0], strict=True)


CALLED: list[object] = []


class Asks:
    """A pickle of this calls a function when it is read."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.asked = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.asked


def note(*arguments: object) -> None:
    CALLED.append(arguments)


HOSTILE = {
    "os.system": Asks(os.system, "exit 1"),
    "eval": Asks(eval, "1 + 1"),
    "exec": Asks(exec, "x = 1"),
    "import": Asks(builtins.__import__, "os"),
    "getattr": Asks(getattr, "", "join"),
    "a chain of getattr": Asks(getattr, Asks(builtins.__import__, "os"), "system"),
    "a function of ours": Asks(note, 1),
    "an open file": Asks(open, os.devnull),
    "a torch tensor": torch.zeros(2),
    "numpy's maker of zeros": Asks(np.zeros, 2),
    "a reader of memory": Asks(np.frombuffer, b"12345678"),
    "a path": Path("x"),
    "pandas' eval": Asks(pd.eval, "1"),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(tmp_path: Path, name: str, protocol: int) -> None:
    data = pickle.dumps({"a": ["b", HOSTILE[name]]}, protocol)
    pickle.loads(data)  # it would work elsewhere
    CALLED.clear()
    with pytest.raises(UserError, match=r"x\.pkl: refused, for it asks for \w+") as error:
        read_pickle(saved(tmp_path, data))
    assert CALLED == []
    assert len(str(error.value).splitlines()) == 1
    array = np.array([["a", None]], dtype=object)
    array[0, 1] = HOSTILE[name]
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(UserError, match=r"x\.npy: refused"):
        read_array(tmp_path / "x.npy")


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
FORGED = {
    "a dotted name": b"\x80\x04\x8c\x08builtins\x8c\x0eslice.__init__\x93.",
    "an inner name of an admitted module": b"cnumpy\nndarray.dumps\n.",
    "a name of numpy's that is not needed": b"cnumpy\nload\n.",
    "a method of an array": b"cnumpy\nndarray\n\x8c\x05dumps\x86cbuiltins\ngetattr\n.",
    "an object from elsewhere": b"\x80\x04\x8c\x01x\x51.",
    "an old one from elsewhere": b"Px\n.",
    "an extension by number": b"\x80\x02\x82\x01.",
    "attributes of a class set": b"cnumpy\ndtype\n(N}\x8c\x05plain\x8c\x01xstb.",
    "an array that nobody filled": RECONSTRUCT + b")R.",
    "a type of its own": RECONSTRUCT
    + b")R(I1\n(I1\ntcnumpy\ndtype\n(VV8\nI0\nI1\ntRI00\nC\x01xtb.",
    "pointers in the guise of objects": RECONSTRUCT
    + b")R(I1\n(I1\ntcnumpy\ndtype\n(VO8\nI0\nI1\ntRI00\nC\x08AAAAAAAAtb.",
    "more elements than bytes": RECONSTRUCT
    + b")R(I1\n(I99999999\ntcnumpy\ndtype\n(Vf8\nI0\nI1\ntRI00\nC\x08AAAAAAAAtb.",
    "a negative size": RECONSTRUCT
    + b")R(I1\n(I-1\ntcnumpy\ndtype\n(Vf8\nI0\nI1\ntRI00\nC\x08AAAAAAAAtb.",
    "nothing": b"",
    "half of one": pickle.dumps(np.arange(9), 4)[:-9],
    "not a pickle": b"uid,path\nd0,x\n",
    "a bare class": b"cnumpy\nndarray\n)R.",
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_pickles_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"x\.pkl: (refused|damaged)") as error:
        read_pickle(saved(tmp_path, FORGED[name]))
    assert len(str(error.value).splitlines()) == 1
    # The classes that stand in for numpy's are as they were.
    np.testing.assert_array_equal(
        read_pickle(saved(tmp_path, pickle.dumps(ARRAYS[0]))), ARRAYS[0], strict=True
    )


def test_other_tables_of_pandas_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"path": pd.Categorical(["x", "y"])})
    with pytest.raises(UserError, match="refused, for it asks for pandas"):
        read_pickle(saved(tmp_path, pickle.dumps(frame)))


def test_a_few_bytes_cannot_ask_for_much_memory(tmp_path: Path) -> None:
    milliard = (1_000_000_000).to_bytes(4, "little")
    for text in (
        b"\x80\x02]r" + milliard + b".",
        b"\x80\x05\x96" + (1 << 40).to_bytes(8, "little") + b"abc.",
    ):
        with pytest.raises(UserError, match="damaged"):
            read_pickle(saved(tmp_path, text))


@settings(max_examples=300)
@given(data=st.binary(max_size=60), at=st.integers(0, 400))
@example(data=b".", at=142)  # ends where the type of the array has just been made
def test_whatever_is_written_over_a_pickle_is_read_or_refused(data: bytes, at: int) -> None:
    """No other error, and no other type, comes out of a damaged file."""
    whole = pickle.dumps(np.array([["a", None], ["b", 1.5]], dtype=object), 4)
    text = whole[: at % len(whole)] + data + whole[at % len(whole) + len(data) :]
    with tempfile.TemporaryDirectory() as folder:
        try:
            value = read_pickle(saved(Path(folder), text))
        except UserError:
            return
    assert isinstance(
        value, np.ndarray | str | bytes | int | float | list | tuple | dict | set | None
    )


NPY = io.BytesIO()
np.save(NPY, ARRAYS[7])


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", "damaged"),
        (b"\x93NUMPY\x09\x00", r"version \(9, 0\)"),
        (NPY.getvalue()[:40], "damaged"),
        (NPY.getvalue()[:-5], "damaged"),
        (NPY.getvalue().replace(b"(2, 2)", b"(4, 2)"), r"the shape \(4, 2\)"),
        (NPY.getvalue().replace(b"'|O'", b"'|X'"), "damaged"),
    ],
)
def test_damaged_arrays(tmp_path: Path, data: bytes, answer: str) -> None:
    with pytest.raises(UserError, match=answer):
        read_array(saved(tmp_path, data, "x.npy"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.pkl: cannot be read: No such file"):
        read_pickle(tmp_path / "x.pkl")
