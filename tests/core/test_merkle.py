"""The tree against pymerkle, against RFC 6962's own numbers, and against every proof that is not quite right."""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from adsum.core import merkle
from adsum.core.notes import BadNote, Checkpoint, Signer, Verifier, open_note, write_note

LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
"""The inputs and, below, the roots of the test vectors of Google's certificate-transparency code."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def hashes(data: list[bytes]) -> list[bytes]:
    return [merkle.leaf_hash(one) for one in data]


def subtree_of(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    return lambda low, high: merkle.root_of(leaves[low:high])


def other(data: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for one in data:
        tree.append_entry(one)
    return tree


def test_the_known_roots():
    assert merkle.EMPTY == hashlib.sha256().digest() == merkle.root_of([])
    assert [merkle.root_of(hashes(LEAVES[:n])).hex() for n in range(1, 9)] == ROOTS


sizes = st.integers(1, 70)
data_of = st.lists(st.binary(max_size=12), min_size=1, max_size=70)


@given(data_of)
def test_roots_are_those_of_pymerkle(data: list[bytes]):
    tree = other(data)
    assert merkle.root_of(hashes(data)) == tree.get_root()
    grown = merkle.Range()
    for n, leaf in enumerate(hashes(data), 1):
        grown.append(leaf)
        assert grown.root() == tree.get_root(n)


@given(data_of, st.data())
def test_inclusion(data: list[bytes], draw: st.DataObject):
    leaves = hashes(data)
    size = draw.draw(st.integers(1, len(data)))
    index = draw.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, subtree_of(leaves))
    root = merkle.root_of(leaves[:size])
    assert merkle.root_from_inclusion(leaves[index], index, size, proof) == root
    theirs = other(data).prove_inclusion(index + 1, size)
    verify_inclusion(leaves[index], root, theirs)
    assert [bytes.fromhex(step) for step in theirs.serialize()["path"]][1:] == proof
    wrong = draw.draw(st.sampled_from(["leaf", "index", "path", "longer", "shorter"]))
    other_leaf, other_index, other_proof = leaves[index], index, list(proof)
    if wrong == "leaf":
        other_leaf = merkle.leaf_hash(b"something else, longer than any leaf")
    elif wrong == "index":
        other_index = (index + 1) % size
    elif wrong == "path" and proof:
        place = draw.draw(st.integers(0, len(proof) - 1))
        other_proof[place] = hashlib.sha256(proof[place]).digest()
    elif wrong == "longer":
        other_proof.append(root)
    elif proof:
        other_proof.pop(draw.draw(st.integers(0, len(proof) - 1)))
    if (other_leaf, other_index, other_proof) == (leaves[index], index, proof):
        return
    if wrong == "index" and leaves[other_index] == leaves[index]:
        return
    with suppress(ValueError):
        assert merkle.root_from_inclusion(other_leaf, other_index, size, other_proof) != root


@given(data_of, st.data())
def test_consistency(data: list[bytes], draw: st.DataObject):
    leaves = hashes(data)
    new = draw.draw(st.integers(1, len(data)))
    old = draw.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, subtree_of(leaves))
    roots = merkle.root_of(leaves[:old]), merkle.root_of(leaves[:new])
    assert merkle.is_consistent(old, roots[0], new, roots[1], proof)
    verify_consistency(*roots, other(data).prove_consistency(old, new))
    changed = hashlib.sha256(roots[0]).digest()
    assert not merkle.is_consistent(old, changed, new, roots[1], proof)
    assert not merkle.is_consistent(old, roots[0], new, changed, proof)
    if proof:
        place = draw.draw(st.integers(0, len(proof) - 1))
        bad = [*proof[:place], changed, *proof[place + 1 :]]
        assert not merkle.is_consistent(old, roots[0], new, roots[1], bad)
        assert not merkle.is_consistent(old, roots[0], new, roots[1], proof[:-1])
    assert not merkle.is_consistent(old, roots[0], new, roots[1], [*proof, changed])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_what_is_not_in_the_tree_has_no_proof(index: int, size: int):
    with pytest.raises(ValueError):
        merkle.inclusion_proof(index, size, subtree_of([]))
    with pytest.raises(ValueError):
        merkle.root_from_inclusion(b"", index, size, [])


@pytest.mark.parametrize(("old", "new"), [(0, 1), (2, 1), (0, 0)])
def test_only_an_older_tree_is_the_beginning(old: int, new: int):
    with pytest.raises(ValueError):
        merkle.consistency_proof(old, new, subtree_of([]))
    assert not merkle.is_consistent(old, b"a", new, b"b", [])


# Signed notes

SIGNER = Signer("adsum.example/log", bytes(range(32)))
OTHER = Signer("adsum.example/log", bytes(32))
SIGNED = Checkpoint("adsum.example/log", 8, bytes.fromhex(ROOTS[7]))
NOTE = write_note(str(SIGNED), SIGNER.verifier, SIGNER.sign(str(SIGNED)))


def test_a_note_as_c2sp_writes_it():
    lines = NOTE.split("\n")
    assert lines[:4] == ["adsum.example/log", "8", b64encode(SIGNED.root).decode(), ""]
    assert lines[4].startswith("— adsum.example/log ")
    assert Checkpoint.read(open_note(NOTE, [OTHER.verifier, SIGNER.verifier])) == SIGNED


def test_the_published_key_of_the_specification_is_read():
    """The example of c2sp.org/signed-note, with Go's own implementation."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert str(Verifier.read(text)) == text
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert open_note(note, [Verifier.read(text)]).startswith("If you think")
    with pytest.raises(BadNote):
        open_note(note.replace("answer", "Answer"), [Verifier.read(text)])


def test_further_signatures_do_not_matter_and_a_wrong_one_does():
    theirs = NOTE.rpartition("\n\n")[2]
    ours = write_note(str(SIGNED), OTHER.verifier, OTHER.sign(str(SIGNED)))
    assert open_note(ours + theirs, [SIGNER.verifier])
    with pytest.raises(BadNote, match="not signed with any"):
        open_note(ours, [SIGNER.verifier])
    forged = write_note(str(SIGNED), SIGNER.verifier, OTHER.sign(str(SIGNED)))
    with pytest.raises(BadNote, match="the signature is wrong"):
        open_note(forged, [SIGNER.verifier])


@given(st.integers(0, len(NOTE) - 1), st.characters(exclude_categories=["Cs"]))
def test_no_character_of_a_note_can_be_changed(place: int, character: str):
    changed = NOTE[:place] + character + NOTE[place + 1 :]
    if changed != NOTE:
        with pytest.raises(BadNote):
            open_note(changed, [SIGNER.verifier])


@given(st.text(max_size=300))
def test_any_text_is_refused_with_a_sentence(text: str):
    with pytest.raises(BadNote):
        open_note(text, [SIGNER.verifier])
    with pytest.raises(BadNote):
        Verifier.read(text)


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n-1\nAA==\n", "a\n01\n" + str(SIGNED).split("\n")[2] + "\n", "a\n1\nAA==\n", "\n1\n"]
)
def test_what_is_no_checkpoint(text: str):
    with pytest.raises(BadNote):
        Checkpoint.read(text)


def test_a_damaged_key_is_seen():
    name, hash_, key = str(SIGNER.verifier).split("+", 2)
    with pytest.raises(BadNote, match="damaged"):
        Verifier.read(f"{name}x+{hash_}+{key}")
